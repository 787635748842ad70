"""The limit of what may wait to run in a session: all of it is in memory, here and in clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from codeexec.domain.errors import Busy
from codeexec.domain.snapshot import ExecutionView
from codeexec.session.kernels.queueing.queue import Queue

MOST_WAITING = 10_000
MOST_CODE = 64 * 2**20
"""Characters of code that wait."""
_NEXT = "Wait until some have run, or take them out of the queue."


class QueueLimit:
    """Counts what waits on all kernels of a session."""

    def __init__(self) -> None:
        self._code = 0
        """Characters at most: those that have run meanwhile are taken out when it matters."""

    def require_room(
        self, queues: Iterable[Queue], executions: Mapping[str, ExecutionView], code: str
    ) -> None:
        """Before one more waits. Busy."""
        queues = list(queues)
        count = sum(len(queue.waiting) for queue in queues)
        if count >= MOST_WAITING:
            raise Busy(f"{count:,} executions wait to run, which is the most.", _NEXT)
        self._code += len(code)
        if self._code <= MOST_CODE:
            return
        waiting = [each for queue in queues for each in queue.waiting]
        self._code = len(code) + sum(len(executions[each].code) for each in waiting)
        if self._code > MOST_CODE and waiting:
            self._code -= len(code)
            raise Busy(
                f"Code of {self._code:,} characters waits to run; at most {MOST_CODE:,} are taken.",
                _NEXT,
            )
