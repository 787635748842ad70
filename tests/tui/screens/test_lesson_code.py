"""The code of a lesson: lines that are emphasised stand out, until the code is edited."""

from __future__ import annotations

from textual.app import App, ComposeResult

from codeexec.tui.screens.lesson.code import LessonCode, rows_in
from codeexec.tui.theme import theme

THEME = theme.load_themes([theme.built_in_folder()])[theme.DEFAULT]


class CodeApp(App[None]):
    AUTO_FOCUS = ""

    def compose(self) -> ComposeResult:
        yield LessonCode(THEME)


def _is_dim(code: LessonCode, row: int) -> bool:
    faint = THEME.style("faint").color
    colors = {style.color for text, style, _ in code.render_line(row) if text.strip() and style}
    return colors == {faint}


async def test_code_has_the_rows_of_its_wrapped_lines() -> None:
    app = CodeApp()
    async with app.run_test(size=(40, 10)) as pilot:
        code = app.query_one(LessonCode)
        text = "axes.plot(range(1, 9), squares, marker='o', colour='red')\nplt.show()"
        code.show(text, "python")
        await pilot.pause()
        assert rows_in(code, text, 40) == code.model.rows.total == 3


async def test_brackets_are_marked_only_while_the_code_is_edited() -> None:
    app = CodeApp()
    async with app.run_test() as pilot:
        code = app.query_one(LessonCode)
        code.show("print(1)", "python")
        await pilot.pause()

        def is_marked() -> bool:
            at = code.painter.gutter + len("print")
            strip = code.render_line(0)
            bracket, number = (next(iter(strip.crop(x, x + 1))).style for x in (at, at + 1))
            assert bracket is not None and number is not None
            return bracket.bgcolor != number.bgcolor

        assert not is_marked()
        code.focus()
        await pilot.pause()
        assert is_marked()


async def test_all_lines_but_the_emphasised_ones_are_dim() -> None:
    app = CodeApp()
    async with app.run_test() as pilot:
        code = app.query_one(LessonCode)
        code.show("one = 1\ntwo = 2\nthree = 3", "python", ((2, 2),))
        await pilot.pause()
        assert [_is_dim(code, row) for row in range(3)] == [True, False, True]
        code.focus()
        await pilot.pause()
        assert [_is_dim(code, row) for row in range(3)] == [False, False, False]
        app.set_focus(None)
        code.show("one = 1", "python")
        await pilot.pause()
        assert not _is_dim(code, 0)
