"""One working session: answers requests, and hands its events to readers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

from msgspec.structs import replace as replace_struct

from codeexec.domain import requests as q
from codeexec.domain.clock import Clock
from codeexec.domain.errors import Conflict, Denied, UsageError
from codeexec.domain.events import (
    ExecutionConfirmed,
    ExecutionFinished,
    KernelDied,
    KernelReady,
    NoticeGiven,
    Recorded,
    SessionClosed,
    SessionRenamed,
)
from codeexec.domain.events.learning import LearnerAdvanced
from codeexec.domain.events.steering import LessonSteered
from codeexec.domain.flow import OutputMode
from codeexec.domain.learning import check_record
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.wire.checks import check_integer, check_name, check_request
from codeexec.environments.base import Environment, OpenFile
from codeexec.kernels.base import KernelChoice, KernelFactory
from codeexec.session.activity import Activity
from codeexec.session.agents.rules import AgentRules
from codeexec.session.byte_streams import ByteStreams, ReadableStream
from codeexec.session.execution_watch import ExecutionWatch
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.files.environments import SessionPlaces
from codeexec.session.files.files import SessionFiles
from codeexec.session.files.terminal_pictures import ProgramPictures
from codeexec.session.files.watching import FileWatch
from codeexec.session.kernels.logins import LoginQuestions
from codeexec.session.kernels.parts import SessionParts
from codeexec.session.kernels.requests import KernelRequests, choice_left
from codeexec.session.kernels.slots import KernelSlots
from codeexec.session.plugins.requests import PluginRequests
from codeexec.session.plugins.steps import PluginSteps
from codeexec.session.session_limits import SessionLimits
from codeexec.session.settings import HostSettings
from codeexec.session.storage.event_log import EventLog
from codeexec.session.storage.history import HistoryStore
from codeexec.session.storage.journal import Journal
from codeexec.session.storage.journal_limit import JournalLimit
from codeexec.session.storage.session_records import SessionRecords
from codeexec.session.storage.tenure import read_tenure
from codeexec.session.tasks import Tasks
from codeexec.session.terminals.lazy import LazyTerminals
from codeexec.session.terminals.place import KernelPlace

log = logging.getLogger(__name__)

R = TypeVar("R")


class Session:
    """Made by the host. Clients use `call` and `events` alone."""

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
        first_kernel: str,
        outlives: bool = True,
        limits: Callable[[], SessionLimits | None] = lambda: None,
        activity: Activity | None = None,
    ) -> None:
        """`choice` is that of the kernel `first_kernel`. `outlives`: kernels may be adopted when
        our process is gone."""
        self.folder = folder
        self.recorder = EventLog(journal, clock, self._hear)
        self._activity = activity or Activity()
        self.execution_watch = ExecutionWatch()
        self.blobs = blobs
        self.lease, self.is_temporary = read_tenure(journal)
        self._records = SessionRecords(self.recorder, history, adds_history=not self.is_temporary)
        self._limits = limits
        self._clock = clock
        self._tasks = Tasks()
        self._clients: list[q.ClientInfo] = []
        self._agents = AgentRules(settings.agents)
        self._closing = False
        self.ending = asyncio.Lock()
        self.unwatched_since = clock.monotonic()
        limit = JournalLimit(journal, settings.journal_limit)
        parts = SessionParts(
            self.recorder,
            blobs,
            factory,
            settings,
            clock,
            self._tasks,
            limit,
            answers={},
            plugins=PluginSteps(self.recorder),
            outlives=outlives,
        )
        self.logins = LoginQuestions(self.recorder, clock, lambda: self._clients)
        choice = replace(choice, place=lambda: self.environment, ask_user=self.logins.ask)
        choice = replace(choice, ask_user_later=self.logins.ask_when_attached)
        self.slots = KernelSlots(parts, choice, first_kernel)
        for name in self.snapshot.kernels:
            self.slots.restore(name, choice_left(journal, name, choice))
        self.kernels = KernelRequests(parts, self.slots, lambda: bool(self._clients))
        self._plugins = PluginRequests(
            self.recorder, self.slots, parts.plugins, self.execution_watch
        )
        self.streams = ByteStreams()
        self._places = SessionPlaces(factory, Path(choice.cwd))
        self.terminals = LazyTerminals(
            self.recorder,
            lambda terminals: terminals(
                folder,
                self.recorder,
                self.streams,
                KernelPlace(self.slots, lambda: self.environment),
                settings,
                self._pictures.keep,
                outlives=outlives,
            ),
        )
        self._pictures = ProgramPictures(self.recorder, blobs)
        self._files = SessionFiles(
            lambda: self.environment, self.recorder, blobs, self._tasks, settings.collect_files
        )
        self.file_watch = FileWatch(
            lambda: self.environment, self.recorder, self._tasks, limit, folder.parent
        )

    @property
    def session_id(self) -> str:
        return self.snapshot.session_id

    @property
    def snapshot(self) -> Snapshot:
        return self.recorder.snapshot

    @property
    def environment(self) -> Environment:
        """The place of the session's files and processes: that of its first kernel."""
        return self._places.of(self.slots.get(self.slots.first).supervisor.choice)

    @property
    def _owner_limits(self) -> SessionLimits | None:
        """None where the session belongs to the operator of the server."""
        return self._limits() if self.snapshot.owner else None

    @property
    def clients(self) -> tuple[q.ClientInfo, ...]:
        return tuple(self._clients)

    # -- who listens ---------------------------------------------------------------------

    @contextlib.contextmanager
    def join(self, client: q.ClientInfo) -> Iterator[None]:
        """Be counted as a client."""
        self._clients.append(client)
        self.logins.look_for_client()
        self.kernels.variables.look_for_client()
        try:
            yield
        finally:
            self._clients.remove(client)
            self.terminals.forget_client(client)
            self.unwatched_since = self._clock.monotonic()

    def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        """See `codeexec.client.api.SessionClient.events`. UsageError for no number of an event."""
        check_integer(after, "after")
        return self.recorder.events(after, output)

    async def find_stream(self, stream_id: str) -> ReadableStream:
        """A byte stream of the session, or the screen of a terminal. NotFound."""
        await self.terminals.adopted()
        return self.streams.find(stream_id)

    # -- what is asked -------------------------------------------------------------------

    async def call(self, request: q.Request[R], client: q.ClientInfo | None = None) -> R:
        """The answer to a session's request; see each request for its errors."""
        check_request(request)
        if client is not None and client.watch_only and not isinstance(request, q.WATCHABLE):
            raise Denied(
                "This connection only watches.", "Attach without --watch to change anything."
            )
        if client is not None and client.is_agent:
            self._agents.check(cast("q.Request[q.Reply]", request))
        self._require_open(request)
        if (limits := self._owner_limits) is not None:
            limits.check(self, cast(q.AnyRequest, request))
        if self.slots.is_adopting and self._is_for_kernel(request):
            await self.slots.adopted()
            self._require_open(request)
        if isinstance(request, q.TerminalRequest):
            return cast(R, await self.terminals.answer(request, client))
        if isinstance(request, q.PluginRequest):
            return cast(R, await self._answer_plugin(request, client or _NOBODY))
        others = cast(q.SessionRequest | q.FileRequest, request)
        return cast(R, await self._answer(others, client or _NOBODY))

    def check_program(self, client: q.ClientInfo) -> None:
        """Denied where `client` is an agent whose code has to be confirmed, and whose program would
        be started as a command."""
        if client.is_agent:
            self._agents.check_program()

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
            slot = self.slots.of_execution(request.execution_id)
            return slot is not None and slot.queue.running == request.execution_id
        return isinstance(request, _FOR_KERNEL)

    async def _answer(
        self, request: q.SessionRequest | q.FileRequest, client: q.ClientInfo
    ) -> q.Reply:
        match request:
            case q.Execute():
                if request.options.plugin is not None:
                    raise UsageError("Plugins are loaded by a request of their own: LoadPlugin.")
                return self._execute(request, client)
            case q.ConfirmExecution():
                self._confirm(request, client)
            case q.CancelExecution():
                return self._cancel(request.execution_id, client.name)
            case q.ClearQueue():
                slots = [self.slots.get(request.kernel)] if request.kernel else self.slots
                waiting = [execution_id for slot in slots for execution_id in slot.queue.waiting]
                reason = "The queue was cleared."
                return self._done(self.slots.cancel(waiting, reason, client.name))
            case q.AnswerStdin():
                self.slots.answer(request.request_id, request.text, request.origin)
            case q.Interrupt():
                self.slots.get(request.kernel).interrupt(request.stage, by=client.name)
            case q.ResizeTerminals():
                await self.slots.resize(request)
            case (
                q.RestartKernel()
                | q.PauseKernel()
                | q.UnpauseKernel()
                | q.ShutDownKernel()
                | q.StartKernel()
                | q.SetDefaultKernel()
                | q.RemoveKernel()
            ):
                await self.kernels.change(request)
            case q.RenameSession():
                self.recorder.record(SessionRenamed(check_name(request.name)))
            case q.AnswerLogin():
                self.logins.answer(request, request.origin or client.name)
            case q.KeepLearnerRecord():
                check_record(request.record)
                self.recorder.record_now(LearnerAdvanced(request.record))
            case q.SteerLesson():
                by = request.origin or client.name
                self.recorder.record_now(LessonSteered(request.key, request.step, by, request.to))
            case q.Complete() | q.Inspect() | q.IsComplete():
                return await self.kernels.ask(request)
            case q.SendComm():
                return self.kernels.send_comm(request)
            case q.GetUsage():
                return self.kernels.usage(request.kernel, self.clients)
            case q.SearchRows() | q.SearchHistory():
                return await self._records.search(request)
            case q.ReadBlob():
                data = await asyncio.to_thread(self.blobs.read, request.digest)
                return q.Blob(request.digest, data)
            case q.ReadRows() | q.ReadExecution() | q.ListExecutions() | q.ListDisplays():
                return self._records.read(request)
            case (
                q.RefreshVariables()
                | q.InspectVariable()
                | q.MeasureVariables()
                | q.ReadTable()
                | q.QueryTable()
                | q.DeleteVariable()
            ):
                return await self.kernels.answer_variables(request)
            case (
                q.ListFiles()
                | q.ReadFile()
                | q.WriteFile()
                | q.MakeFolder()
                | q.RenameFile()
                | q.RemoveFile()
                | q.PinArtifact()
                | q.RemoveArtifact()
            ):
                return await self._files.answer(request)
            case _:
                raise UsageError(f"A session is not asked for {type(request).__name__}.")
        return self._done()

    async def _answer_plugin(self, request: q.PluginRequest, client: q.ClientInfo) -> q.Reply:
        def queue(execute: q.Execute) -> None:
            self._execute(execute, client)

        return await self._plugins.answer(request, queue, client.name)

    def _done(self, count: int = 0) -> q.Done:
        return q.Done(self.snapshot.seq, count)

    def _execute(self, request: q.Execute, client: q.ClientInfo) -> q.Accepted:
        total, kernels = self.snapshot.executions_total, len(tuple(self.slots))
        confirm = ""
        if client.is_agent:
            request = replace_struct(request, origin=client.name)
            if not self.recorder.has(request.execution_id):
                confirm = self._agents.confirmation(request, self.snapshot, self._clients)
        limits = self._owner_limits
        if limits is not None:
            runtime = limits.runtime(request.options.timeout)
            options = replace_struct(request.options, timeout=runtime)
            request = replace_struct(request, options=options)
        accepted = self.slots.execute(
            request,
            is_agent=client.is_agent,
            confirm=confirm,
            check_run=lambda: limits.check_run(self) if limits is not None else None,
        )
        if len(tuple(self.slots)) > kernels:
            self.kernels.keep_choices()
        if self.snapshot.executions_total > total:
            self._records.remember(self.snapshot.executions[accepted.execution_id])
            meta = {"session": self.session_id, "execution": accepted.execution_id}
            shown = request.code[:SHOWN_CODE]
            log.debug("code was queued", extra={"meta": {**meta, "code": shown}})
        return accepted

    def _confirm(self, request: q.ConfirmExecution, client: q.ClientInfo) -> None:
        self.recorder.require(request.execution_id)
        view = self.snapshot.executions.get(request.execution_id)
        if view is None or not view.confirm:
            raise Conflict("This execution does not wait for confirmation.")
        by = request.origin or client.name
        if request.allow:
            self.recorder.record_now(ExecutionConfirmed(request.execution_id, by))
            self.slots.pump()
        else:
            self.slots.cancel([request.execution_id], REFUSED, by)

    def _cancel(self, execution_id: str, by: str) -> q.Done:
        self.recorder.require(execution_id)
        slot = self.slots.of_execution(execution_id)
        if slot is not None and slot.queue.running == execution_id:
            slot.interrupt(by=by)
            return self._done(1)
        return self._done(self.slots.cancel([execution_id], "It was taken out of the queue.", by))

    async def open_file(self, path: str) -> OpenFile:
        """A file of the environment to read piece by piece. NotFound, Denied, StorageError,
        EnvironmentUnavailable."""
        return await self._files.open(path)

    # -- after a run, and at the end -----------------------------------------------------

    def _hear(self, records: Sequence[Recorded]) -> None:
        self.execution_watch.hear(records)
        self.kernels.widgets.hear(records)
        for record in records:
            if isinstance(record.event, KernelReady | KernelDied):
                is_ready = isinstance(record.event, KernelReady)
                self._activity.kernels["started" if is_ready else "died"] += 1
            if isinstance(record.event, ExecutionFinished):
                if (view := self.recorder.find(record.event.execution_id)) is not None:
                    self.kernels.variables.note_run(view.kernel)
                # Later: this may record events of its own, and these are not all told yet.
                asyncio.get_running_loop().call_soon(self._after_run, record.event.execution_id)

    def _after_run(self, execution_id: str) -> None:
        if self.snapshot.closed:
            return
        view = self.recorder.find(execution_id)
        if view is None:
            return
        self._activity.note_finished(view)
        if view.options.plugin is not None:
            self._plugins.settle(view)
        if view.started_at is not None:
            self._records.remember(view)
            self._files.after_run(execution_id)
        self.kernels.look_at_variables(view.kernel)

    async def close(self, reason: str) -> None:
        """End the kernel and the session; the journal stays. StorageError when that cannot be
        written: the kernel has ended, the session stays open."""
        self._closing = True
        try:
            await self.terminals.finish(keep=False)
            await self.slots.shut_down(reason)
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
        await self.terminals.finish(keep=False)
        self.slots.cancel_all(reason, "lost")
        await self.slots.shut_down(reason)
        self.recorder.record(SessionClosed(reason))
        await self._let_go()

    async def detach(self) -> None:
        """Leave the kernels running for the next server."""
        self._closing = True
        await self.terminals.finish(keep=True)
        await self.slots.detach()
        await self._files.finish()
        await self._let_go()

    async def _let_go(self) -> None:
        self.execution_watch.wake_all()
        self.streams.close()
        await self._places.close()
        await self._tasks.close()
        self.recorder.close()


_NOBODY = q.ClientInfo("")
"""Where the caller names no client."""
REFUSED = "The user refused to run it."
"""Reason of an agent's execution that was not confirmed."""
SHOWN_CODE = 100
"""Characters of code that are logged, at DEBUG alone."""
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
    q.ListTerminals,
    q.ReadTerminalRows,
    q.ReadTerminalText,
    q.SearchTerminal,
    q.ListPlugins,
)
_FOR_KERNEL = (
    q.AnswerStdin,
    q.Interrupt,
    q.RestartKernel,
    q.PauseKernel,
    q.UnpauseKernel,
    q.ShutDownKernel,
    q.StartKernel,
    q.RemoveKernel,
    q.Complete,
    q.Inspect,
    q.IsComplete,
    q.RefreshVariables,
    q.InspectVariable,
    q.MeasureVariables,
    q.ReadTable,
    q.QueryTable,
    q.DeleteVariable,
    q.SendComm,
)
