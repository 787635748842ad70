"""One working session: every request has its answer here, every fact its way out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from msgspec.structs import replace

from codeexec.domain import requests as q
from codeexec.domain.checks import check_integer, check_name, check_request
from codeexec.domain.clock import Clock
from codeexec.domain.errors import Conflict, Denied, NotFound, Unavailable, UsageError
from codeexec.domain.events import (
    ExecutionFinished,
    NoticeGiven,
    Recorded,
    SessionClosed,
    SessionRenamed,
)
from codeexec.domain.flow import OutputMode
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.kernels.base import Kernel, KernelChoice, KernelFactory
from codeexec.session.artifacts import BlobStore
from codeexec.session.budget import Budget, beside_loop
from codeexec.session.byte_streams import ByteStreams
from codeexec.session.files import SessionFiles
from codeexec.session.history import HistoryStore
from codeexec.session.journal import Journal
from codeexec.session.keeper import CHOICE
from codeexec.session.recorder import Recorder
from codeexec.session.runner import Runner
from codeexec.session.settings import HostSettings
from codeexec.session.tasks import Tasks
from codeexec.session.variables import VariableWatch

log = logging.getLogger(__name__)

R = TypeVar("R")


class Session:
    """Made by the host; `call` and `events` are all that anybody needs of it."""

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        blobs: BlobStore,
        history: HistoryStore,
        factory: KernelFactory,
        choice: KernelChoice,
        settings: HostSettings,
        clock: Clock,
        *,
        outlives: bool = True,
    ) -> None:
        self.folder = folder
        self.recorder = Recorder(journal, clock, self._hear)
        self.blobs = blobs
        self._history = history
        self._clock = clock
        self._tasks = Tasks()
        self._clients: list[q.ClientInfo] = []
        self._closing = False
        self.ending = asyncio.Lock()
        self.unwatched_since = clock.monotonic()
        self.runner = Runner(
            self.recorder, blobs, factory, choice, settings, clock, self._tasks, outlives=outlives
        )
        self.keeper = self.runner.keeper
        self._variables = VariableWatch(self.runner, settings.watch_variables, self._tasks)
        self.streams = ByteStreams()
        self._files = SessionFiles(
            Path(choice.cwd), self.recorder, blobs, self._tasks, settings.collect_files
        )

    @property
    def session_id(self) -> str:
        return self.snapshot.session_id

    @property
    def snapshot(self) -> Snapshot:
        return self.recorder.snapshot

    @property
    def clients(self) -> tuple[q.ClientInfo, ...]:
        return tuple(self._clients)

    def keep_choice(self) -> None:
        """Remember which kernel was asked for, for whoever opens the journal next."""
        choice = self.keeper.choice
        kept = self.recorder.secrets.without_env(
            CHOICE,
            {
                "cwd": choice.cwd,
                "name": choice.name,
                "file": choice.file,
                "env": dict(choice.env),
                "backend": choice.backend,
                "image": choice.image,
                "policy": choice.policy,
                "connection_file": choice.connection_file,
            },
        )
        self.recorder.keep(CHOICE, kept)

    # -- who listens ---------------------------------------------------------------------

    @contextlib.contextmanager
    def join(self, client: q.ClientInfo) -> Iterator[None]:
        """Be counted as a client."""
        self._clients.append(client)
        try:
            yield
        finally:
            self._clients.remove(client)
            self.unwatched_since = self._clock.monotonic()

    def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        """See `codeexec.client.api.SessionClient.events`. UsageError for no number of an event."""
        check_integer(after, "after")
        return self.recorder.events(after, output)

    # -- what is asked -------------------------------------------------------------------

    async def call(self, request: q.Request[R], client: q.ClientInfo | None = None) -> R:
        """The answer to a session's request; see each request for its errors."""
        check_request(request)
        if client is not None and client.watch_only and not isinstance(request, q.WATCHABLE):
            raise Denied(
                "This connection only watches.", "Attach without --watch to change anything."
            )
        self._require_open(request)
        if self.keeper.is_adopting and self._is_for_kernel(request):
            await self.keeper.adopted()
            self._require_open(request)
        return cast(R, await self._answer(cast(q.SessionRequest | q.FileRequest, request)))

    def _require_open(self, request: q.Request[R]) -> None:
        closed = self.snapshot.closed or self._closing
        if closed and not isinstance(request, _READ_WHEN_CLOSED):
            raise Conflict(
                f"Session {self.snapshot.name} is closed.",
                "Open a new one; its output can still be read and exported.",
            )

    def _is_for_kernel(self, request: q.Request[R]) -> bool:
        """Whether the request needs the kernel at once: an execution can wait in the queue."""
        if isinstance(request, q.CancelExecution):
            return self.runner.queue.running == request.execution_id
        return isinstance(request, _FOR_KERNEL)

    async def _answer(self, request: q.SessionRequest | q.FileRequest) -> q.Reply:
        match request:
            case q.Execute():
                return self._execute(request)
            case q.CancelExecution():
                return self._cancel(request.execution_id)
            case q.ClearQueue():
                waiting = self.runner.queue.waiting
                return self._done(self.runner.cancel(waiting, "The queue was cleared."))
            case q.AnswerStdin():
                self.runner.answer(request.request_id, request.text, request.origin)
            case q.Interrupt():
                self.runner.interrupt(request.stage)
            case q.RestartKernel():
                await self.keeper.restart(request.kernel, request.policy)
                self.keep_choice()
            case q.PauseKernel():
                await self.keeper.pause()
            case q.UnpauseKernel():
                await self.keeper.unpause()
            case q.ShutDownKernel():
                await self.keeper.shut_down("It was shut down.")
            case q.RenameSession():
                self.recorder.record(SessionRenamed(check_name(request.name)))
            case q.Complete() | q.Inspect() | q.IsComplete():
                return await self._ask_kernel(request)
            case q.GetUsage():
                return self._usage()
            case q.SearchRows():
                if request.execution_id:
                    self.runner.find(request.execution_id)
                # Beside the loop: it may read all that was ever put out.
                budget = Budget(SEARCH_SECONDS, "The search")
                search = self.recorder.journal.search
                return await beside_loop(budget, lambda: search(request, budget.check))
            case q.SearchHistory():
                return await self._search_history(request)
            case q.ReadBlob():
                data = await asyncio.to_thread(self.blobs.read, request.digest)
                return q.Blob(request.digest, data)
            case q.ReadRows():
                return self._read_rows(request)
            case q.ReadExecution() | q.ListExecutions() | q.ListDisplays():
                return self._look_up(request)
            case q.RefreshVariables() | q.InspectVariable() | q.ReadTable() | q.DeleteVariable():
                self._hears()
                return await self._variables.answer(request)
            case (
                q.ListFiles() | q.ReadFile() | q.WriteFile() | q.PinArtifact() | q.RemoveArtifact()
            ):
                return await self._files.answer(request)
            case _:
                raise UsageError(f"A session is not asked for {type(request).__name__}.")
        return self._done()

    def _done(self, count: int = 0) -> q.Done:
        return q.Done(self.snapshot.seq, count)

    def _execute(self, request: q.Execute) -> q.Accepted:
        before = self.snapshot.executions_total
        accepted = self.runner.execute(request)
        if self.snapshot.executions_total > before:
            self._remember(self.snapshot.executions[accepted.execution_id])
        return accepted

    def _cancel(self, execution_id: str) -> q.Done:
        self.runner.find(execution_id)
        if self.runner.queue.running == execution_id:
            self.runner.interrupt()
            return self._done(1)
        return self._done(self.runner.cancel([execution_id], "It was taken out of the queue."))

    def _hears(self) -> None:
        if self.keeper.is_paused:
            raise Conflict("The container is paused.", "It answers when it goes on.")

    def _kernel(self) -> Kernel:
        self._hears()
        if self.keeper.kernel is None or self.snapshot.kernel.state not in ("idle", "busy"):
            raise Conflict("There is no kernel to ask yet.", "It answers once it has started.")
        return self.keeper.kernel

    async def _ask_kernel(self, request: q.Complete | q.Inspect | q.IsComplete) -> q.Reply:
        able = self._kernel().capabilities
        if isinstance(request, q.Inspect):
            if able.inspection is None:
                raise Unavailable("This kernel has no help for code.")
            found = await able.inspection.inspect(request.code, request.cursor, request.detail)
            return replace(found, text=self.runner.secrets.mask(found.text))
        if able.completion is None:
            raise Unavailable("This kernel does not complete code.")
        if isinstance(request, q.Complete):
            return await able.completion.complete(request.code, request.cursor)
        return await able.completion.is_complete(request.code)

    def _usage(self) -> q.Usage:
        kernel = self.keeper.kernel
        if kernel is None or not kernel.is_alive:
            return q.Usage(clients=self.clients)
        usage = kernel.usage()
        return q.Usage(usage.cpu, usage.rss, self.clients)

    async def _search_history(self, request: q.SearchHistory) -> q.History:
        budget = Budget(SEARCH_SECONDS, "The search")
        only = self.session_id if request.this_session else ""
        return q.History(
            await beside_loop(
                budget,
                lambda: self._history.search(request.pattern, request.limit, only, budget.check),
            )
        )

    def _read_rows(self, request: q.ReadRows) -> q.Rows:
        self.runner.find(request.execution_id)
        count = min(request.count, MAX_ROWS)
        return self.recorder.journal.rows(
            request.execution_id, request.start, count, whole=request.whole
        )

    async def open_file(self, path: str) -> tuple[BinaryIO, os.stat_result]:
        """A file of the working folder to read piece by piece. NotFound, Denied, StorageError."""
        return await self._files.open(path)

    def _look_up(self, request: q.ReadExecution | q.ListExecutions | q.ListDisplays) -> q.Reply:
        runs = self.recorder.journal.runs
        match request:
            case q.ReadExecution():
                view = self.recorder.find(request.execution_id)
                if view is None:
                    raise NotFound(f"There is no execution {request.execution_id} in this session.")
                return q.ExecutionState(view, self.snapshot.seq)
            case q.ListExecutions():
                if request.document:
                    return runs.of_cells(request.document)
                return runs.views(request.before, request.limit)
            case q.ListDisplays():
                return runs.displays(request.before, request.limit)

    # -- after a run, and at the end -----------------------------------------------------

    def _hear(self, records: Sequence[Recorded]) -> None:
        for record in records:
            if isinstance(record.event, ExecutionFinished):
                # Later: this may record facts of its own, and these are not all told yet.
                asyncio.get_running_loop().call_soon(self._after_run, record.event.execution_id)

    def _after_run(self, execution_id: str) -> None:
        if self.snapshot.closed:
            return
        view = self.recorder.find(execution_id)
        if view is not None and view.started_at is not None:
            self._remember(view)
            self._files.after_run(execution_id)
        if not self.runner.is_busy or self.snapshot.kernel.subshells:
            self._variables.look_soon()

    def _remember(self, view: ExecutionView) -> None:
        if view.options.store_history and not view.options.silent:
            self._history.add(
                q.HistoryEntry(
                    self.session_id, view.execution_id, view.queued_at, view.code, view.status
                )
            )

    async def close(self, reason: str) -> None:
        """End the kernel and the session; the journal stays. StorageError when that cannot be
        written: the kernel has ended, the session stays open."""
        self._closing = True
        try:
            await self.keeper.shut_down(reason)
            await self._files.finish()
            self.recorder.record_now(SessionClosed(reason))
            self.recorder.secrets.remove()
        except BaseException:
            self._closing = False
            raise
        await self._let_go()

    async def abandon(self, lost: Path) -> None:
        """End the session whose file `lost` was removed or replaced while it was open. Clients
        are told; nothing is written at the session's path, which may be another's by now."""
        self._closing = True
        reason = f"{lost} was removed or replaced while the session was open."
        self.recorder.record(
            NoticeGiven(
                "error",
                "The session's files are gone",
                f"{reason} What it recorded cannot be found any more.",
                "Open a new session. To delete sessions, use: codeexec-tui sessions rm",
            )
        )
        self.runner.cancel_all(reason, "lost")
        await self.keeper.shut_down(reason)
        self.recorder.record(SessionClosed(reason))
        await self._let_go()

    async def detach(self) -> None:
        """Leave the kernel running for the next server."""
        self._closing = True
        await self.keeper.detach()
        await self._files.finish()
        await self._let_go()

    async def _let_go(self) -> None:
        self.streams.close()
        await self._tasks.close()
        self.recorder.close()


MAX_ROWS = 5000
_READ_WHEN_CLOSED = (
    q.ReadExecution,
    q.ListExecutions,
    q.ListDisplays,
    q.ReadRows,
    q.SearchRows,
    q.ReadBlob,
    q.SearchHistory,
    q.ReadFile,
    q.ListFiles,
)
SEARCH_SECONDS = 20.0
_FOR_KERNEL = (
    q.AnswerStdin,
    q.Interrupt,
    q.RestartKernel,
    q.PauseKernel,
    q.UnpauseKernel,
    q.ShutDownKernel,
    q.Complete,
    q.Inspect,
    q.IsComplete,
    q.RefreshVariables,
    q.InspectVariable,
    q.ReadTable,
    q.DeleteVariable,
)
