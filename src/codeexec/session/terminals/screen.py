"""The live screen of a terminal, and the stream of its changes for each client that shows it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec.structs import replace

from codeexec.domain.errors import NotFound
from codeexec.domain.terminals import (
    EMPTY_ROW,
    AnyInput,
    ScreenUpdate,
    TerminalRow,
)
from codeexec.domain.text.printable import printable
from codeexec.domain.wire.frames import StreamChunk
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import Effects, Emulator

FRAME = 1 / 30
"""Seconds between two updates for one client."""
MOST_HELD = 0.2
"""Seconds for which a program that draws a frame may hold updates back."""
INLINE = 4096
"""Bytes that are fed on the event loop; more are fed in a thread."""
MOST_TITLE = 200
MOST_INPUT = 200
"""Rows of a command line that are looked for above the screen."""
MOST_FOLDER = 1000

_encoder = msgspec.json.Encoder()

T = TypeVar("T")


class Screen:
    """Owns the emulator: nothing else uses it. Calls wait for each other in their order."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._lock = asyncio.Lock()
        rows = emulator.state().size.rows
        self._rows = [EMPTY_ROW] * rows
        self._versions = [0] * rows
        self._size = emulator.state().size
        self._version = 0
        self._fed = 0
        self._is_closed = False
        self._changed = asyncio.Event()
        self.bells = 0
        self.copies = 0
        """How often a program has put text on the clipboard; `_copied` is the last one."""
        self._copied = ""

    @property
    def history(self) -> int:
        return self._emulator.history

    @property
    def first(self) -> int:
        return self._emulator.first

    @contextlib.asynccontextmanager
    async def _use(self) -> AsyncIterator[Emulator]:
        """NotFound once it is closed: a call may have waited for the one that closed it."""
        async with self._lock:
            if self._is_closed:
                raise NotFound("This terminal was closed.", "Open another one.")
            yield self._emulator

    async def feed(self, data: bytes) -> Effects:
        async with self._use() as emulator:
            if len(data) <= INLINE:
                effects = emulator.feed(data)
            else:
                effects = await _in_thread(lambda: emulator.feed(data))
        self.bells += effects.bells
        if effects.copied:
            self.copies += len(effects.copied)
            self._copied = effects.copied[-1]
        self._wake()
        return effects

    def copied_since(self, copies: int) -> str:
        """The last text for the clipboard, where it came after the first `copies` ones."""
        return self._copied if self.copies != copies else ""

    async def resize(self, size: TerminalSize) -> None:
        async with self._use() as emulator:
            emulator.resize(size)
        self._wake()

    async def encode(self, item: AnyInput) -> bytes:
        async with self._use() as emulator:
            return emulator.encode(item)

    async def save(self) -> bytes:
        async with self._use() as emulator:
            return await _in_thread(emulator.save)

    async def title_and_folder(self) -> tuple[str, str]:
        async with self._use() as emulator:
            state = emulator.state()
        return clean_title(state.title), folder_of(state.folder)

    async def close(self) -> None:
        """Free the emulator; streams end. Can be repeated."""
        async with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._emulator.close()
        self._wake()

    def _wake(self) -> None:
        self._fed += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def rows_now(self) -> tuple[int, int, list[TerminalRow]]:
        """How many rows have scrolled off, the first that was not cleared, and those shown."""
        async with self._use() as emulator:
            self._refresh()
            return emulator.history, emulator.first, list(self._rows)

    async def text_between(self, row: int, column: int, end: int) -> str:
        """The text from a cell to before a row, as far as it is held. Rows count from the first
        that there was."""
        async with self._use() as emulator:
            self._refresh()
            history = emulator.history
            above = emulator.scrolled(min(max(history - row, 0), MOST_INPUT))
            first = history - len(above)
            rows = [*above, *self._rows][max(row - first, 0) : max(end - first, 0)]
        lines = [line.text if line.is_wrapped else f"{line.text}\n" for line in rows]
        if lines and row >= first:
            lines[0] = lines[0][column:]
        return "".join(lines)

    async def bottom(self) -> int:
        """The number of the row below the cursor."""
        async with self._use() as emulator:
            return emulator.history + emulator.state().cursor.row + 1

    async def update_since(
        self, known_version: int, kept_from: int
    ) -> tuple[ScreenUpdate, int, bool]:
        """The changes since `known_version` (0: all), the current version, and whether the program
        holds its frame back. `kept_from` is the number of the oldest row that is kept."""
        async with self._use() as emulator:
            self._refresh()
            state = emulator.state()
            rows = enumerate(zip(self._rows, self._versions, strict=True))
            is_whole = known_version == 0
            changed = tuple(
                (number, row)
                for number, (row, version) in rows
                if (row != EMPTY_ROW if is_whole else version > known_version)
            )
            update = ScreenUpdate(
                columns=self._size.columns,
                rows=self._size.rows,
                changed=changed,
                is_whole=is_whole,
                cursor=state.cursor,
                modes=state.modes,
                history=emulator.history,
                first=max(kept_from, emulator.first),
                title=clean_title(state.title),
                folder=folder_of(state.folder),
                bells=self.bells,
            )
            return update, self._version, state.is_held

    def _refresh(self) -> None:
        """Take the changed rows of the emulator."""
        size = self._emulator.state().size
        self._version += 1
        if size != self._size:
            self._size = size
            self._rows = [EMPTY_ROW] * size.rows
            self._versions = [self._version] * size.rows
        for number, row in self._emulator.changed_rows().items():
            if number < len(self._rows) and self._rows[number] != row:
                self._rows[number] = row
                self._versions[number] = self._version

    async def wait_for_change(self, known_feeds: int) -> int:
        """Wait for a feed after the first `known_feeds`; returns the number of feeds."""
        while self._fed == known_feeds and not self._is_closed:
            await self._changed.wait()
        return self._fed

    @property
    def fed(self) -> int:
        """How often something has changed: see `wait_for_change`."""
        return self._fed

    @property
    def is_closed(self) -> bool:
        return self._is_closed


async def _in_thread(call: Callable[[], T]) -> T:
    """Also when this is cancelled, the thread has ended by its end: an emulator is not for two
    threads, and must not be freed under one."""
    working = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        while not working.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({working})
        raise


class ScreenStream:
    """A stream as `ByteStream` is one: each chunk is a `ScreenUpdate`. A reader gets the newest
    state when it can take it, never what was on the screen in between."""

    window = 1

    def __init__(self, screen: Screen, kept_from: Callable[[], int]) -> None:
        self._screen = screen
        self._kept_from = kept_from
        self._is_ended = False

    async def read(
        self, after: int = 0, room: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncIterator[StreamChunk]:
        """A whole screen first, whatever `after` is: offsets only count bytes."""
        loop = asyncio.get_running_loop()
        at, version, fed, last = after, 0, -1, 0.0
        copies = self._screen.copies
        while True:
            fed = await self._screen.wait_for_change(fed)
            if self._screen.is_closed:
                return
            if (pause := last + FRAME - loop.time()) > 0:
                await asyncio.sleep(pause)
            if room is not None:
                await room()
            if self._screen.is_closed:
                return
            try:
                fed, update, version = await self._take(version)
            except NotFound:
                return  # it was closed meanwhile
            last = loop.time()
            if copied := self._screen.copied_since(copies):
                update, copies = replace(update, copied=copied), self._screen.copies
            data = _encoder.encode(update)
            yield StreamChunk(at, data)
            at += len(data)

    async def _take(self, known_version: int) -> tuple[int, ScreenUpdate, int]:
        """The update, when no frame is held back any more, or for too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + MOST_HELD
        while True:
            fed = self._screen.fed
            update, version, is_held = await self._screen.update_since(
                known_version, self._kept_from()
            )
            if not is_held or loop.time() >= deadline:
                return fed, update, version
            try:
                await asyncio.wait_for(
                    self._screen.wait_for_change(fed), max(deadline - loop.time(), 0)
                )
            except TimeoutError:
                continue

    def close(self) -> None:
        """It ends with the screen."""


def clean_title(title: str) -> str:
    return printable(title[:MOST_TITLE]).strip()


def folder_of(address: str) -> str:
    """The path of a `file://` address, or a path as it is; empty for anything else."""
    if address.startswith("file:"):
        try:
            address = unquote(urlsplit(address).path, errors="replace")
        except ValueError:
            return ""
    if not address.startswith("/") or len(address) > MOST_FOLDER or not address.isprintable():
        return ""
    return address
