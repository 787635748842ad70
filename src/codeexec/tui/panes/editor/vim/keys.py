"""Vim key layer: normal, insert and visual modes over the editor's actions."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text import edits
from codeexec.tui.panes.editor.text.motions import indentation
from codeexec.tui.panes.editor.text.text import Location, Selection
from codeexec.tui.panes.editor.vim.motions import Motions, MotionTarget, split_count
from codeexec.tui.panes.editor.vim.operators import OPERATORS, Effect, Operators, join_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from codeexec.tui.panes.editor.code_editor import CodeEditor
    from codeexec.tui.panes.editor.text.model import EditorModel


class Mode(StrEnum):
    """What keys mean; the values are words for the status line."""

    NORMAL = "normal"
    INSERT = "insert"
    VISUAL = "visual"
    LINES = "visual line"


_INSERTING = {"enter": "newline", "backspace": "delete_left", "tab": "indent"}
"""Commands of the editor for keys that are repeated in insert mode."""

_LONG_FORMS = {"S": "cc", "Y": "yy"}

_INSERT_AT: dict[str, Callable[[EditorModel], Location]] = {
    "i": lambda model: model.cursor,
    "a": lambda model: Location(model.cursor.line, min(len(model.line), model.cursor.column + 1)),
    "I": lambda model: Location(model.cursor.line, len(indentation(model.line))),
    "A": lambda model: Location(model.cursor.line, len(model.line)),
}
"""Keys that begin an insertion, with the place where."""


class VimKeys:
    """Give it to `CodeEditor.modal`. Counts, operators with motions and objects, and `.`."""

    def __init__(self) -> None:
        self.mode = Mode.NORMAL
        self._keys = ""
        self._anchor = Location(0, 0)
        self._motions = Motions()
        self._operators = Operators()
        self._recording: list[tuple[str, str | None]] = []
        self._last_change: list[tuple[str, str | None]] = []

    @property
    def pending(self) -> str:
        """The keys of a command that is not complete yet, for the status line."""
        return self._keys

    @property
    def is_inserting(self) -> bool:
        return self.mode is Mode.INSERT

    def handle(self, editor: CodeEditor, key: str, character: str | None) -> bool:
        """Act on a key; False leaves it to the editor (arrows, ctrl and function keys)."""
        if self.is_inserting:
            self._recording.append((key, character))
            if key != "escape":
                return False
            self._end_insert(editor)
            return True
        if key == "escape":
            self._keys = ""
            self._set_mode(editor, Mode.NORMAL)
            return True
        if key == "ctrl+r":
            editor.perform(lambda model: model.redo())
            return True
        sign = "\n" if key == "enter" else character
        if sign is None or not (sign.isprintable() or sign == "\n"):
            return False
        self._recording.append((key, character))
        self._keys += sign
        if self._complete(editor):
            self._keys = ""
            if not self.is_inserting:
                self._recording.clear()
            self._settle(editor)
        return True

    def _set_mode(self, editor: CodeEditor, mode: Mode) -> None:
        if mode is Mode.NORMAL and self.mode is not Mode.NORMAL:
            model = editor.model
            behind = not model.selection.is_empty and model.cursor == model.selection.end
            line, column = model.cursor
            model.select(Location(line, max(0, column - behind)))
        self.mode = mode
        self._settle(editor)
        editor.post_message(editor.ModeChanged(str(mode)))

    def _settle(self, editor: CodeEditor) -> None:
        """In normal mode the cursor is on a character, not behind the last."""
        line, column = editor.model.cursor
        length = len(editor.model.line)
        if self.mode is Mode.NORMAL and column >= length > 0 and editor.model.selection.is_empty:
            editor.model.select(Location(line, length - 1))
        editor.sync()

    def _end_insert(self, editor: CodeEditor) -> None:
        self._last_change = list(self._recording)
        self._recording.clear()
        line, column = editor.model.cursor
        editor.model.select(Location(line, max(0, column - 1)))
        self._set_mode(editor, Mode.NORMAL)

    def _finish(self, editor: CodeEditor, effect: Effect) -> bool:
        """Remember a change for `.`, or begin to insert; the command is complete."""
        if effect is Effect.CHANGED:
            self._last_change = list(self._recording)
        elif effect is Effect.INSERTS:
            self._set_mode(editor, Mode.INSERT)
        return True

    # Commands.

    def _complete(self, editor: CodeEditor) -> bool:
        """Carry out the keys so far; False while more are needed."""
        count, keys = split_count(self._keys)
        if not keys:
            return False
        if self.mode in (Mode.VISUAL, Mode.LINES):
            return self._visual(editor, count, keys)
        if keys[0] in OPERATORS:
            return self._operator(editor, count, keys)
        target = self._motions.target(editor.model, count, keys)
        if isinstance(target, MotionTarget):
            editor.model.select(target.at)
            return True
        return target is None and self._command(editor, count or 1, keys)

    def _command(self, editor: CodeEditor, count: int, keys: str) -> bool:
        """A command that is neither a motion nor an operator; False while more keys are needed."""
        if keys[0] in "rz" and len(keys) < 2:
            return False
        if keys[0] in _LONG_FORMS:
            self._keys = f"{count}{_LONG_FORMS[keys[0]]}"
            return self._complete(editor)
        model = editor.model
        match keys[0]:
            case ":":
                editor.post_message(editor.PromptRequested("command"))
            case "/":
                editor.action_prompt("find")
            case "n" | "N":
                editor.finder.find_again(1 if keys == "n" else -1)
                model.select(model.selection.start)
            case "z":
                editor.viewport.reveal(center=True)
            case "v" | "V":
                self._anchor = model.cursor
                self._set_mode(editor, Mode.VISUAL if keys == "v" else Mode.LINES)
                self._select(editor, model.cursor)
            case "u":
                for _ in range(count):
                    model.undo()
                model.select(model.selection.start)
            case ".":
                self._repeat(editor)
            case _:
                self._finish(editor, self._edit(model, count, keys))
        return True

    def _edit(self, model: EditorModel, count: int, keys: str) -> Effect:
        """A command that changes the text, or begins to insert."""
        key, operators = keys[0], self._operators
        line, column = model.cursor
        end_of_line = Location(line, len(model.line))
        following = Location(line, min(end_of_line.column, column + count))
        match key:
            case "i" | "a" | "I" | "A":
                model.select(_INSERT_AT[key](model))
                return Effect.INSERTS
            case "o" | "O":
                edits.insert_line(model, below=key == "o")
                return Effect.INSERTS
            case "x" | "s":
                return operators.delete(model, model.cursor, following, inserts=key == "s")
            case "X":
                return operators.delete(model, Location(line, max(0, column - count)), model.cursor)
            case "D" | "C":
                return operators.delete(model, model.cursor, end_of_line, inserts=key == "C")
            case "J":
                return join_lines(model, count)
            case "p" | "P":
                return operators.put(model, count, after=key == "p")
            case "~" if column < end_of_line.column:
                swapped = model.buffer.text(model.cursor, following).swapcase()
                model.edit([(model.cursor, following, swapped)])
                return Effect.CHANGED
            case "r" if column + count <= end_of_line.column:
                at = model.cursor
                model.edit([(at, following, keys[1] * count)], Selection.at(at))
                return Effect.CHANGED
        return Effect.NONE

    def _repeat(self, editor: CodeEditor) -> None:
        """Play the keys of the last change again."""
        change = list(self._last_change)
        self._keys = ""
        self._recording.clear()
        for key, character in change:
            if not self.handle(editor, key, character):
                if key in _INSERTING:
                    editor.action_edit(_INSERTING[key])
                elif character:
                    editor.type(character)
        self._last_change = change

    # Operators.

    def _operator(self, editor: CodeEditor, count: int | None, keys: str) -> bool:
        more, motion = split_count(keys[1:])
        if not motion:
            return False
        model = editor.model
        times = (count or 1) * (more or 1)
        if motion == keys[0]:
            last = min(model.cursor.line + times - 1, len(model.lines) - 1)
            return self._finish(
                editor, self._operators.on_lines(model, keys[0], model.cursor.line, last)
            )
        if motion[0] in "ia":
            return len(motion) > 1 and self._finish(
                editor, self._operators.on_object(model, keys[0], motion)
            )
        if keys[0] == "c" and motion == "w":
            motion = "cw"
        number = times if count is not None or more is not None else None
        target = self._motions.target(model, number, motion)
        if not isinstance(target, MotionTarget):
            return target is None
        start, end = sorted((model.cursor, target.at))
        if target.linewise:
            effect = self._operators.on_lines(model, keys[0], start.line, end.line)
        else:
            if motion == "w" and end.line > start.line:
                end = Location(start.line, len(model.lines[start.line]))
            stop = Location(
                end.line, min(end.column + target.inclusive, len(model.lines[end.line]))
            )
            effect = self._operators.on_range(model, keys[0], start, stop)
        return self._finish(editor, effect)

    # Visual modes.

    def _select(self, editor: CodeEditor, head: Location) -> None:
        """Select from the anchor to `head`, both with the character that they are on."""
        lines = editor.model.lines
        if self.mode is Mode.LINES:
            first, last = sorted((self._anchor.line, head.line))
            ends = Location(first, 0), Location(last, len(lines[last]))
            editor.model.select(*(ends if head >= self._anchor else reversed(ends)))
        elif head >= self._anchor:
            editor.model.select(self._anchor, Location(head.line, head.column + 1))
        else:
            editor.model.select(Location(self._anchor.line, self._anchor.column + 1), head)

    def _visual(self, editor: CodeEditor, count: int | None, keys: str) -> bool:
        model = editor.model
        start, end = model.selection.start, model.selection.end
        lines = self.mode is Mode.LINES
        if keys in ("v", "V"):
            self._set_mode(editor, Mode.NORMAL)
            return True
        operator = {"x": "d", "s": "c"}.get(keys, keys)
        if operator in OPERATORS:
            self._set_mode(editor, Mode.NORMAL)
            if lines:
                effect = self._operators.on_lines(model, operator, start.line, end.line)
            else:
                effect = self._operators.on_range(model, operator, start, end)
            return self._finish(editor, effect)
        if model.cursor == end and not lines and end > start:
            model.selection = Selection(start, Location(end.line, max(0, end.column - 1)))
        target = self._motions.target(model, count, keys)
        if isinstance(target, MotionTarget):
            self._select(editor, target.at)
            return True
        model.selection = Selection(start, end) if model.cursor >= start else model.selection
        return target is None
