"""Programs as values: the steps in which one was built and run, and how each ended."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from codeexec.domain.diagnostics import Diagnostic, SourceLocation

StepName = Literal["configure", "build", "run", "test"]
TestStatus = Literal["passed", "failed", "skipped"]
MOST_TESTS = 1_000
"""Tests that are kept of one step; the ones that failed come first."""


def shell_status(code: int) -> int:
    """An exit status as a shell has it: 128 + N where `code` is -N, for signal N."""
    return code if code >= 0 else 128 - code


class TestResult(Struct, frozen=True, omit_defaults=True):
    """How one test of a project ended. `message` says how it failed, `output` is the end of what it
    printed, kept where it failed. `place` is where it failed, or else where it is declared."""

    __test__ = False  # for pytest

    name: str
    status: TestStatus
    seconds: float = 0.0
    message: str = ""
    output: str = ""
    place: SourceLocation = SourceLocation()


class ProgramStart(Struct, frozen=True, omit_defaults=True):
    """How to start a program again, on another terminal. `argv` is whole: a file as its stdin is
    redirected in it; empty where no terminal can run it. `folder` is absolute; `environment` has
    the variables that it has beside those of the session."""

    argv: tuple[str, ...]
    folder: str
    environment: dict[str, str] = {}


class StepResult(Struct, frozen=True, omit_defaults=True):
    """How one step of a program ended. `code` is its exit status; where a signal ended it, that is
    128 + its number, as a shell has it, and `signal` is its name. `seconds` passed; `peak_memory`
    is in bytes and `cpu_seconds` of all cores, None where they are not known. `is_reused`: the
    program was built before, and nothing has changed. `tests` are those of a step `test`. `rows`
    are those of the execution when it ended: its own begin at those of the step before. `renewed`
    are the variables of cells above that a cell's program makes anew; None: it is no cell's."""

    name: StepName
    command: tuple[str, ...]
    code: int
    signal: str = ""
    seconds: float = 0.0
    peak_memory: int | None = None
    cpu_seconds: float | None = None
    is_reused: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()
    tests: tuple[TestResult, ...] = ()
    rows: int = 0
    renewed: tuple[str, ...] | None = None
