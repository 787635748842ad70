"""Converts HTML to readable text: Markdown or plain text.

Headings, lists, links, code and tables are kept; scripts and styles are dropped.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from codeexec.documents.displays.long_html import MOST_PROSE, beginning_of, quick_to_read
from codeexec.documents.displays.polars_html import SHAPE
from codeexec.documents.displays.table_values import NULLS, is_number
from codeexec.documents.displays.tables import from_html
from codeexec.domain.text.words import size_words

MOST_ROWS = 200
"""Maximum rows of a table as plain text."""

_BLOCK_NAMES = """
address article aside blockquote body dd details div dl dt figure footer form header li main nav
ol p pre section summary table tbody tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_EMBEDDED = {
    "audio": "a browser plays it",
    "video": "a browser plays it",
    "iframe": "a browser shows it",
    "object": "a browser shows it",
}
_SILENT = frozenset({"script", "style", "head", "template", "title", "noscript", *_EMBEDDED})
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
_MARKS = {
    "b": "**",
    "strong": "**",
    "i": "*",
    "em": "*",
    "code": "`",
    "kbd": "`",
    "s": "~~",
    "del": "~~",
}
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|])")
_DEEPEST = 20
"""Maximum indented levels of lists."""

_LINK = re.compile(r"(?:https?|mailto):[^\s<>()]*")
_BLANK_LINES = re.compile(r"\n{3,}")
_HEADING = re.compile(r"h[1-6]")
_CAPTION = re.compile(r"<caption\b[^<>]*+>", re.IGNORECASE)
_CAPTION_END = re.compile(r"</caption\s*+>", re.IGNORECASE)
_TABLE_TAG = re.compile(r"</?table\b[^<>]*+>", re.IGNORECASE)
_SHAPE_LINE = re.compile(r"(?<![\d,])[\d,]++ rows? [×x] [\d,]+ columns?")
_TABLE = re.compile(r"<table\b", re.IGNORECASE)
_TABLE_END = re.compile(r"</table\s*+>", re.IGNORECASE)


def html_to_markdown(html: str) -> str:
    """The visible text of HTML as Markdown; may be empty."""
    return _converted(html, as_markdown=True)


def html_to_text(html: str) -> str:
    """The visible text of HTML as plain text with aligned tables; may be empty."""
    return _converted(html, as_markdown=False)


def text_beside_table(html: str) -> str:
    """The visible text of HTML outside its first table; may be empty.

    The line in which pandas or polars writes the shape of a frame counts as part of its table.
    """
    span = _find_table(html)
    if span is None:
        return html_to_text(html)
    start, end = span
    text = f"{_caption(html[start:end])}\n{html[:start]}\n{html[end:]}"
    return SHAPE.sub("", _SHAPE_LINE.sub("", html_to_text(text))).strip()


def _converted(html: str, *, as_markdown: bool) -> str:
    left_out = len(html) - MOST_PROSE
    html = beginning_of(html)
    parts: list[str] = []
    at = 0
    while span := _find_table(html, at):
        start, end = span
        table = html[start:end]
        parts.append(_prose(html[at:start], as_markdown))
        parts.append(_prose(_caption(table), as_markdown))
        parts.append(_table(table, as_markdown))
        at = end
    parts.append(_prose(html[at:], as_markdown))
    if left_out > 0:
        parts.append(f"… {size_words(left_out)} more of this page are not shown here")
    return "\n\n".join(part for part in parts if part)


def _find_table(html: str, at: int = 0) -> tuple[int, int] | None:
    """Start and end of the next table. A pattern for whole tables would scan to the end of the
    text for each `<table`."""
    start = _TABLE.search(html, at)
    end = _TABLE_END.search(html, start.end()) if start else None
    return (start.start(), end.end()) if start and end else None


def _caption(table: str) -> str:
    start = _CAPTION.search(table)
    end = _CAPTION_END.search(table, start.end()) if start else None
    return table[start.end() : end.start()] if start and end else ""


def _prose(html: str, as_markdown: bool) -> str:
    reader = _Reader(as_markdown)
    reader.feed(quick_to_read(html))
    reader.close()
    return reader.text()


def _table(html: str, as_markdown: bool) -> str:
    page = from_html(html)
    if page is None:
        # A table of headings only, or a table for page layout.
        return _prose(_TABLE_TAG.sub("", html), as_markdown)
    names = ["", *page.names] if page.index else list(page.names)
    rows = [
        [page.index[number], *row] if page.index else list(row)
        for number, row in enumerate(page.cells)
    ]
    if not as_markdown:
        return aligned(names, rows)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(
        "| " + " | ".join(cell if cell == "---" else _plain(cell) for cell in line) + " |"
        for line in lines
    )


def aligned(names: list[str], rows: list[list[str]]) -> str:
    """The table with aligned columns, numbers right-aligned, at most MOST_ROWS rows."""
    shown_rows = rows[:MOST_ROWS]
    head = [names] if any(names) else []
    columns = list(zip(*head, *shown_rows, strict=True))
    widths = [max(map(columns_of, column)) for column in columns]
    is_number = [
        all(_is_numeric(cell) for cell in column[len(head) :]) and any(column[len(head) :])
        for column in columns
    ]
    lines = [
        "  ".join(
            " " * (width - columns_of(cell)) + cell
            if right
            else cell + " " * (width - columns_of(cell))
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in (*head, *shown_rows)
    ]
    if len(rows) > len(shown_rows):
        lines.append(f"… {len(rows) - len(shown_rows):,} more rows")
    return "\n".join(lines)


def _is_numeric(cell: str) -> bool:
    return cell in NULLS or is_number(cell)


def columns_of(text: str) -> int:
    """Width of text on a terminal in columns."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth

    return max(wcswidth(text), 0)


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


class _Reader(HTMLParser):
    """Parser that writes text for each tag; accepts malformed HTML as browsers do."""

    def __init__(self, as_markdown: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._as_markdown = as_markdown
        self._escaped = _plain if as_markdown else str
        self._out: list[str] = []
        self._silent = 0
        self._player = ""
        """The open audio or video tag, whose sources may follow."""
        self._verbatim = 0
        self._lists: list[int | None] = []
        self._links: list[str] = []

    def text(self) -> str:
        lines = "".join(self._out).split("\n")
        return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in _EMBEDDED and not self._silent:
            # The content is a fallback for browsers without this tag.
            self._out.append(self._note(_embedded(tag, attributes)))
            self._player = tag
        elif tag == "source" and self._silent and self._player:
            self._out[-1] = self._note(_embedded(self._player, attributes))
            self._player = ""  # the first source is what is played
        if tag in _SILENT:
            self._silent += 1
        if self._silent:
            return
        if _HEADING.fullmatch(tag):
            self._out.append(f"\n\n{'#' * int(tag[1])} ")
        elif tag == "pre":
            self._verbatim += 1
            self._out.append("\n\n```\n" if self._as_markdown else "\n\n")
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
            self._out.append("\n")
        elif tag == "li":
            self._out.append(f"\n{self._bullet()}")
        elif tag == "blockquote":
            self._out.append("\n\n> ")
        elif tag in _BLOCKS:
            self._out.append("\n\n")
        elif tag == "br":
            self._out.append("\n" if self._verbatim else "  \n")
        elif tag == "hr":
            self._out.append("\n\n---\n\n")
        elif tag == "img":
            self._out.append(self._note(attributes.get("alt") or "picture"))
        elif tag == "a":
            address = attributes.get("href") or ""
            self._links.append(address if _LINK.fullmatch(address) else "")
            if self._as_markdown and self._links[-1]:
                self._out.append("[")
        elif tag in _MARKS and self._as_markdown and not self._verbatim:
            self._out.append(_MARKS[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)
            return
        if self._silent or tag in _VOID:
            return
        if tag == "pre":
            self._verbatim = max(self._verbatim - 1, 0)
            self._out.append("\n```\n\n" if self._as_markdown else "\n\n")
        elif tag in ("ul", "ol"):
            if self._lists:
                self._lists.pop()
            self._out.append("\n")
        elif tag == "a":
            address = self._links.pop() if self._links else ""
            if address:
                self._out.append(f"]({address})" if self._as_markdown else f" ({address})")
        elif tag in _MARKS and self._as_markdown and not self._verbatim:
            self._out.append(_MARKS[tag])
        elif (tag in _BLOCKS and tag != "li") or _HEADING.fullmatch(tag):
            self._out.append("\n\n")

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._verbatim:
            self._out.append(data)
            return
        text = " ".join(data.split())
        if text:
            leading = (
                " " if data[0].isspace() and self._out and not self._out[-1].endswith("\n") else ""
            )
            trailing = " " if data[-1].isspace() else ""
            self._out.append(f"{leading}{self._escaped(text)}{trailing}")
        elif data and self._out and not self._out[-1].endswith((" ", "\n")):
            self._out.append(" ")

    def _note(self, text: str) -> str:
        """A placeholder for content that is not text."""
        return f"*[{_plain(text)}]*" if self._as_markdown else f"[{text}]"

    def _bullet(self) -> str:
        indent = "  " * min(len(self._lists) - 1, _DEEPEST)
        if not self._lists or self._lists[-1] is None:
            return f"{indent}- "
        self._lists[-1] += 1
        return f"{indent}{self._lists[-1]}. "


def _embedded(tag: str, attributes: dict[str, str | None]) -> str:
    """A placeholder for audio, video and embedded pages, with the address if there is one."""
    kind = {"iframe": "page", "object": "page"}.get(tag, tag)
    address = attributes.get("src") or attributes.get("data") or ""
    named = f"{kind} {address}" if _LINK.fullmatch(address) else kind
    return f"{named}: {_EMBEDDED[tag]}"
