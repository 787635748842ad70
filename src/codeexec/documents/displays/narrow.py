"""Fits tables of displays into a width: middle columns are left out."""

from __future__ import annotations

from codeexec.documents.displays.html import MOST_ROWS, aligned, columns_of
from codeexec.documents.displays.tables import from_html
from codeexec.domain.requests import TablePage

MOST_CHARS = 500_000
"""Maximum characters of HTML; longer tables are shown as their plain text."""

_GAP = 2
_ELLIPSIS = "…"


def table_to_width(html: str, width: int) -> str:
    """The first table of HTML in lines of at most `width` columns; empty if there is no table, or
    if its outermost columns do not fit."""
    page = from_html(html) if len(html) <= MOST_CHARS else None
    if page is None:
        return ""
    shown_cells = page.cells[:MOST_ROWS]
    columns = [[name, *(row[at] for row in shown_cells)] for at, name in enumerate(page.names)]
    if page.index:
        columns.insert(0, ["", *page.index[:MOST_ROWS]])
    outermost = _outermost([max(map(columns_of, column)) for column in columns], width)
    if outermost is None:
        return ""
    first, last = outermost
    if first + last < len(columns):
        ellipsis = [_ELLIPSIS] * len(columns[0])
        columns = [*columns[:first], ellipsis, *columns[len(columns) - last :]]
    names, *rows = (list(row) for row in zip(*columns, strict=True))
    return f"{aligned(names, rows)}\n\n{_shape(page)}"


def _outermost(widths: list[int], width: int) -> tuple[int, int] | None:
    """How many first and last columns fit, with an ellipsis between them."""
    if sum(widths) + _GAP * (len(widths) - 1) <= width:
        return len(widths), 0
    first, last, room = 0, 0, width - len(_ELLIPSIS)
    while first + last < len(widths):
        at = first if first <= last else len(widths) - 1 - last
        room -= widths[at] + _GAP
        if room < 0:
            break
        first, last = (first + 1, last) if first <= last else (first, last + 1)
    return (first, last) if first else None


def _shape(page: TablePage) -> str:
    return f"[{page.rows} rows x {page.columns} columns]"
