"""A client of one terminal: what it types, and what it waits to see."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from codeexec.client.api import SessionClient
from codeexec.client.terminals import follow_screen
from codeexec.domain import requests as q
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.terminals import AnyInput, TerminalScreen, TerminalView, Typed

DEADLINE = 90.0


class TerminalClient:
    """Follows the screen and the events of a terminal from `watch` on."""

    def __init__(self, session: SessionClient, terminal_id: str, source: str = "one") -> None:
        self.session = session
        self.terminal_id = terminal_id
        self.source = source
        self.screen = TerminalScreen()
        self.screens = 0
        self.snapshot = Snapshot()
        self._number = 0
        self._changed = asyncio.Event()

    @property
    def view(self) -> TerminalView | None:
        return self.snapshot.terminals.get(self.terminal_id)

    @contextlib.asynccontextmanager
    async def watch(self) -> AsyncIterator[TerminalClient]:
        tasks = [asyncio.create_task(self._screens()), asyncio.create_task(self._events())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _screens(self) -> None:
        async for screen in follow_screen(self.session, self.terminal_id):
            self.screen = screen
            self.screens += 1
            self._changed.set()

    async def _events(self) -> None:
        async for batch in self.session.events():
            self.snapshot = apply(self.snapshot, batch)
            self._changed.set()

    async def type(self, *items: AnyInput | str) -> None:
        """Strings are typed as they are."""
        self._number += 1
        inputs = tuple(Typed(item) if isinstance(item, str) else item for item in items)
        await self.session.call(
            q.TypeInTerminal(self.terminal_id, inputs, self.source, self._number)
        )

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait for a state; what is on the screen is in the failure."""
        try:
            async with asyncio.timeout(DEADLINE):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"never: {what}\n{self.screen.text.rstrip()}\n{self.view}"
            ) from None

    async def sees(self, text: str) -> None:
        await self.until(lambda: text in self.screen.text, f"{text!r} on the screen")

    async def run(self, line: str, count: int) -> None:
        """Type a line of a shell, and wait until so many commands have ended."""

        def has_ended() -> bool:
            commands = self.view.commands if self.view is not None else ()
            return len(commands) >= count and commands[count - 1].end_row is not None

        await self.type(f"{line}\r")
        await self.until(has_ended, f"the end of {line!r}")

    async def text(self, start: int = 0, end: int = 0) -> str:
        request = q.ReadTerminalText(self.terminal_id, start, end)
        return (await self.session.call(request)).text


async def open_terminal(session: SessionClient, *argv: str, **options: object) -> TerminalClient:
    """Options are those of `OpenTerminal`."""
    request = q.OpenTerminal(argv=argv, **options)  # type: ignore[arg-type]
    answer = await session.call(request)
    return TerminalClient(session, answer.terminal.terminal_id)
