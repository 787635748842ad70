"""When a kernel is started again by itself: after failures that may pass, and after it has died."""

from __future__ import annotations

import errno

STEADY = 60.0
"""Seconds after which a kernel that lives is no more counted among those that die in a row."""
MOST_DEATHS = 3
MOST_STARTS = 7
_PASSING = frozenset(
    (
        errno.EAGAIN,
        errno.ENOMEM,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ETXTBSY,
        errno.EADDRINUSE,
        errno.EINTR,
    )
)


def may_pass(error: BaseException) -> bool:
    """Whether the cause is a resource of the system that others may give back."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _PASSING:
            return True
        cause = cause.__cause__
    return False


class StartBackoff:
    """Counts failures of one kernel. Times are in seconds."""

    def __init__(self, limit: float) -> None:
        """`limit`: the longest pause; 0: nothing is tried again by itself."""
        self._limit = limit
        self._failures = 0
        self._deaths = 0

    def pause_after_failure(self, error: BaseException) -> float | None:
        """How long to wait before the next start: 1, 2, 4 … None: it is given up."""
        self._failures += 1
        if not self._limit or self._failures >= MOST_STARTS or not may_pass(error):
            self._failures = 0
            return None
        return self._pause(self._failures)

    def note_ready(self) -> None:
        """A start has succeeded."""
        self._failures = 0

    def note_use(self) -> None:
        """An execution has run to its end: the kernel works."""
        self._deaths = 0

    def pause_after_death(self, lived: float) -> float | None:
        """How long to wait before one that has died is started again; None: it stays down."""
        self._deaths = 1 if lived > STEADY else self._deaths + 1
        if not self._limit or self._deaths >= MOST_DEATHS:
            self._deaths = 0
            return None
        return self._pause(self._deaths)

    def _pause(self, count: int) -> float:
        return min(2.0 ** (count - 1), self._limit)
