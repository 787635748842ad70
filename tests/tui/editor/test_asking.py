"""What the editor asks of syntax and kernel is bounded by what is near, not by the text."""

from __future__ import annotations

from rich.style import Style
from textual.app import App, ComposeResult

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.painting import Painter
from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.panes.editor.text.lexer_syntax import Span
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.syntax import NoSyntax
from codeexec.tui.panes.editor.text.text import Location

LINES = 50_000


class Asked(NoSyntax):
    """Remembers which lines it was asked for."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, int]] = []

    def spans(self, first: int, last: int) -> dict[int, list[Span]]:
        self.lines.append((first, last))
        return {}


def test_a_changed_line_is_asked_for_alone() -> None:
    syntax = Asked()
    model = EditorModel("x = 1\n" * LINES, by_name("python"))
    painter = Painter(model, syntax, EditorStyles(lambda _: Style.null()))
    painter.prepare(100, 40)
    painter.forget_colors([120])
    painter.prepare(100, 40)
    painter.prepare(100, 40)
    assert syntax.lines == [(100, 139), (120, 120)]


def test_lines_that_come_into_view_are_asked_for() -> None:
    syntax = Asked()
    model = EditorModel("x = 1\n" * LINES, by_name("python"))
    painter = Painter(model, syntax, EditorStyles(lambda _: Style.null()))
    painter.prepare(100, 40)
    painter.prepare(101, 40)
    assert syntax.lines == [(100, 139), (140, 140)]


class Editing(App[None]):
    asked: CodeEditor.CompletionRequested | None = None

    def compose(self) -> ComposeResult:
        yield CodeEditor("value = 1\n" * LINES, by_name("python"))

    def on_code_editor_completion_requested(self, event: CodeEditor.CompletionRequested) -> None:
        self.asked = event


async def test_a_kernel_is_told_of_some_hundred_lines() -> None:
    app = Editing()
    async with app.run_test() as pilot:
        editor = app.query_one(CodeEditor)
        here = Location(LINES // 2, 5)
        editor.perform(lambda model: model.select(here))
        editor.action_complete()
        await pilot.pause()
        event = app.asked
        assert event is not None
        assert event.code.count("\n") < 1000
        assert event.code[: event.offset].endswith("\nvalue")
        assert event.location(event.offset) == here
