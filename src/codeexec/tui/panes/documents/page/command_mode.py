"""Command mode of a page: single keys act on cells, as in Jupyter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.actions.moves import start_of_cell
from codeexec.tui.panes.editor.vim import VimKeys

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.actions.keys import ModalKeys
    from codeexec.tui.panes.editor.code_editor import CodeEditor

_MOVES = {"up": -1, "k": -1, "down": 1, "j": 1, "home": -(10**9), "end": 10**9}
_EXTENDS = {"shift+up": -1, "K": -1, "shift+down": 1, "J": 1}
_COMMANDS = {
    "a": "insert_above",
    "b": "insert_below",
    "dd": "delete",
    "x": "cut",
    "ctrl+x": "cut",
    "c": "copy",
    "ctrl+c": "copy",
    "v": "paste",
    "ctrl+v": "paste",
    "V": "paste_above",
    "m": "to_markdown",
    "y": "to_code",
    "r": "to_raw",
    "M": "merge",
    "L": "language",
    "o": "collapse",
    "O": "whole",
    "F": "table",
    "<": "scroll_left",
    ">": "scroll_right",
    "[": "scroll_up",
    "]": "scroll_down",
    "z": "undo",
    "Z": "redo",
    "left": "fold_section",
    "right": "unfold_section",
    "alt+up": "move_up",
    "alt+down": "move_down",
    "f5": "run_selected",
    "ctrl+enter": "run_selected",
    "f6": "run_and_advance",
    "shift+enter": "run_and_advance",
}
_CHANGES = ("edit(", "cut", "paste", "move(", "select(", "complete")
"""How actions of the editor begin that mean the caret."""

MODE = "cells"
"""Word for the status line."""


class CommandMode:
    """A key layer over the one that the editor had (`inner`, such as vim's).

    `do` gets the name of a command; `changed` is called when the mode or the selected cells change,
    `reveal` with the cell that is to be in view. `step` gives the cell that is a number of cells
    away from another, over cells that are hidden.
    """

    def __init__(
        self,
        editor: CodeEditor,
        inner: ModalKeys | None,
        do: Callable[[str], None],
        changed: Callable[[], None],
        reveal: Callable[[int], None],
        step: Callable[[int, int], int],
    ) -> None:
        self._editor = editor
        self.inner = inner
        self._do = do
        self._changed = changed
        self._reveal = reveal
        self._step = step
        self.is_on = False
        self._anchor = self._head = 0
        self._caret = editor.model.cursor
        self._version = editor.model.buffer.version
        self._pending = ""

    @property
    def selected(self) -> range:
        """The cells that commands act on; outside the mode the one with the caret."""
        model = self._editor.model
        if not self.is_on:
            index = model.cells.at(model.cursor.line)
            return range(index, index + 1)
        last = len(model.cells) - 1
        first, end = sorted((min(self._anchor, last), min(self._head, last)))
        return range(first, end + 1)

    def enter(self) -> None:
        """Let keys act on cells."""
        model = self._editor.model
        self.is_on, self._pending = True, ""
        self._caret = model.cursor
        self._anchor = self._head = model.cells.at(model.cursor.line)
        self._editor.post_message(self._editor.ModeChanged(MODE))
        self._changed()

    def leave(self) -> None:
        """Let keys act on text."""
        if self.is_on:
            self.is_on = False
            mode = self.inner.mode if isinstance(self.inner, VimKeys) else ""
            self._editor.post_message(self._editor.ModeChanged(str(mode)))
            self._changed()

    def select(self, cells: range) -> None:
        """Select cells, the caret in the first."""
        self._anchor, self._head = cells[0], cells[-1]
        self._put_caret(cells[0])

    def press(self, index: int, button: int, *, shift: bool) -> None:
        """Select a cell that was pressed; with `shift` all from the one that was selected before.
        The right button leaves a selection that has the cell as it is."""
        if button == 3 and self.is_on and index in self.selected:
            return
        if not self.is_on:
            self.enter()
        if not shift:
            self._anchor = index
        self._head = index
        self._put_caret(index)

    def follow_text(self) -> None:
        """Select the cell with the caret after a change, as by undo. A caret that was put outside
        the selected cells, as by the mouse or a search, ends the mode."""
        model = self._editor.model
        is_changed = model.buffer.version != self._version
        self._version = model.buffer.version
        if not self.is_on:
            return
        if is_changed:
            self._caret = model.cursor
            self._anchor = self._head = model.cells.at(model.cursor.line)
            self._changed()
        elif not self._has_caret:
            self.leave()

    def _put_caret(self, index: int) -> None:
        self._caret = start_of_cell(self._editor.model, index)
        self._changed()
        self._editor.perform(lambda model: model.select(self._caret))
        self._reveal(index)

    @property
    def _has_caret(self) -> bool:
        """Whether the caret is where the mode has put it."""
        selection = self._editor.model.selection
        return selection.is_empty and selection.cursor == self._caret

    def handle(self, editor: CodeEditor, key: str, character: str | None) -> bool:
        """Act on a key; False leaves it to the editor."""
        if self.is_on:
            return self._handle_command(key, character)
        vim = self.inner
        if (
            isinstance(vim, VimKeys)
            and key == "escape"
            and str(vim.mode) == "normal"
            and not vim.pending
        ):
            self.enter()
            return True
        return vim is not None and vim.handle(editor, key, character)

    def _handle_command(self, key: str, character: str | None) -> bool:
        name = character if character and character.isprintable() else key
        pending, self._pending = self._pending, ""
        if key in ("enter", "i") and not pending:
            self.leave()
        elif name in _MOVES or name in _EXTENDS:
            self._move(name)
        elif (command := _COMMANDS.get(pending + name)) is not None:
            self._do(command)
        elif name == "d":
            self._pending = name
        else:
            return name == character or key == "escape" or self._means_caret(key)
        return True

    def _means_caret(self, key: str) -> bool:
        """Whether the editor would act on text where the caret is; undo and redo may."""
        actions = self._editor.actions_of(key)
        undoes = ("edit('undo')", "edit('redo')")
        return any(one.startswith(_CHANGES) and one not in undoes for one in actions)

    def _move(self, name: str) -> None:
        self._head = self._step(self._head, _MOVES.get(name) or _EXTENDS[name])
        if name in _MOVES:
            self._anchor = self._head
        self._put_caret(self._head)
