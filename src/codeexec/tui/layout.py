"""Pane layout as a value, stored per folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from codeexec.domain.content.digests import sha256
from codeexec.domain.errors import Denied
from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.text.parsing import load_json
from codeexec.tui.pane_registry import Place, panes_at, place_of

BESIDE_WIDTH = 101
"""Cells of editor and console together from which they can stand side by side."""

COMPACT_WIDTH, COMPACT_HEIGHT = 100, 22
"""Below either, panes become tabs."""

TINY_WIDTH, TINY_HEIGHT = 30, 8
"""Below either, there is nothing to be seen."""


class PaneLayout(NamedTuple):
    """Sizes in cells, shares in per cent. A width of 0 follows the terminal's."""

    files: bool = True
    side: bool = True
    files_width: int = 0
    side_width: int = 0
    editor_share: int = 56
    artifacts_share: int = 62
    swapped: bool = False
    outline: bool = False
    files_share: int = 50
    beside: bool = False
    """Editor and console side by side, where the terminal is wide enough."""
    others: tuple[str, ...] = ()
    """Panes that are shown beside those that have a field of their own."""
    terminal: bool = False
    """Whether the terminal is on screen: in the console's place, or beside it."""
    terminal_beside: bool = False
    """Terminal and console both on screen."""
    shares: dict[str, int] = {}  # noqa: RUF012
    """Share of the column's height for panes whose share has no field of its own."""

    def shows(self, pane: str) -> bool:
        """Whether a pane is on screen while all panes are."""
        match pane:
            case "files":
                return self.files
            case "outline":
                return self.outline
            case "artifacts" | "variables":
                return self.side
            case "terminal":
                return self.terminal
            case "console":
                return self.terminal_beside or not self.terminal
        return place_of(pane) == "centre" or pane in self.others

    def showing(self, pane: str, is_shown: bool = True) -> PaneLayout:
        """The same with a pane on screen, or without it."""
        match pane:
            case "files":
                return self._replace(files=is_shown)
            case "outline":
                return self._replace(outline=is_shown)
            case "artifacts" | "variables":
                return self._replace(side=is_shown)
            case "terminal":
                return self._replace(terminal=is_shown)
            case "console" if is_shown and not self.terminal_beside:
                return self._replace(terminal=False)
        if self.shows(pane) == is_shown:
            return self
        kept = tuple(name for name in self.others if name != pane)
        return self._replace(others=(*kept, pane) if is_shown else kept)

    def share(self, pane: str) -> int:
        """Share of the height of its column that a pane has, beside the others that are shown."""
        match pane:
            case "files":
                return self.files_share
            case "outline":
                return 100 - self.files_share
            case "artifacts":
                return self.artifacts_share
            case "variables":
                return 100 - self.artifacts_share
        return _within(self.shares.get(pane, 50), 10, 90)

    def with_share(self, pane: str, share: int) -> PaneLayout:
        """The same with another share of the height for a pane."""
        share = _within(share, 10, 90)
        match pane:
            case "files" | "outline":
                return self._replace(files_share=share if pane == "files" else 100 - share)
            case "artifacts" | "variables":
                return self._replace(artifacts_share=share if pane == "artifacts" else 100 - share)
        return self._replace(shares={**self.shares, pane: share})

    def column(self, place: Place) -> tuple[str, ...]:
        """Panes that a column shows, from top to bottom."""
        return tuple(entry.name for entry in panes_at(place) if self.shows(entry.name))

    def files_in(self, columns: int) -> int:
        """Width of the column of files in a terminal so wide; code has the most."""
        width = self.files_width or _within(columns * 14 // 100, 14, 32)
        return min(width, _most(columns) // 2)

    def side_in(self, columns: int) -> int:
        """Width of the column at the side in a terminal so wide."""
        width = self.side_width or _within(columns * 32 // 100, 34, 64)
        return min(width, _most(columns))

    @property
    def has_left(self) -> bool:
        """Whether anything stands in the column at the left."""
        return bool(self.column("left"))

    @property
    def has_side(self) -> bool:
        """Whether anything stands in the column at the side."""
        return bool(self.column("side"))

    def centre_in(self, columns: int) -> int:
        """Width of editor and console together in a terminal so wide."""
        files = self.files_in(columns) if self.has_left else -1
        side = self.side_in(columns) if self.has_side else -1
        return max(columns - files - side - 2, 0)

    def is_beside_in(self, columns: int) -> bool:
        """Whether editor and console stand side by side in a terminal so wide."""
        return self.beside and self.centre_in(columns) >= BESIDE_WIDTH

    def is_terminal_right_in(self, columns: int) -> bool:
        """Whether the terminal stands at the right of the console in a terminal so wide, not below
        it."""
        return not self.is_beside_in(columns) and self.centre_in(columns) >= BESIDE_WIDTH

    def presented(self, columns: int) -> PaneLayout:
        """The same for an audience: output has as much room as code."""
        return self._replace(
            side_width=_within(columns * 42 // 100, 34, 120),
            editor_share=45,
            artifacts_share=70,
            beside=columns >= 160,
        )

    def resized(self, pane: str, right: int, down: int, columns: int) -> PaneLayout:
        """A pane made wider or taller in a terminal of so many columns; `down` in per cent of the
        height. A width that is not changed goes on following the terminal's."""
        files = _within(self.files_in(columns) + right, 12, 60) if right else self.files_width
        wider = _within(self.side_in(columns) + right, 20, 120) if right else self.side_width
        narrower = _within(self.side_in(columns) - right, 20, 120) if right else self.side_width
        match place_of(pane):
            case "left":
                return self._grown(pane, down)._replace(files_width=files)
            case "side":
                return self._grown(pane, down)._replace(side_width=wider)
            case _:
                upper = (pane == "editor") != self.swapped
                grown = down
                if right and self.is_beside_in(columns):
                    grown, narrower = right * 100 // self.centre_in(columns), self.side_width
                share = self.editor_share + (grown if upper else -grown)
                return self._replace(editor_share=_within(share, 10, 90), side_width=narrower)

    def _grown(self, pane: str, down: int) -> PaneLayout:
        """A pane of a column made taller, in per cent of the height."""
        return self.with_share(pane, self.share(pane) + down) if down else self


def _most(columns: int) -> int:
    """Columns that one at a side may take; the centre keeps 40."""
    return max(columns - 40, 20)


def _within(value: int, least: int, most: int) -> int:
    return min(max(value, least), most)


def is_compact(columns: int, lines: int) -> bool:
    """Whether panes are tabs in a terminal of that size."""
    return columns < COMPACT_WIDTH or lines < COMPACT_HEIGHT


def number_columns(lines: int) -> int:
    """Columns for the numbers of so many lines: three at least, and one blank before the longest,
    which keeps it from the mark at its left."""
    return max(3, len(str(lines)) + 1)


class Box(NamedTuple):
    """Rectangle of a pane in cells, counted from 0; its title is the row above."""

    left: int
    top: int
    width: int
    height: int


def boxes(layout: PaneLayout, columns: int, lines: int) -> dict[str, Box]:
    """Where the panes are, before there are any: the first frame goes by it.

    As tabs they have the screen in turn, and the editor keeps its title. Below is the status line.
    """
    if is_compact(columns, lines):
        return {
            "editor": Box(0, 2, columns, max(lines - 3, 0)),
            "console": Box(0, 1, columns, max(lines - 2, 0)),
        }
    height = lines - 1
    files = layout.files_in(columns) if layout.has_left else -1
    side = layout.side_in(columns) if layout.has_side else -1
    left, width = files + 1, layout.centre_in(columns)
    upper, lower, share = "editor", "console", layout.editor_share
    if layout.swapped:
        upper, lower, share = lower, upper, 100 - share
    if layout.is_beside_in(columns):
        first = (width - 1) * share // 100
        areas = {
            upper: Box(left, 1, first, height - 1),
            lower: Box(left + first + 1, 1, width - first - 1, height - 1),
        }
    else:
        areas = _rows({upper: share, lower: 100 - share}, Box(left, 0, width, height))
    areas |= _stacked(layout, "left", Box(0, 0, files, height))
    areas |= _stacked(layout, "side", Box(columns - side, 0, side, height))
    return areas


def output_width(pane: int) -> int:
    """Cells in a line of output, in a console pane of that width: beside it are a mark with its
    blank, and the scroll bar."""
    return max(pane - 3, 10)


def output_rows(pane: int) -> int:
    """Lines of a program's screen in a console pane of that height: a card has a header and a
    note."""
    return max(pane - 2, 5)


def _stacked(layout: PaneLayout, place: Place, column: Box) -> dict[str, Box]:
    """The panes of a column, one above the other."""
    return _rows({name: layout.share(name) for name in layout.column(place)}, column)


def _rows(shares: Mapping[str, int], column: Box) -> dict[str, Box]:
    """Boxes one above the other, by their shares of the height."""
    areas, top, sum_of_shares = {}, 0, 0
    for name, share in shares.items():
        sum_of_shares += share
        bottom = column.height * sum_of_shares // sum(shares.values())
        areas[name] = Box(column.left, top + 1, column.width, bottom - top - 1)
        top = bottom
    return areas


class Layouts:
    """Layouts and open files by folder, in the state folder. Files that cannot be read or written
    are ignored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, place: Path) -> Path:
        name = sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()[:24]
        return self._folder / f"{name}.json"

    def load(self, place: Path) -> tuple[PaneLayout, tuple[str, ...]]:
        """The layout, and which files were open."""
        saved = self._read(place)
        if not saved:
            return PaneLayout(), ()
        from msgspec import convert  # not before the first prompt, where nothing is kept

        try:
            stored, usual = saved["layout"], PaneLayout()._asdict()
            layout = convert([stored.get(name, usual[name]) for name in usual], PaneLayout)
            # A start shows the console: terminals belong to a session, not to a folder.
            layout = layout._replace(terminal=False)
            return layout, tuple(str(name) for name in saved.get("files", ()))
        except (ValueError, KeyError, TypeError, AttributeError):
            return PaneLayout(), ()

    def load_panes(self, place: Path) -> dict[str, dict[str, object]]:
        """States of panes by name, as they were stored."""
        saved = self._read(place).get("panes")
        if not isinstance(saved, dict):
            return {}
        return {name: state for name, state in saved.items() if isinstance(state, dict)}

    def _read(self, place: Path) -> dict[str, Any]:
        file = self._file(place)
        if not file.is_file():
            return {}
        try:
            saved = load_json(read_plain_text(file))
        except (OSError, ValueError):
            return {}
        return saved if isinstance(saved, dict) else {}

    def save(
        self,
        place: Path,
        layout: PaneLayout,
        files: tuple[str, ...],
        pane_states: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        """Store the layout, and the states of panes by name as JSON values."""
        from codeexec.hostfiles.files import write  # not at the start
        from codeexec.hostfiles.place import locate

        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            saved = {"layout": layout._asdict(), "files": files, "panes": pane_states or {}}
            # As a whole: another workbench may read it now, and this one may be killed.
            write(locate(self._file(place)), json.dumps(saved).encode(), sync=False)
        except (OSError, Denied):
            pass
