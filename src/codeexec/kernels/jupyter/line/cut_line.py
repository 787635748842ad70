"""What a connection does when the line to its kernel was cut, or loses messages."""

from __future__ import annotations

import asyncio
from typing import Protocol

from codeexec.kernels.base import Sink
from codeexec.kernels.jupyter.line.look_after import OpenExecutions, look_after


class CutExecutions(OpenExecutions, Protocol):
    """What this needs of a connection."""

    @property
    def open_execution(self) -> str: ...

    def note_cut(self, execution: str) -> None: ...

    def note_missing(self, execution: str, at_most: int) -> None: ...


class CutLine:
    """The LineReceiver of a connection. With an outbox everything that was lost is asked for
    again; without one the output says what is missing, and an execution may end as lost."""

    def __init__(self, connection: CutExecutions, sink: Sink) -> None:
        self._connection, self._sink = connection, sink
        self._looking: asyncio.Task[None] | None = None
        self._had_no_room = ""
        """The execution that ran as there was no room for output."""

    def restored(self) -> None:
        self.output_limited()
        self.close()
        if running := self._connection.open_execution:
            self._connection.note_cut(running)
            looking = look_after(self._connection, running, self._sink)
            self._looking = asyncio.create_task(looking, name="look-after-cut-execution")

    def output_limited(self) -> None:
        if self._connection.outbox.token:
            self._connection.outbox.repair()

    def no_room(self) -> None:
        self._had_no_room = self._connection.open_execution

    def may_miss(self, execution: str) -> bool:
        """Whether the kernel may have dropped the last output of this execution."""
        return self._had_no_room == execution

    def messages_missing(self, at_most: int) -> None:
        running = self._connection.open_execution
        if running and not self._connection.outbox.token:
            self._connection.note_missing(running, at_most)

    def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
