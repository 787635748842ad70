"""Send what is typed to terminals: in order, and each input with a number, to count once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codeexec.client.api import SessionClient
from codeexec.domain.errors import CodeexecError, Conflict
from codeexec.domain.ids import new_id
from codeexec.domain.requests import Done, Request, ResizeTerminal, TypeInTerminal
from codeexec.domain.terminals import AnyInput


class InputSender:
    """Inputs of this client; `on_error` is called when one was refused."""

    def __init__(self, session: SessionClient, on_error: Callable[[CodeexecError], object]) -> None:
        self._session = session
        self._on_error = on_error
        self.source = new_id("client")
        self._numbers: dict[str, int] = {}
        self._waiting: dict[str, list[AnyInput]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, terminal_id: str, *items: AnyInput) -> None:
        """Type into a terminal. What comes in one turn of the loop goes in one request."""
        waiting = self._waiting.setdefault(terminal_id, [])
        if not waiting:
            asyncio.get_running_loop().call_soon(self._flush, terminal_id)
        waiting += items

    def resize(
        self, terminal_id: str, columns: int, rows: int, *, takes_control: bool = False
    ) -> None:
        """Tell in which size a terminal is shown here; 0 columns: it is shown no more."""
        if self._sizes.get(terminal_id) == (columns, rows) and not takes_control:
            return
        self._sizes[terminal_id] = (columns, rows)
        self._start(ResizeTerminal(terminal_id, columns, rows, self.source, takes_control))

    def forget(self, terminal_id: str) -> None:
        """The terminal is not there any more."""
        for held in (self._numbers, self._waiting, self._sizes):
            held.pop(terminal_id, None)

    def forget_sizes(self) -> None:
        """Tell each size again when it is asked for next."""
        self._sizes.clear()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _flush(self, terminal_id: str) -> None:
        items = self._waiting.pop(terminal_id, [])
        if items:
            number = self._numbers[terminal_id] = self._numbers.get(terminal_id, 0) + 1
            self._start(TypeInTerminal(terminal_id, tuple(items), self.source, number))

    def _start(self, request: Request[Done]) -> None:
        # Not one after the other: the connection keeps their order, and a key waits for no answer.
        task = asyncio.create_task(self._call(request), name="terminal-input")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, request: Request[Done]) -> None:
        try:
            await self._session.call(request)
        except Conflict:
            pass  # the program has ended meanwhile, which the screen shows
        except CodeexecError as error:
            self._on_error(error)
