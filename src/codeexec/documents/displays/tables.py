"""Reads tables from displays: HTML of data frames, CSV, and pages of a kernel.

Each becomes a `TablePage` of the domain with cells as text, so that one widget shows them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

from codeexec.documents.displays.long_html import MOST_TABLE, quick_to_read
from codeexec.documents.displays.polars_html import frame_shape, polars_page
from codeexec.domain.requests import TablePage

MAX_ROWS = 100_000
MAX_COLUMNS = 2_000
"""Maximum size of a table; larger tables are cut."""

_SHAPE = re.compile(r"(?<![\d,])([\d,]++) rows? [×x] ([\d,]+) columns?")


def from_html(html: str) -> TablePage | None:
    """The first table of an HTML display that has rows, or None; of one with more than MOST_TABLE
    characters None.

    Rows of a MultiIndex header are joined by a slash. The counts are of what the display holds;
    `rows` of an elided data frame come from the line below it ("1000 rows × 8 columns"), or for
    polars from that above it ("shape: (1_000, 8)").
    """
    if len(html) > MOST_TABLE or ("<table" not in html and "<TABLE" not in html):
        return None
    reader = _TableReader()
    reader.feed(quick_to_read(html))
    reader.close()
    return reader.page()


def from_csv(text: str, delimiter: str = "") -> TablePage | None:
    """Comma-, tab- or semicolon-separated text with a header line, or None if it has no rows."""
    if not delimiter:
        try:
            # The patterns of csv.Sniffer take seconds for some texts of 8,192 characters.
            delimiter = csv.Sniffer().sniff(text[:1024], ",;\t|").delimiter
        except csv.Error:
            delimiter = ","
    rows = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            rows.append(row[:MAX_COLUMNS])
            if len(rows) > MAX_ROWS:
                break
    except csv.Error:
        return None
    return _page([], rows[:1], rows[1:]) if rows else None


def _page(index: list[str], header: list[list[str]], body: list[list[str]]) -> TablePage | None:
    width = max(map(len, [*header, *body]), default=0)
    if not body or not width:
        return None
    titles = [row + [""] * (width - len(row)) for row in header] or [[""] * width]
    names = tuple(
        " / ".join(dict.fromkeys(part for part in parts if part))
        for parts in zip(*titles, strict=True)
    )
    return TablePage(
        names=names,
        types=("",) * width,
        index=tuple(index),
        cells=tuple(tuple(row + [""] * (width - len(row))) for row in body),
        start=0,
        rows=len(body),
        columns=width,
    )


@dataclass
class _Cell:
    text: str = ""
    is_title: bool = False
    across: int = 1
    down: int = 1


@dataclass
class _Row:
    cells: list[_Cell] = field(default_factory=list)
    in_head: bool = False


class _TableReader(HTMLParser):
    """Parser that collects the rows of the first table; nested content is text of its cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._rows: list[_Row] = []
        self._cell: _Cell | None = None
        self._depth = 0
        self._in_head = False
        self._done = False
        self._silent = 0
        self._before: list[str] = []
        self._after: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("style", "script"):
            self._silent += 1
        elif tag == "table" and not self._done:
            self._depth += 1
        elif self._depth != 1 or len(self._rows) > MAX_ROWS:
            return
        elif tag == "thead":
            self._in_head = True
        elif tag == "tbody":
            self._in_head = False
        elif tag == "tr":
            self._rows.append(_Row(in_head=self._in_head))
        elif tag in ("td", "th"):
            if not self._rows:
                self._rows.append(_Row(in_head=self._in_head))
            spans = dict(attrs)
            self._cell = _Cell(
                is_title=tag == "th",
                across=_span(spans.get("colspan")),
                down=_span(spans.get("rowspan")),
            )
            self._rows[-1].cells.append(self._cell)
        elif tag == "br" and self._cell is not None:
            self._cell.text += " "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script"):
            self._silent = max(self._silent - 1, 0)
        elif tag == "table" and self._depth:
            self._depth -= 1
            self._done = self._depth == 0
        elif self._depth == 1 and tag in ("td", "th", "tr"):
            self._cell = None
        elif self._depth == 1 and tag == "thead":
            self._in_head = False

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._cell is not None:
            self._cell.text += data
        elif self._done:
            self._after.append(data)
        elif not self._depth:
            self._before.append(data)

    def page(self) -> TablePage | None:
        grid = list(_spread(self._rows))
        head = [cells for row, cells in grid if row.in_head]
        body = [cells for row, cells in grid if not row.in_head and cells]
        polars_shape = frame_shape("".join(self._before))
        if polars_shape is not None and _is_polars(head, body):
            names, types, *lines = [[_words(cell.text) for cell in row] for row in head + body]
            return polars_page(names, types, lines, polars_shape)
        if not head and body and all(cell.is_title for cell in body[0]):
            head, body = body[:1], body[1:]
        # Header cells at the start of each row are the index in pandas and polars.
        titles = min((_leading_titles(row) for row in body), default=0)
        index = [" / ".join(_words(cell.text) for cell in row[:titles]) for row in body]
        page = _page(
            index if titles else [],
            [[_words(cell.text) for cell in row[titles:]] for row in head if any(row[titles:])],
            [[_words(cell.text) for cell in row[titles:]] for row in body],
        )
        shape = _SHAPE.search(_words("".join(self._after)))
        if page is None or shape is None:
            return page
        rows, columns = (int(part.replace(",", "")) for part in shape.groups())
        return TablePage(
            names=page.names,
            types=page.types,
            index=page.index,
            cells=page.cells,
            start=0,
            rows=max(rows, page.rows),
            columns=max(columns, page.columns),
        )


def _is_polars(head: list[list[_Cell]], body: list[list[_Cell]]) -> bool:
    """Whether the header is a row of names over a row of types, and all rows are as wide."""
    if len(head) != 2 or any(cell.is_title for cell in head[1]):
        return False
    return {len(row) for row in head + body} == {len(head[0])}


def _span(value: str | None) -> int:
    return min(int(value), 1000) if value and value.isdecimal() and int(value) else 1


def _words(text: str) -> str:
    return " ".join(text.split())


def _leading_titles(row: list[_Cell]) -> int:
    count = 0
    for cell in row:
        if not cell.is_title:
            break
        count += 1
    return count


def _spread(rows: Iterable[_Row]) -> Iterable[tuple[_Row, list[_Cell]]]:
    """Each row including cells that span into it, each cell one column wide."""
    hanging: dict[int, tuple[_Cell, int]] = {}
    for row in rows:
        cells: list[_Cell] = []
        fresh = iter(row.cells)
        while len(cells) < MAX_COLUMNS:
            column = len(cells)
            if column in hanging:
                cell, remaining = hanging.pop(column)
                if remaining > 1:
                    hanging[column] = (cell, remaining - 1)
                cells.append(cell)
                continue
            following = next(fresh, None)
            if following is None:
                break
            for at in range(column, column + following.across):
                if following.down > 1:
                    hanging[at] = (following, following.down - 1)
                cells.append(following)
        yield row, cells
