"""What waits to run, in order: a pure value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codeexec.domain.snapshot import ExecutionView
from codeexec.kernels.base import ExecuteCall


@dataclass(frozen=True, slots=True)
class Queue:
    """Executions that wait, first in front, and the one that runs."""

    waiting: tuple[str, ...] = ()
    running: str | None = None

    def add(self, execution_id: str) -> Queue:
        return Queue((*self.waiting, execution_id), self.running)

    def start(self) -> tuple[Queue, str | None]:
        """The next one runs; None when one runs already or none waits."""
        if self.running is not None or not self.waiting:
            return self, None
        return Queue(self.waiting[1:], self.waiting[0]), self.waiting[0]

    def finish(self, execution_id: str) -> Queue:
        return Queue(self.waiting, None) if self.running == execution_id else self

    def remove(self, execution_ids: Iterable[str]) -> Queue:
        gone = set(execution_ids)
        return Queue(tuple(w for w in self.waiting if w not in gone), self.running)

    def __contains__(self, execution_id: object) -> bool:
        return execution_id == self.running or execution_id in self.waiting


def call_of(view: ExecutionView) -> ExecuteCall:
    """What the kernel is told to run."""
    return ExecuteCall(view.execution_id, view.code, view.options)
