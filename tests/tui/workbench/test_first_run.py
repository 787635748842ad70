"""Lines that are typed before there is a workbench: run once, shown, and not handed over."""

from __future__ import annotations

import asyncio
import os
import pty
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pyte
import pytest
from msgspec.structs import replace

from codeexec.client.embedded import EmbeddedHost
from codeexec.domain.errors import StorageError, UsageError
from codeexec.domain.requests import OpenSession, SearchHistory, SessionSummary
from codeexec.tui.boot.background_import import Loading
from codeexec.tui.boot.first_frame import FirstFrame
from codeexec.tui.boot.typeahead import FirstRun
from codeexec.tui.layout import Box

CONSOLE = Box(4, 2, 40, 9)


class Start:
    """A start up to the workbench, in a terminal of 60 by 12."""

    def __init__(self, host: EmbeddedHost, opening: asyncio.Task[SessionSummary]) -> None:
        self._master, slave = pty.openpty()
        self.screen = pyte.Screen(60, 12)
        self._stream = pyte.ByteStream(self.screen)
        import termios

        termios.tcsetwinsize(slave, (12, 60))
        self.frame = FirstFrame(slave, slave, ())
        self.frame.begin()
        self._slave = slave
        self.loading = Loading("codeexec")
        self.run = FirstRun(self.frame, host, opening, "me", CONSOLE, self.loading)
        self.frame.begin_prompt(CONSOLE.left, CONSOLE.top + CONSOLE.height - 1, CONSOLE.width)
        self.opening = opening
        self.host = host
        self.taking = self.run.begin()

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    async def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """The rows of the screen, as soon as that can be said of them."""
        loop, came = asyncio.get_running_loop(), asyncio.Event()

        def read() -> None:
            self._stream.feed(os.read(self._master, 65536))
            came.set()

        loop.add_reader(self._master, read)
        try:
            async with asyncio.timeout(90):
                while not holds(rows := [row.rstrip() for row in self.screen.display]):
                    came.clear()
                    await came.wait()
            return rows
        finally:
            loop.remove_reader(self._master)

    async def history(self) -> list[str]:
        session = self.host.session((await self.opening).session_id)
        found = await session.call(SearchHistory(limit=10))
        return [entry.code for entry in reversed(found.entries)]

    def close(self) -> None:
        self.run.end()
        self.frame.leave()
        os.close(self._slave)
        os.close(self._master)


@asynccontextmanager
async def start(folder: Path, **said: object) -> AsyncIterator[Start]:
    async with EmbeddedHost(folder / "state") as host:
        request = OpenSession(**{"cwd": str(folder), **said})  # type: ignore[arg-type]
        with begun(host, host.call(request)) as one:
            yield one


@contextmanager
def begun(host: EmbeddedHost, opening: Coroutine[None, None, SessionSummary]) -> Iterator[Start]:
    one = Start(host, asyncio.create_task(opening))
    try:
        yield one
    finally:
        one.close()


@pytest.mark.slow
async def test_lines_are_run_and_shown_where_their_cards_will_be(tmp_path: Path) -> None:
    async with start(tmp_path) as one:
        one.type(b"n = 6\rprint('to', 'stdout')\rn * 7\r1 / 0\rn +")
        rows = await one.until(lambda rows: "[5] n +" in rows[10] and "by zero" in rows[8])
        assert rows[2:10] == [
            "      [1] n = 6",
            "      [2] print('to', 'stdout')",
            "      to stdout",
            "      [3] n * 7",
            "    → 42",
            "      [4] 1 / 0",
            "      ZeroDivisionError: division by zero",
            "",
        ]
        # What has no Enter yet is the workbench's.
        assert await one.run.hand_over() == b"n +"
        assert await one.history() == ["n = 6", "print('to', 'stdout')", "n * 7", "1 / 0"]


@pytest.mark.slow
async def test_the_last_rows_are_shown_where_there_are_more(tmp_path: Path) -> None:
    async with start(tmp_path) as one:
        one.type(b"for i in range(30): print('row', i)\r\r")
        # `for` in one line is whole for Python, and so it is run.
        rows = await one.until(lambda rows: "row 29" in rows[9])
        assert [row.strip() for row in rows[2:10]] == [f"row {i}" for i in range(22, 30)]


@pytest.mark.parametrize(
    "keys", [b"for i in x:\r", b"%time 1\r", b"f(\r1)\r", b"exit\r", b" quit()\r"]
)
async def test_what_is_not_plainly_whole_is_the_workbenchs(tmp_path: Path, keys: bytes) -> None:
    async with start(tmp_path, start_kernel=False) as one:
        one.type(keys)
        await one.opening
        assert await _handed(one) == keys
        assert await one.history() == []


async def test_a_session_without_python_leaves_all_lines_to_the_workbench(tmp_path: Path) -> None:
    async with EmbeddedHost(tmp_path / "state") as host:
        found = await host.call(OpenSession(cwd=str(tmp_path), start_kernel=False))

        with begun(host, _given(replace(found, language="R"))) as one:
            one.type(b"1 + 1\r")
            assert await _handed(one) == b"1 + 1\r"


async def test_a_session_that_cannot_be_opened_takes_nothing(tmp_path: Path) -> None:
    async with start(tmp_path, cwd=str(tmp_path / "gone")) as one:
        one.type(b"1 + 1\r")
        with pytest.raises(UsageError):
            await one.opening
        assert await _handed(one) == b"1 + 1\r"


class Refusing(EmbeddedHost):
    """Its sessions take no code."""

    def session(self, session_id: str) -> Any:
        real = super().session(session_id)

        class Refuses:
            def __getattr__(self, name: str) -> object:
                return getattr(real, name)

            async def call(self, request: object) -> object:
                raise StorageError("The disk is full.")

        return Refuses()


async def test_a_line_that_is_refused_is_handed_over_before_those_after_it(tmp_path: Path) -> None:
    async with Refusing(tmp_path / "state") as host:
        found = await host.call(OpenSession(cwd=str(tmp_path), start_kernel=False))
        known = replace(found, language="python")
        with begun(host, _given(known)) as one:
            one.type(b"x = 1\r0\r")
            assert await _handed(one) == b"x = 1\r0\r"


async def _given(summary: SessionSummary) -> SessionSummary:
    return summary


async def _handed(one: Start) -> bytes:
    """What is handed over once the lines have been looked at and left."""
    async with asyncio.timeout(90):
        await one.taking
    return await one.run.hand_over()
