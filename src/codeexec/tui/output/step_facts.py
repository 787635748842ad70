"""How the steps of a program ended, in one line of words."""

from __future__ import annotations

from codeexec.domain.options import PROGRAMS
from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.words import duration, size_words

_BUILD_FAILED = "BuildFailed"
"""Name of the error of an execution whose build failed; more than how it ended follows that."""
_BUILD = {"configure": "configured", "build": "built", "test": "tested"}


def step_facts(view: ExecutionView) -> str:
    """Of an execution that has ended: exit status or signal, time, peak memory and CPU time of what
    ran, then the time of the build. Empty where no step has ended."""
    ran = [_ran(step) for step in view.steps if step.name == "run"]
    others = [_done(step) for step in view.steps if step.name != "run"]
    words = [_cell_words(step) for step in view.steps if step.name != "run"]
    return "   ".join(filter(None, [*ran, *others, *words]))


def failure_words(view: ExecutionView) -> str:
    """Why a program was not built or not run, where its steps do not say that: no compiler, no
    binary, a full disk. Empty for others."""
    error = view.error
    if error is None or view.status != "error" or not view.kernel.startswith(f"{PROGRAMS}:"):
        return ""
    if error.name == _BUILD_FAILED:
        return error.value.partition(". ")[2]
    if any(step.code for step in view.steps):
        return ""
    return error.value or error.name


def _ran(step: StepResult) -> str:
    facts = [_status(step), duration(step.seconds)]
    if step.peak_memory is not None:
        facts.append(size_words(step.peak_memory))
    if step.cpu_seconds is not None:
        facts.append(f"CPU {duration(step.cpu_seconds)}")
    return " · ".join(facts)


def _done(step: StepResult) -> str:
    if step.is_reused:
        return "built before"
    if step.code:
        return f"{step.name} failed: {_status(step)} · {duration(step.seconds)}"
    return f"{_BUILD.get(step.name, step.name)} in {duration(step.seconds)}"


def _cell_words(step: StepResult) -> str:
    """What became of variables, where the program is a cell's."""
    if step.renewed is None or step.code:
        return ""
    again = f"made anew: {', '.join(step.renewed)}" if step.renewed else ""
    return " · ".join(filter(None, (again, "values do not last")))


def _status(step: StepResult) -> str:
    return step.signal or f"exit {step.code}"
