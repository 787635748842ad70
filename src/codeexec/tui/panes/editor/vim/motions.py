"""Vim's motions: where a key leads, and what an operator takes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codeexec.tui.panes.editor.text import motions
from codeexec.tui.panes.editor.text.text import Location

if TYPE_CHECKING:
    from collections.abc import Callable

    from codeexec.tui.panes.editor.text.model import EditorModel


class MotionTarget(NamedTuple):
    """Where a motion leads, and what an operator takes with it."""

    at: Location
    linewise: bool = False
    inclusive: bool = False


_PLAIN: dict[str, Callable[[list[str], Location], Location]] = {
    "w": motions.next_word_start,
    "b": motions.word_left,
    "{": lambda lines, at: motions.paragraph(lines, at, -1),
    "}": lambda lines, at: motions.paragraph(lines, at, 1),
    "0": lambda lines, at: Location(at.line, 0),
    "^": lambda lines, at: Location(at.line, len(motions.indentation(lines[at.line]))),
    "h": lambda lines, at: Location(at.line, max(0, at.column - 1)),
    "l": lambda lines, at: Location(at.line, min(len(lines[at.line]), at.column + 1)),
}


def split_count(keys: str) -> tuple[int | None, str]:
    """The number that keys begin with, None without one, and the keys after it."""
    digits = 0
    while digits < len(keys) and keys[digits].isdecimal() and (digits or keys[0] != "0"):
        digits += 1
    return (int(keys[:digits]) if digits else None), keys[digits:]


class Motions:
    """Finds the target of motion keys; remembers the last search of a character for `;`."""

    def __init__(self) -> None:
        self._last_search = ("", "")

    def target(
        self, model: EditorModel, count: int | None, keys: str
    ) -> MotionTarget | bool | None:
        """Where `keys` lead; False while more are needed, None when they are no motion."""
        times = count or 1
        lines, at = model.lines, model.cursor
        last = len(lines) - 1
        sign = keys[0]
        if sign in _PLAIN:
            for _ in range(times):
                at = _PLAIN[sign](lines, at)
            return MotionTarget(at)
        if sign in "jk\n":
            line = min(max(0, at.line + (-times if sign == "k" else times)), last)
            return MotionTarget(Location(line, min(at.column, len(lines[line]))), linewise=True)
        if sign in "fFtT;":
            return self._to_character(model, times, keys)
        match keys:
            case "e" | "cw":
                # Changing a word ends with it, even when the cursor is on its last character.
                at = Location(at.line, at.column - (keys == "cw"))
                for _ in range(times):
                    at = motions.word_end(lines, at)
                return MotionTarget(at, inclusive=True)
            case "$":
                end = Location(at.line, max(0, len(lines[at.line]) - 1))
                return MotionTarget(end, inclusive=True)
            case "%":
                pair = motions.matching_bracket(lines, at)
                return MotionTarget(pair[1] if pair else at, inclusive=True)
            case "G":
                line = last if count is None else min(times - 1, last)
                return MotionTarget(Location(line, 0), linewise=True)
            case "g":
                return False
            case "gg":
                return MotionTarget(Location(min(times - 1, last), 0), linewise=True)
        return None

    def _to_character(self, model: EditorModel, times: int, keys: str) -> MotionTarget | bool:
        """`f`, `F`, `t` and `T` with a character in the same line, and `;`."""
        if keys == ";":
            keys = "".join(self._last_search)
        if len(keys) < 2:
            return not keys and MotionTarget(model.cursor)
        how, sign = self._last_search = (keys[0], keys[1])
        text, (line, column) = model.line, model.cursor
        target = column
        for _ in range(times):
            if how in "ft":
                target = text.find(sign, target + 1)
            else:
                target = text.rfind(sign, 0, max(0, target - (how == "T")))
            if target < 0:
                return MotionTarget(model.cursor)
        shift = {"t": -1, "T": 1}.get(how, 0)
        return MotionTarget(Location(line, target + shift), inclusive=how in "ft")
