"""How the steps of a program ended, in one line of words."""

from __future__ import annotations

from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.words import duration, size_words

_BUILD = {"configure": "configured", "build": "built", "test": "tested"}


def step_facts(view: ExecutionView) -> str:
    """Of an execution that has ended: exit status or signal, time, peak memory and CPU time of what
    ran, then the time of the build. Empty where no step has ended."""
    ran = [_ran(step) for step in view.steps if step.name == "run"]
    others = [_done(step) for step in view.steps if step.name != "run"]
    return "   ".join([*ran, *others])


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


def _status(step: StepResult) -> str:
    return step.signal or f"exit {step.code}"
