"""Listeners that wait on a connection, and its time limits."""

from __future__ import annotations

import asyncio
from collections import deque

from msgspec import Struct, field

from codeexec.client.wire import Address
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import Recorded
from codeexec.domain.flow import OutputMode

HELD_BYTES = 4 * 2**20
"""What a listener holds for a reader that is slow; the rest waits in the journal."""


class Patience(Struct, frozen=True):
    """All in seconds. Waits between attempts double from `first` to `most`, each cut by up to
    half at random; a call fails when the connection is away for `call`. Both a call and a
    connection wait for `start` while the server that we have begun is loading."""

    first: float = 0.25
    most: float = 15.0
    call: float = 20.0
    connect: float = 10.0
    start: float = 90.0
    ping: float = 15.0

    def wait(self, attempt: int) -> float:
        longest = min(self.first * 2.0 ** min(attempt - 1, 16), self.most)
        import random  # a connection that is there at once needs none

        return longest * random.uniform(0.5, 1.0)


LOCAL = Patience(first=0.05, most=2.0)
OVER_SSH = Patience(call=90.0, connect=90.0)
"""The server there may have to be started first."""


def usual_patience(address: Address | None) -> Patience:
    """With a server at this address."""
    return OVER_SSH if address is not None and address.ssh else Patience()


class EventListener(Struct):
    """Events for one reader. `held` are received and not read yet; `last` is the number of the last
    one received. A paused listener has told the server to stop until its reader has caught up."""

    session_id: str
    output: OutputMode
    last: int
    number: int = 0
    held: deque[tuple[tuple[Recorded, ...], int]] = field(default_factory=deque)
    held_bytes: int = 0
    is_paused: bool = False
    is_ended: bool = False
    error: CodeexecError | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, records: tuple[Recorded, ...], size: int) -> None:
        new = tuple(record for record in records if record.seq > self.last)
        if new:
            self.last = new[-1].seq
            self.held.append((new, size))
            self.held_bytes += size
            self.wake.set()
