"""A recording: rows of a terminal screen that change at given times, and markers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from codeexec.domain.terminals import TerminalRow


@dataclass(frozen=True, slots=True)
class ColorScheme:
    """Colours as `#rrggbb`: default foreground and background, and the palette of 16."""

    foreground: str
    background: str
    palette: tuple[str, ...]


XTERM = ColorScheme(
    "#e5e5e5",
    "#121212",
    (
        *("#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5"),
        *("#666666", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff"),
    ),
)
"""For recordings that name no colours."""


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """What is known before the first frame. `started_at` is in seconds since 1970."""

    columns: int
    rows: int
    title: str
    started_at: float
    colors: ColorScheme


class ScreenFrame(NamedTuple):
    """Rows that are others from `at` on, by number; `at` in seconds since the beginning."""

    at: float
    changed: Mapping[int, TerminalRow]


class Marker(NamedTuple):
    """A place to jump to: the beginning of a cell or of a step."""

    at: float
    title: str


class RecordingWriter(Protocol):
    """Takes frames and markers in the order of their times; `finish` returns the file."""

    def write(self, frame: ScreenFrame) -> None: ...

    def mark(self, marker: Marker) -> None: ...

    def finish(self, end: float) -> bytes: ...
