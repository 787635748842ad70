"""Limits of a listening socket: how many connections it holds, and how long each may take.

A connection is `pending` until the head of its first request has come and has passed the gate,
and `admitted` afterwards. Clients without a token can only make pending ones, of which a fixed
number is held. A new one replaces the oldest of the address that has the most, so that the owner,
whose head comes at once, always gets in.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from weakref import WeakSet

from msgspec import Struct
from msgspec.structs import replace

_WANTED_FILES = 16384
_RESERVED_FILES = 256
"""File descriptors for sessions: journals, kernels' sockets, files that are read."""


class ConnectionLimits(Struct, frozen=True):
    """Times are in seconds and are counted in full, not from the last byte that came."""

    pending: int = 256
    admitted: int = 4096
    head_seconds: float = 10.0
    body_seconds: float = 120.0
    idle_seconds: float = 15.0
    """Between two requests of one HTTP connection."""
    linger_seconds: float = 1.0
    """For a client that was refused to read why."""

    def fitting(self, files: int) -> ConnectionLimits:
        """The same for a process that may have `files` open, on two listening sockets."""
        room = max(files - _RESERVED_FILES, files // 2) // 6
        return replace(self, pending=min(self.pending, room), admitted=min(self.admitted, 2 * room))


def raise_file_limit() -> int:
    """Let this process open more files, as far as the system allows; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft == resource.RLIM_INFINITY or soft >= limit:
        return _WANTED_FILES if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    except (OSError, ValueError):
        return soft  # macOS has a lower limit than it says
    return limit


class Connections:
    """The connections of one listening socket."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._pending: dict[asyncio.Transport, str] = {}
        self._per_address: Counter[str] = Counter()
        self._admitted = 0
        self._open: WeakSet[asyncio.Transport] = WeakSet()

    @property
    def pending(self) -> int:
        return len(self._pending)

    @property
    def admitted(self) -> int:
        return self._admitted

    def add(self, transport: asyncio.Transport, address: str) -> None:
        """A new connection is pending; one that is too much is aborted."""
        self._pending[transport] = address
        self._per_address[address] += 1
        if len(self._pending) > self.limits.pending:
            ((heaviest, _),) = self._per_address.most_common(1)
            oldest = next(t for t, where in self._pending.items() if where == heaviest)
            self.remove(oldest)
            oldest.abort()

    def remove(self, transport: asyncio.Transport) -> None:
        """It is not pending any more; nothing happens when it was not."""
        address = self._pending.pop(transport, None)
        if address is not None:
            self._per_address[address] -= 1
            if not self._per_address[address]:
                del self._per_address[address]

    def admit(self, transport: asyncio.Transport) -> bool:
        """Its request has passed the gate. False when there is no room for more."""
        self.remove(transport)
        if self._admitted >= self.limits.admitted:
            return False
        self._admitted += 1
        self._open.add(transport)
        return True

    def leave(self) -> None:
        """An admitted connection has ended."""
        self._admitted -= 1

    def abort_pending(self) -> None:
        for transport in list(self._pending):
            self.remove(transport)
            transport.abort()

    def abort_all(self) -> None:
        """Also those that are admitted; each calls `leave` as it ends."""
        self.abort_pending()
        for transport in list(self._open):
            transport.abort()
