"""What is known of programs: which builds succeeded, and the command lines of the last run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView
from codeexec.languages.profiles import BuildWords


def build_steps(steps: Iterable[StepResult]) -> tuple[StepResult, ...]:
    """The steps but the run: a run of what was built before has none."""
    return tuple(step for step in steps if step.name != "run")


def run_steps(steps: Iterable[StepResult]) -> tuple[StepResult, ...]:
    return tuple(step for step in steps if step.name == "run")


@dataclass
class ProgramState:
    """Of one document."""

    steps: tuple[StepResult, ...] = ()
    """Those of the last build and the last run."""
    built: set[BuildWords] = field(default_factory=set)
    open: dict[str, str] = field(default_factory=dict)
    """Kernels of the executions that run or wait, by the id of the execution."""

    def note(self, view: ExecutionView) -> None:
        """Take an execution of the program that has another status or further steps."""
        if view.is_open:
            self.open[view.execution_id] = view.kernel
        else:
            self.open.pop(view.execution_id, None)
        builds = build_steps(view.steps) or build_steps(self.steps)
        self.steps = (*builds, *run_steps(view.steps))
        options = view.options.program
        for step in view.steps:
            if step.name != "build" or options is None:
                continue
            key = BuildWords(options.profile, options.compiler, options.standard, options.flags)
            (self.built.add if step.code == 0 else self.built.discard)(key)


class ProgramStates:
    """States by name of the document."""

    def __init__(self) -> None:
        self._states: dict[str, ProgramState] = {}

    def of(self, document: str) -> ProgramState:
        return self._states.setdefault(document, ProgramState())

    def is_built(self, document: str, build_words: BuildWords) -> bool:
        """Whether a build of this kind succeeded, and none failed since."""
        return build_words in self.of(document).built
