"""Pytest plugin that prints line coverage twice: of all tests, and of all but tests/stories.

    python -m pytest -p tests.support.line_coverage [ARGUMENTS OF PYTEST]

The stories run last: the lines executed before the first of them are the second figure.
Processes of pytest-xdist (`-n 2`) share the files of tests; the lines of all of them are united.
SlipCover puts a probe into each line of `src/codeexec` as it is imported. That costs less than
half of what a tracer costs on Python 3.11. Only the processes of pytest are measured: not the
kernels, servers and programs that tests start.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import slipcover

SOURCE = Path(__file__).parent.parent.parent / "src" / "codeexec"
STORIES = Path(__file__).parent.parent / "stories"

Lines = dict[str, tuple[set[int], set[int]]]
"""(executed, all) line numbers of each file."""

Counts = dict[str, tuple[int, int]]
"""(executed, all) numbers of lines of each room."""


class LineCoverage:
    """Measures one process; the first process unites what the others measured."""

    def __init__(self) -> None:
        # Shipped into kernels and run there, where nothing measures.
        omit = [str(SOURCE / "guest" / "*")]
        # Probes are never taken out again: that would exchange functions while they run.
        self._measure = slipcover.Slipcover(
            d_miss_threshold=sys.maxsize >> 32, source=[str(SOURCE)], omit=omit
        )
        matcher = slipcover.FileMatcher(sources=[str(SOURCE)], omit=omit)
        self._imports = slipcover.ImportManager(self._measure, matcher)
        self._imports.__enter__()
        self._before_stories: Lines | None = None
        self._of_workers: list[tuple[Lines, Lines]] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=_is_story)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self._before_stories is None and nodeid.startswith("tests/stories/"):
            self._before_stories = self._executed()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        worker_output = getattr(session.config, "workeroutput", None)
        if worker_output is not None:
            worker_output["lines"] = self._measured()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """A process of pytest-xdist has ended; one that crashed measured nothing."""
        worker_output = getattr(node, "workeroutput", {})
        if "lines" in worker_output:
            self._of_workers.append(worker_output["lines"])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        processes = self._of_workers or [self._measured()]
        terminalreporter.section("line coverage")
        of_all = _counts(lines for lines, _ in processes)
        without_stories = _counts(lines for _, lines in processes)
        for row in _table(of_all, without_stories):
            terminalreporter.write_line(row)

    def _measured(self) -> tuple[Lines, Lines]:
        """Lines of all tests, and of those before the stories."""
        of_all = self._executed()
        return of_all, of_all if self._before_stories is None else self._before_stories

    def _executed(self) -> Lines:
        return {
            name: (set(file["executed_lines"]), {*file["executed_lines"], *file["missing_lines"]})
            for name, file in self._measure.get_coverage()["files"].items()
        }


def _is_story(item: pytest.Item) -> bool:
    return STORIES in item.path.parents


def _counts(of_processes: Iterable[Lines]) -> Counts:
    united: Lines = defaultdict(lambda: (set(), set()))
    for lines in of_processes:
        for name, (executed, every) in lines.items():
            united[name][0].update(executed)
            united[name][1].update(every)
    rooms: Counts = defaultdict(lambda: (0, 0))
    for name, (executed, every) in united.items():
        room = Path(name).resolve().relative_to(SOURCE).parts[0]
        before = rooms[room]
        rooms[room] = (before[0] + len(executed), before[1] + len(every))
    return rooms


def _table(of_all: Counts, without_stories: Counts) -> Iterator[str]:
    yield f"{'codeexec/':16}{'lines':>8}{'all tests':>12}{'without tests/stories':>24}"
    for room in sorted(of_all, key=lambda name: (name.endswith(".py"), name)):
        yield _row(room, of_all[room], without_stories[room])
    yield _row("in all", _sum(of_all), _sum(without_stories))


def _row(room: str, of_all: tuple[int, int], without_stories: tuple[int, int]) -> str:
    return f"{room:16}{of_all[1]:8}{_percent(of_all):>12}{_percent(without_stories):>24}"


def _sum(rooms: Counts) -> tuple[int, int]:
    return sum(each[0] for each in rooms.values()), sum(each[1] for each in rooms.values())


def _percent(lines: tuple[int, int]) -> str:
    return f"{100 * lines[0] / lines[1]:.1f} %" if lines[1] else "-"


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_COVERAGE)


# Before the first import of `codeexec`: pytest loads this plugin before the files of tests.
_COVERAGE = LineCoverage()
