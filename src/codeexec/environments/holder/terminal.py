"""A pseudo-terminal of this machine, whose other end the holder process keeps."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from codeexec.environments.base import InputWait, ProcessEnd, TerminalSize
from codeexec.environments.holder.client import ChannelReader, Chunk, HeldProcess, HolderClient
from codeexec.environments.input_wait import wait_of
from codeexec.environments.short_folders import make_folder, remove_flat

TERM = "xterm-256color"


class LocalTerminal:
    """A TerminalHandle. The holder alone reads the terminal; it is written to from here."""

    def __init__(self, process: HeldProcess) -> None:
        self._process = process
        self._writing = asyncio.Lock()

    @property
    def process(self) -> HeldProcess:
        return self._process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> AsyncIterator[bytes]:
        return self._bytes()

    def read(self, after: int = 0) -> AsyncIterator[Chunk]:
        """See `HeldProcess.read`."""
        return self._process.read(after=after)

    def reader(self, after: int = 0) -> ChannelReader:
        """See `HeldProcess.reader`."""
        return self._process.reader(after=after)

    async def write(self, data: bytes) -> None:
        async with self._writing:
            view = memoryview(data)
            while view:
                handle = self._process.input
                if handle is None or self._process.ended.done():
                    raise BrokenPipeError("the terminal is closed")
                try:
                    view = view[os.write(handle, view) :]
                except BlockingIOError:
                    await self._room(handle)
                except OSError as error:
                    raise BrokenPipeError("the terminal is closed") from error

    async def _room(self, handle: int) -> None:
        """Wait until the terminal takes more, or the command has ended."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(handle, ready.set)
        waiting = loop.create_task(ready.wait())
        try:
            either: set[asyncio.Future[Any]] = {waiting, self._process.ended}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            loop.remove_writer(handle)

    async def resize(self, size: TerminalSize) -> None:
        if self._process.input is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetwinsize(self._process.input, (size.rows, size.columns))

    async def signal(self, number: int) -> None:
        await self._process.signal(number, to="foreground")

    async def input_wait(self) -> InputWait:
        wait = await asyncio.to_thread(wait_of, self.pid)
        return wait._replace(is_echoing=self._is_echoing)

    @property
    def _is_echoing(self) -> bool:
        handle = self._process.input
        if handle is None:
            return True
        try:
            return bool(termios.tcgetattr(handle)[3] & termios.ECHO)
        except termios.error:
            return True  # it has ended

    def poll(self) -> ProcessEnd | None:
        return self._process.poll()

    async def wait(self) -> ProcessEnd:
        return await self._process.wait()

    async def kill(self) -> None:
        await self._process.end()
        await self._process.forget()
        await asyncio.to_thread(remove_flat, self._process.folder)

    async def _bytes(self) -> AsyncIterator[bytes]:
        async for chunk in self._process.read():
            yield chunk.data


async def open_local_terminal(
    holder: HolderClient,
    command: Sequence[str],
    *,
    size: TerminalSize,
    cwd: Path,
    env: Mapping[str, str],
    folder: str = "",
) -> LocalTerminal:
    """`env` is the whole environment of the command; `folder` a private one, which is made where it
    is not given. OSError when it cannot be started."""
    folder = folder or await asyncio.to_thread(make_folder)
    try:
        process = await holder.start(command, cwd=str(cwd), env=env, folder=folder, terminal=size)
    except BaseException:
        remove_flat(folder)
        raise
    return LocalTerminal(process)


def terminal_env(inherited: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """Variables of a command on a terminal. What is inherited describes another terminal."""
    other = ("COLUMNS", "LINES", "TERM")
    return {k: v for k, v in inherited.items() if k not in other} | {"TERM": TERM} | dict(env)
