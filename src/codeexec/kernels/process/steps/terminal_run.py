"""Runs one program on a pseudo-terminal: its output in batches, and when it waits for input."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
from collections.abc import AsyncIterator, Callable

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.domain.text.full_screen import FullScreenFilter
from codeexec.environments.base import ProcessEnd, TerminalHandle
from codeexec.environments.holder.client import ChannelReader

GATHER = 0.004
"""Seconds in which small reads are gathered: each batch is journaled and painted."""
MOST_GATHER = 0.016
FLOOD = 1 << 14
"""Bytes in one batch from which on the next ones are gathered longer, up to MOST_GATHER."""
MOST_WAITING = 1 << 20
"""Bytes that wait to be taken; beyond it the program is held back."""
END_OF_INPUT = "\x04"
"""Stands for Ctrl+D: see `guest/program_magic.py`."""

FIRST_LOOK = 0.05
LAST_LOOK = 0.5
"""Seconds of silence before the first and between later looks at what the program waits for."""
POLLING = 1.0
"""Seconds of silence after which one that waits for descriptors is taken to wait for input."""

LINGER = 2.0
"""Seconds that the output is read on after the program's end where another process writes to it."""

MOST_LEFT = 4 << 20
"""Bytes that are read on then at most: more than what is buffered on the way."""


class TerminalRun:
    """`write` takes text of the output, and the offset of the byte after it. `ask` is called when
    the program waits for a line, once until `answer`: is that a password, and the name of this
    wait. `on_screen` is called once the program uses the whole screen; what it draws on the
    alternate screen is not written. With `reader` its chunks are the output, which the caller
    acknowledges."""

    def __init__(
        self,
        terminal: TerminalHandle,
        write: Callable[[str, int], None],
        ask: Callable[[bool, str], None],
        reader: ChannelReader | None = None,
        on_screen: Callable[[], None] = lambda: None,
    ) -> None:
        self.terminal = terminal
        self.reader = reader
        self.offset = 0
        """That of the last text."""
        self.lost = 0
        """Bytes that were not kept for `reader`."""
        self._write = write
        self._ask = ask
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()
        self._is_asking = False
        self._asked_for = ""
        self._total = 0
        self._on_screen = on_screen
        self._screen = FullScreenFilter()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    async def follow(self) -> ProcessEnd:
        """Follow the program to its end. EnvironmentUnavailable when its environment has ended."""
        reading = asyncio.ensure_future(self._read())
        looking = asyncio.ensure_future(self._look_for_questions())
        ending = asyncio.ensure_future(self._end_reading(reading))
        try:
            await self._pass_on(reading)
            return await self.terminal.wait()
        finally:
            for task in (looking, ending, reading):
                task.cancel()
            await asyncio.gather(looking, ending, reading, return_exceptions=True)

    async def _end_reading(self, reading: asyncio.Future[None]) -> None:
        """What a program has left in the background may write for ever."""
        with contextlib.suppress(EnvironmentUnavailable):
            await self.terminal.wait()
        total = self._total
        while not reading.done():
            await asyncio.wait({reading}, timeout=LINGER)
            if not self._waiting or self._total - total > MOST_LEFT:
                reading.cancel()
                return

    async def answer(self, text: str) -> None:
        """Type a line, or Ctrl+D."""
        self._is_asking = False
        data = text.encode("utf-8", "surrogateescape")
        await self.terminal.write(data if text == END_OF_INPUT else data + b"\n")

    async def _read(self) -> None:
        async for data in self._chunks():
            self._pieces.append(data)
            self._waiting += len(data)
            self._total += len(data)
            self._arrived.set()
            while self._waiting > MOST_WAITING:
                self._taken.clear()
                await self._taken.wait()

    async def _chunks(self) -> AsyncIterator[bytes]:
        if self.reader is None:
            async for data in self.terminal.output:
                yield data
            return
        async for chunk in self.reader:
            if not self._total:
                self.lost = chunk.offset - self.offset
                self.offset = chunk.offset
            yield chunk.data

    async def _pass_on(self, reading: asyncio.Future[None]) -> None:
        reading.add_done_callback(lambda _: self._arrived.set())
        gather = GATHER
        while not reading.done():
            await self._arrived.wait()
            await asyncio.sleep(gather)
            self._arrived.clear()
            gather = min(2 * gather, MOST_GATHER) if self._waiting >= FLOOD else GATHER
            self._pass_pieces()
        self._pass_pieces(final=True)

    def _pass_pieces(self, *, final: bool = False) -> None:
        data, self._pieces, self._waiting = b"".join(self._pieces), [], 0
        self._taken.set()
        text = self._decoder.decode(data, final=final)
        self.offset += len(data)
        if text:
            was_full = self._screen.is_full
            text = self._screen.feed(text, final=final)
            if self._screen.is_full and not was_full:
                self._on_screen()
            unwritten = len(self._decoder.getstate()[0]) + len(self._screen.held)
            self._write(text, self.offset - unwritten)

    async def _look_for_questions(self) -> None:
        silence, pause = 0.0, FIRST_LOOK
        while True:
            total = self._total
            await asyncio.sleep(pause)
            if self._is_asking or self._total != total:
                silence, pause = 0.0, FIRST_LOOK
                continue
            silence, pause = silence + pause, min(pause * 2, LAST_LOOK)
            wait = await self.terminal.input_wait()
            if self._screen.is_alternate:
                continue  # its keys are typed in a terminal
            is_for_input = wait.kind == "reads" or (wait.kind == "polls" and silence >= POLLING)
            # The same wait as before: it has not read the last answer yet.
            is_new = wait.token != self._asked_for or not wait.token
            if is_for_input and is_new and self._total == total:
                self._is_asking, self._asked_for = True, wait.token
                self._ask(not wait.is_echoing, wait.token)


def lost_words(count: int) -> str:
    return f"[{count} bytes were not kept while no session server ran]\n" if count else ""
