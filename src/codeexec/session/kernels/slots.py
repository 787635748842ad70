"""All kernels of one session: code is routed to them, in one order for each document, and what
happens to the journal happens to all of them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from msgspec.structs import replace as replace_struct

from codeexec.domain.errors import Conflict, NotFound, StorageError, UsageError
from codeexec.domain.events import (
    AnyEvent,
    DefaultKernelChosen,
    ExecutionQueued,
    FinishStatus,
    KernelRemoved,
    NoticeGiven,
)
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.places.backends import LOCAL
from codeexec.domain.requests import Accepted, Execute, ResizeTerminals
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.wire.checks import check_id
from codeexec.environments.base import TerminalSize
from codeexec.environments.marks import SESSION, end_marked
from codeexec.kernels.base import ExecuteCall, KernelChoice
from codeexec.session.kernels.names import check_kernel_name, programs_of, same_language, spec_of
from codeexec.session.kernels.parts import SessionParts
from codeexec.session.kernels.queueing.queue import skipped_with
from codeexec.session.kernels.queueing.queue_limit import QueueLimit
from codeexec.session.kernels.slot import MAX_CODE, KernelSlot
from codeexec.session.kernels.values import with_values

log = logging.getLogger(__name__)

MOST_KERNELS = 16
"""Of a session."""

RETRY_STORAGE = 1.0


class KernelSlots:
    """The kernels by name, each started on need. There is always the default one."""

    def __init__(self, parts: SessionParts, choice: KernelChoice, first: str) -> None:
        """`choice` says how the kernel `first` is started, and where the others are."""
        self.recorder = parts.recorder
        self.limit = parts.limit
        self.first = first
        self._parts = parts
        self._slots: dict[str, KernelSlot] = {}
        self._queue_limit = QueueLimit()
        self._is_full = self.limit.is_reached
        self._retrying: asyncio.Task[None] | None = None
        self._strays: asyncio.Task[None] | None = None
        self._leaving: set[str] = set()
        self.recorder.on_problem = self.retry_storage
        self._make(first, choice)

    @property
    def snapshot(self) -> Snapshot:
        return self.recorder.snapshot

    def __iter__(self) -> Iterator[KernelSlot]:
        return iter(tuple(self._slots.values()))

    @property
    def default(self) -> KernelSlot:
        """The kernel that runs what names none."""
        return self._slots.get(self.snapshot.default_kernel) or self._slots[self.first]

    @property
    def is_busy(self) -> bool:
        return any(slot.is_busy for slot in self)

    def get(self, name: str) -> KernelSlot:
        """The kernel of this name; empty: the default one. NotFound."""
        slot = self._slots.get(name) if name else self.default
        if slot is None:
            raise NotFound(
                f"There is no kernel {name!r} in this session.",
                f"There are: {', '.join(self._slots)}. Another one is started by start_kernel, or "
                "by running code on it.",
            )
        return slot

    def of_execution(self, execution_id: str) -> KernelSlot | None:
        """The kernel for which this execution waits, or which runs it."""
        return next((slot for slot in self if execution_id in slot.queue), None)

    # -- which kernels there are ---------------------------------------------------------

    def _make(self, name: str, choice: KernelChoice) -> KernelSlot:
        if len(self._slots) >= MOST_KERNELS:
            raise UsageError(
                f"A session has {MOST_KERNELS} kernels at most.", "Remove one, or open a session."
            )
        slot = self._slots[name] = KernelSlot(name, self._parts, choice, self)
        return slot

    def restore(self, name: str, choice: KernelChoice) -> KernelSlot:
        """A kernel that the journal names."""
        return self._slots.get(name) or self._make(name, choice)

    def start(self, name: str, spec: str = "", policy: str = "") -> KernelSlot:
        """Begin to start this kernel, where it does not run. Conflict when it is another one."""
        slot = self._slots.get(name)
        if slot is not None and spec and spec != slot.supervisor.choice.name:
            raise Conflict(
                f"The session has a kernel {name} already.",
                "Choose another name, or restart it as this one.",
            )
        self._require_staying(name)
        if slot is None:
            name = check_kernel_name(name)
            choice = self._choice_of(spec_of(name) if spec in ("", DEFAULT_KERNEL) else spec)
            slot = self._make(name, self._parts.factory.choose(choice, "", policy))
        slot.supervisor.start_kernel()
        return slot

    def _need(self, name: str, language: str = "") -> KernelSlot:
        """The kernel of this name, made where there is none: as the name says, or the `language`.
        UsageError where code that was meant for a container would run on this machine."""
        slot = self._slots.get(name)
        if slot is not None:
            return slot
        name = check_kernel_name(name)
        spec = spec_of(name)
        is_contained = self._slots[self.first].supervisor.choice.backend != LOCAL
        if language and is_contained and (programs := programs_of(language)):
            # The kernels of other languages that are installed here are none of the container's.
            return self._make(name, self._choice_of(programs))
        choice = self._choice_of(spec)
        if choice.backend == LOCAL != self._slots[self.first].supervisor.choice.backend:
            raise UsageError(
                f"The session has no kernel {name}, and its code runs in a container.",
                f"If {name} is to run on this machine, start it first: start_kernel.",
            )
        if language and spec:
            choice = replace(choice, name="", language=language)
        return self._make(name, choice)

    def _choice_of(self, spec: str) -> KernelChoice:
        """The choice of a further kernel. An empty `spec` is one more of the first kernel where
        that is a Python, and else the Python that is found."""
        first = self._slots[self.first]
        choice = first.supervisor.choice
        if spec:
            return replace(self._parts.factory.choose(choice, spec), file="")
        return choice if language_of(first) == DEFAULT_KERNEL else choice.beside()

    async def resize(self, request: ResizeTerminals) -> None:
        """Tell programs that run the size of their screen."""
        size = TerminalSize(request.columns, request.rows)
        for slot in [self.get(request.kernel)] if request.kernel else self:
            await slot.resize(size)

    def choose_default(self, name: str) -> None:
        slot = self.get(name)
        self._require_staying(slot.name)
        if slot.name != self.snapshot.default_kernel:
            self.recorder.record(DefaultKernelChosen(slot.name))

    async def remove(self, name: str) -> None:
        """Shut a kernel down, and have it in the session no more. Conflict for the default one."""
        slot = self.get(name)
        if slot is self.default or slot.name == self.first:
            raise Conflict(
                f"{slot.name} is the session's "
                f"{'default' if slot is self.default else 'first'} kernel.",
                "Shut it down, or make another one the default.",
            )
        self._require_staying(slot.name)
        self._leaving.add(slot.name)
        try:
            await slot.supervisor.shut_down("It was removed.")
            del self._slots[slot.name]
            self.recorder.record(KernelRemoved(slot.name))
        finally:
            self._leaving.discard(slot.name)

    def _require_staying(self, name: str) -> None:
        if name in self._leaving:
            raise Conflict(f"The kernel {name} is being removed.", "Start it again after that.")

    def _route(self, request: Execute) -> KernelSlot:
        """The kernel that is to run this: the one that the options name, or one of their language;
        else that of the document, or one of its language; else the default one."""
        cell, options = request.cell, request.options
        of_document = cell.kernel if cell is not None and not options.language else ""
        if name := options.kernel or of_document:
            return self._need(name)
        language = options.language or (cell.language if cell is not None else "")
        if not language:
            return self.default
        canonical = same_language(language)
        if language_of(self.default) == canonical:
            return self.default
        for slot in self:
            if language_of(slot) == canonical:
                return slot
        return self._need(canonical, language=canonical)

    # -- code in -----------------------------------------------------------------------

    def execute(
        self,
        request: Execute,
        *,
        is_agent: bool = False,
        confirm: str = "",
        check_run: Callable[[], None] = lambda: None,
    ) -> Accepted:
        """Queue it; with `confirm`, it waits until the user allows it, for this reason. The same id
        with the same code again is the same execution: nothing runs twice; with other code it is a
        Conflict. StorageError when it cannot be written down; then it is not queued. `check_run`
        raises where a kernel that is idle may not begin to run."""
        _check_execute(request)
        if (lost := self.recorder.lost_file) is not None:
            raise StorageError(
                f"{lost} was removed or replaced: the session is about to end.",
                "Open a new session.",
            )
        execution_id = request.execution_id or new_id(EXECUTION)
        check_id(execution_id, "execution id")
        if (same := self.recorder.find(execution_id)) is not None:
            # The journal has a sign in place of what is no Unicode.
            if same.code != request.code.encode("utf-8", "replace").decode():
                raise Conflict(
                    f"The id {execution_id} belongs to an execution of other code.",
                    "Choose another id, or none.",
                )
            return Accepted(execution_id, self.snapshot.seq)
        if self.limit.is_reached:
            raise self.limit.error
        queues = [slot.queue for slot in self]
        self._queue_limit.require_room(queues, self.snapshot.executions, request.code)
        slot = self._route(request)
        self._require_staying(slot.name)
        if not slot.is_busy:
            check_run()
        queued = ExecutionQueued(
            execution_id,
            request.code,
            origin=request.origin,
            cell=request.cell,
            options=replace_struct(request.options, kernel=slot.name),
            is_agent=is_agent,
            confirm=confirm,
        )
        # Code of a document may have to wait for another kernel.
        if slot.is_free and not confirm and request.cell is None:
            return Accepted(execution_id, slot.run(queued))
        seq = self.recorder.record_now(queued)
        slot.add(execution_id)
        self.pump()
        return Accepted(execution_id, seq)

    def pump(self) -> None:
        """Start what is next, on every kernel."""
        for slot in self._slots.values():
            slot.pump()

    def cancel(self, execution_ids: Iterable[str], reason: str, by: str = "") -> int:
        """Take executions out of the queues for the client `by`; returns how many were there."""
        ids = tuple(execution_ids)
        count = sum(slot.cancel(ids, reason, by) for slot in self)
        self.pump()
        return count

    def answer(self, request_id: str, text: str, origin: str) -> None:
        """Answer input() of whichever kernel asks by this id. Conflict."""
        for view in self.snapshot.executions.values():
            if view.stdin is not None and view.stdin.request_id == request_id:
                self.get(view.kernel).answer(request_id, text, origin)
                return
        self.default.answer(request_id, text, origin)

    def cancel_all(self, reason: str, status: FinishStatus = "cancelled") -> None:
        """End all executions; `status` is that of the running ones."""
        for slot in self:
            slot.cancel_all(reason, status)

    async def with_values(self, call: ExecuteCall, kernel: str) -> ExecuteCall:
        return await with_values(call, language_of(self.get(kernel)), self, language_of)

    def skip_after(self, failed: Sequence[ExecutionView], reason: str) -> list[AnyEvent]:
        """Take out of all queues what is skipped because these executions did not end well."""
        if not failed:
            return []
        executions = self.snapshot.executions
        events: list[AnyEvent] = []
        for slot in self._slots.values():
            skipped = [
                execution_id
                for execution_id in slot.queue.waiting
                if any(skipped_with(view, executions[execution_id]) for view in failed)
            ]
            events += slot.skip(skipped, reason)
        return events

    # -- the journal ---------------------------------------------------------------------

    def check_limit(self) -> None:
        """End what runs when the journal has become full, and say so once."""
        was_full = self._is_full
        has_left_out = any(slot.has_left_out for slot in self._slots.values())
        self._is_full = self.limit.is_reached or has_left_out
        if not self._is_full:
            return
        if not was_full:
            self.recorder.record(self.limit.notice)
        for slot in self:
            slot.end_over_limit(self.limit.reason)

    def retry_storage(self, problem: StorageError | None = None) -> None:
        """Nothing more is started until the journal can be written; what runs is interrupted."""
        problem = problem or self.recorder.problem
        if problem is not None and self._retrying is None:
            self._retrying = self._parts.tasks.start(self._write_again(problem), "write-again")
            for slot in self:
                slot.interrupt_for_storage()

    async def _write_again(self, problem: StorageError) -> None:
        notice = NoticeGiven(
            "warning",
            "The journal could not be written for a while",
            f"{problem.message} What ran was interrupted; nothing that it said is lost.",
        )
        while True:
            await asyncio.sleep(RETRY_STORAGE)
            try:
                self.recorder.record_now(notice)
                break
            except StorageError:
                continue
        self._retrying = None
        for slot in self:
            slot.supervisor.persist_handle()
        self.pump()

    # -- the end, and after a crash of the server ----------------------------------------

    async def shut_down(self, reason: str) -> None:
        """End all kernels, at once."""
        await asyncio.gather(*(slot.supervisor.shut_down(reason) for slot in self))

    async def detach(self) -> None:
        """Let all kernels run on, for the next server to adopt."""
        await asyncio.gather(*(slot.supervisor.detach() for slot in self))

    def begin_adoption(self) -> None:
        """Take up, in the background and at once, the kernels that the journal names."""
        for slot in self:
            slot.supervisor.begin_adoption()

    @property
    def is_adopting(self) -> bool:
        return any(slot.supervisor.is_adopting for slot in self)

    async def adopted(self) -> None:
        """Wait until all adoptions have succeeded or failed."""
        for slot in self:
            await slot.supervisor.adopted()

    async def end_strays(self) -> None:
        """End processes of the session that belong to no kernel that its journal names, such as a
        kernel that was being started when the last server was killed; once, and before any kernel
        is started anew."""
        if self._strays is None:
            folders = [str(slot.supervisor.handle_left().get("folder") or "") for slot in self]
            work = self._end_strays([folder for folder in folders if folder])
            self._strays = self._parts.tasks.start(work, "end-strays")
        await asyncio.wait({self._strays})

    async def _end_strays(self, folders: Sequence[str]) -> None:
        session_id = self.snapshot.session_id
        try:
            await asyncio.to_thread(end_marked, SESSION, session_id, *folders)
        except OSError as error:
            log.warning("processes of session %s cannot be looked at: %s", session_id, error)


def language_of(slot: KernelSlot) -> str:
    """The language of a kernel, as far as it is known before its start."""
    view = slot.view
    language = view.language or (view.kernel.language if view.kernel is not None else "")
    name = slot.name.partition("@")[0]
    return same_language(language or slot.supervisor.choice.language or name)


def _check_execute(request: Execute) -> None:
    if len(request.code) > MAX_CODE:
        raise UsageError(
            f"The code is {len(request.code):,} characters long; at most {MAX_CODE:,} are taken.",
            "Put the data in a file and read it from the code.",
        )
    timeout = request.options.timeout
    if timeout is not None and not 0 < timeout < math.inf:
        raise UsageError("A timeout is a positive number of seconds.", "Leave it out for none.")
