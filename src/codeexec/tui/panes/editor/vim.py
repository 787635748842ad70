"""Vim key layer: normal, insert and visual modes over the editor's actions."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from codeexec.tui.panes.editor.text import edits, motions
from codeexec.tui.panes.editor.text.text import Location, Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from codeexec.tui.panes.editor.code_editor import CodeEditor


class Mode(StrEnum):
    """What keys mean; the values are words for the status line."""

    NORMAL = "normal"
    INSERT = "insert"
    VISUAL = "visual"
    LINES = "visual line"


class MotionTarget(NamedTuple):
    """Where a motion leads, and what an operator takes with it."""

    at: Location
    linewise: bool = False
    inclusive: bool = False


_OPERATORS = "dcy><"
_INSERTING = {"enter": "newline", "backspace": "delete_left", "tab": "indent"}
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
_PAIRS = {sign: pair for pair in ("()", "[]", "{}", '""', "''", "``") for sign in pair}


class VimKeys:
    """Give it to `CodeEditor.modal`. Counts, operators with motions and objects, and `.`."""

    def __init__(self) -> None:
        self.mode = Mode.NORMAL
        self._keys = ""
        self._anchor = Location(0, 0)
        self._register = ""
        self._recording: list[tuple[str, str | None]] = []
        self._last_change: list[tuple[str, str | None]] = []
        self._found = ("", "")

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

    def _insert(self, editor: CodeEditor, at: Location | None = None) -> None:
        if at is not None:
            editor.model.select(at)
        self._set_mode(editor, Mode.INSERT)

    def _changed(self) -> None:
        self._last_change = list(self._recording)

    # Commands.

    def _complete(self, editor: CodeEditor) -> bool:
        """Carry out the keys so far; False while more are needed."""
        count, keys = self._count(self._keys)
        if not keys:
            return False
        if self.mode in (Mode.VISUAL, Mode.LINES):
            return self._visual(editor, count, keys)
        if keys[0] in _OPERATORS:
            return self._operator(editor, count, keys)
        target = self._motion(editor, count, keys)
        if isinstance(target, MotionTarget):
            editor.model.select(target.at)
            return True
        return target is None and self._command(editor, count or 1, keys)

    @staticmethod
    def _count(keys: str) -> tuple[int | None, str]:
        digits = 0
        while digits < len(keys) and keys[digits].isdecimal() and (digits or keys[0] != "0"):
            digits += 1
        return (int(keys[:digits]) if digits else None), keys[digits:]

    def _command(self, editor: CodeEditor, count: int, keys: str) -> bool:
        model = editor.model
        line, column = model.cursor
        length = len(model.line)
        match keys[0]:
            case ":":
                editor.post_message(editor.PromptRequested("command"))
            case "i":
                self._insert(editor)
            case "a":
                self._insert(editor, Location(line, min(length, column + 1)))
            case "I":
                self._insert(editor, Location(line, len(motions.indentation(model.line))))
            case "A":
                self._insert(editor, Location(line, length))
            case "o" | "O":
                edits.insert_line(model, below=keys == "o")
                self._insert(editor)
            case "x":
                self._take(editor, model.cursor, Location(line, min(length, column + count)))
            case "X":
                self._take(editor, Location(line, max(0, column - count)), model.cursor)
            case "D" | "C":
                self._take(editor, model.cursor, Location(line, length), insert=keys == "C")
            case "s":
                end = Location(line, min(length, column + count))
                self._take(editor, model.cursor, end, insert=True)
            case "S":
                self._keys = "cc"
                return self._complete(editor)
            case "Y":
                self._keys = f"{count}yy"
                return self._complete(editor)
            case "J":
                self._join(editor, count)
            case "p" | "P":
                self._put(editor, count, after=keys == "p")
            case "u":
                for _ in range(count):
                    model.undo()
                model.select(model.selection.start)
            case "v" | "V":
                self._anchor = model.cursor
                self._set_mode(editor, Mode.VISUAL if keys == "v" else Mode.LINES)
                self._select(editor, model.cursor)
            case "~" if column < length:
                end = Location(line, min(length, column + count))
                swapped = model.buffer.text(model.cursor, end).swapcase()
                model.edit([(model.cursor, end, swapped)])
                self._changed()
            case "r":
                if len(keys) < 2:
                    return False
                end = Location(line, column + count)
                if end.column <= length:
                    model.edit([(model.cursor, end, keys[1] * count)], Selection.at(model.cursor))
                    self._changed()
            case ".":
                self._repeat(editor)
            case "n" | "N":
                editor.finder.find_again(1 if keys == "n" else -1)
                model.select(model.selection.start)
            case "/":
                editor.action_find()
            case "z":
                if len(keys) < 2:
                    return False
                editor.viewport.reveal(center=True)
        return True

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

    def _join(self, editor: CodeEditor, count: int) -> None:
        model = editor.model
        for _ in range(max(1, count - 1)):
            line = model.cursor.line
            if line + 1 < len(model.lines):
                below = model.lines[line + 1]
                end = Location(line + 1, len(motions.indentation(below)))
                start = Location(line, len(model.lines[line].rstrip()))
                model.edit([(start, end, " ")], Selection.at(start))
        self._changed()

    def _put(self, editor: CodeEditor, count: int, *, after: bool) -> None:
        model, text = editor.model, self._register * count
        line, column = model.cursor
        if text.endswith("\n"):
            indent = len(motions.indentation(text))
            if after and line + 1 == len(model.lines):
                at, text = Location(line, len(model.line)), "\n" + text[:-1]
            else:
                at = Location(line + after, 0)
            model.edit([(at, at, text)], Selection.at(Location(line + after, indent)))
        elif text:
            at = Location(line, min(len(model.line), column + after))
            model.edit([(at, at, text)])
            model.select(motions.left(model.lines, model.cursor))
        self._changed()

    # Operators.

    def _operator(self, editor: CodeEditor, count: int | None, keys: str) -> bool:
        more, motion = self._count(keys[1:])
        if not motion:
            return False
        model = editor.model
        times = (count or 1) * (more or 1)
        if motion == keys[0]:
            last = min(model.cursor.line + times - 1, len(model.lines) - 1)
            self._act_on_lines(editor, keys[0], model.cursor.line, last)
            return True
        if motion[0] in "ia":
            return len(motion) > 1 and self._act_on_object(editor, keys[0], motion)
        if keys[0] == "c" and motion == "w":
            motion = "cw"
        number = times if count is not None or more is not None else None
        target = self._motion(editor, number, motion)
        if not isinstance(target, MotionTarget):
            return target is None
        start, end = sorted((model.cursor, target.at))
        if target.linewise:
            self._act_on_lines(editor, keys[0], start.line, end.line)
        else:
            if motion == "w" and end.line > start.line:
                end = Location(start.line, len(model.lines[start.line]))
            stop = min(end.column + target.inclusive, len(model.lines[end.line]))
            self._act(editor, keys[0], start, Location(end.line, stop))
        return True

    def _act_on_object(self, editor: CodeEditor, operator: str, keys: str) -> bool:
        model = editor.model
        line, column = model.cursor
        text = model.line
        around = keys[0] == "a"
        if keys[1] == "w":
            start, end = motions.word_at(text, column)
            while around and end < len(text) and text[end] == " ":
                end += 1
        elif (pair := _PAIRS.get(keys[1])) is not None:
            start = text.rfind(pair[0], 0, column + 1)
            end = text.find(pair[1], max(column, start + 1))
            if start < 0 or end < 0:
                return True
            start, end = (start, end + 1) if around else (start + 1, end)
        else:
            return True
        self._act(editor, operator, Location(line, start), Location(line, end))
        return True

    def _act(self, editor: CodeEditor, operator: str, start: Location, end: Location) -> None:
        if operator in "><":
            self._act_on_lines(editor, operator, start.line, end.line)
        elif operator == "y":
            self._register = editor.model.buffer.text(start, end)
            editor.model.select(start)
        else:
            self._take(editor, start, end, insert=operator == "c")

    def _take(
        self, editor: CodeEditor, start: Location, end: Location, *, insert: bool = False
    ) -> None:
        self._register = editor.model.buffer.text(start, end)
        editor.model.edit([(start, end, "")], Selection.at(start))
        if insert:
            self._insert(editor, start)
        else:
            self._changed()

    def _act_on_lines(self, editor: CodeEditor, operator: str, first: int, last: int) -> None:
        model = editor.model
        start, end = Location(first, 0), Location(last, len(model.lines[last]))
        if operator in "><":
            model.select(start, end)
            (edits.indent_lines if operator == ">" else edits.outdent_lines)(model)
            model.select(Location(first, len(motions.indentation(model.lines[first]))))
            self._changed()
            return
        self._register = model.buffer.text(start, end) + "\n"
        if operator == "y":
            return
        if operator == "c":
            indent = Location(first, len(motions.indentation(model.lines[first])))
            model.edit([(indent, end, "")], Selection.at(indent))
            self._insert(editor)
            return
        model.select(start, end)
        edits.delete_lines(model)
        line = min(first, len(model.lines) - 1)
        model.select(Location(line, len(motions.indentation(model.lines[line]))))
        self._changed()

    # Motions.

    def _motion(
        self, editor: CodeEditor, count: int | None, keys: str
    ) -> MotionTarget | bool | None:
        """Where `keys` lead; False while more are needed, None when they are no motion."""
        model, times = editor.model, count or 1
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
            return self._to_sign(editor, times, keys)
        match keys:
            case "e" | "cw":
                # Changing a word ends with it, even when the cursor is on its last character.
                at = Location(at.line, at.column - (keys == "cw"))
                for _ in range(times):
                    at = motions.word_end(lines, at)
                return MotionTarget(at, inclusive=True)
            case "$":
                return MotionTarget(
                    Location(at.line, max(0, len(lines[at.line]) - 1)), inclusive=True
                )
            case "%":
                pair = motions.matching_bracket(lines, at)
                return MotionTarget(pair[1] if pair else at, inclusive=True)
            case "G":
                return MotionTarget(
                    Location(last if count is None else min(times - 1, last), 0), True
                )
            case "g":
                return False
            case "gg":
                return MotionTarget(Location(min(times - 1, last), 0), True)
        return None

    def _to_sign(self, editor: CodeEditor, times: int, keys: str) -> MotionTarget | bool:
        if keys == ";":
            keys = "".join(self._found)
        if len(keys) < 2:
            return not keys and MotionTarget(editor.model.cursor)
        how, sign = self._found = (keys[0], keys[1])
        text, (line, column) = editor.model.line, editor.model.cursor
        target = column
        for _ in range(times):
            if how in "ft":
                target = text.find(sign, target + 1)
            else:
                target = text.rfind(sign, 0, max(0, target - (how == "T")))
            if target < 0:
                return MotionTarget(editor.model.cursor)
        shift = {"t": -1, "T": 1}.get(how, 0)
        return MotionTarget(Location(line, target + shift), inclusive=how in "ft")

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
        if operator in _OPERATORS:
            self._set_mode(editor, Mode.NORMAL)
            if lines:
                self._act_on_lines(editor, operator, start.line, end.line)
            else:
                self._act(editor, operator, start, end)
            return True
        if model.cursor == end and not lines and end > start:
            model.selection = Selection(start, Location(end.line, max(0, end.column - 1)))
        target = self._motion(editor, count, keys)
        if isinstance(target, MotionTarget):
            self._select(editor, target.at)
            return True
        model.selection = Selection(start, end) if model.cursor >= start else model.selection
        return target is None
