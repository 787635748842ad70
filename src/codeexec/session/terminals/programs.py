"""Programs of terminals as `SessionTerminal` uses them: held by the holder, in a container, or kept
by the server of another machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.domain.terminals import JoinableTerminal
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


@runtime_checkable
class KeptTerminal(TerminalHandle, Protocol):
    """A terminal that another machine keeps when this server ends."""

    @property
    def key(self) -> str:
        """Finds it again."""

    @property
    def repeated_until(self) -> int:
        """Output before this offset was written before we followed it."""

    async def leave(self) -> None:
        """Let go of it; it goes on."""


@runtime_checkable
class KeepingPlace(Protocol):
    """The environment of such terminals."""

    def take_up_terminal(self, key: str, offset: int) -> KeptTerminal | None:
        """That with the key; the first `offset` bytes of its output are left out."""


@runtime_checkable
class JoinablePlace(Protocol):
    """The environment of terminals that others opened, in which a session can take part."""

    async def joinable_terminals(self) -> list[JoinableTerminal]: ...

    async def join_terminal(self, name: str, size: TerminalSize) -> KeptTerminal:
        """To end the handle leaves the terminal there. NotFound."""


class ContainedProgram:
    """A program of another place: it ends with that place, or where the place keeps it, goes on
    without this server."""

    def __init__(self, terminal: TerminalHandle) -> None:
        self._terminal = terminal
        self._kept = terminal if isinstance(terminal, KeptTerminal) else None

    @property
    def pid(self) -> int:
        return self._terminal.pid

    @property
    def folder(self) -> str:
        """The key of one that is kept."""
        return self._kept.key if self._kept is not None else ""

    def keep(self) -> None:
        """Its place decides that: a container ends with this server."""

    async def output(self, offset: int) -> AsyncIterator[Chunk]:
        async for data in self._terminal.output:
            is_repeated = self._kept is not None and offset < self._kept.repeated_until
            yield Chunk(offset, data, is_repeated)
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
        if self._kept is not None:
            await self._kept.leave()
        else:
            await self._terminal.kill()


Program = HeldProgram | ContainedProgram


def program_of(environment: Environment, terminal: TerminalHandle) -> Program:
    if isinstance(environment, LocalEnvironment) and isinstance(terminal, LocalTerminal):
        return HeldProgram(environment, terminal)
    return ContainedProgram(terminal)


def joinable_place(environment: Environment) -> JoinablePlace:
    """EnvironmentUnavailable for an environment in which other clients open no terminals."""
    if isinstance(environment, JoinablePlace):
        return environment
    raise EnvironmentUnavailable(
        "Only a Jupyter server has terminals of others to join.", "Open a terminal of your own."
    )


async def find_program(
    environment: Environment, folder: str, offset: int
) -> Program | LeftBehind | None:
    """The program that a server before us has started, as long as the holder or its machine has it;
    or what the holder wrote down of its end. Of its output `offset` bytes are in the log. None: how
    it ended is not known."""
    if isinstance(environment, KeepingPlace):
        kept = environment.take_up_terminal(folder, offset)
        return None if kept is None else ContainedProgram(kept)
    if not isinstance(environment, LocalEnvironment) or not folder:
        return None
    terminal = await environment.find_terminal(folder)
    if terminal is not None:
        return HeldProgram(environment, terminal)
    return await asyncio.to_thread(read_left_behind, Path(folder))
