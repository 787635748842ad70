"""How a program ended, in words."""

from __future__ import annotations

import pytest

from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.output.rows import Heights
from codeexec.tui.output.step_facts import step_facts

BUILD = StepResult("build", ("g++",), 0, seconds=0.41)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((), ""),
        (
            (BUILD, StepResult("run", ("a",), 3, "", 0.012, 3_400_000, 0.002)),
            "exit 3 · 12 ms · 3.4 MB · CPU 2 ms   built in 0.4 s",
        ),
        (
            (
                StepResult("build", ("g++",), 0, is_reused=True),
                StepResult("run", ("a",), 139, "SIGSEGV", 2.0),
            ),
            "SIGSEGV · 2.0 s   built before",
        ),
        ((StepResult("build", ("g++",), 1, seconds=0.3),), "build failed: exit 1 · 0.3 s"),
        ((StepResult("build", ("g++",), 137, "SIGKILL", 61.0),), "build failed: SIGKILL · 1:01"),
    ],
)
def test_how_the_steps_ended(steps: tuple[StepResult, ...], words: str) -> None:
    assert step_facts(ExecutionView("e1", "", "ok", steps=steps)) == words


def test_hidden_rows_take_no_line() -> None:
    heights = Heights()
    lines = [1, 3, 0, 0, 2, 0, 1, 0]
    for row, count in enumerate(lines):
        heights.set(row, count, is_hidden=not count)
    places = [(row, sub) for row, count in enumerate(lines) for sub in range(count)]
    assert [heights.locate(line) for line in range(len(places))] == places
    assert [heights.top(row) for row in range(9)] == [0, 1, 4, 4, 4, 6, 6, 7, 7]
    assert heights.set(2, 1)
    assert not heights.set(2, 1)
    assert heights.locate(4) == (2, 0)
