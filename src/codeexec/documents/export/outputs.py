"""Outputs of a notebook for exports: the best form of each, as one of a few kinds."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from codeexec.documents.notebook.outputs import joined
from codeexec.domain.content.mime import decode_base64
from codeexec.domain.text.printable import printable_row

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_TRACEBACK_ROWS = 400

Kind = Literal["text", "error", "stderr", "html", "markdown", "latex", "picture"]


class RenderedOutput(NamedTuple):
    """An output: of a picture `content` is a data URI, else text; `alt` says it in words."""

    kind: Kind
    content: str
    alt: str = ""


def shown_outputs(cell: Mapping[str, Any]) -> Iterator[RenderedOutput]:
    """The outputs of a code cell in order. Those that cannot be read are left out."""
    try:
        outputs = list(cell.get("outputs") or ())
    except (TypeError, ValueError) as error:
        yield RenderedOutput("error", f"The outputs cannot be read: {error}.")
        return
    for output in outputs:
        if isinstance(output, dict) and (shown := _shown(output)) is not None:
            yield shown


def _shown(output: Mapping[str, Any]) -> RenderedOutput | None:
    match output.get("output_type"):
        case "stream":
            text = "\n".join(stream_rows(joined(output.get("text"))))
            return RenderedOutput("stderr" if output.get("name") == "stderr" else "text", text)
        case "error":
            trace = output.get("traceback")
            rows = [str(row) for row in trace] if isinstance(trace, list) else []
            last = f"{joined(output.get('ename'))}: {joined(output.get('evalue'))}"
            text = "\n".join(rows[-_TRACEBACK_ROWS:]) or last
            return RenderedOutput("error", "\n".join(map(printable_row, text.split("\n"))))
        case "display_data" | "execute_result":
            data = output.get("data")
            return _display(data) if isinstance(data, dict) else None
    return None


def _display(data: Mapping[str, Any]) -> RenderedOutput | None:
    plain = joined(data.get("text/plain"))
    if "text/html" in data:
        return RenderedOutput("html", joined(data["text/html"]), plain)
    if "image/svg+xml" in data:
        svg = base64.b64encode(joined(data["image/svg+xml"]).encode("utf-8", "replace")).decode()
        return RenderedOutput("picture", f"data:image/svg+xml;base64,{svg}", plain)
    for mime in _PICTURES:
        if mime in data and (uri := picture_uri(mime, joined(data[mime]))):
            return RenderedOutput("picture", uri, plain)
    if "text/markdown" in data:
        return RenderedOutput("markdown", joined(data["text/markdown"]), plain)
    if "text/latex" in data:
        return RenderedOutput("latex", joined(data["text/latex"]), plain)
    return (
        RenderedOutput("text", "\n".join(map(printable_row, plain.split("\n")))) if plain else None
    )


def stream_rows(text: str) -> list[str]:
    """The rows of text of a stream as a terminal shows them, made printable."""
    return [printable_row(row.rstrip("\r").rpartition("\r")[2]) for row in text.split("\n")]


def picture_uri(mime: str, value: str) -> str:
    """The data URI of a picture; empty if it is no base64."""
    content = decode_base64(value)
    if content is None:
        return ""
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def attachment_uris(cell: Mapping[str, Any]) -> dict[str, str]:
    """The data URI of each attachment of a cell, by name."""
    attachments = cell.get("attachments")
    uris: dict[str, str] = {}
    for name, forms in attachments.items() if isinstance(attachments, dict) else ():
        for mime, value in forms.items() if isinstance(forms, dict) else ():
            if mime in _PICTURES and (uri := picture_uri(mime, joined(value))):
                uris[name] = uri
    return uris
