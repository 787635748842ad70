"""Tests of projects: how each ended, from where one goes to its line, or runs it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import ClassVar, NamedTuple

from textual.binding import BindingType

from codeexec.domain.programs import StepResult, TestResult, TestStatus
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.text.printable import printable
from codeexec.domain.text.words import duration
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.counts import counted
from codeexec.tui.render.plain import one_line, padded
from codeexec.tui.screens.picker import HeadingRow, Picker, spread
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Ink, ListRow, Pieces

_SIGNS: dict[TestStatus, tuple[str, Ink]] = {
    "failed": ("✗", "error"),
    "skipped": ("–", "muted"),
    "passed": ("✓", "ok"),
}
_TOOLS_OF_SINGLE_TESTS = frozenset({"ctest", "meson"})
_EMPTY = "No tests have run here. A project has them by ctest, meson test or make check."
_OUTPUT_LINES = 3
"""Lines of what a failed test wrote that are shown under the list, the last ones."""
_NAME_WIDTH = 40


class ProjectTests(NamedTuple):
    """Tests of the project in `folder` as they ended last; `view` is their last execution.
    `are_single`: each can be run by its name."""

    folder: str
    view: ExecutionView
    tests: tuple[TestResult, ...]
    are_single: bool

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(test.name for test in self.tests if test.status == "failed")


class ChosenTest(NamedTuple):
    """The answer of the screen."""

    project: ProjectTests
    test: TestResult


RunTests = Callable[[str, tuple[str, ...]], None]
"""Runs tests of the project in a folder by their names; all where there are none."""


def project_tests(snapshot: Snapshot) -> list[ProjectTests]:
    """Tests of all projects, the one that was tested last first. Those that were run by their names
    take the place of what they came to before."""
    projects: dict[str, ProjectTests] = {}
    for view in snapshot.executions.values():
        program = view.options.program
        if program is None or program.project is None or program.steps != "test":
            continue
        folder = program.project.folder
        before = projects.pop(folder, None)
        step = next((step for step in view.steps if step.name == "test"), None)
        results = dict[str, TestResult]()
        if before is not None and (step is None or program.project.tests):
            results = {test.name: test for test in before.tests}
        own = _tests_of(step) if step is not None else ()
        results |= {test.name: test for test in own}
        are_single = before is not None and before.are_single
        if step is not None:
            are_single = PurePath(step.command[0]).name in _TOOLS_OF_SINGLE_TESTS
        projects[folder] = ProjectTests(folder, view, tuple(results.values()), are_single)
    return list(projects.values())[::-1]


def _tests_of(step: StepResult) -> tuple[TestResult, ...]:
    """The tests of a step; of a tool that names none, the step as one."""
    if step.tests:
        return step.tests
    name = f"{PurePath(step.command[0]).name} {step.command[-1]}"
    status: TestStatus = "failed" if step.code else "passed"
    message = f"Status {step.code}" if step.code else ""
    test = TestResult(name, status, step.seconds, message)
    if step.diagnostics:
        first = step.diagnostics[0]
        test = TestResult(name, status, step.seconds, first.message, place=first.place)
    return (test,)


@dataclass(frozen=True, slots=True)
class TestRow:
    """Row of a test: how it ended, its name, its message, its time."""

    __test__ = False  # for pytest

    project: ProjectTests
    test: TestResult

    def pieces(self, width: int) -> Pieces:
        test = self.test
        sign, ink = _SIGNS[test.status]
        name, message = one_line(test.name), one_line(test.message)
        label: Pieces = [(f"{sign} ", ink)]
        if message:
            name = padded(name, min(_NAME_WIDTH, max(width // 3, 8))) + "  "
        label += [(name, "text"), (message, "muted")]
        return spread(label, [(duration(test.seconds) if test.seconds else "", "muted")], width)


class TestResultsScreen(Picker[ChosenTest | None]):
    """Dismissed with the test to go to. `run` is called with tests that are to run again; the
    screen stays and follows them."""

    __test__ = False  # for pytest

    typing: ClassVar[bool] = False
    word_rows: ClassVar[int] = 4
    placeholder: ClassVar[str] = "type to narrow down: a name, or passed, failed, skipped"

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("tests")]

    def __init__(self, snapshot: Snapshot, folder: Path, run: RunTests) -> None:
        super().__init__("Tests")
        self._projects = project_tests(snapshot)
        self._folder = folder
        self._run = run

    def begin(self) -> None:
        self._fill()

    def show_frame(self, frame: Frame) -> None:
        """What has come from the session may be other results; the cursor stays on its test."""
        projects = project_tests(frame.snapshot)
        if self.is_mounted and projects != self._projects:
            self._projects = projects
            self._fill()

    @property
    def _row(self) -> TestRow | None:
        rows = self.list.rows
        row = rows[self.list.cursor] if rows else None
        return row if isinstance(row, TestRow) else None

    def _fitting(self, project: ProjectTests) -> Iterator[TestRow]:
        words = self.field.value.strip().casefold().split()
        for test in project.tests:
            searched = f"{test.name} {test.status} {test.message}".casefold()
            if all(word in searched for word in words):
                yield TestRow(project, test)

    def _fill(self) -> None:
        chosen = self._row
        rows: list[ListRow] = []
        for project in self._projects:
            own = list(self._fitting(project))
            if own:
                rows.append(HeadingRow(self._name_of(project), _summary(project)))
                rows += own
        at = next((at for at, row in enumerate(rows) if _is_same(row, chosen)), self.list.cursor)
        self.show(rows, at if chosen is not None else 0)
        self._tell()

    def _name_of(self, project: ProjectTests) -> str:
        path = Path(project.folder)
        return printable(path.name if path == self._folder else str(path))

    def _tell(self) -> None:
        row = self._row
        runs = next((project for project in self._projects if project.view.is_open), None)
        if row is not None:
            output = [line for line in row.test.output.split("\n") if line.strip()]
            lines = [row.test.message, *output[-_OUTPUT_LINES:]]
            self.say("\n".join(one_line(printable(line)) for line in lines if line))
        elif self._projects and any(project.tests for project in self._projects):
            self.say("Nothing fits.")
        elif runs is not None:
            self.say("The project is built and tested…")
        else:
            self.say("The project was not built." if self._projects else _EMPTY)
        self.refresh_hints()

    def hints(self) -> Sequence[Hint]:
        row = self._row
        entries: list[Hint] = []
        if row is not None:
            goal = "go there" if row.test.place.line else "to its output"
            entries.append(Hint("enter", goal, "choose"))
            if row.project.are_single:
                entries.append(Hint("r", "again", "again"))
                if row.project.failed:
                    entries.append(Hint("f", "run failed", "failed"))
        search = [Hint("/", "search", "search")] if row is not None else []
        return (*entries, Hint("a", "all", "all"), *search, Hint("esc", "close", "leave"))

    def narrow(self, typed: str) -> None:
        self._fill()

    def moved(self, at: int) -> None:
        self._tell()

    def choose(self, at: int) -> None:
        if (row := self._row) is not None:
            self.dismiss(ChosenTest(row.project, row.test))

    # -- run again ---------------------------------------------------------------------------------

    def action_again(self) -> None:
        if (row := self._row) is not None:
            self._run_again(row.project, (row.test.name,))

    def action_failed(self) -> None:
        if (row := self._row) is not None:
            if row.project.failed:
                self._run_again(row.project, row.project.failed)
            else:
                self.say("No test failed.", "ok")

    def action_all(self) -> None:
        row = self._row
        project = row.project if row is not None else next(iter(self._projects), None)
        if project is None:
            self._run("", ())
        elif self._is_free(project):
            self._run(project.folder, ())

    def _run_again(self, project: ProjectTests, names: tuple[str, ...]) -> None:
        if not project.are_single:
            self.say("This tool runs all tests at once: a runs them.", "warn")
        elif self._is_free(project):
            self._run(project.folder, names)

    def _is_free(self, project: ProjectTests) -> bool:
        if project.view.is_open:
            self.say("The tests run already.", "warn")
        return not project.view.is_open


def _is_same(row: ListRow, chosen: TestRow | None) -> bool:
    return (
        chosen is not None
        and isinstance(row, TestRow)
        and row.test.name == chosen.test.name
        and row.project.folder == chosen.project.folder
    )


def _summary(project: ProjectTests) -> str:
    """Counts of the tests, and whether they run now."""
    total = len(project.tests)
    counts = {status: sum(t.status == status for t in project.tests) for status in _SIGNS}
    words = [f"{counts[status]} {status}" for status in _SIGNS if counts[status]]
    if project.view.is_open:
        words.insert(0, "running…")
    elif project.view.status != "ok" and not counts["failed"]:
        words.insert(0, "did not end")
    return " · ".join(words) or counted(total, "test")
