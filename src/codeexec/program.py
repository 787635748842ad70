"""Python API: `open_session` opens a session to run code in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from codeexec.client.output import read_result
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.domain.events import ExecutionFinished, Recorded, StdinRequested, Variable
from codeexec.domain.fold import apply
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import ExecuteOptions, ProgramOptions
from codeexec.domain.places.backends import LOCAL
from codeexec.domain.places.containers import ClassicLayout
from codeexec.domain.requests import (
    AnswerStdin,
    CancelExecution,
    ClientInfo,
    Execute,
    Interrupt,
    OpenSession,
    ReadExecution,
    RefreshVariables,
    Request,
    RestartKernel,
)
from codeexec.domain.result import ExecutionResult
from codeexec.domain.snapshot import ExecutionView, Snapshot

if TYPE_CHECKING:
    from codeexec.client.api import HostClient, SessionClient

R = TypeVar("R")

Where = Literal["here", "server"]


class RunningSession:
    """An open session; runs code and returns results."""

    def __init__(self, session: SessionClient) -> None:
        self._session = session
        self._snapshot = Snapshot()

    @property
    def session_id(self) -> str:
        return self._session.session_id

    async def run(
        self,
        code: str,
        *,
        timeout: float | None = None,
        answers: Sequence[str] = (),
        silent: bool = False,
        kernel: str = "",
        language: str = "",
        program: ProgramOptions | None = None,
    ) -> ExecutionResult:
        """Run code to its end and return the result, also for code that fails.

        `kernel` names a kernel of the session, such as `bash`; it is started if needed. `language`
        chooses a kernel of that language, or else builds and runs the code as a program: its
        steps and diagnostics stand in the result. `program` says how, and may name a file.
        `timeout` in seconds. `answers` are the lines that input() returns; after the last, a
        request for input cancels the execution. KernelDied is not raised: see the result.
        """
        execution_id = new_id(EXECUTION)
        pending_answers = list(answers)
        async for record in self.stream(
            code,
            timeout=timeout,
            execution_id=execution_id,
            allow_stdin=True,
            silent=silent,
            kernel=kernel,
            language=language,
            program=program,
        ):
            if isinstance(record.event, StdinRequested):
                if pending_answers:
                    await self.answer(record.event, pending_answers.pop(0))
                else:
                    await self._session.call(CancelExecution(execution_id))
        return await self.result(execution_id)

    async def stream(
        self,
        code: str,
        *,
        timeout: float | None = None,
        execution_id: str = "",
        allow_stdin: bool = True,
        silent: bool = False,
        kernel: str = "",
        language: str = "",
        program: ProgramOptions | None = None,
    ) -> AsyncIterator[Recorded]:
        """Run code and yield the session's events as they come, until this code has ended."""
        execution_id = execution_id or new_id(EXECUTION)
        taken = await self._session.call(
            Execute(
                code,
                execution_id,
                origin="program",
                options=ExecuteOptions(
                    silent=silent,
                    allow_stdin=allow_stdin,
                    timeout=timeout,
                    kernel=kernel,
                    language=language,
                    program=program,
                ),
            )
        )
        async for record in self.events(taken.seq - 1):
            yield record
            event = record.event
            if isinstance(event, ExecutionFinished) and event.execution_id == execution_id:
                return

    async def events(self, after: int = 0) -> AsyncIterator[Recorded]:
        """All events after number `after`, then new events; ends with the session."""
        async for batch in self._session.events(after, "full"):
            for record in batch:
                yield record

    async def result(self, execution_id: str) -> ExecutionResult:
        """The result of an execution, when it has ended. NotFound if it does not exist."""
        view = await self._view(execution_id)
        variables = await self._variables(view.kernel)
        return await read_result(self._session, view, variables)

    async def _variables(self, kernel: str) -> tuple[Variable, ...]:
        """The current variables: the session itself reads them only a moment after a run. If the
        kernel cannot be asked, the last known variables."""
        try:
            return (await self._session.call(RefreshVariables(kernel=kernel))).variables
        except CodeexecError:
            return self._snapshot.kernel_named(kernel).variables

    async def answer(self, request: StdinRequested, text: str) -> None:
        """Answer a request for input."""
        await self._session.call(AnswerStdin(request.request_id, text, "program"))

    async def interrupt(self) -> None:
        """Interrupt the code, as Ctrl+C does. Conflict when nothing runs."""
        await self._session.call(Interrupt())

    async def restart(self) -> None:
        """Restart the kernel; all variables are lost."""
        await self._session.call(RestartKernel())

    async def call(self, request: Request[R]) -> R:
        """Send any request of `codeexec.domain.requests`."""
        return await self._session.call(request)

    async def _view(self, execution_id: str) -> ExecutionView:
        """Apply events up to the end of the execution; returns its view."""
        reply = await self._session.call(ReadExecution(execution_id))
        if self._snapshot.seq >= reply.seq and not reply.execution.is_open:
            return reply.execution
        async for batch in self._session.events(self._snapshot.seq, "latest"):
            self._snapshot = apply(self._snapshot, batch)
            view = self._snapshot.executions.get(execution_id)
            if self._snapshot.seq >= reply.seq and (view is None or not view.is_open):
                break
        return (await self._session.call(ReadExecution(execution_id))).execution


@asynccontextmanager
async def open_session(
    name: str = "",
    *,
    kernel: str = "",
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    backend: str = LOCAL,
    image: str = "",
    policy: str = "",
    transport: str = "",
    classic: ClassicLayout | None = None,
    where: Where = "here",
    trust: bool = False,
    state: str | Path | None = None,
) -> AsyncIterator[RunningSession]:
    """Open a session: `async with open_session() as session`.

    `where="here"` runs the engine in this process: the session ends with the block, and its
    journal is kept only in the folder `state`, if that is given. `where="server"` uses the
    user's session server, so that a user can watch (`codeexec-tui attach NAME`) and the
    session outlives this process; an open session of that name is joined.

    `kernel` is the name of a kernel, or the path of a Python or of an environment; empty: found
    from `cwd` upward. An environment of a folder is used only if the user trusts the folder
    (`codeexec-tui trust`), `trust` is set (only with `here`), or it is named as `kernel`.
    `backend="docker"` is a container of `image` with this `policy` and `transport`; `classic` has
    options of the transport `ports`.
    Raises the errors of `codeexec.domain.errors`.
    """
    request = OpenSession(
        cwd=str(Path(cwd or Path.cwd()).absolute()),
        name=name,
        kernel=kernel,
        env=dict(env or {}),
        backend=backend,
        image=image,
        policy=policy,
        transport=transport,
        classic=classic,
    )
    client = ClientInfo("program")
    if trust and where == "server":
        raise UsageError(
            "A program can trust a folder for its own process only.",
            "Use where='here', or trust it for all processes: codeexec-tui trust FOLDER",
        )
    if where == "server":
        from codeexec.client.socket import SocketHost

        async with SocketHost(client=client) as host:
            yield await _open(host, request)
        return
    from codeexec.client.embedded import EmbeddedHost
    from codeexec.environments.trust.store import FullTrust
    from codeexec.kernels.factory import Kernels

    kernels = Kernels(trust=FullTrust() if trust else None)
    if state is not None:
        async with EmbeddedHost(Path(state), kernels, client=client) as embedded:
            yield await _open(embedded, request)
        return
    from codeexec.session.temporary import temporary_state

    async with temporary_state() as folder:
        async with EmbeddedHost(folder, kernels, client=client) as embedded:
            yield await _open(embedded, request)


async def _open(host: HostClient, request: OpenSession) -> RunningSession:
    opened = await host.call(request)
    return RunningSession(host.session(opened.session_id))
