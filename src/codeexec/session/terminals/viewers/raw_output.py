"""The output of a terminal as its program writes it, for clients with an emulator of their own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PromptShown:
    """The shell waits for a command line."""


@dataclass(frozen=True, slots=True)
class ProgramEnded:
    """`code` is None where it is not known."""

    code: int | None


@dataclass(frozen=True, slots=True)
class OutputLost:
    """The client did not read fast enough: it has to take the screen anew."""


RawItem = bytes | PromptShown | ProgramEnded | OutputLost


class RawReader:
    """What one client has not read yet. It never delays the program: more than `limit` bytes are
    dropped, and `OutputLost` stands in their place."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[RawItem] = deque()
        self._size = 0
        self._is_closed = False
        self._arrived = asyncio.Event()

    def put(self, item: RawItem) -> None:
        if isinstance(item, bytes):
            self._size += len(item)
            if self._size > self._limit:
                others = [kept for kept in self._items if isinstance(kept, ProgramEnded)]
                self._items = deque([OutputLost(), *others])
                self._size = 0
                item = b""
        if item != b"":
            self._items.append(item)
        self._arrived.set()

    def close(self) -> None:
        """The terminal is gone; what has come before is still read."""
        self._is_closed = True
        self._arrived.set()

    async def items(self) -> AsyncIterator[RawItem]:
        """All that comes, until the terminal is closed. Output that waits is read in one piece."""
        while True:
            while self._items:
                yield self._take()
            if self._is_closed:
                return
            self._arrived.clear()
            await self._arrived.wait()

    def _take(self) -> RawItem:
        item = self._items.popleft()
        if not isinstance(item, bytes):
            return item
        pieces = [item]
        while self._items and isinstance(following := self._items[0], bytes):
            pieces.append(following)
            self._items.popleft()
        output = b"".join(pieces)
        self._size -= len(output)
        return output


class RawOutput:
    """The readers of one terminal, and when something has last come or was typed."""

    def __init__(self) -> None:
        self._readers: set[RawReader] = set()
        self.touch()

    def touch(self) -> None:
        """The terminal is in use."""
        self._active_at = asyncio.get_running_loop().time()

    @property
    def idle_for(self) -> float:
        """Seconds since then."""
        return asyncio.get_running_loop().time() - self._active_at

    def publish(self, item: RawItem) -> None:
        self.touch()
        for reader in self._readers:
            reader.put(item)

    def add(self, limit: int) -> RawReader:
        """A reader of what comes from now on."""
        reader = RawReader(limit)
        self._readers.add(reader)
        return reader

    def remove(self, reader: RawReader) -> None:
        self._readers.discard(reader)

    def close(self) -> None:
        for reader in self._readers:
            reader.close()
