"""What waits to run, in order: pure values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from codeexec.domain.events import FinishStatus
from codeexec.domain.snapshot import ExecutionView

INTERRUPTED = "Interrupted"
"""Begins the reasons of executions that were interrupted."""


class Queue(Struct, frozen=True):
    """Executions that wait for one kernel, first in front, and the one that runs on it."""

    waiting: tuple[str, ...] = ()
    running: str | None = None

    def add(self, execution_id: str) -> Queue:
        return Queue((*self.waiting, execution_id), self.running)

    def add_first(self, execution_ids: Iterable[str]) -> Queue:
        """These come before all others."""
        return Queue((*execution_ids, *self.waiting), self.running)

    def start(self, execution_id: str) -> Queue:
        """This one runs."""
        return Queue(tuple(w for w in self.waiting if w != execution_id), execution_id)

    def finish(self, execution_id: str) -> Queue:
        return Queue(self.waiting, None) if self.running == execution_id else self

    def remove(self, execution_ids: Iterable[str]) -> Queue:
        removed = set(execution_ids)
        return Queue(tuple(w for w in self.waiting if w not in removed), self.running)

    def __contains__(self, execution_id: object) -> bool:
        return execution_id == self.running or execution_id in self.waiting


def document_of(view: ExecutionView) -> str:
    """The document that an execution is of; empty: none."""
    return view.cell.document if view.cell is not None else ""


def first_startable(waiting: Iterable[str], executions: Mapping[str, ExecutionView]) -> str | None:
    """The first of `waiting` for which no earlier execution of its document is open, on whichever
    kernel. `executions` are those of the session in the order of queueing. One that waits for the
    user's confirmation is not started, and others do not wait for it."""
    next_of_document: dict[str, str] = {}
    for view in executions.values():
        if view.is_open and not view.confirm and (document := document_of(view)):
            next_of_document.setdefault(document, view.execution_id)
    for execution_id in waiting:
        view = executions[execution_id]
        if view.confirm:
            continue
        if next_of_document.get(document_of(view), execution_id) == execution_id:
            return execution_id
    return None


def skipped_with(failed: ExecutionView, view: ExecutionView) -> bool:
    """Whether this waiting execution is skipped when `failed` does not end well: it comes after it
    in the same document; without a document it waits for the same kernel, without one too. One that
    waits for the user's confirmation, and a step of a plugin, follows none."""
    is_plugin = view.options.plugin is not None
    if not failed.options.stop_on_error or view.number <= failed.number:
        return False
    if view.confirm or is_plugin:
        return False
    document = document_of(failed)
    return document_of(view) == document and (bool(document) or view.kernel == failed.kernel)


def skip_reason(status: FinishStatus, reason: str) -> str:
    """Why executions are skipped after one that ended with `status` and `reason`."""
    if status == "cancelled":
        end = "was interrupted" if reason.startswith(INTERRUPTED) else "was cancelled"
    else:
        ends = {"timed_out": "took too long", "lost": "was lost"}
        end = ends.get(status, "failed")
    return f"Skipped: an earlier cell {end}."
