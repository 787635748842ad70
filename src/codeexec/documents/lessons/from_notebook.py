"""Writes a lesson of a notebook: what its cells have put out is what is expected."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from codeexec.documents.export.markdown import fenced, prose_of
from codeexec.documents.export.outputs import stream_rows
from codeexec.documents.lessons.expectation import ELLIPSIS, normalized
from codeexec.documents.lessons.reading import INPUT, OUTPUT
from codeexec.documents.model import CellKind
from codeexec.documents.notebook.matching import kind_of
from codeexec.documents.notebook.outputs import Json, joined
from codeexec.domain.outputs import plain
from codeexec.domain.text.printable import printable

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

    from codeexec.documents.notebook.convert import Notebook

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_KERNEL = re.compile(r"[A-Za-z0-9._@-]{1,100}")
_FIRST_LINES, _LAST_LINES = 30, 5
"""Lines of an output that are expected; of a longer one the rest may be anything."""
_STEP = "---"


def lesson_of(
    notebook: Notebook,
    title: str,
    runnable: Callable[[str], str],
    *,
    has_outputs: bool = True,
) -> str:
    """The Markdown of a lesson. `title` is for a notebook without a heading, `runnable` as for
    `read_lesson`; with `has_outputs` the outputs of the cells are expected."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    languages, main = notebook.languages, notebook.language or "python"
    parts: list[tuple[bool, str]] = []
    headings: list[str] = []
    for raw in notebook.data["cells"]:
        source = joined(raw.get("source"))
        if not source.strip():
            continue
        if kind_of(raw) is CellKind.CODE:
            if cell_title := str((raw.get("metadata") or {}).get("title") or "").strip():
                headings.append(cell_title)
                parts.append((False, f"## {' '.join(cell_title.split())}"))
            language = languages.own(raw.get("metadata")) or main
            expected = _expected(raw.get("outputs") or ()) if has_outputs else ""
            parts.append((True, "\n\n".join(filter(None, (fenced(source, language), expected)))))
        elif kind_of(raw) is CellKind.MARKDOWN:
            prose, its_headings = _prose(prose_of(raw).strip("\n"), parser, runnable)
            headings += its_headings
            parts.append((False, prose))
        else:
            parts.append((False, fenced(source, "text")))
    texts = [text for _, text in parts] if headings else _with_steps(parts)
    own_title = (notebook.data.get("metadata") or {}).get("title")
    if not isinstance(own_title, str) or not own_title:
        own_title = headings[0] if headings else title
    front = [f"title: {json.dumps(printable(own_title), ensure_ascii=False)}"]
    if main != "python" and _KERNEL.fullmatch(notebook.kernel):
        front.append(f"kernel: {json.dumps(notebook.kernel)}")
    return "\n\n".join(["\n".join(["---", *front, "---"]), *texts]) + "\n"


def _with_steps(parts: Sequence[tuple[bool, str]]) -> Iterator[str]:
    """The parts of a lesson without headings, divided into steps by lines: prose and the code after
    it are one; of code alone, each. A part is whether it is code, and its text."""
    has_prose = not all(is_code for is_code, _ in parts)
    was_code = False
    for is_code, text in parts:
        if was_code and not (has_prose and is_code):
            yield _STEP
        yield text
        was_code = is_code


def _prose(text: str, parser: MarkdownIt, runnable: Callable[[str], str]) -> tuple[str, list[str]]:
    """Markdown of which nothing runs, and its headings. Markdown that would take what follows it
    with it, such as a fence without an end, is shown as it is written."""
    probe = parser.parse(f"{text}\n\n{fenced('probe', 'python')}")[-1]
    if probe.type != "fence" or probe.level or probe.content != "probe\n":
        return fenced(text, "text"), []
    lines = text.split("\n")
    headings: list[str] = []
    is_heading = False
    for token in parser.parse(text):
        if token.type == "fence" and token.map:
            at = token.map[0]
            indent = lines[at].partition(token.markup)[0]
            lines[at] = f"{indent}{token.markup}{_inert(token.info.strip(), runnable)}"
        elif is_heading and token.content.strip():
            headings.append(token.content.strip())
        is_heading = token.type == "heading_open"
    return "\n".join(lines), headings


def _inert(info: str, runnable: Callable[[str], str]) -> str:
    """The words of a fence that is only shown."""
    try:
        first, *attributes = shlex.split(info.strip("{}")) or [""]
    except ValueError:
        return "text"
    first = first.strip("{},")
    if (
        not first
        or first in (OUTPUT, INPUT)
        or any(word.startswith("include") for word in attributes)
    ):
        return "text"
    return f"{first} norun" if runnable(first) else info


def _expected(outputs: Sequence[Json]) -> str:
    """Fences of what code has put out; empty for nothing."""
    texts: list[str] = []
    error = ""
    for output in outputs:
        match output:
            case {"output_type": "stream", "text": text}:
                texts += stream_rows(joined(text).removesuffix("\n"))
            case {"output_type": "error", "ename": name, "evalue": value}:
                error = plain(f"{name}: {value}" if value else str(name))
            case {"data": {"text/plain": text}}:
                texts += stream_rows(joined(text))
    lines = normalized(plain("\n".join(texts))).split("\n")
    fences = []
    if any(lines):
        if len(lines) > _FIRST_LINES + _LAST_LINES:
            lines = [*lines[:_FIRST_LINES], ELLIPSIS, *lines[-_LAST_LINES:]]
        fences.append(fenced(_sure(lines), OUTPUT))
    if error:
        fences.append(fenced(_sure(error.split("\n")), f"{OUTPUT} raises"))
    return "\n\n".join(fences)


def _sure(lines: Sequence[str]) -> str:
    """Without what differs in each run."""
    return _ADDRESS.sub(ELLIPSIS, "\n".join(lines))
