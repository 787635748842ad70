"""The find bar by keys: it counts while one types, replaces, and goes away."""

from __future__ import annotations

from textual import on
from textual.app import App, ComposeResult
from textual.widgets import Checkbox, Label

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor import CodeEditor
from codeexec.tui.panes.editor.find_bar import FindBar


class Host(App[None]):
    """An editor with its bar."""

    def compose(self) -> ComposeResult:
        self.editor = CodeEditor("one two\none\nthree\n", by_name("python"))
        self.bar = FindBar(self.editor)
        yield self.editor
        yield self.bar

    def on_mount(self) -> None:
        self.editor.focus()

    @on(CodeEditor.PromptRequested)
    def open_bar(self, message: CodeEditor.PromptRequested) -> None:
        self.bar.open(message.kind, message.text)

    @property
    def said(self) -> str:
        return str(self.bar.query_one("#count", Label).render())


async def test_find_by_keys() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("ctrl+f", *"one")
        assert app.said == "1 of 2"
        await pilot.press("enter")
        assert app.said == "2 of 2"
        assert app.editor.model.selected_text == "one"
        await pilot.press("shift+f4")
        assert app.said == "1 of 2"
        await pilot.press("x")
        assert app.said == "nothing found"
        await pilot.press("escape")
        assert not app.bar.display
        assert app.editor.has_focus
        await pilot.press("z")
        assert "z" in app.editor.text


async def test_regular_expressions_and_their_mistakes() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("ctrl+f")
        await pilot.click("#regex")
        app.bar.query_one("#text").focus()
        await pilot.press("left_parenthesis")
        assert "no regular expression" in app.said
        await pilot.press("t", "right_parenthesis")
        assert app.said == "1 of 2"


async def test_a_box_has_a_mark_only_while_it_is_on() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("ctrl+f")
        box = app.bar.query_one("#regex", Checkbox)
        for mark in (" ", "X", " "):
            assert f"▐{mark}▌ regex" in box.render_line(0).text
            box.toggle()
            await pilot.pause()


async def test_replace_by_keys() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("alt+r", *"one", "tab", "tab", "tab", "tab", *"1", "enter")
        assert app.editor.text.startswith("1 two\none")
        await pilot.press("alt+a")
        assert app.editor.text == "1 two\n1\nthree\n"
        assert app.said == "1 replaced"


async def test_tab_goes_from_find_to_replace_and_then_to_the_boxes() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("alt+r", *"one")
        stops = []
        for key in ("tab", "tab", "right", "tab", "shift+tab"):
            await pilot.press(key)
            assert app.screen.focused is not None
            stops.append(app.screen.focused.id)
        assert stops == ["replacement", "regex", "word", "text", "regex"]
        label = app.bar.query_one("#replacing").query(Label).first()
        assert label.content_size.width >= len("Replace")


async def test_go_to_line() -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.press("ctrl+g", "3", "enter")
        assert app.editor.model.cursor == (2, 0)
        assert app.editor.has_focus
        await pilot.press("ctrl+g", "minus", "4", "enter")
        assert app.editor.model.cursor == (0, 0)
