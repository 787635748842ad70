"""The list of tests: rows, narrowing, running again, going to a line, and the empty state."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from codeexec.domain.diagnostics import Diagnostic, SourceLocation
from codeexec.domain.options import PROJECT_KERNEL, ExecuteOptions, ProgramOptions, ProjectOptions
from codeexec.domain.programs import StepResult, TestResult
from codeexec.domain.snapshot import ExecutionStatus, ExecutionView, Snapshot
from codeexec.tui.screens.programs.test_results import (
    ChosenTest,
    TestResultsScreen,
    TestRow,
    project_tests,
)
from support.pane_app import PaneApp, until

CTEST = ("/usr/bin/ctest", "--test-dir", "b")
FAILED = TestResult(
    "twice", "failed", 0.02, "Failed", "one\ntwo\n", SourceLocation("/w/checks.c", 4, 3)
)
TESTS = (FAILED, TestResult("later", "skipped"), TestResult("good", "passed", 0.5))
Ran = list[tuple[str, tuple[str, ...]]]


def view(
    name: str,
    *steps: StepResult,
    folder: str = "/w",
    tests: tuple[str, ...] = (),
    status: ExecutionStatus = "ok",
) -> ExecutionView:
    project = ProjectOptions(folder, tests=tests)
    options = ExecuteOptions(
        kernel=PROJECT_KERNEL, program=ProgramOptions(steps="test", project=project)
    )
    return ExecutionView(name, "", status, options=options, steps=steps)


def snapshot(*views: ExecutionView) -> Snapshot:
    return Snapshot(executions={view.execution_id: view for view in views})


def ctest(*tests: TestResult) -> StepResult:
    return StepResult("test", CTEST, 0, tests=tests)


def lines(screen: TestResultsScreen, width: int = 70) -> list[str]:
    return ["".join(text for text, _ in row.pieces(width)).strip() for row in screen.list.rows]


def word(screen: TestResultsScreen) -> str:
    return str(screen.query_one("#word", Static).content)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_tests_are_listed_narrowed_run_again_and_gone_to(size: tuple[int, int]) -> None:
    app = PaneApp(Static(""))
    answers: list[ChosenTest | None] = []
    ran: Ran = []
    first = view("e1", ctest(*TESTS))
    async with app.run_test(size=size) as pilot:
        screen = TestResultsScreen(
            snapshot(first), Path("/w"), lambda folder, names: ran.append((folder, names))
        )
        await app.push_screen(screen, answers.append)
        await until(pilot, lambda: len(screen.list.rows) == 4)
        assert lines(screen)[0].split(maxsplit=1) == ["w", "1 failed · 1 skipped · 1 passed"]
        assert lines(screen)[1].startswith("✗ twice") and lines(screen)[1].endswith("20 ms")
        assert word(screen) == "Failed\none\ntwo"
        await pilot.press("r", "f")
        await until(pilot, lambda: ran == [("/w", ("twice",)), ("/w", ("twice",))])

        # While it runs the results stay, and no second run is begun.
        app.show(snapshot(first, view("e2", tests=("twice",), status="running")))
        await until(pilot, lambda: "running…" in lines(screen)[0])
        await pilot.press("a")
        await until(pilot, lambda: word(screen) == "The tests run already.")
        assert len(ran) == 2

        again = view("e2", ctest(TestResult("twice", "passed", 0.01)), tests=("twice",))
        app.show(snapshot(first, again))
        await until(pilot, lambda: "2 passed" in lines(screen)[0])
        await pilot.press("a", "slash", *"goo")
        await until(pilot, lambda: len(screen.list.rows) == 2)
        assert ran[-1] == ("/w", ())
        await pilot.press("enter")
        await until(pilot, lambda: answers)
        assert answers[0] is not None and answers[0].test.name == "good"


@pytest.mark.parametrize(
    ("views", "words"),
    [
        ([], "No tests have run here"),
        ([view("e1", status="error")], "The project was not built."),
        ([view("e1", status="running")], "built and tested…"),
    ],
)
async def test_where_there_are_no_tests_it_says_why(views: list[ExecutionView], words: str) -> None:
    app = PaneApp(Static(""))
    answers: list[ChosenTest | None] = []
    ran: Ran = []
    async with app.run_test(size=(80, 24)) as pilot:
        screen = TestResultsScreen(
            snapshot(*views), Path("/w"), lambda folder, names: ran.append((folder, names))
        )
        await app.push_screen(screen, answers.append)
        await until(pilot, lambda: words in word(screen))
        await pilot.press("r", "f", "enter", "a", "q")
        await until(pilot, lambda: answers)
        assert answers == [None]
        is_free = all(not view.is_open for view in views)
        assert ran == ([("/w" if views else "", ())] if is_free else [])


def test_a_tool_without_single_tests_is_one_row() -> None:
    place = SourceLocation("/w/main.cpp", 3)
    failed = StepResult(
        "test",
        ("/usr/bin/make", "-C", "/w", "-j", "2", "--", "check"),
        2,
        seconds=1.5,
        diagnostics=(Diagnostic(place, "error", "Failure"),),
    )
    (project,) = project_tests(snapshot(view("e1", failed)))
    (test,) = project.tests
    assert (test.name, test.status, test.seconds) == ("make check", "failed", 1.5)
    assert (test.message, test.place, project.are_single) == ("Failure", place, False)


def test_the_project_that_was_tested_last_is_first() -> None:
    other = view("e2", ctest(TESTS[2]), folder="/other")
    projects = project_tests(snapshot(view("e1", ctest(FAILED)), other))
    assert [project.folder for project in projects] == ["/other", "/w"]
    projects = project_tests(snapshot(view("e1", ctest(FAILED)), other, view("e3", ctest())))
    assert [project.folder for project in projects] == ["/w", "/other"]
    assert [len(project.tests) for project in projects] == [1, 1], "ctest names no test"


@pytest.mark.parametrize("width", [20, 40, 76, 180])
def test_a_row_has_its_width(width: int) -> None:
    for name, message in (("n" * 90, "m" * 300), ("a\x1b[31m\nb", "")):
        test = TestResult(name, "failed", 12.5, message)
        (project,) = project_tests(snapshot(view("e1", ctest(test))))
        pieces = TestRow(project, test).pieces(width)
        assert len("".join(text for text, _ in pieces)) == width
        assert "\x1b" not in "".join(text for text, _ in pieces)
