"""The output of a step stays at its end."""

from __future__ import annotations

from textual.app import App, ComposeResult

from codeexec.domain.outputs import Run
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.screens.lesson.output import LessonOutput
from codeexec.tui.theme.theme import built_in_folder, find_theme

THEME = find_theme("harbour", [built_in_folder()])


class _Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield LessonOutput(THEME)


def _printed(lines: int) -> ExecutionView:
    run = Run("stdout", "\n".join(map(str, range(lines))))
    return ExecutionView("e", "f()", "ok", number=1, count=1, total=lines, tail=(run,))


async def test_output_that_grows_beyond_the_screen_at_once_is_shown_to_its_end() -> None:
    app = _Shown()
    async with app.run_test(size=(40, 10)) as pilot:
        output = app.query_one(LessonOutput)
        output.show(_printed(4))
        await pilot.pause()
        output.show(_printed(30))
        await pilot.pause()
        assert "29" in output.render_line(output.size.height - 1).text
        output.scroll_by(-5)
        await pilot.pause()
        output.show(_printed(40))
        await pilot.pause()
        assert "24" in output.render_line(output.size.height - 1).text
