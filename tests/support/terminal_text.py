"""Terminal text for tests: strategies that make it, and a plain model of what it comes to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from hypothesis import strategies as st
from wcwidth import wcwidth

from codeexec.domain.outputs import LIVE_ROWS, Display, MimePart, Runs, iter_rows
from codeexec.session.output.document import OutputDocument
from codeexec.session.output.terminal import PLAIN, Pen, change, restyle

StreamName = Literal["stdout", "stderr"]

_SAFE = re.compile(r"\x1b\[[0-9;:]*m|\x1b\]8;;(?:https?://[!-~]+)?\x1b\\")
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def assert_safe(text: str) -> None:
    """Of all escapes only SGR and http(s) hyperlinks, nothing else that a terminal acts on."""
    rest = _SAFE.sub("", text)
    assert _HARMFUL.search(rest) is None, repr(text)


def pen_after(text: str) -> Pen:
    """The style in which a row's text leaves a terminal."""
    pen = PLAIN
    for match in re.finditer(r"\x1b\[([0-9;:]*)m|\x1b\]8;;([^\x1b]*)\x1b\\", text):
        pen = Pen(pen.sgr, match[2]) if match[1] is None else restyle(pen, match[1])
    return pen


# -- strategies --------------------------------------------------------------------

_words = st.sampled_from(
    [
        "a",
        "bc",
        "def ",
        " ",
        "12345",
        "é",
        "漢字",
        "e\u0301",
        "\u0301",
        "👍",
        "\t",
        "█",
        "\xad",
        "xyz" * 9,
    ]
)
_moves = st.sampled_from(
    ["\r", "\n", "\r\n", "\b", "\b\b", "\v", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[J", "\x1b[0;5A"]
)
_jumps = st.sampled_from(
    ["\x1b[A", "\x1b[2A", "\x1b[B", "\x1b[3C", "\x1b[2D", "\x1b[4G", "\x1b[E", "\x1b[F", "\x1b[H"]
)
_rarer = st.sampled_from(["\x1b[70A", "\x1b[A\x1b[A\x1b[A", "\x9bA", "\x1b[2J", "\x1b]8;;\x07"])
_styles = st.sampled_from(
    ["\x1b[31m", "\x1b[0m", "\x1b[m", "\x1b[1;4m", "\x1b[38;5;9m", "\x1b[48:2::1:2:3m", "\x1b[22m"]
)
_links = st.sampled_from(["\x1b]8;;https://a.b/c\x1b\\", "\x1b]8;id=1;file:///etc\x1b\\"])
_LONG = "\x1b[" + "1" * 300 + "m|\x1b]" + "y" * 5000
_hostile = st.sampled_from(
    "\x1b|\x1b[|\x9b|\x1b]|\x1b]0;title\x07|\x1bP1$q\x1b\\|\x1b[?25l|\x1bc|\x07|\x00|\x85|\u202e|\ud800"
    "|\x1b[>1m|\x1b[1 q|\x1b(B|\x18|\x9c|\x1b]52;c;aGk=\x07|\x1b]8;;https://a\x1b[31m|\u2028"
    f"|\x9d8;;http://c\x9c|\x1b_G|\x1b\\|{_LONG}".split("|")
)
_anything = st.text(st.characters(exclude_categories=()), max_size=6)

chunks = st.one_of(_words, _words, _moves, _jumps, _rarer, _styles, _links)
texts = st.lists(chunks, max_size=25).map("".join)
hostile_texts = st.lists(st.one_of(chunks, _hostile, _anything), max_size=25).map("".join)
bursts = st.lists(
    st.sampled_from(["abc", "de", "f" * 12, "\x1b[32m", "\x1b[0m", "█", ""]),
    min_size=10,
    max_size=30,
).map("\r".join)


def shown(key: str, display_id: str | None = None) -> Display:
    return Display(key, (MimePart("text/plain", 1, key),), display_id=display_id)


# -- a model without any short cut -----------------------------------------------------


@dataclass
class _Cursor:
    row: int | None = None
    column: int = 0
    claimed: bool = False
    pen: Pen = PLAIN


@dataclass
class Model:
    """The same rules as `OutputDocument`, a character at a time; knows well-formed text only."""

    kinds: list[str] = field(default_factory=list)
    rows: list[list[tuple[str, Pen]]] = field(default_factory=list)
    cursors: dict[str, _Cursor] = field(
        default_factory=lambda: {"stdout": _Cursor(), "stderr": _Cursor()}
    )

    def rendered(self) -> list[tuple[str, str]]:
        return [(kind, _render(row)) for kind, row in zip(self.kinds, self.rows, strict=True)]

    def write(self, stream: StreamName, text: str) -> None:
        for match in re.finditer(
            r"(?:\x1b\[|\x9b)([0-?]*)([@-~])|\x1b\]8;[^;]*;(.*?)(?:\x1b\\|\x07)|(.|\n)", text
        ):
            if match[4]:
                self._char(stream, match[4])
            elif match[2]:
                self._control(stream, match[2], match[1])
            else:
                pen = self.cursors[stream].pen
                link = match[3] if match[3].startswith("http") else ""
                self.cursors[stream].pen = Pen(pen.sgr, link)

    def show(self, key: str) -> None:
        self._add(key)
        self._others("")

    def _others(self, writer: str) -> None:
        for name, cursor in self.cursors.items():
            if name != writer:
                cursor.claimed = False

    def _add(self, kind: str) -> int:
        self.kinds.append(kind)
        self.rows.append([])
        self._others(kind)
        return len(self.rows) - 1

    def _live(self, row: int) -> bool:
        return row >= len(self.rows) - LIVE_ROWS

    def _own(self, stream: str) -> list[int]:
        return [n for n, kind in enumerate(self.kinds) if kind == stream and self._live(n)]

    def _char(self, stream: str, char: str) -> None:
        at = self.cursors[stream]
        if char in "\n\v":
            if at.row is None:
                self._add(stream)
                at.column = 0
                return
            below = [row for row in self._own(stream) if row > at.row]
            at.row, at.column = (below[0] if below and self._live(at.row) else None), 0
        elif char in "\r\b":
            self._claim(at)
            at.column = 0 if char == "\r" else max(at.column - 1, 0)
        else:
            at_end = at.row is None or at.row == len(self.rows) - 1
            if not at_end and not (at.claimed and self._live(at.row or 0)):
                at.row, at.column = None, 0
            if at.row is None:
                at.row, at.claimed = self._add(stream), True
            self._put(self.rows[at.row], at, char)

    def _put(self, row: list[tuple[str, Pen]], at: _Cursor, char: str) -> None:
        row += [(" ", PLAIN)] * (at.column - len(row))
        size = 8 - at.column % 8 if char == "\t" else wcwidth(char)
        if char == "\t" and at.column < len(row):
            at.column = min(at.column + size, len(row))
            return
        if size <= 0 and at.column > 0:
            owner = at.column - 1
            while not row[owner][0]:
                owner -= 1
            row[owner] = (row[owner][0] + char, row[owner][1])
            return
        size = max(size, 1)
        for edge in (at.column, at.column + size):
            if edge < len(row) and not row[edge][0]:
                first = end = edge
                while not row[first][0]:
                    first -= 1
                while end < len(row) and not row[end][0]:
                    end += 1
                row[first:end] = [(" ", pen) for _, pen in row[first:end]]
        row[at.column : at.column + size] = [(char, at.pen)] + [("", at.pen)] * (size - 1)
        at.column += size

    def _claim(self, at: _Cursor) -> None:
        if at.row is not None and not self._live(at.row):
            at.row, at.column = None, 0
        at.claimed = True

    def _control(self, stream: str, final: str, parameters: str) -> None:
        at = self.cursors[stream]
        if final == "m":
            at.pen = restyle(at.pen, parameters)
        if final not in "ABCDEFGJK":
            return
        self._claim(at)
        given = int(parameters.split(";")[0] or "0")
        count = given or 1
        width = len(self.rows[at.row]) if at.row is not None else 0
        if final in "ABEF":
            own = self._own(stream)
            place = len(own) if at.row is None else own.index(at.row)
            place = min(max(place + (count if final in "BE" else -count), 0), len(own))
            at.row = own[place] if place < len(own) else None
            at.column = 0 if final in "EF" else at.column
        elif final in "CD":
            at.column = max(
                min(at.column + (count if final == "C" else -count), max(1000, width)), 0
            )
        elif final == "G":
            at.column = min(count - 1, max(1000, width))
        elif final == "K" or given == 0:
            self._erase(stream, at, given, below=final == "J")

    def _erase(self, stream: str, at: _Cursor, how: int, *, below: bool) -> None:
        if at.row is None or how > 2:
            return
        row = self.rows[at.row]
        end = min(at.column + 1, len(row))
        first = at.column if how == 0 else 0
        for edge in (first, end):
            if how != 2 and (edge == first or how == 1) and edge < len(row) and not row[edge][0]:
                start = stop = edge
                while not row[start][0]:
                    start -= 1
                while stop < len(row) and not row[stop][0]:
                    stop += 1
                row[start:stop] = [(" ", pen) for _, pen in row[start:stop]]
        if how == 1:
            row[:end] = [(" ", PLAIN)] * end
        else:
            del row[first:]
        if below:
            for other in self._own(stream):
                if other > at.row:
                    self.rows[other].clear()


def _render(row: Sequence[tuple[str, Pen]]) -> str:
    parts, pen = [], PLAIN
    for cell, own in row:
        parts.append(change(pen, own) + cell)
        pen = own
    return "".join(parts) + change(pen, PLAIN)


# -- patches -----------------------------------------------------------------------


@dataclass
class Folded:
    """Rows as a reader has them who takes every patch."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def take(self, document: OutputDocument) -> None:
        patch = document.take_patch()
        if patch is not None:
            assert patch.start <= len(self.rows)
            self.rows[patch.start :] = rows_of(patch.runs)
            assert len(self.rows) == patch.total


def rows_of(runs: Runs) -> list[tuple[str, str]]:
    return [
        (run.display.key, "") if run.display else (run.kind, run.text) for run in iter_rows(runs)
    ]
