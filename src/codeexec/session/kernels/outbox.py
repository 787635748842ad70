"""The place in a kernel's outbox that the journal has reached, and what the next server needs to
go on writing from there: documents whose last row is open, or whose cursor is not at their end."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import msgspec

from codeexec.domain.errors import StorageError
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.outputs import LIVE_ROWS, iter_rows
from codeexec.domain.snapshot import ExecutionView
from codeexec.kernels.base import Handle, KernelEvent, Reached
from codeexec.session.output.document import DocumentState, OutputDocument
from codeexec.session.storage.journal import Journal, private_key

log = logging.getLogger(__name__)

OUTBOX = "outbox"
"""The key of the place among the journal's private values."""

KEPT_STATES = 8


class OutboxPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """See `kernels.base.Reached`; `documents` by execution, those at rest are left out."""

    token: str
    number: int
    part: int = 0
    documents: dict[str, DocumentState] = {}

    @property
    def reached(self) -> Reached:
        return Reached(self.token, self.number, self.part)


def reached_by(events: Sequence[KernelEvent]) -> Reached | None:
    """The place that a batch of events leads to."""
    return next((event for event in reversed(events) if isinstance(event, Reached)), None)


def read_place(journal: Journal, kernel: str = DEFAULT_KERNEL) -> OutboxPlace | None:
    """The place in the outbox of this kernel of the session that the journal has reached; None
    where it never had one."""
    stored = journal.get_private(private_key(OUTBOX, kernel))
    if stored is None:
        return None
    try:
        return msgspec.convert(stored, OutboxPlace)
    except msgspec.ValidationError as error:
        log.warning("the place in the kernel's outbox cannot be read: %s", error)
        return None


def with_place(handle: Handle, place: OutboxPlace | None) -> Handle:
    """The handle of a kernel, to be read on from the place where it is one of that process."""
    begun = handle.get("outbox")
    if place is None or not isinstance(begun, Mapping) or begun.get("token") != place.token:
        return handle
    reached = place.reached
    number, part = reached.number, reached.part
    return {**handle, "outbox": {"token": reached.token, "number": number, "part": part}}


class OpenDocuments:
    """States of the documents that were written last, and documents made from them again."""

    def __init__(self, journal: Journal, kernel: str = DEFAULT_KERNEL) -> None:
        self._journal = journal
        self._key = private_key(OUTBOX, kernel)
        self._states: dict[str, DocumentState] = {}

    def resume(self, place: OutboxPlace | None) -> None:
        """Go on as the place says."""
        self._states = dict(place.documents) if place is not None else {}

    def note(self, execution_id: str, document: OutputDocument) -> None:
        """The document was written to."""
        state = document.state()
        self._states.pop(execution_id, None)
        if state is not None:
            self._states[execution_id] = state
            if len(self._states) > KEPT_STATES:
                del self._states[next(iter(self._states))]

    def journaled_with(self, events: Sequence[KernelEvent]) -> dict[str, object] | None:
        """Private values to be journaled together with what these events say. A place alone
        changes nothing that is journaled."""
        reached = reached_by(events)
        return {self._key: self.place(reached)} if reached is not None and len(events) > 1 else None

    def place(self, reached: Reached) -> OutboxPlace:
        return OutboxPlace(reached.token, reached.number, reached.part, dict(self._states))

    def reopen(self, view: ExecutionView) -> OutputDocument:
        """The document of an execution as far as it is journaled; its last rows can change."""
        if not view.total:
            return OutputDocument.resumed(0, (), self._states.get(view.execution_id))
        start = max(view.total - LIVE_ROWS, 0)
        try:
            rows = self._journal.rows(view.execution_id, start, view.total - start, whole=True)
        except StorageError as error:
            log.warning("the last rows cannot be read again: %s", error)
            return OutputDocument(view.total)
        runs = tuple(iter_rows(rows.runs))
        if rows.start != start or len(runs) != view.total - start:
            return OutputDocument(view.total)  # too long to be read at once
        return OutputDocument.resumed(view.total, runs, self._states.get(view.execution_id))
