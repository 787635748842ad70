"""Wakes tasks that wait for the next change of one execution."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from codeexec.domain.events import Recorded


class ExecutionWatch:
    """A change wakes only the tasks that wait for the changed execution, so a thousand waiting
    clients cost nothing while other executions run."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    @contextlib.contextmanager
    def watching(self, execution_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at each change of the execution; the waiting task clears it."""
        changed = asyncio.Event()
        self._waiting.setdefault(execution_id, set()).add(changed)
        try:
            yield changed
        finally:
            others = self._waiting[execution_id]
            others.discard(changed)
            if not others:
                del self._waiting[execution_id]

    def hear(self, records: Sequence[Recorded]) -> None:
        """Newly recorded events."""
        if self._waiting:
            for execution_id in {getattr(record.event, "execution_id", "") for record in records}:
                self._wake(execution_id)

    def wake_all(self) -> None:
        """The session ends: nothing changes any more."""
        for execution_id in list(self._waiting):
            self._wake(execution_id)

    def _wake(self, execution_id: str) -> None:
        for changed in self._waiting.get(execution_id, ()):
            changed.set()
