"""A kernel that builds and runs programs: one execution is one program, from its file or as code.

It has no process between executions. A program runs on a pseudo-terminal in the environment of
the session, or in a container that is made beside it; what it waits for on stdin is asked for as
`input()` of a Python kernel is.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path

from msgspec import to_builtins

from codeexec.domain.env_vars.inherited import rule_of
from codeexec.domain.errors import CodeexecError, KernelUnavailable, UsageError
from codeexec.domain.events import KernelRef
from codeexec.domain.options import PROGRAMS, PROJECT_KERNEL, ExecuteOptions, ProgramOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.places.logins import AskUser
from codeexec.domain.requests import KernelInfo
from codeexec.environments.base import Environment, TerminalSize
from codeexec.environments.holder.holding import Holding
from codeexec.environments.local import LocalEnvironment
from codeexec.environments.marks import MARK, end_marked
from codeexec.kernels.backends import Backend, BackendContext
from codeexec.kernels.base import (
    ExecuteCall,
    Finished,
    Handle,
    Kernel,
    KernelChoice,
    KernelUsage,
    NeverTaken,
    Notice,
    OutputCleared,
    Reached,
    Ready,
    Sink,
)
from codeexec.kernels.capabilities import Capabilities
from codeexec.kernels.process.steps.execution import ProgramExecution
from codeexec.kernels.process.steps.guest import GuestPrograms
from codeexec.kernels.process.steps.offered import offered_languages
from codeexec.kernels.process.steps.survival import Survival
from codeexec.languages.catalog import by_name
from codeexec.languages.model import Language
from codeexec.languages.plan import has_programs
from codeexec.languages.projects.reports import PROJECT

log = logging.getLogger(__name__)


def make_backend(context: BackendContext) -> Backend:
    return ProgramsBackend(context.holding)


class ProgramsBackend(Backend):
    """Makes the kernels `programs:LANGUAGE`."""

    name = PROGRAMS
    loss_reason = "The session server ended, and its programs with it."

    def __init__(self, holding: Holding | None = None) -> None:
        """`holding` has programs that outlive the server; without it they end with it."""
        self._holding = holding

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        """NotFound for an unknown language, UsageError for one that has no tools."""
        language = _language_named(choice.name or "bash")
        if language is not PROJECT and not has_programs(language):
            raise UsageError(
                f"{language.title} files are not run as programs of this kind.",
                "Run them on a kernel of their language, if there is one.",
            )
        return StepsKernel(language, choice, sink, self._holding)

    async def offers(self) -> Sequence[KernelInfo]:
        """The languages whose tools are installed."""
        return await asyncio.to_thread(offered_languages, os.environ)

    async def adopt(
        self, handle: Handle, sink: Sink, running: str, ask_user: AskUser | None = None
    ) -> Kernel | None:
        """The kernel with its program that runs, or has ended since. None where nothing is known
        of that one."""
        folder = str(handle.get("folder") or "")
        if self._holding is None or not folder:
            return None
        await asyncio.to_thread(end_marked, MARK, folder)  # compilers
        env = handle.get("env")
        choice = KernelChoice(
            str(handle.get("cwd") or "/"),
            str(handle.get("name") or ""),
            env={str(k): str(v) for k, v in env.items()} if isinstance(env, dict) else {},
            backend=PROGRAMS,
            session=str(handle.get("session_id") or ""),
        )
        survival = Survival(self._holding, folder)
        kernel = StepsKernel(_language_named(choice.name), choice, sink, self._holding, survival)
        if await kernel.resume(running, handle):
            return kernel
        survival.remove()
        return None


def _language_named(name: str) -> Language:
    """NotFound for an unknown one."""
    return PROJECT if f"{PROGRAMS}:{name}" == PROJECT_KERNEL else by_name(name)


class StepsKernel:
    """Builds and runs programs of one language."""

    def __init__(
        self,
        language: Language,
        choice: KernelChoice,
        sink: Sink,
        holding: Holding | None = None,
        survival: Survival | None = None,
    ) -> None:
        """`survival` is what another server has left."""
        self._holding = holding
        self._survival = survival
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
        lasting = self if self._survival is not None else None
        return Capabilities(
            stdin=self, terminal=self, host_paths=True, adoption=lasting, outbox=lasting
        )

    async def start(self) -> Ready:
        try:
            environment = await self._environment()
        except CodeexecError as error:
            raise KernelUnavailable(error.message, error.next_step) from error
        is_held = self._holding is not None and isinstance(environment, LocalEnvironment)
        if self._holding is not None and is_held and self._survival is None:
            try:
                self._survival = await asyncio.to_thread(Survival.begin, self._holding)
            except OSError as error:
                log.warning("programs end with the server: %s", error)
        return Ready(None, self._language.name, "", "", subshells=False)

    def handle(self) -> Handle:
        if self._survival is None:
            return {}
        return {
            "ref": to_builtins(self.ref),
            "folder": self._survival.folder,
            "outbox": self._survival.outbox(),
            "name": self._choice.name or self._language.name,
            "cwd": self._choice.cwd,
            "env": dict(self._choice.env),
            "session_id": self._choice.session,
        }

    def let_outlive(self) -> None:
        if self._survival is not None:
            self._survival.outlives = True

    async def detach(self) -> None:
        if self._survival is None or not self._survival.outlives:
            await self.shutdown()
            return
        if self._running is not None:
            self._running.release()
        await self._stop()

    def acknowledge(self, place: Reached) -> None:
        if self._running is not None:
            self._running.acknowledge(place)

    async def resume(self, running: str, handle: Handle) -> bool:
        """Go on with the program of the execution `running`. False where it is not known how that
        one has ended."""
        survival = self._survival
        assert survival is not None, "an adopted kernel has one"
        outbox = handle.get("outbox")
        place = outbox if isinstance(outbox, dict) else {}
        offset, number = int(place.get("number", 0)), int(place.get("part", 0))
        noted = await asyncio.to_thread(survival.noted)
        survival.number = max(number, noted.number if noted is not None else 0)
        if noted is None or noted.execution != running:
            if noted is not None:
                await survival.drop(noted)
            if running:  # it was planned or built: its report is told again
                self._sink([OutputCleared(running, wait=False), NeverTaken(running)])
            return True
        held_program = await survival.find(noted)
        if held_program is None:
            if noted.is_started:
                return False
            # The last server ended before the holder had the program: it is run now.
            self._sink([OutputCleared(running, wait=False), NeverTaken(running)])
            return True
        program = ProgramOptions(echo=noted.echo)
        options = ExecuteOptions(allow_stdin=noted.allow_stdin, program=program)
        execution = self._running = self._make(
            await self._environment(), ExecuteCall(running, "", options)
        )
        read_offset = offset if number == noted.number else 0
        self._begin(running, execution.resume(noted, held_program, read_offset))
        return True

    def execute(self, call: ExecuteCall) -> None:
        self._begin(call.execution, self._execute(call))

    def _begin(self, execution: str, work: Coroutine[None, None, None]) -> None:
        self._task = asyncio.create_task(self._ended_once(execution, work))

    async def _ended_once(self, execution: str, work: Coroutine[None, None, None]) -> None:
        """Do the work of an execution. It ends also where our own code fails, because an
        open execution holds up all that is queued behind it."""
        try:
            await work
        except Exception as error:
            log.exception("the execution %s failed", execution)
            failure = ErrorInfo("Internal error", f"{error!r}. The log of the server has more.")
            self._sink([Finished(execution, "error", failure, is_known=True)])

    async def _execute(self, call: ExecuteCall) -> None:
        try:
            environment = await self._environment()  # its container may have ended meanwhile
        except CodeexecError as error:
            failure = ErrorInfo(error.title, f"{error.message} {error.next_step}".rstrip())
            self._sink([Finished(call.execution, "error", failure)])
            return
        if self._running is not None:
            await self._running.close()
        execution = self._running = self._make(environment, call)
        await execution.run()

    def _make(self, environment: Environment, call: ExecuteCall) -> ProgramExecution:
        return ProgramExecution(
            self._language,
            environment,
            self._choice,
            call,
            self._sink,
            self._guests_of,
            self._survival,
        )

    def _guests_of(self, environment: Environment) -> GuestPrograms:
        if self._guest is None or self._guest.environment is not environment:
            self._guest = GuestPrograms(environment, self._choice.env)
        return self._guest

    async def _environment(self) -> Environment:
        if self._choice.place is not None:
            return await self._choice.place().for_programs(self._tell)
        if self._own is None:
            rule = rule_of(self._choice.env)
            self._own = LocalEnvironment(Path(self._choice.cwd), self._holding, rule)
        return self._own

    def _tell(self, title: str, message: str) -> None:
        """Each notice once, not after each start of a container."""
        if message not in self._told:
            self._told.add(message)
            self._sink([Notice("warning", title, message)])

    def answer_stdin(self, text: str) -> None:
        if self._running is not None:
            self._running.answer(text)

    async def resize(self, size: TerminalSize) -> None:
        if self._running is not None:
            await self._running.resize(size)

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
        running = self._running
        await self._stop()
        if running is not None:
            await running.close()
        if self._survival is not None:
            await asyncio.to_thread(self._survival.remove)
            self._survival = None
        if self._own is not None:
            await self._own.terminate()
            self._own = None

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._running = self._task = None

    def usage(self) -> KernelUsage:
        return KernelUsage(None, None)
