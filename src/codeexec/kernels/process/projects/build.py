"""Builds a project on this machine, step by step, as a command of the command line does."""

from __future__ import annotations

import time
from collections.abc import Callable

from codeexec.domain.programs import StepResult
from codeexec.kernels.process.projects.folders import locked
from codeexec.kernels.process.projects.plan import ProjectPlan
from codeexec.kernels.process.steps.build import run_compiler


def build_project(plan: ProjectPlan, write: Callable[[bytes], None]) -> list[StepResult]:
    """Run the steps, up to the first that fails; returns what each came to. `write` takes the
    output of the tools as it comes. KeyboardInterrupt ends the tools and all that they started."""
    results: list[StepResult] = []
    with locked(plan.folder, plan.environ):
        write(plan.heading.encode("utf-8", "surrogateescape"))
        for step in plan.steps:
            began = time.monotonic()
            status, output, *_ = run_compiler(plan.command(step), write)
            report = output.decode("utf-8", "surrogateescape")
            results.append(plan.result(step, status, time.monotonic() - began, report))
            if status:
                break
    return results
