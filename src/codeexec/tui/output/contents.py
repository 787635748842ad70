"""Convert artifact bytes to displayable content, in a thread."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from codeexec.domain.content.mime import is_binary
from codeexec.domain.requests import TablePage
from codeexec.domain.text.parsing import load_json
from codeexec.domain.text.printable import printable
from codeexec.domain.text.words import size_words
from codeexec.tui.render.registry import Kind, kind_of

MOST_CHARS = 400_000
"""Characters of a text that are laid out; the rest is in the file."""

MOST_PAGE = 20_000_000
"""Bytes of HTML in which a table or a chart is looked for; a longer page is shown as text, and of
that the beginning."""

_PIECE = 1 << 16
"""Characters that are made printable at once: a pattern keeps all threads waiting."""

MOST_MARKDOWN = 60_000
"""Characters that are laid out as Markdown; a longer text is shown as it is written."""

MOST_JSON = 1_000_000
"""Bytes of JSON that become a tree; more is shown as text, which costs the keys nothing."""

_JSON_CONTROLS = re.compile(
    r"((?<!\\)(?:\\\\)*)\\u00(?:0[0-8bcef]|1[0-9a-f]|7f|[89][0-9a-f])", re.IGNORECASE
)
"""Control characters as JSON spells them."""


@dataclass(frozen=True, slots=True)
class PictureContent:
    """A picture; a chart by its type, else by its bytes."""

    data: bytes
    mime: str = ""


@dataclass(frozen=True, slots=True)
class FormulaContent:
    """LaTeX and its text, for screens without pictures."""

    data: bytes
    text: str


@dataclass(frozen=True, slots=True)
class TableContent:
    page: TablePage


@dataclass(frozen=True, slots=True)
class JsonContent:
    text: str


@dataclass(frozen=True, slots=True)
class MarkdownContent:
    text: str


@dataclass(frozen=True, slots=True)
class TextContent:
    text: str


@dataclass(frozen=True, slots=True)
class NoContent:
    """Nothing to see, and why."""

    message: str


Content = (
    PictureContent
    | FormulaContent
    | TableContent
    | JsonContent
    | MarkdownContent
    | TextContent
    | NoContent
)


def prepare(mime: str, data: bytes, name: str = "") -> Content:
    """What to show of content of that type. Takes as long as parsing does: call it in a thread."""
    if "html" in mime and len(data) > MOST_PAGE:
        return _beginning_of_page(data)
    text = "" if is_binary(mime) and "svg" not in mime else _text(data)
    kind: Kind = kind_of(mime, text)
    match kind:
        case "picture":
            return PictureContent(data, mime)
        case "table":
            page = _table(text, mime)
            return TableContent(page) if page is not None else _page(text, mime)
        case "html":
            return _page(text, mime)
        case "markdown":
            return _markdown(text)
        case "latex":
            from codeexec.documents.displays.latex import latex_to_text  # not at the start

            return FormulaContent(data, latex_to_text(text))
        case "json":
            return _json(text)
        case "text":
            return TextContent(_clipped(text))
        case "file":
            from codeexec.documents.displays.media import is_media, media_words

            if is_media(mime):
                return _sound(media_words(mime, data))
            if _is_binary(data):
                return NoContent(f"{name or mime} cannot be shown here.\nO opens it elsewhere.")
            return TextContent(_clipped(text))
        case _:
            assert_never(kind)


def _table(text: str, mime: str) -> TablePage | None:
    if "html" in mime:
        return _only_table(text)
    if "json" in mime:
        from codeexec.documents.displays.json_lines import from_json_lines  # not at the start

        return from_json_lines(text)
    from codeexec.documents.displays.tables import from_csv

    return from_csv(text)


def _only_table(html: str) -> TablePage | None:
    """The table of a page that is nothing else; one with words beside it is shown as a page."""
    from codeexec.documents.displays.html import text_beside_table  # not at the start
    from codeexec.documents.displays.tables import from_html

    return None if text_beside_table(html) else from_html(html)


def _page(text: str, mime: str) -> Content:
    if "html" not in mime:
        return TextContent(_clipped(text))
    from codeexec.documents.displays.html import html_to_markdown  # not at the start
    from codeexec.documents.displays.media import media_in_html

    if label := media_in_html(text):
        return _sound(label)
    markdown = html_to_markdown(text)
    if not markdown.strip():
        return NoContent("This page needs a browser.\nO opens it there.")
    return _markdown(markdown)


def _beginning_of_page(data: bytes) -> Content:
    from codeexec.documents.displays.html import html_to_markdown  # not at the start
    from codeexec.documents.displays.long_html import MOST_PROSE, beginning_of

    markdown = html_to_markdown(beginning_of(_text(data[: MOST_PROSE + _PIECE])))
    left_out = f"… {size_words(len(data) - MOST_PROSE)} more of this page: O opens it elsewhere"
    return _markdown(f"{markdown[: MOST_MARKDOWN - 100]}\n\n{left_out}")


def _sound(label: str) -> NoContent:
    return NoContent(f"{label[0].upper()}{label[1:]}.\nO opens it elsewhere.")


def _markdown(text: str) -> Content:
    return MarkdownContent(text) if len(text) <= MOST_MARKDOWN else TextContent(_clipped(text))


def _json(text: str) -> Content:
    text = _JSON_CONTROLS.sub(r"\1\\ufffd", text)
    if len(text) <= MOST_JSON:
        return JsonContent(text)
    try:
        text = json.dumps(load_json(text), indent=2, ensure_ascii=False)
    except ValueError:
        pass  # as it stands, then
    return TextContent(_clipped(text))


def _text(data: bytes) -> str:
    text = data.decode("utf-8-sig", errors="replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(printable(piece, lines=True) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces, most of which end with a line."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        end = text.find("\n", end, end + _PIECE) + 1 or end
        yield text[start:end]
        start = end


def _is_binary(data: bytes) -> bool:
    return b"\0" in data[:8192]


def _clipped(text: str) -> str:
    if len(text) <= MOST_CHARS:
        return text
    return f"{text[:MOST_CHARS]}\n… {len(text) - MOST_CHARS:,} more characters: save it to see them"


def as_csv(page: TablePage, delimiter: str = ",") -> str:
    """A table as text, its index first where it has one."""
    import csv  # not at the start

    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    with_index = bool(page.index)
    writer.writerow(["", *page.names] if with_index else page.names)
    for at, row in enumerate(page.cells):
        writer.writerow([page.index[at], *row] if with_index else row)
    return out.getvalue()
