"""The environment of a session whose kernels run on a machine that `ssh` reaches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import PurePosixPath

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.base import (
    BasePaths,
    ExecHandle,
    FileChange,
    Location,
    Tell,
    TerminalHandle,
    TerminalSize,
)
from codeexec.environments.forwarded import FileAccess, ForwardedFiles
from codeexec.environments.ssh.environment import SshEnvironment
from codeexec.kernels.ssh.machine import SshMachine

_SIZE = TerminalSize()


class SshSessionPlace(ForwardedFiles):
    """An Environment that opens the line when something is first asked of it, unless a kernel has
    opened it."""

    def __init__(self, machine: SshMachine) -> None:
        self._machine = machine

    @property
    def id(self) -> str:
        environment = self._machine.environment
        return environment.id if environment is not None else self._machine.place.host

    @property
    def machine(self) -> str:
        return self._machine.place.host

    @property
    def base_paths(self) -> BasePaths:
        environment = self._machine.environment
        if environment is not None:
            return environment.base_paths
        home = PurePosixPath("/")  # the real one is known when a line is there
        folder = home / self._machine.place.folder
        return BasePaths(folder, home, PurePosixPath("/tmp"), home)

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> ExecHandle:
        return await (await self._use()).exec(command, stdin=stdin, cwd=cwd, env=env)

    async def open_terminal(
        self,
        command: Sequence[str],
        *,
        size: TerminalSize = _SIZE,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> TerminalHandle:
        return await (await self._use()).open_terminal(command, size=size, cwd=cwd, env=env)

    async def watch(
        self, path: Location = "", *, interval: float = 0.5, hide_ignored: bool = False
    ) -> AsyncIterator[tuple[FileChange, ...]]:
        """Tells no change: the only way would be to list all that is there again and again, and
        the folder may be a home folder on a slow file system."""
        yield ()
        await asyncio.Event().wait()

    async def for_programs(self, tell: Tell) -> SshEnvironment:
        return await self._use()

    async def is_running(self) -> bool:
        return self._machine.environment is not None

    def poll(self) -> int | None:
        return None  # lines and relays come and go in it

    async def terminate(self) -> None:
        await self._machine.let_go(self)

    async def _file_access(self) -> FileAccess:
        environment = await self._use()
        if environment.cut is not None:
            # A file would be written when the line is back, whatever has become of it by then.
            raise EnvironmentUnavailable(
                f"The line to {self.machine} is cut, so its files cannot be reached.",
                "Try it again when the line is back: the status line says when that is.",
            )
        return environment

    async def _use(self) -> SshEnvironment:
        return await self._machine.use(self)
