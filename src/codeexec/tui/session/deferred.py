"""SessionClient proxy that queues calls until the real session is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar, cast

from msgspec.structs import replace

from codeexec.client.api import SessionClient
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import Recorded
from codeexec.domain.flow import OutputMode
from codeexec.domain.requests import Execute, Request
from codeexec.domain.wire.frames import StreamChunk
from codeexec.tui.session.kernel_focus import KernelFocus

R = TypeVar("R")


class DeferredSession:
    """A `SessionClient` that forwards to the real session once `become` has set it.

    Calls made before keep their order: they wait in one queue. Requests that name no kernel go to
    the kernel in `focus`, code of a document to the document's kernel. Executions are told that
    widgets are drawn, and get the width of the screen that shows their output, `columns`, and
    programs its `rows`; cells of notebooks get no width, because their output is written into the
    notebook's file. `show_assignments` says whether the value of a last line that assigns is shown.
    """

    def __init__(
        self,
        columns: Callable[[], int] = int,
        rows: Callable[[], int] = int,
        show_assignments: Callable[[], bool] = bool,
    ) -> None:
        self.focus = KernelFocus()
        self._columns = columns
        self._rows = rows
        self._show_assignments = show_assignments
        self._known = asyncio.Event()
        self._session: SessionClient | None = None
        self._problem: CodeexecError | None = None

    def become(self, session: SessionClient) -> None:
        self._session = session
        self._known.set()

    def give_up(self, problem: CodeexecError) -> None:
        """There will be no session: all that waits, and all that comes, is told so."""
        self._problem = problem
        self._known.set()

    async def _wait(self) -> SessionClient:
        await self._known.wait()
        if self._session is None:
            problem = self._problem or CodeexecError("There is no session.")
            raise type(problem)(problem.message, problem.next_step)
        return self._session

    @property
    def session_id(self) -> str:
        return self._session.session_id if self._session is not None else ""

    async def call(self, request: Request[R]) -> R:
        session = self._session if self._session is not None else await self._wait()
        request = self.focus.addressed(request)
        if isinstance(request, Execute):
            options = replace(request.options, draws_widgets=True)
            if _is_of_notebook(request):
                return cast("R", await session.call(replace(request, options=options)))
            if not options.columns:
                options = replace(options, columns=self._columns())
            if self._show_assignments():
                options = replace(options, show_assignments=True)
            if options.program is not None and (rows := self._rows()):
                options = replace(options, program=replace(options.program, rows=rows))
            return cast("R", await session.call(replace(request, options=options)))
        return await session.call(request)

    async def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        session = await self._wait()
        async for batch in session.events(after, output):
            yield batch

    async def stream(self, stream_id: str, after: int = 0) -> AsyncIterator[StreamChunk]:
        session = await self._wait()
        async for chunk in session.stream(stream_id, after):
            yield chunk


def _is_of_notebook(request: Execute) -> bool:
    return request.cell is not None and request.cell.document.endswith(".ipynb")
