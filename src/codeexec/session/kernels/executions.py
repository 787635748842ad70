"""What a kernel's supervisor asks of its executions, and what kernels do to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from codeexec.domain.errors import StorageError
from codeexec.domain.events import AnyEvent
from codeexec.domain.snapshot import ExecutionView
from codeexec.kernels.base import ExecuteCall, KernelEvent


class Executions(Protocol):
    """What becomes of the executions when the kernel's life takes a turn."""

    @property
    def is_interrupting(self) -> bool: ...

    def take(self, kernel_events: Sequence[KernelEvent]) -> None:
        """What the kernel says."""

    def settle_displays(self) -> None:
        """Record now what waits for large displays to be stored."""

    def pump(self) -> None:
        """Start what is next."""

    def cancel_all(self, reason: str) -> None:
        """End what runs, and what waits."""

    def drop_waiting(self, reason: str) -> list[AnyEvent]:
        """Take all out of the queue; the events of it are to be recorded."""

    def resume(self, running: str, waiting: tuple[str, ...]) -> None:
        """These are open, though they were begun under another server."""

    def forget(self, execution_ids: Sequence[str]) -> None:
        """Take these out of the queue; the caller records how they ended."""

    def hold_timer(self) -> None:
        """The time that the run may take stands still, until `release_timer`."""

    def release_timer(self) -> None: ...

    def stop_timer(self) -> None: ...

    def restore_timer(self, running: str) -> None:
        """What is left of the time of a run that was begun under another server."""


class SlotOwner(Protocol):
    """What the kernels of one session do to each other."""

    def pump(self) -> None:
        """Start what is next, on every kernel."""

    def skip_after(self, failed: Sequence[ExecutionView], reason: str) -> list[AnyEvent]:
        """Take out of all queues what is skipped because these executions did not end well; the
        events of it are to be recorded."""

    async def with_values(self, call: ExecuteCall, kernel: str) -> ExecuteCall:
        """The call with the values that its code gets from other kernels. CodeexecError."""

    def check_limit(self) -> None:
        """End what runs when the journal has become full."""

    def retry_storage(self, problem: StorageError | None = None) -> None:
        """Try to write the journal again, until it works."""

    async def end_strays(self) -> None:
        """End what the last server left in no handle of a kernel; once."""
