"""The environment of a session whose kernel runs in a container."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePosixPath

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable
from codeexec.environments.base import (
    BasePaths,
    ExecHandle,
    Location,
    Tell,
    TerminalHandle,
    TerminalSize,
)
from codeexec.environments.docker.environment import DockerEnvironment
from codeexec.environments.docker.policy import APPLICATION, HOME, TEMPORARY
from codeexec.environments.files import Folder
from codeexec.environments.forwarded import FileAccess, ForwardedFiles
from codeexec.environments.host_files import HostFiles
from codeexec.kernels.docker.program_container import ProgramContainer

_SIZE = TerminalSize()


class ContainerPlace(ForwardedFiles):
    """An Environment.

    Files are those of the folder where the engine mounts it, also before a container is there and
    after it. Where it does not (an engine of another machine), they are the container's. Processes
    run in the container.
    """

    def __init__(
        self,
        folder: Folder,
        container: Callable[[], DockerEnvironment | None],
        mounts: Callable[[], Awaitable[bool]],
        make_programs: Callable[[], Awaitable[ProgramContainer]],
    ) -> None:
        """`container` gives the one that the session's kernel runs in, while there is one.
        `mounts` asks the engine whether it can mount folders of this machine. `make_programs`
        makes the container for programs, not started yet."""
        self._host = HostFiles(folder)
        self._workspace = PurePosixPath(folder.real)
        self._container = container
        self._mounts = mounts
        self._make_programs = make_programs
        self._programs: ProgramContainer | None = None
        self._making = asyncio.Lock()

    @property
    def id(self) -> str:
        container = self._container()
        return container.id if container is not None else "no container"

    @property
    def base_paths(self) -> BasePaths:
        container = self._container()
        if container is not None:
            return container.base_paths
        return BasePaths(self._workspace, PurePosixPath(HOME), TEMPORARY, APPLICATION)

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> ExecHandle:
        return await self._running().exec(command, stdin=stdin, cwd=cwd, env=env)

    async def open_terminal(
        self,
        command: Sequence[str],
        *,
        size: TerminalSize = _SIZE,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> TerminalHandle:
        return await self._running().open_terminal(command, size=size, cwd=cwd, env=env)

    async def for_programs(self, tell: Tell) -> DockerEnvironment:
        async with self._making:
            if self._programs is None:
                self._programs = await self._make_programs()
        return await self._programs.start(tell)

    async def is_running(self) -> bool:
        return self._container() is not None

    def poll(self) -> int | None:
        return None  # the place is there; containers come and go in it

    async def terminate(self) -> None:
        """End the container of the programs; that of the kernel ends with the kernel."""
        programs, self._programs = self._programs, None
        if programs is not None:
            await programs.close()

    def _running(self) -> DockerEnvironment:
        container = self._container()
        if container is None:
            raise EnvironmentUnavailable("The container is not started.", "Start the kernel.")
        return container

    async def _file_access(self) -> FileAccess:
        container = self._container()
        if container is not None:
            return self._host if container.mounted is not None else container
        try:
            is_mounted = await self._mounts()
        except CodeexecError:
            return self._host  # no engine answers: no container has other files
        return self._host if is_mounted else self._running()
