"""Where code runs when nothing is said: this machine, in a folder of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable
from codeexec.domain.secret_env import without_secrets
from codeexec.hostfiles.place import locate

from .base import BasePaths, FileChange, FileEntry, FileWrite, Location, WriteOutcome
from .files import Folder
from .paths import inside
from .processes import Child, chunks, start
from .watch import changes


class HostFiles:
    """The file half of an Environment whose workspace is a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._folder = Folder(root)

    async def read_file(self, path: Location, *, limit: int | None = None) -> bytes | None:
        return await asyncio.to_thread(self._folder.read, path, limit)

    async def write_file(self, path: Location, content: bytes) -> None:
        await asyncio.to_thread(self._folder.write, path, content)

    async def write_files(self, files: Iterable[FileWrite]) -> WriteOutcome:
        return await asyncio.to_thread(self._write_all, tuple(files))

    async def list_files(self, path: Location = "", pattern: str = "**") -> list[FileEntry]:
        return await asyncio.to_thread(self._folder.entries, path, pattern)

    def watch(
        self, path: Location = "", *, interval: float = 0.5
    ) -> AsyncIterator[tuple[FileChange, ...]]:
        return changes(lambda: self.list_files(path), interval)

    def _write_all(self, files: tuple[FileWrite, ...]) -> WriteOutcome:
        written: list[PurePosixPath] = []
        refused: dict[str, str] = {}
        for file in files:
            try:
                written.append(self._folder.write(file.path, file.content))
            except CodeexecError as error:
                refused[str(file.path)] = str(error)
        return WriteOutcome(tuple(written), refused)


class LocalEnvironment(HostFiles):
    """A folder of this machine. Processes run as the user, with the user's environment."""

    def __init__(self, workspace: Path) -> None:
        self._root = locate(workspace).real
        if not self._root.is_dir():
            raise EnvironmentUnavailable(
                f"The folder {workspace} is not there.", "Make it, or name another one."
            )
        super().__init__(self._root)
        self._id = f"local-{uuid.uuid4().hex[:8]}"
        self._running: set[LocalHandle] = set()
        self._ended = False

    @property
    def id(self) -> str:
        return self._id

    @property
    def base_paths(self) -> BasePaths:
        return BasePaths(
            PurePosixPath(self._root),
            PurePosixPath(Path.home()),
            PurePosixPath(tempfile.gettempdir()),
        )

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> LocalHandle:
        if self._ended:
            raise EnvironmentUnavailable("This environment was ended.", "Make a new one.")
        folder = self._root.joinpath(*inside(PurePosixPath(self._root), cwd or ""))
        environ = without_secrets({**os.environ, **(env or {})})
        try:
            process = await start(command, cwd=folder, env=environ)
        except OSError as error:
            raise EnvironmentUnavailable(
                f"{command[0]!r} cannot be started in {folder}: {error.strerror}.",
                "Check that it is installed, executable and spelled right.",
            ) from error
        handle = LocalHandle(process)
        self._running = {other for other in self._running if other.poll() is None} | {handle}
        if stdin is not None:
            handle.feed(stdin)
        return handle

    async def is_running(self) -> bool:
        return not self._ended

    def poll(self) -> int | None:
        return 0 if self._ended else None

    async def terminate(self) -> None:
        self._ended = True
        running, self._running = self._running, set()
        await asyncio.gather(*(handle.kill() for handle in running))


class LocalHandle:
    """A process of this machine and its group."""

    def __init__(self, process: Child) -> None:
        self._process = process
        self._feeding: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stdout(self) -> AsyncIterator[bytes]:
        return chunks(self._process.stdout)

    @property
    def stderr(self) -> AsyncIterator[bytes]:
        return chunks(self._process.stderr)

    def feed(self, data: bytes) -> None:
        """Write `data` and close stdin, beside whatever else is done with the process."""
        self._feeding = asyncio.get_running_loop().create_task(self._feed(data))

    async def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        if self._process.stdin.is_closing():
            raise BrokenPipeError("stdin is closed")
        self._process.stdin.write(data)
        try:
            await self._process.stdin.drain()
        except ConnectionResetError as error:
            raise BrokenPipeError("stdin is closed") from error

    async def close_stdin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def poll(self) -> int | None:
        return self._process.returncode

    async def wait(self) -> int:
        return await self._process.wait()

    async def signal(self, number: int) -> None:
        self._process.signal_group(number)

    async def kill(self) -> None:
        await self._process.end()
        if self._feeding is not None:
            self._feeding.cancel()

    async def _feed(self, data: bytes) -> None:
        # A command that does not want its input is no error.
        with contextlib.suppress(BrokenPipeError):
            await self.write(data)
        await self.close_stdin()
