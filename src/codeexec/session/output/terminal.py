"""Terminal text as state: styles, escape sequences, and rows of cells that can be rewritten.

Nothing here knows of documents or streams. What leaves a `Row` is safe to show: of all escape
sequences it holds SGR and http(s) hyperlinks alone, in one canonical spelling, and it begins
and ends with no style. Tabs stay tabs: a tab is a wide character that reaches the next stop.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from codeexec.domain.outputs import Display, ErrorInfo, RowKind, Run

MAX_PARAMETERS = 256
"""Characters of a control sequence before its last; a longer one is broken off."""

MAX_LINK = 4096
"""Characters of a hyperlink; the link of a longer one is left out, its text is kept."""

MAX_COLUMN = 1000
"""As far right as the cursor moves by itself, as at the edge of a very wide screen."""

TAB = 8

# -- styles ------------------------------------------------------------------------


class Pen(NamedTuple):
    """How text is drawn: canonical SGR parameters and the address of a hyperlink."""

    sgr: str = ""
    link: str = ""


PLAIN = Pen()

_ON = {1: "bold", 2: "dim", 3: "italic", 4: "under", 5: "blink", 6: "blink", 7: "reverse"}
_ON |= {8: "hidden", 9: "strike", 21: "under", 53: "over"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("under",), 25: ("blink",), 27: ("reverse",)}
_OFF |= {28: ("hidden",), 29: ("strike",), 39: ("fg",), 49: ("bg",), 55: ("over",), 59: ("ul",)}
_COLORS = {38: "fg", 48: "bg", 58: "ul"}
_ORDER: tuple[str, ...] = (
    "bold",
    "dim",
    "italic",
    "under",
    "blink",
    "reverse",
    "hidden",
    "strike",
    "over",
)
_ORDER += ("fg", "bg", "ul")


@lru_cache(4096)
def restyle(pen: Pen, parameters: str) -> Pen:
    """The pen after an SGR sequence with these parameters (`1;38;5;208`)."""
    slots: dict[str, str] = {}
    if pen.sgr:
        _take_parameters(slots, pen.sgr)
    _take_parameters(slots, parameters)
    return Pen(";".join(slots[name] for name in _ORDER if name in slots), pen.link)


def _take_parameters(slots: dict[str, str], parameters: str) -> None:
    fields = parameters.split(";")
    at = 0
    while at < len(fields):
        head, *details = fields[at].split(":")
        at += 1
        code = int(head) if head else 0
        if code in _COLORS:
            if details:
                color = _color(details[:1] + details[-3:] if details[0] == "2" else details)
            else:
                size = {"5": 2, "2": 4}.get(fields[at] if at < len(fields) else "", 0)
                color = _color(fields[at : at + size]) if size else None
                at += size
            if color is None:
                return  # what follows cannot be told apart from the colour's own numbers
            slots[_COLORS[code]] = f"{code};{color}"
        elif code == 0:
            slots.clear()
        elif code == 4 and details and details[0] == "0":
            slots.pop("under", None)
        elif code in _ON:
            slots[_ON[code]] = str(code)
        elif code in _OFF:
            for name in _OFF[code]:
                slots.pop(name, None)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            slots["fg"] = str(code)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            slots["bg"] = str(code)


def _color(fields: list[str]) -> str | None:
    numbers = [int(field) if field.isdigit() else 0 for field in fields]
    if any(number > 255 for number in numbers):
        return None
    if len(numbers) == {5: 2, 2: 4}.get(numbers[0] if numbers else 0):
        return ";".join(map(str, numbers))
    return None


@lru_cache(4096)
def change(old: Pen, new: Pen) -> str:
    """The sequences that lead from one pen to another."""
    parts = []
    if old.link != new.link:
        parts.append(f"\x1b]8;;{new.link}\x1b\\")
    if old.sgr != new.sgr:
        if not new.sgr:
            parts.append("\x1b[0m")
        else:
            parts.append(f"\x1b[{'0;' if old.sgr else ''}{new.sgr}m")
    return "".join(parts)


_HTTP = re.compile(r"https?://[!-~]+\Z")


def link_of(payload: str) -> str | None:
    """The address that an OSC payload switches to (empty: none); None when it is no hyperlink."""
    if not payload.startswith("8;"):
        return None
    address = payload[2:].partition(";")[2]
    return address if len(payload) <= MAX_LINK and _HTTP.match(address) else ""


# -- the characters ----------------------------------------------------------------

_BIDI = "\u202a-\u202e\u2066-\u2069"

_JUNK = rf"\x00-\x06\x0e-\x17\x19\x1c-\x1f\x7f-\x8f\x91-\x97\x99\x9a{_BIDI}"
JUNK = re.compile(f"[{_JUNK}]+")
"""Means nothing anywhere, and is taken out before anything else is looked at."""

_ODD = "\u2028\u2029\ud800-\udfff"
ODD = re.compile(f"[{_ODD}]")
"""Would break rows or encoders further on."""

HARMLESS = re.compile(f"[^{_JUNK}{_ODD}]*+")

SGR = re.compile(rf"\x1b\[([0-9;:]{{0,{MAX_PARAMETERS}}})m")

SPECIAL = re.compile(
    rf"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f{_BIDI}\u2028\u2029\ud800-\udfff]"
    rf"|\x1b(?!\[[0-9;:]{{0,{MAX_PARAMETERS}}}m)"
)
"""All that is neither text, tab, newline nor SGR."""

_CONTROLS = [chr(code) for code in (*range(9), *range(11, 32), 127)]
_CONTROL = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\u2028\u2029\ud800-\udfff]")


@lru_cache(4096)
def cells_of(char: str) -> int:
    """Cells that a character takes, -1 for a control character."""
    from wcwidth import wcwidth  # 10 ms that plain output does not need

    return wcwidth(char)


# Ranges in which every character takes one cell; tests compare them with wcwidth.
_NARROW = " -~\xa1-\xac\xae-\u02ff\u0391-\u03ff\u0400-\u0482\u2010-\u2027\u2030-\u205e"
_NARROW += "\u2190-\u2199\u2500-\u25fc\u2800-\u28ff"
NARROW = re.compile(f"[{_NARROW}]*")
BURST = re.compile(rf"(?:[\r{_NARROW}]++|\x1b\[[0-9;:]{{0,{MAX_PARAMETERS}}}m)*+")
"""A stretch of narrow text, SGR and carriage returns."""


def is_plain(text: str) -> bool:
    """Whether it holds nothing but text, tabs and newlines."""
    if len(text) > 512 and text.isascii():
        # A search for one character runs at memory speed; thirty of them beat one for a class.
        return not any(control in text for control in _CONTROLS)
    return _CONTROL.search(text) is None


_DROPPED = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_BIDI}]+|\r(?=\n)")


def without_controls(text: str) -> str:
    """Text of a document (markup, not terminal output) without what a terminal would act on."""
    if is_plain(text):
        return text
    text = _DROPPED.sub("", text).replace("\r", "\n")
    return ODD.sub(lambda match: "\n" if match[0] < "\u3000" else "\ufffd", text)


def _is_zero_width(char: str) -> bool:
    return char > "\xac" and cells_of(char) <= 0


def zero_width_prefix(text: str) -> int:
    """How many characters at its start belong to the cell before."""
    at = 0
    while at < len(text) and _is_zero_width(text[at]):
        at += 1
    return at


# -- escape sequences --------------------------------------------------------------

_STRING_END = "\x07\x18\x1a\x1b\x9c\n"
STRING_STOP = re.compile(f"[{_STRING_END}]")

ESCAPE = re.compile(
    rf"(?:\x1b\[|\x9b)(?P<parameters>[0-?]{{0,{MAX_PARAMETERS}}})"
    r"(?P<between>[ -/]{0,8})(?P<final>[@-~])?"
    rf"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])(?P<string>[^{_STRING_END}]*)"
    r"(?P<end>\x07|\x1b\\|\x9c|\x18|\x1a)?"
    r"|\x1b[ -/]{0,4}(?P<plain>[0-~])?"
)
"""An escape sequence from its first character; without its last group it is cut or broken."""


MOVES = re.compile(r"(\x1b\[[ABCD])\1+")


def parameter(parameters: str, default: int = 1) -> int | None:
    """The first number of a control sequence; None for those of private use."""
    first = parameters.partition(";")[0]
    if not first:
        return default
    return min(int(first), 10**6) if first.isascii() and first.isdigit() else None


# -- rows --------------------------------------------------------------------------


class Row:
    """A row that may still change: pieces of finished text while it only grows, a list of
    cells from the first time that it is rewritten. Cells that belong to a wider character on
    their left are empty."""

    __slots__ = (
        "_cells",
        "_pens",
        "_pieces",
        "display",
        "error",
        "is_open",
        "kind",
        "number",
        "pen",
    )

    def __init__(self, kind: RowKind, number: int, text: str = "", pen: Pen = PLAIN) -> None:
        self.kind = kind
        self.number = number
        self.pen = pen
        self.is_open = False
        self.display: Display | None = None
        self.error: ErrorInfo | None = None
        self._pieces = [text] if text else []
        self._cells: list[str] | None = None
        self._pens: list[Pen] = []

    @classmethod
    def from_run(cls, run: Run, number: int) -> Row:
        """A row again from what `to_run` gave."""
        row = cls(run.kind, number, run.text)
        row.display, row.error, row.is_open = run.display, run.error, run.open
        if "\x1b" in run.text:
            row._cook()  # what is written after it may go on in the style of its end
        return row

    def to_run(self) -> Run:
        return Run(self.kind, self.render(), self.display, self.error, self.is_open)

    def render(self) -> str:
        if self._cells is None:
            if len(self._pieces) > 1:
                self._pieces = ["".join(self._pieces)]
            text = self._pieces[0] if self._pieces else ""
            return text + change(self.pen, PLAIN)
        if not self._cells:
            return ""
        first = self._pens[0]
        if self._pens.count(first) == len(self._pens):
            return change(PLAIN, first) + "".join(self._cells) + change(first, PLAIN)
        parts, pen = [], PLAIN
        for cell, own in zip(self._cells, self._pens, strict=True):
            if own is not pen:
                parts.append(change(pen, own))
                pen = own
            parts.append(cell)
        parts.append(change(pen, PLAIN))
        return "".join(parts)

    @property
    def width(self) -> int:
        return len(self._cells if self._cells is not None else self._cook())

    def append(self, text: str, pen: Pen) -> None:
        """Text at the end of the row."""
        if self._cells is not None:
            self.put(len(self._cells), text, pen)
        elif pen == self.pen:
            self._pieces.append(text)
        elif self._pieces and _is_zero_width(text[0]):
            self.put(self.width, text, pen)
        else:
            self._pieces.append(change(self.pen, pen) + text)
            self.pen = pen

    def put(self, column: int, text: str, pen: Pen) -> int:
        """Text over what is there; returns the column after it."""
        cells = self._cook()
        if column > len(cells):
            self._pens += [PLAIN] * (column - len(cells))
            cells += [" "] * (column - len(cells))
        at = 0
        while at < len(text):
            end = NARROW.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing too
            if end > at:
                self._overlay(column, list(text[at:end]), pen)
                column += end - at
                at = end
                continue
            char = text[at]
            at += 1
            if char == "\t":
                # Within the row a tab only moves; at its end it is kept.
                stop = column + TAB - column % TAB
                if column == len(cells):
                    self._overlay(column, ["\t"] + [""] * (stop - column - 1), pen)
                column = min(stop, len(cells))
                continue
            size = cells_of(char)
            if size > 0:
                self._overlay(column, [char] + [""] * (size - 1), pen)
                column += size
            elif column == 0:
                # Nothing to sit on: it gets a cell, so that it is not lost.
                self._overlay(0, [char], pen)
                column = 1
            else:
                end = at
                while end < len(text) and _is_zero_width(text[end]):
                    end += 1
                owner = self._owner(column - 1)
                cells[owner] += text[at - 1 : end]
                at = end
        return column

    def erase_right(self, column: int) -> None:
        cells = self._cook()
        self._part(column)
        del cells[column:], self._pens[column:]

    def erase_left(self, column: int) -> None:
        """Up to the cell at `column`, this one too."""
        end = min(column + 1, len(self._cook()))
        self._overlay(0, [" "] * end, PLAIN)

    def _overlay(self, column: int, cells: list[str], pen: Pen) -> None:
        assert self._cells is not None
        end = column + len(cells)
        self._part(column)
        self._part(end)
        self._cells[column:end] = cells
        self._pens[column:end] = [pen] * len(cells)

    def _part(self, column: int) -> None:
        """Break the wide character that lies across the left edge of a cell into blanks."""
        cells = self._cells
        assert cells is not None
        if column >= len(cells) or cells[column]:
            return
        first, end = self._owner(column), column
        while end < len(cells) and not cells[end]:
            end += 1
        cells[first:end] = [" "] * (end - first)

    def _owner(self, column: int) -> int:
        assert self._cells is not None
        while not self._cells[column]:
            column -= 1
        return column

    def _cook(self) -> list[str]:
        if self._cells is None:
            text = "".join(self._pieces)
            self._cells, self._pieces = [], []
            pen, at, column = PLAIN, 0, 0
            for match in _OWN.finditer(text):
                column = self.put(column, text[at : match.start()], pen)
                pen = _repen(pen, match)
                at = match.end()
            self.put(column, text[at:], pen)
            self.pen = PLAIN
        return self._cells


_OWN = re.compile(r"\x1b\[([0-9;:]*)m|\x1b\]8;;([^\x1b]*)\x1b\\")


def _repen(pen: Pen, match: re.Match[str]) -> Pen:
    """The pen after one of the sequences that `change` writes."""
    if match[1] is not None:
        return restyle(pen, match[1])
    return Pen(pen.sgr, match[2])
