"""The runner on another machine: its pipes there, joined to descriptors here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.base import run
from codeexec.environments.relay.processes import GuestProcess
from codeexec.environments.ssh.environment import SshEnvironment
from codeexec.kernels.runner.launch import FRAMES, REQUESTS
from codeexec.kernels.runner.script import program

_CHUNK = 1 << 16
ROOM = 64 << 20
"""Bytes that the runner may say while the line is cut, before it waits."""
_WRITE = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"


async def send_program(environment: SshEnvironment) -> str:
    """Put the runner's program there, and give its path. EnvironmentUnavailable."""
    path = str(environment.own_folder / "runner.zip")
    command = [environment.python, "-IS", "-c", _WRITE, path]
    outcome = await run(environment, command, stdin=program())
    if outcome.code:
        why = outcome.stderr.decode(errors="replace").strip()[-200:]
        raise EnvironmentUnavailable(
            f"{path} cannot be written on {environment.place.host}: {why}.",
            "Look at the space on that machine.",
        )
    return path


class RunnerPipes:
    """Carries bytes between a runner there and the descriptors of a RunnerTransport."""

    def __init__(self, process: GuestProcess) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        frames = theirs.detach()
        self.endpoint: dict[str, object] = {REQUESTS: os.dup(frames), FRAMES: frames}
        self._socket = ours
        process.give_room(ROOM)
        self._tasks = [
            asyncio.create_task(self._carry_requests(process), name="requests of a runner"),
            asyncio.create_task(self._carry_frames(process), name="frames of a runner"),
        ]

    async def _carry_requests(self, process: GuestProcess) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while chunk := await loop.sock_recv(self._socket, _CHUNK):
                await process.write(chunk)

    async def _carry_frames(self, process: GuestProcess) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            async for chunk in process.stdout:
                await loop.sock_sendall(self._socket, chunk)
            self._socket.shutdown(socket.SHUT_WR)

    async def close(self) -> None:
        """The process has ended, or is not wanted any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.close()
