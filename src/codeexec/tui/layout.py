"""Pane layout as a value, stored per folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.text.parsing import load_json

TITLES = {
    "editor": "Editor",
    "console": "Console",
    "artifacts": "Artifacts",
    "variables": "Variables",
    "files": "Files",
    "outline": "Outline",
}
"""The panes, in the order of their tabs."""

BESIDE_WIDTH = 101
"""Cells of editor and console together from which they can stand side by side."""

COMPACT_WIDTH, COMPACT_HEIGHT = 100, 22
"""Below either, panes become tabs."""

TINY_WIDTH, TINY_HEIGHT = 30, 8
"""Below either, there is nothing to be seen."""


@dataclass(frozen=True, slots=True)
class PaneLayout:
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
        return self.files or self.outline

    def centre_in(self, columns: int) -> int:
        """Width of editor and console together in a terminal so wide."""
        files = self.files_in(columns) if self.has_left else -1
        side = self.side_in(columns) if self.side else -1
        return max(columns - files - side - 2, 0)

    def is_beside_in(self, columns: int) -> bool:
        """Whether editor and console stand side by side in a terminal so wide."""
        return self.beside and self.centre_in(columns) >= BESIDE_WIDTH

    def presented(self, columns: int) -> PaneLayout:
        """The same for an audience: output has as much room as code."""
        return replace(
            self,
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
        match pane:
            case "files" | "outline":
                share = self.files_share + (down if pane == "files" else -down)
                return replace(self, files_width=files, files_share=_within(share, 10, 90))
            case "artifacts" | "variables":
                sign = 1 if pane == "artifacts" else -1
                return replace(
                    self,
                    side_width=wider,
                    artifacts_share=_within(self.artifacts_share + sign * down, 10, 90),
                )
            case _:
                upper = (pane == "editor") != self.swapped
                grown = down
                if right and self.is_beside_in(columns):
                    grown, narrower = right * 100 // self.centre_in(columns), self.side_width
                share = self.editor_share + (grown if upper else -grown)
                return replace(
                    self,
                    editor_share=_within(share, 10, 90),
                    side_width=narrower,
                )


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


@dataclass(frozen=True, slots=True)
class Box:
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
    side = layout.side_in(columns) if layout.side else -1
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
        areas = _halves((upper, lower), left, width, height, share)
    if layout.files and layout.outline:
        areas |= _halves(("files", "outline"), 0, files, height, layout.files_share)
    elif layout.has_left:
        areas["files" if layout.files else "outline"] = Box(0, 1, files, height - 1)
    if layout.side:
        right, share = columns - side, layout.artifacts_share
        areas |= _halves(("artifacts", "variables"), right, side, height, share)
    return areas


def output_width(pane: int) -> int:
    """Cells in a line of output, in a console pane of that width: beside it are a mark with its
    blank, and the scroll bar."""
    return max(pane - 3, 10)


def _halves(
    panes: tuple[str, str], left: int, width: int, height: int, share: int
) -> dict[str, Box]:
    upper = height * share // 100
    first, second = panes
    return {
        first: Box(left, 1, width, upper - 1),
        second: Box(left, upper + 1, width, height - upper - 1),
    }


class Layouts:
    """Layouts and open files by folder, in the state folder. Files that cannot be read or written
    are ignored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, place: Path) -> Path:
        name = hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()[:24]
        return self._folder / f"{name}.json"

    def load(self, place: Path) -> tuple[PaneLayout, tuple[str, ...]]:
        """The layout, and which files were open."""
        file = self._file(place)
        if not file.is_file():
            return PaneLayout(), ()
        from msgspec import convert  # not before the first prompt, where nothing is kept

        try:
            saved = load_json(read_plain_text(file))
            layout = convert(saved["layout"], PaneLayout)
            return layout, tuple(str(name) for name in saved.get("files", ()))
        except (OSError, ValueError, KeyError, TypeError):
            return PaneLayout(), ()

    def save(self, place: Path, layout: PaneLayout, files: tuple[str, ...]) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = json.dumps({"layout": asdict(layout), "files": files})
            self._file(place).write_text(text, "utf-8")
        except OSError:
            pass
