"""Vim keys: what is typed, and what the text and the cursor are then."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor import CodeEditor, Location
from codeexec.tui.panes.editor.vim import Mode, VimKeys

ESC = "\x1b"


class Host(App[None]):
    """An editor with vim's keys."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.vim = VimKeys()
        self.editor = CodeEditor(text, by_name("python"))
        self.editor.modal = self.vim

    def compose(self) -> ComposeResult:
        yield self.editor

    def feed(self, keys: str) -> None:
        """Keys as the editor gets them; the escape character is the escape key."""
        for sign in keys:
            key = "escape" if sign == ESC else sign
            character = None if sign == ESC else sign
            if not self.vim.handle(self.editor, key, character) and character:
                self.editor.type(character)


CASES = [
    ("one two", "w", "one two", (0, 4)),
    ("one two", "dw", "two", (0, 0)),
    ("one two three", "2dw", "three", (0, 0)),
    ("one two three", "d2w", "three", (0, 0)),
    ("one two", "cwx" + ESC, "x two", (0, 0)),
    ("a(b, c)d", "fbdi(", "a()d", (0, 2)),
    ("a(b, c)d", "fbda(", "ad", (0, 1)),
    ("one two", "wciwx" + ESC, "one x", (0, 4)),
    ("a\nb\nc", "jdd", "a\nc", (1, 0)),
    ("a\nb\nc", "2dd", "c", (0, 0)),
    ("a\nb\nc", "ddp", "b\na\nc", (1, 0)),
    ("a\nb", "yyjp", "a\nb\na", (2, 0)),
    ("a\nb\nc", "dG", "", (0, 0)),
    ("a\nb\nc", "Gdgg", "", (0, 0)),
    ("abc", "x", "bc", (0, 0)),
    ("abc", "$x", "ab", (0, 1)),
    ("abc", "xp", "bac", (0, 1)),
    ("abc def", "wD", "abc ", (0, 3)),
    ("abc", "rx", "xbc", (0, 0)),
    ("abc", "3~", "ABC", (0, 2)),
    ("a\nb", "J", "a b", (0, 1)),
    ("abc", "ixy" + ESC, "xyabc", (0, 1)),
    ("abc", "Ax" + ESC, "abcx", (0, 3)),
    ("  abc", "$Ix" + ESC, "  xabc", (0, 2)),
    ("a", "ob" + ESC, "a\nb", (1, 0)),
    ("a", "Ob" + ESC, "b\na", (0, 0)),
    ("a b c d", "dw.", "c d", (0, 0)),
    ("a a a", "cwbb" + ESC + "w.", "bb bb a", (0, 4)),
    ("a\nb", "jdku", "a\nb", (0, 0)),
    ("x = f(a)", "f(%x", "x = f(a", (0, 6)),
    ("a,b,c", "dt,", ",b,c", (0, 0)),
    ("a,b,c", "2f,x", "a,bc", (0, 3)),
    ("a,b,c", "f,;x", "a,bc", (0, 3)),
    ("one two", "ved", " two", (0, 0)),
    ("one\ntwo\nthree", "Vjd", "three", (0, 0)),
    ("one", "v" + ESC + "x", "ne", (0, 0)),
    ("a\nb", "Vj>", "    a\n    b", (0, 4)),
    ("    a", "<<", "a", (0, 0)),
    ("a\nb\nc", "3G", "a\nb\nc", (2, 0)),
    ("one two", "wbyewP", "one onetwo", (0, 6)),
]


@pytest.mark.parametrize(("before", "keys", "text", "cursor"), CASES)
async def test_keys(before: str, keys: str, text: str, cursor: tuple[int, int]) -> None:
    app = Host(before)
    async with app.run_test(size=(40, 8)):
        app.feed(keys)
        assert app.editor.text == text
        assert app.editor.model.cursor == cursor
        assert app.vim.mode is Mode.NORMAL


async def test_modes_and_pending_keys() -> None:
    app = Host("abc")
    async with app.run_test(size=(40, 8)) as pilot:
        app.editor.focus()
        await pilot.press("2", "d")
        assert app.vim.pending == "2d"
        await pilot.press("escape", "i", "x", "right", "y")
        assert app.vim.is_inserting
        await pilot.press("escape", "V")
        assert app.editor.text == "xayb" + "c"
        assert app.editor.model.selected_text == "xaybc"
        await pilot.press("escape", "u", "ctrl+r")
        assert app.vim.mode is Mode.NORMAL
        app.editor.model.select(Location(0, 0))
