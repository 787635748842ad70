"""A kernel whose one execution is a program: started by `execute`, over when the program ends."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from codeexec.domain.errors import ProtocolError, UsageError
from codeexec.domain.events import KernelRef
from codeexec.domain.programs import StepResult
from codeexec.kernels.backends import Backend
from codeexec.kernels.base import (
    ExecuteCall,
    Finished,
    Handle,
    Kernel,
    KernelChoice,
    KernelEvent,
    KernelUsage,
    Ready,
    Sink,
    Started,
    StepDone,
    VariablesSent,
)
from codeexec.kernels.capabilities import Capabilities
from codeexec.kernels.jupyter.messages.questions import parse_variables
from codeexec.kernels.process.program import ProgramRun, joined_errors
from codeexec.kernels.process.spawn import SpawnedProgram

if TYPE_CHECKING:
    from codeexec.kernels.process.crashes.report import CrashReport

log = logging.getLogger(__name__)

BACKEND = "program"
BUILD_FAILED = 1
"""The status of a program that could not be built."""
END_SECONDS = 2.0
"""Seconds that a program has between SIGTERM and SIGKILL."""


class BuildRecord(Protocol):
    """How a program was built, as events."""

    @property
    def is_failed(self) -> bool: ...

    def events(self, execution: str) -> list[KernelEvent]:
        """Of an execution that begins with this build, and ends with it where it has failed."""

    def run_result(
        self, code: int, seconds: float, errors: str, crash: CrashReport | None = None
    ) -> StepResult:
        """The step in which the program ran; `code` is negative for a signal."""


class ProgramBackend(Backend):
    """Makes the kernel of one program that has been spawned already. `built` is how it was built,
    if it had to be; `spawned` is None where that failed."""

    name = BACKEND

    def __init__(
        self, ref: KernelRef, spawned: SpawnedProgram | None, built: BuildRecord | None = None
    ) -> None:
        self.ref = ref
        self.spawned = spawned
        self.built = built
        self.status: int | None = None
        """The program's exit status, once it has ended."""
        self.run: ProgramRun | None = None
        """The program once it is followed."""
        self.terminal_interrupts = 0
        """Interrupts that the terminal has sent to the program itself, so that we must not."""

    def pause(self) -> None:
        if self.run is not None:
            self.run.pause()

    def resume(self) -> None:
        if self.run is not None:
            self.run.resume()

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        return ProgramKernel(self, sink)


class ProgramKernel:
    """A `Kernel` for one execution. The code that it is given is only recorded, as the
    interpreter reads the file itself."""

    def __init__(self, backend: ProgramBackend, sink: Sink) -> None:
        self._backend = backend
        self._sink = sink
        self._run: ProgramRun | None = None
        self._following: asyncio.Task[None] | None = None

    @property
    def ref(self) -> KernelRef:
        return self._backend.ref

    @property
    def pid(self) -> int | None:
        return self._backend.spawned.pid if self._backend.spawned is not None else None

    @property
    def is_alive(self) -> bool:
        return True

    async def start(self) -> Ready:
        return Ready(self.pid, self.ref.language, "", "", subshells=False)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(host_paths=True)

    def handle(self) -> Handle:
        return {}

    def execute(self, call: ExecuteCall) -> None:
        if self._run is not None:
            raise UsageError("The program has been run.", "Start another `run` to run it again.")
        self._sink([Started(call.execution, None)])
        if self._backend.built is not None:
            self._sink(self._backend.built.events(call.execution))
        if self._backend.spawned is None:
            self._backend.status = BUILD_FAILED
            return
        self._run = self._backend.run = ProgramRun(self._backend.spawned, call.execution)
        self._following = asyncio.create_task(self._follow(self._run, call.execution))

    async def _follow(self, run: ProgramRun, execution: str) -> None:
        built = self._backend.built
        errors = ""
        async for kernel_events in run.events():
            if built is not None:
                errors = joined_errors(errors, kernel_events)
            if run.has_ended and isinstance(kernel_events[-1], Finished):
                self._backend.status = run.status
                kernel_events[-1:] = [*_variables(run.variables), kernel_events[-1]]
                if built is not None:
                    seconds = run.ended - run.spawned.started
                    step = built.run_result(
                        run.spawned.process.returncode, seconds, errors, run.crash
                    )
                    kernel_events[-1:] = [StepDone(execution, step), kernel_events[-1]]
            self._sink(kernel_events)

    async def interrupt(self) -> None:
        if self._backend.terminal_interrupts:
            self._backend.terminal_interrupts -= 1
        elif self._run is not None:
            self._run.interrupt()

    async def signal(self, signum: int) -> bool:
        if self._run is None or self._run.has_ended:
            return False
        self._run.terminate(signum)
        return True

    async def restart(self) -> Ready:
        await self.shutdown()
        return await self.start()

    async def shutdown(self) -> None:
        if self._run is None or self._following is None:
            if self._backend.spawned is not None:
                await ProgramRun(self._backend.spawned, "").end(END_SECONDS)
            return
        await self._run.end(END_SECONDS)
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)

    def usage(self) -> KernelUsage:
        return KernelUsage(None, None)


def _variables(text: str) -> list[VariablesSent]:
    """Those that a program had at its end: `text` is JSON of `guest/prelude.py`, or empty."""
    try:
        return [VariablesSent(parse_variables(text))] if text else []
    except ProtocolError as error:
        log.info("variables of a program: %s", error)
        return []
