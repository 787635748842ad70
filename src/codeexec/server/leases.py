"""Leases that connections hold, and the sessions that end with them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter

from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import StopSession
from codeexec.session.host import Host

log = logging.getLogger(__name__)

LEASE_GRACE = 10.0
"""Seconds that the client of a lost connection, or of a server before this one, is given to connect
again."""


class Leases:
    """Counts the connections that hold each lease."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()
        self._unheld_since: dict[str, float] = {}

    def hold(self, lease: str) -> None:
        """A connection holds this lease; an empty one is none."""
        if lease:
            self._held[lease] += 1
            self._unheld_since.pop(lease, None)

    def release(self, lease: str) -> None:
        """A connection that held it has ended."""
        if lease:
            self._held[lease] -= 1
            if self._held[lease] <= 0:
                del self._held[lease]

    def is_over(self, lease: str, now: float) -> bool:
        """Whether no connection has held it for longer than LEASE_GRACE."""
        if lease in self._held:
            return False
        return now - self._unheld_since.setdefault(lease, now) > LEASE_GRACE

    async def end_sessions(self, host: Host) -> None:
        """Stop the sessions whose lease is over; to be called each second."""
        now = time.monotonic()
        leases = {session.lease for session in host.sessions if session.lease}
        over = {lease for lease in leases if self.is_over(lease, now)}
        self._unheld_since = {k: v for k, v in self._unheld_since.items() if k in leases}
        ids = [session.session_id for session in host.sessions if session.lease in over]
        await asyncio.gather(*(_stop(host, session_id) for session_id in ids))


async def _stop(host: Host, session_id: str) -> None:
    log.info("session %s ends with its lease", session_id)
    try:
        await host.call(StopSession(session_id))
    except CodeexecError as error:
        log.warning("session %s cannot be stopped: %s", session_id, error)
