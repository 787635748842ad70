"""The result of an execution for programs: rows of streams, and those of each step."""

from __future__ import annotations

import time

from codeexec.domain.outputs import Run
from codeexec.domain.programs import StepResult
from codeexec.domain.result import make_result
from codeexec.domain.snapshot import ExecutionView


def view(*ends: int) -> ExecutionView:
    steps = tuple(StepResult("run", ("p",), 0, rows=end) for end in ends)
    return ExecutionView("e", "code", "ok", steps=steps)


def test_each_step_has_the_rows_up_to_its_end() -> None:
    runs = [
        Run("stderr", "w1\nw2"),
        Run("stdout", "a\n\x1b[31mb\x1b[0m\nc"),
        Run("stdin", "typed"),
        Run("stderr", "e"),
    ]
    result = make_result([], view(0, 2, 3, 3, 7, 9), runs, {})
    assert (result.stdout, result.stderr) == (["a", "b", "c"], ["w1", "w2", "e"])
    assert [(step.stdout, step.stderr) for step in result.steps] == [
        ((), ()),
        ((), ("w1", "w2")),
        (("a",), ()),
        ((), ()),
        (("b", "c"), ("e",)),
        ((), ()),
    ]


def test_a_million_rows_are_a_result_at_once() -> None:
    runs = [Run("stdout", "\n".join(["line"] * 5_000)) for _ in range(200)]
    began = time.thread_time()
    result = make_result([], view(1_000_000), runs, {})
    assert time.thread_time() - began < 1.0
    assert len(result.stdout) == len(result.steps[0].stdout) == 1_000_000
