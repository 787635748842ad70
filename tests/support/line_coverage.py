"""Run pytest, and print line coverage twice: of all tests, and of all but tests/stories.

    python tests/support/line_coverage.py [ARGUMENTS OF PYTEST]

The stories run last: the lines executed before the first of them are the second figure.
SlipCover puts a probe into each line of `src/codeexec` as it is imported. That costs less than
half of what a tracer costs on Python 3.11. Only this process is measured: not the kernels,
servers and programs that tests start.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import slipcover

SOURCE = Path(__file__).parent.parent.parent / "src" / "codeexec"
STORIES = Path(__file__).parent.parent / "stories"

Lines = Mapping[str, tuple[int, int]]
"""(executed, all) lines of each room."""


class LineCoverage:
    """The plugin. It must be made before the first import of `codeexec`."""

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
        self._without_stories: Lines | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=_is_story)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self._without_stories is None and nodeid.startswith("tests/stories/"):
            self._without_stories = self._executed()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        of_all = self._executed()
        without = of_all if self._without_stories is None else self._without_stories
        terminalreporter.section("line coverage")
        for row in _table(of_all, without):
            terminalreporter.write_line(row)

    def _executed(self) -> Lines:
        rooms: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for name, file in self._measure.get_coverage()["files"].items():
            room = Path(name).resolve().relative_to(SOURCE).parts[0]
            executed, missing = len(file["executed_lines"]), len(file["missing_lines"])
            before = rooms[room]
            rooms[room] = (before[0] + executed, before[1] + executed + missing)
        return rooms


def _is_story(item: pytest.Item) -> bool:
    return STORIES in item.path.parents


def _table(of_all: Lines, without_stories: Lines) -> Iterator[str]:
    yield f"{'codeexec/':16}{'lines':>8}{'all tests':>12}{'without tests/stories':>24}"
    for room in sorted(of_all, key=lambda name: (name.endswith(".py"), name)):
        yield _row(room, of_all[room], without_stories[room])
    yield _row("in all", _sum(of_all), _sum(without_stories))


def _row(room: str, of_all: tuple[int, int], without_stories: tuple[int, int]) -> str:
    return f"{room:16}{of_all[1]:8}{_percent(of_all):>12}{_percent(without_stories):>24}"


def _sum(rooms: Lines) -> tuple[int, int]:
    return sum(each[0] for each in rooms.values()), sum(each[1] for each in rooms.values())


def _percent(lines: tuple[int, int]) -> str:
    return f"{100 * lines[0] / lines[1]:.1f} %" if lines[1] else "-"


# SlipCover has a plugin of its own, which pytest would like to load first.
QUIET = "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"

if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())  # as `python -m pytest` has it
    sys.exit(pytest.main(["-W", QUIET, *sys.argv[1:]], plugins=[LineCoverage()]))
