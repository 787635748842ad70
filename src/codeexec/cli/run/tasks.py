"""The tasks of a run: its work, the reader of its events, and what these start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TypeVar

from codeexec.cli import exit_codes as exits
from codeexec.cli.run.control import RunControl
from codeexec.cli.run.events import RunEvents
from codeexec.cli.streams.console import RunConsole

T = TypeVar("T")


class RunTasks:
    """None of them runs after `wind_up`."""

    def __init__(self, console: RunConsole, control: RunControl, events: RunEvents) -> None:
        self._console = console
        self._control = control
        self._events = events
        self._started: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return task

    async def first(
        self, work: asyncio.Task[T], reader: asyncio.Task[None], leave: Callable[[int], T]
    ) -> T:
        """What the work came to, or `leave` of the exit code with which the run ends early."""
        quit_code = self._control.quit
        waits: set[asyncio.Future[T] | asyncio.Future[None] | asyncio.Future[int]]
        waits = {work, reader, quit_code}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if quit_code.done():
            return leave(quit_code.result())
        if work.done():
            return work.result()
        reader.result()  # the reader ends by an error only
        return leave(exits.FAILED)

    async def wind_up(self, work: asyncio.Task[T], reader: asyncio.Task[None]) -> None:
        """Cancel all that still runs, and write what is left of the output."""
        self._control.stop()
        going = {work, reader, *self._started}
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
        self._events.close()
        with suppress(BrokenPipeError, TimeoutError):
            # A run that ends early does not wait for a reader that does not read.
            async with asyncio.timeout(1.0 if self._control.quit.done() else None):
                await self._console.flush()
