"""Builds a program or a project in a container, for `codeexec-tui build --docker`."""

from __future__ import annotations

import asyncio
import gc
import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codeexec.cli import exit_codes as exits
from codeexec.cli.run.containers import single_container
from codeexec.cli.run.control import RunControl
from codeexec.cli.run.events import RunEvents
from codeexec.cli.run.tasks import RunTasks
from codeexec.cli.run_options import RunOptions
from codeexec.cli.streams.console import RunConsole
from codeexec.cli.streams.printer import OutputPrinter
from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import errors
from codeexec.domain.events import ExecutionFinished, StdinRequested
from codeexec.domain.events.logins import LoginQuestionAsked
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import ExecuteOptions, ProgramOptions
from codeexec.domain.outputs import MimePart
from codeexec.domain.programs import StepResult
from codeexec.domain.requests import ClientInfo, Execute, Interrupt, OpenSession
from codeexec.kernels.factory import Kernels
from codeexec.session.settings import HostSettings
from codeexec.session.temporary import temporary_state

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient


class ContainedResult(NamedTuple):
    """`end` is None where the build was ended early, with `status`."""

    status: int
    end: ExecutionFinished | None
    steps: tuple[StepResult, ...]


def run_contained(
    options: RunOptions, folder: Path, kernel: str, program: ProgramOptions
) -> ContainedResult:
    """Build `program` on the kernel of programs `kernel`, in a container that sees `folder`. What
    its tools write goes to stderr, unless the options have `as_json`. CodeexecError if the build
    cannot begin."""
    gc.enable()
    gc.freeze()
    logging.getLogger().addHandler(logging.NullHandler())
    return asyncio.run(_run(options, folder, kernel, program))


async def _run(
    options: RunOptions, folder: Path, kernel: str, program: ProgramOptions
) -> ContainedResult:
    return await _ContainedBuild(options, kernel).run(folder, program)


class _ContainedBuild:
    """One build; `run` is called once."""

    def __init__(self, options: RunOptions, kernel: str) -> None:
        self._options = options
        self._kernel = kernel
        self._console = RunConsole(
            options.color, "none", quiet=options.as_json, stdin_is_program=False
        )
        self._control = RunControl(
            self._console, None, None, lambda: self._session is not None, self._start_interrupt
        )
        self._events = RunEvents(self._console, as_json=False, answer=self._refuse)
        self._session: SessionClient | None = None
        self._tasks = RunTasks(self._console, self._control, self._events)

    async def run(self, folder: Path, program: ProgramOptions) -> ContainedResult:
        """Start the container, build, end the container."""
        options = self._options
        self._control.listen()
        for remark in options.remarks:
            self._console.say(remark)
        settings = HostSettings(watch_variables=False, collect_files=False, watch_files=False)
        async with temporary_state() as state:
            kernels = Kernels(containers=single_container)
            async with EmbeddedHost(state, kernels, settings, ClientInfo("build")) as host:
                opened = await host.call(
                    OpenSession(
                        cwd=str(folder),
                        name=folder.name,
                        backend=options.backend,
                        image=options.image,
                        policy=options.policy,
                        start_kernel=False,
                    )
                )
                session = self._session = host.session(opened.session_id)
                reader = asyncio.create_task(self._events.read(session))
                work = asyncio.create_task(self._build(session, program))
                try:
                    return await self._tasks.first(work, reader, self._result)
                finally:
                    await self._tasks.wind_up(work, reader)

    def _result(self, status: int, end: ExecutionFinished | None = None) -> ContainedResult:
        return ContainedResult(status, end, tuple(self._events.steps))

    async def _build(self, session: SessionClient, program: ProgramOptions) -> ContainedResult:
        execution_id = new_id(EXECUTION)
        if self._options.as_json:
            end = self._events.watch(execution_id)
        else:
            sink = self._console.err_sink
            color = (self._console.color[1], self._console.color[1])
            printer = OutputPrinter(
                sink, sink, _read_nothing, color=color, artifacts=None, pictures=None
            )
            end = self._events.begin(execution_id, printer)
        options = ExecuteOptions(kernel=self._kernel, program=program, allow_stdin=False)
        await session.call(Execute("", execution_id, origin="build", options=options))
        return self._result(exits.OK, await end)

    def _start_interrupt(self) -> None:
        if self._session is not None:
            self._tasks.start(self._interrupt(self._session))

    async def _interrupt(self, session: SessionClient) -> None:
        try:
            await session.call(Interrupt(kernel=self._kernel))
        except errors.CodeexecError:  # the container still starts, or the build has ended
            self._control.leave(exits.INTERRUPTED)

    def _refuse(self, event: StdinRequested | LoginQuestionAsked) -> asyncio.Task[None]:
        raise AssertionError("tools that build have no input")


async def _read_nothing(part: MimePart) -> str:
    return part.text or ""
