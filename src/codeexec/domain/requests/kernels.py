"""Requests about code and kernels: run, cancel, interrupt, restart, complete, inspect.

`kernel` is the name of a kernel within its session; empty for the default kernel.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from codeexec.domain.events import CellRef, LadderStage
from codeexec.domain.options import NO_OPTIONS, ExecuteOptions
from codeexec.domain.requests.base import Done, Reply, Request


class Accepted(Reply, frozen=True):
    """`seq` is the number of the event that queued the execution."""

    execution_id: str
    seq: int


class Execute(Request[Accepted], frozen=True):
    """Queue code. A client that chooses `execution_id` may repeat the request after a lost
    answer: the code runs once."""

    Answer: ClassVar[type[Reply]] = Accepted
    code: str
    execution_id: str = ""
    origin: str = ""
    cell: CellRef | None = None
    options: ExecuteOptions = NO_OPTIONS


class ConfirmExecution(Request[Done], frozen=True):
    """Let an agent's execution that waits for confirmation run, or refuse it. Conflict when it does
    not wait (any more); Denied for agents."""

    execution_id: str
    allow: bool = True
    origin: str = ""


class CancelExecution(Request[Done], frozen=True):
    """Take an execution out of the queue, or interrupt it when it runs."""

    execution_id: str


class ClearQueue(Request[Done], frozen=True):
    """Cancel the queued executions of this kernel, or of all (empty); the running one goes on."""

    kernel: str = ""


class AnswerStdin(Request[Done], frozen=True):
    request_id: str
    text: str
    origin: str = ""


class Interrupt(Request[Done], frozen=True):
    """Interrupt the running execution: escalate from the first stage, or go straight to `stage`."""

    stage: LadderStage = "interrupt"
    kernel: str = ""


class ResizeTerminals(Request[Done], frozen=True):
    """The screen that shows the output has another size: programs that run on a terminal are told.
    Without `kernel` those of all kernels. UsageError for a size that no terminal has."""

    columns: int
    rows: int = 24
    kernel: str = ""


class StartKernel(Request[Done], frozen=True):
    """Start a kernel of the session; it is added when the session has none of this name.

    `spec` is a kernelspec, the path of a Python, `docker:IMAGE`, or `ssh:HOST:FOLDER`. Empty, it
    follows from the name (`bash`), and `python` is the same as the first kernel. `policy` as in
    `OpenSession`.
    Conflict when the session has another kernel of this name."""

    kernel: str
    spec: str = ""
    policy: str = ""


class SetDefaultKernel(Request[Done], frozen=True):
    """Let this kernel run the executions that name no kernel. NotFound."""

    kernel: str


class RemoveKernel(Request[Done], frozen=True):
    """Shut a kernel down and remove it from the session; its output stays. The first and the
    default kernel cannot be removed."""

    kernel: str


class RestartKernel(Request[Done], frozen=True):
    """Start a fresh process of a kernel, and cancel the executions that are queued for it.

    `spec` is another kernelspec by name or path, `docker`, `docker:IMAGE` or `ssh:HOST:FOLDER`;
    `policy`, as in `OpenSession`, is another policy. Empty, they stay as they were."""

    spec: str = ""
    policy: str = ""
    kernel: str = ""


class ShutDownKernel(Request[Done], frozen=True):
    """Stop the kernel; the session stays, and the next execution starts a fresh process."""

    kernel: str = ""


class PauseKernel(Request[Done], frozen=True):
    """Freeze all processes of the kernel's container: they use no processor and keep their memory.
    Executions that are queued meanwhile wait. UsageError for a kernel outside a container."""

    kernel: str = ""


class UnpauseKernel(Request[Done], frozen=True):
    """Let a paused kernel go on; does nothing when it is not paused."""

    kernel: str = ""


class Completion(Struct, frozen=True, omit_defaults=True):
    text: str
    type: str = ""
    signature: str = ""


class Completions(Reply, frozen=True):
    """`start` and `end` bound the text to replace, in characters of the code."""

    matches: tuple[Completion, ...]
    start: int
    end: int


class Complete(Request[Completions], frozen=True):
    """Ask for completions at `cursor`. Busy when the kernel cannot answer while it runs code."""

    Answer: ClassVar[type[Reply]] = Completions
    code: str
    cursor: int
    kernel: str = ""


class Inspection(Reply, frozen=True):
    """`text` may hold SGR."""

    found: bool
    text: str = ""


class Inspect(Request[Inspection], frozen=True):
    Answer: ClassVar[type[Reply]] = Inspection
    code: str
    cursor: int
    detail: int = 0
    kernel: str = ""


class Completeness(Reply, frozen=True):
    status: Literal["complete", "incomplete", "invalid", "unknown"]
    indent: str = ""


class IsComplete(Request[Completeness], frozen=True):
    Answer: ClassVar[type[Reply]] = Completeness
    code: str
    kernel: str = ""
