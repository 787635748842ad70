"""The list of what runs: rows, stop, going to a card, and the empty state."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from codeexec.domain.events import CellRef
from codeexec.domain.options import ExecuteOptions, ProgramOptions
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.screens.programs.running import RunningRow, RunningScreen, title_of
from support.pane_app import PaneApp, until

PROGRAM = ExecuteOptions(
    kernel="programs:cpp", program=ProgramOptions("/w/main.cpp", arguments=("7",))
)
VIEWS = [
    ExecutionView("e1", "x = 1", "ok"),
    ExecutionView("e2", "\n  wait()", "queued"),
    ExecutionView("e3", "int main() {}", "running", options=PROGRAM),
]
SNAPSHOT = Snapshot(executions={view.execution_id: view for view in VIEWS})


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_what_runs_is_listed_stopped_and_gone_to(size: tuple[int, int]) -> None:
    app = PaneApp(Static(""))
    answers: list[str | None] = []
    stopped: list[str] = []
    async with app.run_test(size=size) as pilot:
        screen = RunningScreen(SNAPSHOT, stopped.append)
        await app.push_screen(screen, answers.append)
        await until(pilot, lambda: len(screen.list.rows) == 2)
        titles = [title_of(row.view) for row in screen.list.rows if isinstance(row, RunningRow)]
        assert titles == ["main.cpp 7", "wait()"]
        await pilot.press("s")
        await until(pilot, lambda: stopped == ["e3"])
        # It has ended: the list follows.
        app.show(Snapshot(executions={"e2": VIEWS[1]}))
        await until(pilot, lambda: len(screen.list.rows) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: answers)
        assert answers == ["e2"]


async def test_where_nothing_runs_it_says_so() -> None:
    app = PaneApp(Static(""))
    answers: list[str | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        screen = RunningScreen(Snapshot(), lambda _: None)
        await app.push_screen(screen, answers.append)
        word = screen.query_one("#word", Static)
        await until(pilot, lambda: "Nothing runs" in str(word.render()))
        await pilot.press("s", "enter", "q")
        await until(pilot, lambda: answers)
        assert answers == [None]


def test_a_cell_is_named_by_its_title() -> None:
    view = ExecutionView("e1", "x", "queued", cell=CellRef("/w/a.py", "k", 0, "Load"))
    assert title_of(view) == "Load"
    program = ProgramOptions("/w/main.cpp", arguments=("--name", "a b"))
    view = ExecutionView("e3", "", options=ExecuteOptions(program=program))
    assert title_of(view) == "main.cpp --name 'a b'"
    assert title_of(ExecutionView("e2", " \n")) == "(no code)"
