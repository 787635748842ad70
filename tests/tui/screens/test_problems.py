"""The list of problems: files, narrowing, a click, a fix, and what it says where it is empty."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App
from textual.widgets import Static

from codeexec.tui.panes.documents.cells.problems import CellProblem
from codeexec.tui.panes.editor.marks import LineDiagnostic, LineFix, Severity
from codeexec.tui.screens.programs.problems import ChosenProblem, ProblemsScreen
from codeexec.tui.widgets.click_rows import ClickRows
from support.pane_app import PaneApp, until

FIX = LineFix("/w/a.cpp", (1, 9), (1, 14), "count")
PROBLEMS = [
    CellProblem("/w/a.cpp", LineDiagnostic(0, "unused", Severity.WARN, 6)),
    CellProblem("/w/a.cpp", LineDiagnostic(1, "not declared", fixes=(FIX,), start=9)),
    CellProblem("/w/sub/b.hpp", LineDiagnostic(4, "edited", line_text="x"), is_stale=True),
]


async def open_screen(
    problems: list[CellProblem], answers: list[ChosenProblem | None], app: App[None]
) -> ProblemsScreen:
    screen = ProblemsScreen(lambda: problems, Path("/w"), ("/w/a.cpp", 1, 0))
    await app.push_screen(screen, answers.append)
    return screen


def rows(screen: ProblemsScreen) -> list[str]:
    return ["".join(text for text, _ in row.pieces(70)) for row in screen.list.rows]


def words(screen: ProblemsScreen) -> str:
    return str(screen.query_one("#word", Static).render())


def hints(screen: ProblemsScreen) -> str:
    return str(screen.query_one("#hints", Static).render())


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_it_lists_by_file_and_begins_at_the_cursor(size: tuple[int, int]) -> None:
    app = PaneApp(Static(""))
    answers: list[ChosenProblem | None] = []
    async with app.run_test(size=size) as pilot:
        screen = await open_screen(PROBLEMS, answers, app)
        await until(pilot, lambda: len(screen.list.rows) == 5)
        assert [row.split()[0] for row in rows(screen)] == ["a.cpp", "▲", "●", "sub/b.hpp", "●"]
        assert "2:10" in rows(screen)[2]
        assert rows(screen)[2].endswith("fix")
        assert screen.list.cursor == 2
        assert "not declared" in words(screen)
        assert hints(screen) == "enter go there   alt+shift+i apply its fix   esc close"
        await pilot.press("down")
        await until(pilot, lambda: "The line was edited since." in words(screen))
        assert hints(screen) == "enter go there   esc close"
        await pilot.press("b", ".", "h")
        await until(pilot, lambda: len(screen.list.rows) == 2)
        await pilot.press("enter")
        await until(pilot, lambda: answers)
        assert answers == [ChosenProblem("go", PROBLEMS[2])]


async def test_a_click_goes_there_and_a_key_applies_the_fix() -> None:
    app = PaneApp(Static(""))
    answers: list[ChosenProblem | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_screen(PROBLEMS, answers, app)
        await until(pilot, lambda: screen.list.cursor == 2)
        await pilot.press("alt+shift+i")
        await until(pilot, lambda: len(answers) == 1)
        screen = await open_screen(PROBLEMS, answers, app)
        await until(
            pilot, lambda: screen.list.cursor == 2 and screen.query_one(ClickRows).size.height >= 5
        )
        await pilot.click(ClickRows, offset=(6, 1))
        await until(pilot, lambda: len(answers) == 2)
        assert answers == [ChosenProblem("fix", PROBLEMS[1]), ChosenProblem("go", PROBLEMS[0])]


async def test_without_problems_it_says_what_is_listed_there() -> None:
    app = PaneApp(Static(""))
    answers: list[ChosenProblem | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_screen([], answers, app)
        await until(pilot, lambda: "There are no problems." in words(screen))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: answers)
        assert answers == [None]
