"""Text buffer: list of lines with one method to change it, and byte offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Location(NamedTuple):
    """A place between two characters: line and column, both from 0, in code points."""

    line: int
    column: int


class Selection(NamedTuple):
    """From where it was begun (`anchor`) to where the cursor is; empty when they are equal."""

    anchor: Location
    cursor: Location

    @classmethod
    def at(cls, location: Location) -> Selection:
        return cls(location, location)

    @property
    def start(self) -> Location:
        return min(self)

    @property
    def end(self) -> Location:
        return max(self)

    @property
    def is_empty(self) -> bool:
        return self.anchor == self.cursor


ORIGIN = Location(0, 0)


def end_of(start: Location, text: str) -> Location:
    """Where a text ends that begins at `start`."""
    lines = text.count("\n")
    column = len(text) - text.rfind("\n") - 1
    return Location(start.line + lines, column + (0 if lines else start.column))


@dataclass(frozen=True, slots=True)
class TextChange:
    """The text `removed` between `start` and `old_end` was replaced by `inserted`, which ends at
    `new_end`.

    Byte offsets are in UTF-8 with `\\n` between lines; -1 if they were not requested.
    """

    start: Location
    old_end: Location
    new_end: Location
    removed: str
    inserted: str
    start_byte: int = -1

    @property
    def line_shift(self) -> int:
        """By how many lines what follows has moved."""
        return self.new_end.line - self.old_end.line


_STRIDE = 256


class TextBuffer:
    """Lines of text; always at least one. A splice costs what it touches, not what there is."""

    def __init__(self, text: str = "") -> None:
        self.lines: list[str] = text.split("\n")
        self.version = 0
        self._sizes: list[int] | None = None
        self._sums: list[int] = [0]

    @property
    def end(self) -> Location:
        return Location(len(self.lines) - 1, len(self.lines[-1]))

    def clamp(self, location: Location) -> Location:
        """The nearest place that exists."""
        line = min(max(location.line, 0), len(self.lines) - 1)
        return Location(line, min(max(location.column, 0), len(self.lines[line])))

    def text(self, start: Location | None = None, end: Location | None = None) -> str:
        """What is between two places; everything without them."""
        if start is None or end is None:
            return "\n".join(self.lines)
        if start.line == end.line:
            return self.lines[start.line][start.column : end.column]
        first = self.lines[start.line][start.column :]
        last = self.lines[end.line][: end.column]
        return "\n".join([first, *self.lines[start.line + 1 : end.line], last])

    def replace(self, start: Location, end: Location, text: str) -> TextChange:
        """Put `text` in place of what is between `start` and `end` (in this order)."""
        removed = self.text(start, end)
        start_byte = self.byte_offset(start) if self._sizes is not None else -1
        lines = self.lines
        head = lines[start.line][: start.column]
        tail = lines[end.line][end.column :]
        fresh = text.split("\n")
        column = len(fresh[-1]) + (start.column if len(fresh) == 1 else 0)
        new_end = Location(start.line + len(fresh) - 1, column)
        fresh[-1] += tail
        fresh[0] = head + fresh[0]
        lines[start.line : end.line + 1] = fresh
        if self._sizes is not None:
            self._sizes[start.line : end.line + 1] = [_size(line) for line in fresh]
            del self._sums[start.line // _STRIDE + 1 :]
        self.version += 1
        return TextChange(start, end, new_end, removed, text, start_byte)

    def byte_offset(self, location: Location) -> int:
        """UTF-8 bytes before `location`; sums are kept for what is above the last change."""
        if self._sizes is None:
            # Spelled out: a call for each of 50,000 lines would be most of the work.
            self._sizes = [
                (len(line) if line.isascii() else byte_length(line)) + 1 for line in self.lines
            ]
        block = location.line // _STRIDE
        while len(self._sums) <= block:
            at = (len(self._sums) - 1) * _STRIDE
            self._sums.append(self._sums[-1] + sum(self._sizes[at : at + _STRIDE]))
        preceding = self._sums[block] + sum(self._sizes[block * _STRIDE : location.line])
        return preceding + self.byte_column(location)

    def byte_column(self, location: Location) -> int:
        line = self.lines[location.line]
        return location.column if line.isascii() else byte_length(line[: location.column])


def byte_length(text: str) -> int:
    """UTF-8 bytes of `text`; half a surrogate pair counts as the three that stand for it."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _size(line: str) -> int:
    return byte_length(line) + 1
