"""Programs as values: the steps in which one was built and run, and how each ended."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from codeexec.domain.diagnostics import Diagnostic

StepName = Literal["build", "run"]


class StepResult(Struct, frozen=True, omit_defaults=True):
    """How one step of a program ended. `code` is its exit status; where a signal ended it, that is
    128 + its number, as a shell has it, and `signal` is its name. `seconds` passed; `peak_memory`
    is in bytes and `cpu_seconds` of all cores, None where they are not known. `is_reused`: the
    program was built before, and nothing has changed."""

    name: StepName
    command: tuple[str, ...]
    code: int
    signal: str = ""
    seconds: float = 0.0
    peak_memory: int | None = None
    cpu_seconds: float | None = None
    is_reused: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()
