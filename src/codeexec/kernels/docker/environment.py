"""The environment of a session whose kernel runs in a container."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable
from codeexec.environments.base import (
    BasePaths,
    ExecHandle,
    FileChange,
    FileRow,
    FileWrite,
    Location,
    OpenFile,
    Tell,
    TerminalHandle,
    TerminalSize,
    WorkspaceEntry,
    WriteOutcome,
)
from codeexec.environments.budget import Budget
from codeexec.environments.docker.environment import DockerEnvironment
from codeexec.environments.docker.policy import APPLICATION, HOME, TEMPORARY
from codeexec.environments.files import Folder
from codeexec.environments.host_files import HostFiles
from codeexec.kernels.docker.program_container import ProgramContainer

_SIZE = TerminalSize()


class ContainerPlace:
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

    async def read_file(self, path: Location, *, limit: int | None = None) -> bytes | None:
        return await (await self._files()).read_file(path, limit=limit)

    async def open_file(self, path: Location) -> OpenFile | None:
        return await (await self._files()).open_file(path)

    async def write_file(self, path: Location, content: bytes) -> None:
        await (await self._files()).write_file(path, content)

    async def write_files(self, files: Iterable[FileWrite]) -> WriteOutcome:
        return await (await self._files()).write_files(files)

    async def list_files(self, path: Location = "", pattern: str = "**") -> list[WorkspaceEntry]:
        return await (await self._files()).list_files(path, pattern)

    async def list_rows(self, path: Location, pattern: str, budget: Budget) -> list[FileRow]:
        return await (await self._files()).list_rows(path, pattern, budget)

    async def changed_files(
        self, since: int, matches: Callable[[str], bool], most: int
    ) -> list[WorkspaceEntry]:
        return await (await self._files()).changed_files(since, matches, most)

    async def watch(
        self, path: Location = "", *, interval: float = 0.5, hide_ignored: bool = False
    ) -> AsyncIterator[tuple[FileChange, ...]]:
        files = await self._files()
        async for batch in files.watch(path, interval=interval, hide_ignored=hide_ignored):
            yield batch

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

    async def _files(self) -> HostFiles | DockerEnvironment:
        container = self._container()
        if container is not None:
            return self._host if container.mounted is not None else container
        try:
            is_mounted = await self._mounts()
        except CodeexecError:
            return self._host  # no engine answers: no container has other files
        return self._host if is_mounted else self._running()
