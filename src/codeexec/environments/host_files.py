"""The file half of an Environment whose workspace is a folder of this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from codeexec.domain.errors import CodeexecError
from codeexec.environments.base import (
    FileChange,
    FileRow,
    FileWrite,
    Location,
    WorkspaceEntry,
    WriteOutcome,
)
from codeexec.environments.budget import Budget, Pace, beside_loop
from codeexec.environments.files import Folder
from codeexec.environments.gathered import call_gathered
from codeexec.environments.watching.watch import watch_folder


class HostFiles:
    """All that waits for a disk happens in threads: a folder may be on a slow one, and hold much.
    Links to the root are followed at the making, once: see `Folder`."""

    def __init__(self, root: Path | Folder) -> None:
        self._folder = root if isinstance(root, Folder) else Folder(root)

    async def read_file(self, path: Location, *, limit: int | None = None) -> bytes | None:
        return await asyncio.to_thread(self._folder.read, path, limit)

    async def open_file(self, path: Location) -> HostFile | None:
        return await asyncio.to_thread(self._open, path)

    async def write_file(self, path: Location, content: bytes) -> None:
        await asyncio.to_thread(self._folder.write, path, content)

    async def write_files(self, files: Iterable[FileWrite]) -> WriteOutcome:
        return await asyncio.to_thread(self._write_all, tuple(files))

    @property
    def machine(self) -> str:
        return ""

    async def file_digest(self, path: Location) -> str | None:
        return await asyncio.to_thread(self._folder.digest, path)

    async def make_folder(self, path: Location) -> None:
        await asyncio.to_thread(self._folder.make_folder, path)

    async def rename_entry(self, path: Location, target: Location) -> None:
        await asyncio.to_thread(self._folder.rename, path, target)

    async def remove_entry(self, path: Location) -> None:
        await asyncio.to_thread(self._folder.remove, path)

    async def list_files(self, path: Location = "", pattern: str = "**") -> list[WorkspaceEntry]:
        return await asyncio.to_thread(self._folder.entries, path, pattern)

    async def list_rows(self, path: Location, pattern: str, budget: Budget) -> list[FileRow]:
        return await beside_loop(budget, lambda: self._folder.rows(path, pattern, budget.check))

    async def changed_files(
        self, since: int, wanted: Callable[[str], bool], most: int
    ) -> list[WorkspaceEntry]:
        # After each execution of each session.
        return await call_gathered(lambda: self._folder.changed(since, wanted, most, Pace().step))

    def watch(
        self, path: Location = "", *, interval: float = 0.5, hide_ignored: bool = False
    ) -> AsyncIterator[tuple[FileChange, ...]]:
        return watch_folder(
            self._folder,
            self._folder.below(path),
            interval=interval,
            hide_ignored=hide_ignored,
            entries=lambda: self.list_files(path),
        )

    def _open(self, path: Location) -> HostFile | None:
        file = self._folder.open(path)
        return None if file is None else HostFile(file)

    def _write_all(self, files: tuple[FileWrite, ...]) -> WriteOutcome:
        written: list[PurePosixPath] = []
        refused: dict[str, str] = {}
        for file in files:
            try:
                written.append(self._folder.write(file.path, file.content))
            except CodeexecError as error:
                refused[str(file.path)] = str(error)
        return WriteOutcome(tuple(written), refused)


class HostFile:
    """An OpenFile of this machine."""

    def __init__(self, file: BinaryIO) -> None:
        info = os.fstat(file.fileno())
        self._file = file
        self.size = info.st_size
        self.version = f"{info.st_ino:x}-{info.st_mtime_ns:x}-{info.st_size:x}"

    async def read(self, size: int) -> bytes:
        return await asyncio.to_thread(self._file.read, size)

    async def close(self) -> None:
        self._file.close()  # nothing is written, so nothing waits for a disk
