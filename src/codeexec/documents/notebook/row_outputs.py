"""Converts rows of an execution to outputs of a notebook cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from codeexec.documents.notebook.outputs import Json
from codeexec.domain.content.mime import is_json
from codeexec.domain.outputs import Display, MimePart, Run
from codeexec.domain.text.parsing import load_json

TextOf = Callable[[MimePart], str]
"""The value of a part as its `text` has it: text, JSON text, or base64."""


def outputs_of(runs: Iterable[Run], text_of: TextOf) -> Iterator[Json]:
    """Outputs as in nbformat; adjacent text of one stream is one output."""
    texts: list[str] = []
    kind = ""
    is_open = False
    for run in runs:
        # As in Jupyter: prompts and answers of input() are text of stdout.
        name = "stdout" if run.kind == "stdin" else run.kind
        if texts and name != kind:
            yield _stream(kind, texts, is_open)
            texts.clear()
        kind = name
        if run.is_text:
            texts.append(run.text)
            is_open = run.open
        elif run.error is not None:
            yield {
                "output_type": "error",
                "ename": run.error.name,
                "evalue": run.error.value,
                "traceback": list(run.error.traceback),
            }
        elif run.display is not None:
            yield _shown(run.display, text_of)
    if texts:
        yield _stream(kind, texts, is_open)


def _stream(kind: str, texts: list[str], is_open: bool) -> Json:
    """`is_open`: the last row has no newline."""
    text = "\n".join(texts) + ("" if is_open else "\n")
    return {"output_type": "stream", "name": kind, "text": text}


def _shown(display: Display, text_of: TextOf) -> Json:
    common = {
        "data": {part.mime: value_of(part.mime, text_of(part)) for part in display.parts},
        "metadata": dict(display.metadata),
    }
    if display.role == "result":
        return {"output_type": "execute_result", "execution_count": display.count, **common}
    return {"output_type": "display_data", **common}


def value_of(mime: str, text: str) -> object:
    """The value as in Jupyter: parsed for JSON types, else text."""
    if not is_json(mime):
        return text
    try:
        value: object = load_json(text)
    except ValueError:
        return text  # nested too deeply, or a number with too many digits
    return value
