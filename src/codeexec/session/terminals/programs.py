"""Programs of terminals as `SessionTerminal` uses them: held by the holder, or in a container."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from codeexec.environments.base import Environment, ProcessEnd, TerminalHandle, TerminalSize
from codeexec.environments.holder.client import ChannelReader, Chunk, LeftBehind, read_left_behind
from codeexec.environments.holder.terminal import LocalTerminal
from codeexec.environments.local import LocalEnvironment


class HeldProgram:
    """A program on this machine; it keeps running when the server is killed."""

    def __init__(self, environment: LocalEnvironment, terminal: LocalTerminal) -> None:
        self._environment = environment
        self._terminal = terminal
        self._reader: ChannelReader | None = None

    @property
    def pid(self) -> int:
        return self._terminal.pid

    @property
    def folder(self) -> str:
        """By which the holder knows it."""
        return self._terminal.process.folder

    def keep(self) -> None:
        """Let it outlive this server."""
        self._terminal.process.keep()

    def output(self, offset: int) -> AsyncIterator[Chunk]:
        self._reader = self._terminal.reader(offset)
        return aiter(self._reader)

    def acknowledge(self, offset: int) -> None:
        if self._reader is not None:
            self._reader.acknowledge(offset)

    async def write(self, data: bytes) -> None:
        await self._terminal.write(data)

    async def resize(self, size: TerminalSize) -> None:
        await self._terminal.resize(size)

    async def wait(self) -> ProcessEnd:
        return await self._terminal.wait()

    async def kill(self) -> None:
        self._environment.release(self._terminal)
        await self._terminal.kill()

    async def release(self) -> None:
        self._environment.release(self._terminal)
        self._terminal.process.let_go()


class ContainedProgram:
    """A program in a container: it ends with the container."""

    def __init__(self, terminal: TerminalHandle) -> None:
        self._terminal = terminal

    @property
    def pid(self) -> int:
        return self._terminal.pid

    folder = ""

    def keep(self) -> None:
        """It ends with its container, which ends with this server."""

    async def output(self, offset: int) -> AsyncIterator[Chunk]:
        async for data in self._terminal.output:
            yield Chunk(offset, data)
            offset += len(data)

    def acknowledge(self, offset: int) -> None:
        """Nothing is kept."""

    async def write(self, data: bytes) -> None:
        await self._terminal.write(data)

    async def resize(self, size: TerminalSize) -> None:
        await self._terminal.resize(size)

    async def wait(self) -> ProcessEnd:
        return await self._terminal.wait()

    async def kill(self) -> None:
        await self._terminal.kill()

    async def release(self) -> None:
        await self._terminal.kill()


Program = HeldProgram | ContainedProgram


def program_of(environment: Environment, terminal: TerminalHandle) -> Program:
    if isinstance(environment, LocalEnvironment) and isinstance(terminal, LocalTerminal):
        return HeldProgram(environment, terminal)
    return ContainedProgram(terminal)


async def find_program(environment: Environment, folder: str) -> Program | LeftBehind | None:
    """The program that a server before us has started, as long as the holder has it; or what the
    holder wrote down of its end. None: how it ended is not known."""
    if not isinstance(environment, LocalEnvironment) or not folder:
        return None
    terminal = await environment.find_terminal(folder)
    if terminal is not None:
        return HeldProgram(environment, terminal)
    return await asyncio.to_thread(read_left_behind, Path(folder))
