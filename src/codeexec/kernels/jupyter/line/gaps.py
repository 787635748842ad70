"""How many messages of a kernel may be missing, by the counter in ipykernel's message ids; pure."""

from __future__ import annotations

import re

_ID = re.compile(r".+_\d+_(\d+)")
"""`SESSION_PID_COUNTER`; one counter in each process, for all messages that it sends."""

UNKNOWN = 0
"""Messages may be missing, and the kernel's ids tell no number."""


class MessageCounter:
    """Follows the ids of one kernel. Replies to other clients have numbers too, so the number of
    what is missing is an upper bound; where no number is missing, no message is."""

    def __init__(self) -> None:
        self._session = ""
        self._last = 0
        self._replies: set[int] = set()
        """Numbers of replies that are above the last one of the output."""
        self._is_suspect = self._is_limited = False

    def suspect(self, *, until_idle: bool = False) -> None:
        """Output may be missing before the next message, or before each that comes until the
        kernel is idle."""
        self._is_suspect = True
        self._is_limited = self._is_limited or until_idle

    def is_other_process(self, msg_id: str, session: str) -> bool:
        """Whether the kernel has another process now."""
        return bool(self._session) and session != self._session and bool(_ID.fullmatch(msg_id))

    def note_reply(self, msg_id: str) -> None:
        if (match := _ID.fullmatch(msg_id)) and int(match[1]) > self._last:
            self._replies.add(int(match[1]))

    def missing_before(self, msg_id: str, session: str, *, is_idle: bool = False) -> int | None:
        """How many messages may be missing before this one of the output: None where none is,
        UNKNOWN where the ids do not tell."""
        is_suspect = self._is_suspect
        if is_idle or not self._is_limited:
            self._is_suspect = self._is_limited = False
        match = _ID.fullmatch(msg_id)
        if match is None:
            return UNKNOWN if is_suspect else None
        number, last, is_first = int(match[1]), self._last, not self._session
        self._session, self._last = session, max(number, last)
        between = sum(1 for reply in self._replies if last < reply < number)
        self._replies = {reply for reply in self._replies if reply > self._last}
        missing = number - last - 1 - between
        if is_first or not is_suspect or missing <= 0:
            return None
        return missing
