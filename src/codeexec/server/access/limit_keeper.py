"""Holds users of the service to their limits."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from codeexec.domain import requests as q
from codeexec.domain.errors import LimitReached
from codeexec.domain.places.backends import LOCAL
from codeexec.server.access.identity import Identity
from codeexec.server.access.usage_meter import UsageMeter, disk_bytes, memory_bytes
from codeexec.server.access.user_folder import user_folder
from codeexec.server.access.user_limits import UserLimits
from codeexec.session.host import Host
from codeexec.session.session import Session
from codeexec.session.storage.tenure import is_asked_for

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter

RETRY_SECONDS = 1.0
"""After which a client may ask again for what ends by itself."""

LONG_RETRY_SECONDS = 60.0
"""After which it may, for what somebody has to remove."""

_PLUGINS = (q.LoadPlugin, q.TestPlugin, q.UnloadPlugin)
_WRITING = (
    *(q.WriteFile, q.MakeFolder, q.Execute, q.PinArtifact, q.OpenTerminal),
    *(*_PLUGINS, q.SetSessionVariables, q.KeepLearnerRecord, q.SteerLesson),
)
_STARTING = (q.Execute, q.StartKernel, q.RestartKernel, q.OpenTerminal, *_PLUGINS)


class LimitKeeper:
    """Limits of all users of one server. Sessions ask it at each request (`SessionLimits`): they
    count for their owner, not for the user of the request."""

    def __init__(self, host: Host, limits: UserLimits) -> None:
        self._host = host
        self._limits = limits
        self._streams: Counter[str] = Counter()
        self._connections: Counter[str] = Counter()
        self._meter = UsageMeter()

    def prepare(self) -> None:
        """Import what limits rates; blocks for 0.2 s."""
        assert self._rate

    @cached_property
    def _rate(self) -> tuple[MovingWindowRateLimiter, RateLimitItem]:
        from limits import RateLimitItemPerSecond
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        item = RateLimitItemPerSecond(max(self._limits.requests_per_second, 1))
        return MovingWindowRateLimiter(MemoryStorage()), item

    def take_request(self, identity: Identity) -> None:
        """Count a request. LimitReached."""
        number = self._limits.requests_per_second
        if not identity.subject or not number:
            return
        limiter, item = self._rate
        if not limiter.hit(item, identity.subject):
            resets_at = limiter.get_window_stats(item, identity.subject).reset_time
            raise LimitReached(
                "requests_per_second",
                number,
                f"You may send {number} requests a second.",
                retry_after=max(resets_at - time.time(), 0.001),
            )

    @contextlib.contextmanager
    def hold_stream(self, identity: Identity) -> Iterator[None]:
        """Count a stream of events while the block runs. LimitReached."""
        number, user = self._limits.streams, identity.subject
        if user and number and self._streams[user] >= number:
            raise LimitReached(
                "streams", number, f"You have {number} streams of events open.", RETRY_SECONDS
            )
        self._streams[user] += 1
        try:
            yield
        finally:
            self._streams[user] -= 1
            if not self._streams[user]:
                del self._streams[user]

    @contextlib.contextmanager
    def hold_connection(self, identity: Identity) -> Iterator[None]:
        """Count a WebSocket, or a request that is being answered, while the block runs.
        LimitReached."""
        number, user = self._limits.connections, identity.subject
        if user and number and self._connections[user] >= number:
            raise LimitReached(
                "connections", number, f"You have {number} connections open.", RETRY_SECONDS
            )
        self._connections[user] += 1
        try:
            yield
        finally:
            self._connections[user] -= 1
            if not self._connections[user]:
                del self._connections[user]

    def check_new_session(self, identity: Identity, request: q.OpenSession) -> None:
        """LimitReached when one more is too much. One that is open is not new."""
        number, owner = self._limits.sessions, identity.subject
        if not owner:
            return
        sessions = self._host.open_sessions(owner)
        if any(is_asked_for(request, each.snapshot.name, each.lease) for each in sessions):
            return
        if number and len(sessions) >= number:
            raise LimitReached(
                "sessions",
                number,
                f"You have {number} sessions open.",
                LONG_RETRY_SECONDS,
                "End one: POST /v1/sessions/ID/stop",
                is_rate=False,
            )
        self._check_disk(owner, 0)
        self._check_memory(owner)

    # -- as `SessionLimits` --------------------------------------------------------------

    def check(self, session: Session, request: q.AnyRequest) -> None:
        owner = session.snapshot.owner
        if isinstance(request, _WRITING):
            size = len(request.data) if isinstance(request, q.WriteFile) else 0
            self._check_disk(owner, size)
        if isinstance(request, _STARTING):
            self._check_memory(owner)

    def check_run(self, session: Session) -> None:
        number, owner = self._limits.running, session.snapshot.owner
        if number and self._running(owner) >= number:
            raise LimitReached(
                "running", number, f"You have {number} executions running.", RETRY_SECONDS
            )

    def memory(self, owner: str) -> int:
        return self._limits.memory if owner else 0

    def disk_excess(self, owner: str) -> str:
        number = self._limits.disk
        if not owner or not number or self._disk(owner) <= number:
            return ""
        return f"Your files and sessions take more than {number:,} bytes (USER_MAX_DISK)."

    def runtime(self, wanted: float | None) -> float | None:
        limit = self._limits.runtime
        if not limit:
            return wanted
        return float(limit) if wanted is None else min(wanted, float(limit))

    # -- what is used --------------------------------------------------------------------

    def _running(self, owner: str) -> int:
        """Kernels that run code, or are about to."""
        sessions = self._host.open_sessions(owner)
        return sum(slot.is_busy for session in sessions for slot in session.slots)

    def _check_disk(self, owner: str, size: int) -> None:
        number = self._limits.disk
        if not number:
            return
        if self._disk(owner) + size > number:
            raise LimitReached(
                "disk",
                number,
                f"Your files and sessions may take {number:,} bytes.",
                LONG_RETRY_SECONDS,
                "Delete files, or sessions that have ended.",
                is_rate=False,
            )
        self._meter.add("disk", owner, size)

    def _check_memory(self, owner: str) -> None:
        number = self._limits.memory
        if number and self._memory(owner) >= number:
            raise LimitReached(
                "memory",
                number,
                f"Your kernels may take {number:,} bytes of memory.",
                LONG_RETRY_SECONDS,
                "Delete variables, or restart a kernel.",
                is_rate=False,
            )

    def _disk(self, owner: str) -> int:
        return self._meter.ask("disk", owner, self._disk_measure(owner))

    def _disk_measure(self, owner: str) -> Callable[[], int]:
        opened = {session.folder for session in self._host.open_sessions(owner)}

        def measure() -> int:
            sessions = opened | set(self._host.session_folders(owner))
            return disk_bytes([user_folder(self._host.state, owner), *sessions])

        return measure

    def _memory(self, owner: str) -> int:
        pids = self._local_pids(owner)
        return self._meter.ask("memory", owner, lambda: memory_bytes(pids))

    def _local_pids(self, owner: str) -> list[int]:
        """Processes of kernels and terminals that are not in containers, which have limits of
        their own."""
        pids: list[int] = []
        for session in self._host.open_sessions(owner):
            kernels = session.snapshot.kernels.values()
            terminals = session.snapshot.terminals.values()
            local = (view for view in kernels if view.kernel and view.kernel.backend == LOCAL)
            pids += [view.pid for view in local if view.pid is not None]
            pids += [view.pid for view in terminals if view.pid and view.place == LOCAL]
        return pids

    async def states(self, identity: Identity) -> LimitList:
        """The limits of a user, with what is used of each."""
        owner = identity.subject
        if not owner:
            return LimitList(tuple(LimitState(name, None, None, _UNITS[name]) for name in _UNITS))
        pids = self._local_pids(owner)
        disk = await self._meter.wait("disk", owner, self._disk_measure(owner))
        memory = await self._meter.wait("memory", owner, lambda: memory_bytes(pids))
        used = {
            "running": self._running(owner),
            "sessions": len(self._host.open_sessions(owner)),
            "streams": self._streams[owner],
            "connections": self._connections[owner],
            "disk": disk,
            "memory": memory,
        }
        return LimitList(
            tuple(
                LimitState(name, getattr(self._limits, name) or None, used.get(name), unit)
                for name, unit in _UNITS.items()
            )
        )


_UNITS = {
    "requests_per_second": "requests per second",
    "running": "executions",
    "sessions": "sessions",
    "streams": "streams of events",
    "connections": "connections",
    "runtime": "seconds of each execution",
    "disk": "bytes",
    "memory": "bytes",
}


class LimitState(Struct, frozen=True):
    """`limit` null: there is none. `used` null: it is not counted over time."""

    name: str
    limit: int | None
    used: int | None
    unit: str


class LimitList(Struct, frozen=True):
    """The limits of the user of this request."""

    limits: tuple[LimitState, ...]
