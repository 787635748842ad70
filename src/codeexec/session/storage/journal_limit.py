"""The size that a session's journal may reach, so that code which prints cannot fill the disk."""

from __future__ import annotations

from codeexec.domain.errors import StorageError
from codeexec.domain.events import NoticeGiven
from codeexec.session.storage.journal import Journal

_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


class JournalLimit:
    """`limit` in bytes; 0: none."""

    def __init__(self, journal: Journal, limit: int) -> None:
        self._journal = journal
        self._limit = limit
        self._words = _size_words(limit)

    @property
    def room(self) -> int | None:
        """Bytes that may still be written; None where there is no limit."""
        if not self._limit:
            return None
        try:
            return max(self._limit - self._journal.used, 0)
        except StorageError:
            return None  # it cannot be read, which is told elsewhere

    @property
    def is_reached(self) -> bool:
        return self.room == 0

    @property
    def reason(self) -> str:
        """Why an execution was ended."""
        return f"The journal of the session reached its limit of {self._words}."

    @property
    def next_step(self) -> str:
        return (
            "Open a new session; or raise journal_limit under [sessions] in the settings, and "
            "restart the session server."
        )

    @property
    def error(self) -> StorageError:
        """For code that is to be run."""
        return StorageError(f"{self.reason} It takes no more executions.", self.next_step)

    @property
    def notice(self) -> NoticeGiven:
        return NoticeGiven(
            "error",
            "The journal is full",
            f"{self.reason} What ran was interrupted, and output from there on is not kept. All "
            "that was printed before can be read, searched and exported.",
            self.next_step,
        )


def _size_words(size: int) -> str:
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"
