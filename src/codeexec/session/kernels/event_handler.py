"""Turns kernel events into session events: rows of text, displays with their content stored."""

from __future__ import annotations

import hashlib
import logging
import math
import secrets
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from codeexec.domain.content.comms import comm_weight
from codeexec.domain.events import (
    AnyEvent,
    DisplayUpdated,
    FullScreenUsed,
    InputCounted,
    NextInputOffered,
    NoticeGiven,
    OutputChanged,
    StdinRequested,
    StepEnded,
)
from codeexec.domain.events.clusters import ClustersChanged
from codeexec.domain.events.comms import CommChanged, CommClosed, CommOpened
from codeexec.domain.events.lines import KernelLineChanged
from codeexec.domain.events.plugins import ArtifactReported, ExecutionLogged, ResultReported
from codeexec.domain.events.starts import ImagePullAdvanced, KernelStartAdvanced
from codeexec.domain.ids import new_id
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.outputs import Display, ErrorInfo, MimePart, clip_row
from codeexec.domain.plugins import LogEntry, ReportedArtifact
from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView
from codeexec.kernels import base as says
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.kernels.outbox import OpenDocuments
from codeexec.session.output.document import OutputDocument
from codeexec.session.storage.journal_limit import JournalLimit

log = logging.getLogger(__name__)

KEPT_DOCUMENTS = 64
"""Executions whose last rows can still be rewritten by output that comes late."""


_ALWAYS_KEPT = (says.Finished, says.Died, says.LineChanged)
"""Events that a full journal has room for."""

_LAST_LINES = 20
"""Lines of an error that are kept when the journal is full."""


class KernelEventHandler:
    """Of one kernel of a session. `find` looks up an execution by its id. `finish` is asked for
    the event that ends an execution (or for none)."""

    def __init__(
        self,
        find: Callable[[str], ExecutionView | None],
        blobs: BlobStore,
        open_documents: OpenDocuments,
        finish: Callable[[says.Finished], list[AnyEvent]],
        limit: JournalLimit,
        kernel: str = DEFAULT_KERNEL,
    ) -> None:
        self._kernel = kernel
        self._limit = limit
        self._room: float = 0
        self._told_full: set[str] = set()
        self.is_over = False
        """Something was left out, the last time."""
        self._find = find
        self._blobs = blobs
        self._open_documents = open_documents
        self._finish = finish
        self._documents: dict[str, OutputDocument] = {}
        self._dirty: dict[str, OutputDocument] = {}
        self._last_answered = ""

    def take(self, kernel_events: Iterable[says.KernelEvent]) -> list[AnyEvent]:
        """The events in order; output of an execution stands before its end. What the journal has
        no room for is left out, and a row says so."""
        room = self._limit.room
        self._room = math.inf if room is None else room
        self.is_over = False
        events: list[AnyEvent] = []
        for event in kernel_events:
            if self._room <= 0 and not isinstance(event, _ALWAYS_KEPT):
                self._leave_out(event)
                continue
            match event:
                case says.StreamWritten():
                    if document := self._open(event.execution):
                        document.write(event.stream, self._fitting(event))
                case says.Displayed():
                    if document := self._open(event.execution):
                        document.show(self._display(event))
                case says.ErrorRaised():
                    if document := self._open(event.execution):
                        document.fail(event.error)
                case says.OutputCleared():
                    if document := self._open(event.execution):
                        document.clear(event.wait)
                case says.Started():
                    if event.count is not None:
                        events.append(InputCounted(event.execution, event.count))
                case says.DisplayRefreshed():
                    events += self._flush()
                    events.append(self._refresh(event))
                case says.CommStarted() | says.CommUpdated() | says.CommEnded():
                    events.append(self._comm(event))
                case says.InputRequested():
                    events += self._flush()
                    events += self._ask(event)
                case says.StepDone():
                    events += self._flush()
                    events.append(StepEnded(event.execution, self._with_rows(event)))
                case says.ScreenUsed():
                    events.append(FullScreenUsed(event.execution, event.start))
                case says.Finished():
                    events += self._flush() + self._late_count(event, events)
                    if self._room <= 0 and event.error is not None:
                        event = replace(event, error=_clipped(event.error))
                    events += self._finish(event)
                    self._told_full.discard(event.execution)
                case says.NextInput():
                    events.append(NextInputOffered(event.execution, event.text, event.replaces))
                case says.Notice():
                    events += self._flush()
                    events.append(
                        NoticeGiven(event.level, event.title, event.message, event.next_step)
                    )
                case says.ClustersSeen():
                    events.append(ClustersChanged(event.clusters, self._kernel))
                case says.LineChanged():
                    events.append(KernelLineChanged(event.cut, self._kernel))
                case says.StartAdvanced():
                    events.append(
                        KernelStartAdvanced(event.step, event.since, event.percent, self._kernel)
                    )
                case says.Pulled():
                    events.append(
                        ImagePullAdvanced(
                            event.image,
                            event.layers_done,
                            event.layers,
                            event.done,
                            event.total,
                            self._kernel,
                        )
                    )
                case says.Reported():
                    events += self._reported(event)
                case says.VariablesSent() | says.Overheard():
                    pass  # the runner's
                case says.Died():
                    events += self._flush()
        return events + self._flush()

    def _late_count(self, finished: says.Finished, events: list[AnyEvent]) -> list[AnyEvent]:
        """The prompt number of a kernel that tells it in its reply alone, such as tslab."""
        view = self._find(finished.execution)
        if view is None or view.options.silent:
            return []
        if finished.count is None or view.count is not None:
            return []
        is_counted = any(
            isinstance(event, InputCounted) and event.execution_id == finished.execution
            for event in events
        )
        return [] if is_counted else [InputCounted(finished.execution, finished.count)]

    def _fitting(self, event: says.StreamWritten) -> str:
        """The text, as far as there is room for it."""
        size = len(event.text)
        text = event.text if size <= self._room else event.text[: int(self._room)]
        self._room -= size
        if self._room <= 0:
            self._leave_out(event, text)
            return ""
        return text

    def _leave_out(self, event: says.KernelEvent, text: str = "") -> None:
        """Drop what comes over the limit, but for its first `text`."""
        self.is_over = True
        if not isinstance(event, says.StreamWritten | says.Displayed | says.ErrorRaised):
            return
        if event.execution in self._told_full or not (document := self._open(event.execution)):
            return
        self._told_full.add(event.execution)
        if text and isinstance(event, says.StreamWritten):
            document.write(event.stream, text)
        document.write("stderr", f"\n{self._limit.reason} Output from here on is not kept.\n")

    def _open(self, execution_id: str) -> OutputDocument | None:
        document = self._documents.get(execution_id)
        if document is None:
            view = self._find(execution_id)
            if view is None:
                log.debug("output of unknown execution %s", execution_id)
                return None
            document = self._open_documents.reopen(view)
            self._documents[execution_id] = document
            if len(self._documents) > KEPT_DOCUMENTS:
                del self._documents[next(iter(self._documents))]
        self._dirty[execution_id] = document
        return document

    def _reported(self, event: says.Reported) -> list[AnyEvent]:
        """A report of an execution of this session."""
        view = self._find(event.execution)
        if view is None:
            return []
        match event.report:
            case LogEntry():
                return [ExecutionLogged(event.execution, event.report)]
            case ReportedArtifact():
                return [ArtifactReported(event.execution, event.report)]
            case says.ResultReport() if not view.options.report:
                return []  # user code sends it: nobody has asked
            case says.ResultReport(variables, output):
                return [ResultReported(event.execution, dict(variables), output)]

    def _with_rows(self, event: says.StepDone) -> StepResult:
        document, view = self._documents.get(event.execution), self._find(event.execution)
        if document is not None:
            return replace(event.step, rows=document.total)
        return replace(event.step, rows=view.total if view is not None else 0)

    def _flush(self) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        for execution_id, document in self._dirty.items():
            patch = document.take_patch()
            self._open_documents.note(execution_id, document)
            if patch is not None:
                events.append(
                    OutputChanged(
                        execution_id, patch.start, patch.total, patch.runs, patch.unfinished
                    )
                )
        self._dirty.clear()
        return events

    def answer(self, request: StdinRequested, text: str) -> list[AnyEvent]:
        """This question is being answered, though the kernel may not know yet: the rows that show
        it. The answer to a password is shown as dots."""
        self._last_answered = request.request_id
        document = None if request.echoed else self._open(request.execution_id)
        if document is not None:
            document.answer(request.prompt, "•••" if request.password else text)
        return self._flush()

    def _ask(self, event: says.InputRequested) -> list[AnyEvent]:
        """A question that is open already is one that was told to the last server too."""
        request_id = _request_id(event.message) if event.message else new_id("input")
        if request_id == self._last_answered:
            return []
        view = self._find(event.execution)
        if view is not None and view.stdin is not None and view.stdin.request_id == request_id:
            return []
        return [
            StdinRequested(request_id, event.execution, event.prompt, event.password, event.echoed)
        ]

    def _display(self, event: says.Displayed) -> Display:
        parts = self._blobs.make_parts(event.data)
        self._room -= _weight(parts)
        return Display(
            key=secrets.token_hex(6),
            parts=parts,
            role=event.role,
            display_id=self._display_id(event.display_id) if event.display_id else None,
            count=event.count,
            metadata=dict(event.metadata),
        )

    def _refresh(self, event: says.DisplayRefreshed) -> DisplayUpdated:
        parts = self._blobs.make_parts(event.data)
        self._room -= _weight(parts)
        metadata = dict(event.metadata)
        display_id = self._display_id(event.display_id)
        for document in self._documents.values():
            document.update_display(display_id, parts, metadata)
        return DisplayUpdated(display_id, parts, metadata)

    def _comm(
        self, event: says.CommStarted | says.CommUpdated | says.CommEnded
    ) -> CommOpened | CommChanged | CommClosed:
        if isinstance(event, says.CommEnded):
            return CommClosed(event.comm_id, self._kernel)
        self._room -= comm_weight(event.state, event.buffers)
        if isinstance(event, says.CommUpdated):
            self._room -= sum(comm_weight(message, {}) for message in event.messages)
        if isinstance(event, says.CommStarted):
            return CommOpened(
                event.comm_id,
                event.target,
                event.execution,
                event.state,
                event.buffers,
                event.is_partial,
                self._kernel,
            )
        return CommChanged(
            event.comm_id,
            event.state,
            event.buffers,
            event.handled,
            event.is_partial,
            self._kernel,
            event.messages,
        )

    def _display_id(self, display_id: str) -> str:
        """The id of a display within the session: two kernels may choose the same one."""
        return display_id if self._kernel == DEFAULT_KERNEL else f"{self._kernel}/{display_id}"


def _weight(parts: tuple[MimePart, ...]) -> int:
    """Characters of a display that go into the journal."""
    return sum(len(part.text or "") for part in parts)


def _clipped(error: ErrorInfo) -> ErrorInfo:
    """The end of an error, for a journal that is full."""
    lines = tuple(clip_row(line) for line in error.traceback[-_LAST_LINES:])
    return ErrorInfo(error.name, clip_row(error.value), lines)


def _request_id(message: str) -> str:
    """The same for the same message of the kernel."""
    return f"input-{hashlib.sha256(message.encode('utf-8', 'replace')).hexdigest()[:12]}"
