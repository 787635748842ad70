"""A command with pipes whose parent is the holder: its memory and time are known when it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from codeexec.environments.base import ProcessEnd
from codeexec.environments.holder.client import HeldProcess, HolderClient
from codeexec.environments.short_folders import make_folder, remove_flat


class HeldCommand:
    """Its stdin is empty. Without a server it ends."""

    def __init__(self, process: HeldProcess) -> None:
        self._process = process

    @property
    def stdout(self) -> AsyncIterator[bytes]:
        return self._read("stdout")

    @property
    def stderr(self) -> AsyncIterator[bytes]:
        return self._read("stderr")

    async def _read(self, channel: str) -> AsyncIterator[bytes]:
        async for chunk in self._process.read(channel):
            yield chunk.data

    async def wait(self) -> ProcessEnd:
        """EnvironmentUnavailable when the holder has ended before."""
        return await self._process.wait()

    async def signal(self, number: int) -> None:
        """To its group; SIGKILL also to what a command that has ended has left."""
        if number == signal.SIGKILL:
            await self._process.end()
        else:
            await self._process.signal(number)

    async def kill(self) -> None:
        """End it with all that it has started, and let go of it."""
        await self._process.end()
        await self._process.forget()
        await asyncio.to_thread(remove_flat, self._process.folder)


async def start_command(
    holder: HolderClient, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]
) -> HeldCommand:
    """`env` is the whole environment of the command. OSError when it cannot be started."""
    folder = await asyncio.to_thread(make_folder)
    try:
        process = await holder.start(command, cwd=str(cwd), env=env, folder=folder)
    except BaseException:
        remove_flat(folder)
        raise
    await process.close_input()
    return HeldCommand(process)
