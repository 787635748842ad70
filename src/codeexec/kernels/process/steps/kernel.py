"""A kernel that builds and runs programs: one execution is one program, from its file or as code.

It has no process between executions. A program runs on a pseudo-terminal in the environment of
the session, or in a container that is made beside it; what it waits for on stdin is asked for as
`input()` of a Python kernel is.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path

from codeexec.domain.errors import CodeexecError, KernelUnavailable, UsageError
from codeexec.domain.events import KernelRef
from codeexec.domain.options import PROGRAMS, PROJECT_KERNEL
from codeexec.domain.outputs import ErrorInfo
from codeexec.environments.base import Environment
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.backends import Backend, BackendContext
from codeexec.kernels.base import (
    ExecuteCall,
    Finished,
    Handle,
    Kernel,
    KernelChoice,
    KernelUsage,
    Notice,
    Ready,
    Sink,
)
from codeexec.kernels.capabilities import Capabilities
from codeexec.kernels.process.steps.execution import ProgramExecution
from codeexec.kernels.process.steps.guest import GuestPrograms
from codeexec.languages.catalog import by_name
from codeexec.languages.model import Language
from codeexec.languages.plan import has_programs
from codeexec.languages.projects.reports import PROJECT

log = logging.getLogger(__name__)


def make_backend(context: BackendContext) -> Backend:
    return ProgramsBackend()


class ProgramsBackend(Backend):
    """Makes the kernels `programs:LANGUAGE`."""

    name = PROGRAMS
    loss_reason = "The session server ended, and its programs with it."

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        """NotFound for an unknown language, UsageError for one that has no tools."""
        if f"{PROGRAMS}:{choice.name}" == PROJECT_KERNEL:
            return StepsKernel(PROJECT, choice, sink)
        language = by_name(choice.name or "bash")
        if not has_programs(language):
            raise UsageError(
                f"{language.title} files are not run as programs of this kind.",
                "Run them on a kernel of their language, if there is one.",
            )
        return StepsKernel(language, choice, sink)


class StepsKernel:
    """Builds and runs programs of one language."""

    def __init__(self, language: Language, choice: KernelChoice, sink: Sink) -> None:
        self._language = language
        self._choice = choice
        self._sink = sink
        self._own: LocalEnvironment | None = None
        self._running: ProgramExecution | None = None
        self._task: asyncio.Task[None] | None = None
        self._guest: GuestPrograms | None = None
        self._told: set[str] = set()

    @property
    def ref(self) -> KernelRef:
        language = self._language
        name = f"{PROGRAMS}:{language.name}"
        return KernelRef(name, f"{language.title} programs", language.name, "", PROGRAMS)

    @property
    def pid(self) -> int | None:
        return self._running.pid if self._running is not None else None

    @property
    def is_alive(self) -> bool:
        return True

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(stdin=self, host_paths=True)

    async def start(self) -> Ready:
        try:
            await self._environment()
        except CodeexecError as error:
            raise KernelUnavailable(error.message, error.next_step) from error
        return Ready(None, self._language.name, "", "", subshells=False)

    def handle(self) -> Handle:
        return {}

    def execute(self, call: ExecuteCall) -> None:
        self._task = asyncio.create_task(self._execute(call))

    async def _execute(self, call: ExecuteCall) -> None:
        try:
            environment = await self._environment()  # its container may have ended meanwhile
        except CodeexecError as error:
            failure = ErrorInfo(error.title, f"{error.message} {error.next_step}".rstrip())
            self._sink([Finished(call.execution, "error", failure)])
            return
        execution = self._running = ProgramExecution(
            self._language, environment, self._choice, call, self._sink, self._guests_of
        )
        await execution.run()

    def _guests_of(self, environment: Environment) -> GuestPrograms:
        if self._guest is None or self._guest.environment is not environment:
            self._guest = GuestPrograms(environment, self._choice.env)
        return self._guest

    async def _environment(self) -> Environment:
        if self._choice.place is not None:
            return await self._choice.place().for_programs(self._tell)
        if self._own is None:
            self._own = LocalEnvironment(Path(self._choice.cwd))
        return self._own

    def _tell(self, title: str, message: str) -> None:
        """Each notice once, not after each start of a container."""
        if message not in self._told:
            self._told.add(message)
            self._sink([Notice("warning", title, message)])

    def answer_stdin(self, text: str) -> None:
        if self._running is not None:
            self._running.answer(text)

    async def interrupt(self) -> None:
        if self._running is not None:
            await self._running.signal(signal.SIGINT)

    async def signal(self, signum: int) -> bool:
        if self._running is None or self._task is None or self._task.done():
            return False
        await self._running.signal(signum)
        return True

    async def restart(self) -> Ready:
        await self.shutdown()
        return await self.start()

    async def shutdown(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._running = self._task = None
        if self._own is not None:
            await self._own.terminate()
            self._own = None

    def usage(self) -> KernelUsage:
        return KernelUsage(None, None)
