"""Answers to requests that read the rows of a terminal: pages, searches and text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import regex

from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.domain.terminals import RGB, CellStyle, TerminalRow
from codeexec.session.terminals.emulator import EmulatorKind
from codeexec.session.terminals.history import iter_rows, oldest_row

MOST_ROWS = 2000
MOST_TEXT = 8 << 20
MOST_MATCHES = 10_000
MATCH_SECONDS = 2.0

Rows = Iterator[tuple[int, TerminalRow]]
ReadRequest = q.ReadTerminalRows | q.SearchTerminal | q.ReadTerminalText


class ScreenRows(NamedTuple):
    """The rows of a screen, the first of which has the number `history`; rows before number
    `cleared` are not shown any more."""

    history: int
    cleared: int
    rows: Sequence[TerminalRow]


def answer(
    request: ReadRequest,
    folder: Path,
    kind: EmulatorKind,
    screen: ScreenRows,
    check: Callable[[], None],
) -> q.Reply:
    """Read scrollback (from the log in `folder`) and screen; `check` ends what takes too long."""
    history = screen.history
    first = min(max(oldest_row(folder), screen.cleared), history)
    start = max(request.start, first)
    total = history + len(screen.rows)
    end = getattr(request, "end", 0) or total
    if isinstance(request, q.ReadTerminalRows):
        end = start + min(request.count, MOST_ROWS)

    def rows() -> Rows:
        if start < history:
            yield from iter_rows(folder, kind, start, min(end, history), check)
        for number, row in enumerate(screen.rows, history):
            if start <= number < end:
                yield number, row

    match request:
        case q.ReadTerminalRows():
            return page(request, first, total, rows())
        case q.SearchTerminal():
            return search(request, rows(), check)
        case q.ReadTerminalText():
            return text(request, rows())


def page(request: q.ReadTerminalRows, first: int, total: int, rows: Rows) -> q.TerminalRows:
    """`rows` begins with the row that was asked for."""
    numbered_rows = list(islice(rows, min(request.count, MOST_ROWS)))
    start = numbered_rows[0][0] if numbered_rows else min(max(request.start, first), total)
    return q.TerminalRows(start, first, total, tuple(row for _, row in numbered_rows))


def search(request: q.SearchTerminal, rows: Rows, check: Callable[[], None]) -> q.TerminalMatches:
    """UsageError for a pattern that is no regular expression, or takes too long."""
    source = request.pattern if request.regex else regex.escape(request.pattern)
    try:
        pattern = regex.compile(source, regex.IGNORECASE if request.ignore_case else 0)
    except regex.error as error:
        raise UsageError(
            f"This pattern cannot be read: {error}.", "Or search for it as plain text."
        ) from error
    if not request.pattern:
        return q.TerminalMatches(())
    matches: list[q.TerminalMatch] = []
    limit = min(request.limit, MOST_MATCHES)
    for number, row in rows:
        check()
        text = row.text
        try:
            match = pattern.search(text, timeout=MATCH_SECONDS)
        except TimeoutError as error:
            raise UsageError("This pattern takes too long.", "Choose a simpler one.") from error
        if match is None:
            continue
        if len(matches) >= limit:
            return q.TerminalMatches(tuple(matches), is_complete=False)
        matches.append(q.TerminalMatch(number, text, _column(row, match.start())))
    return q.TerminalMatches(tuple(matches))


def text(request: q.ReadTerminalText, rows: Rows) -> q.RowText:
    """Wrapped rows are joined, and empty rows at the end are left out."""
    parts: list[str] = []
    size = 0
    for _, row in rows:
        line = row.text if request.format == "text" else ansi(row)
        parts.append(line if row.is_wrapped else line + "\n")
        size += len(line) + 1
        if size > MOST_TEXT:
            return q.RowText("".join(parts), is_complete=False)
    joined = "".join(parts).rstrip("\n")
    return q.RowText(joined + "\n" if joined else "")


def ansi(row: TerminalRow) -> str:
    """The row with its styles and links as escape sequences."""
    parts: list[str] = []
    for span in row.spans:
        if span.style is None:
            parts.append(span.text)
            continue
        link = span.style.link
        styled = f"\x1b[{';'.join(_codes(span.style))}m{span.text}\x1b[0m"
        parts.append(f"\x1b]8;;{link}\x1b\\{styled}\x1b]8;;\x1b\\" if link else styled)
    return "".join(parts)


_FLAG_CODES = ("1", "2", "3", "5", "7", "8", "9", "53")


def _codes(style: CellStyle) -> Sequence[str]:
    codes = ["0"]
    codes += [code for bit, code in enumerate(_FLAG_CODES) if style.flags >> bit & 1]
    if style.underline:
        codes.append("4" if style.underline == 1 else f"4:{style.underline}")
    for color, base in ((style.foreground, 30), (style.background, 40)):
        codes += _color_codes(color, base)
    if style.underline_color >= 0:
        codes += _color_codes(style.underline_color, 50, plain=False)
    return codes


def _color_codes(color: int, base: int, *, plain: bool = True) -> Sequence[str]:
    if color < 0:
        return ()
    if color >= RGB:
        return (f"{base + 8};2;{color >> 16 & 255};{color >> 8 & 255};{color & 255}",)
    if plain and color < 8:
        return (str(base + color),)
    if plain and color < 16:
        return (str(base + 60 + color - 8),)
    return (f"{base + 8};5;{color}",)


def _column(row: TerminalRow, at: int) -> int:
    """The cell of character `at` of the row's text."""
    column = 0
    for span in row.spans:
        if at < len(span.text):
            return column + (at if span.cells == len(span.text) else _cells(span.text[:at]))
        at -= len(span.text)
        column += span.cells
    return column


def _cells(text: str) -> int:
    from wcwidth import wcswidth

    return max(wcswidth(text), 0)
