"""Files of an environment that another object reads and writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Protocol

from codeexec.environments.base import (
    FileChange,
    FileRow,
    FileWrite,
    Location,
    OpenFile,
    WorkspaceEntry,
    WriteOutcome,
)
from codeexec.environments.budget import Budget


class FileAccess(Protocol):
    """The members of an Environment that are about files."""

    async def read_file(self, path: Location, *, limit: int | None = None) -> bytes | None: ...

    async def open_file(self, path: Location) -> OpenFile | None: ...

    async def write_file(self, path: Location, content: bytes) -> None: ...

    async def write_files(self, files: Iterable[FileWrite]) -> WriteOutcome: ...

    async def list_files(
        self, path: Location = "", pattern: str = "**"
    ) -> list[WorkspaceEntry]: ...

    async def list_rows(self, path: Location, pattern: str, budget: Budget) -> list[FileRow]: ...

    async def file_digest(self, path: Location) -> str | None: ...

    async def make_folder(self, path: Location) -> None: ...

    async def rename_entry(self, path: Location, target: Location) -> None: ...

    async def remove_entry(self, path: Location) -> None: ...

    async def changed_files(
        self, since: int, wanted: Callable[[str], bool], most: int, /
    ) -> list[WorkspaceEntry]: ...

    def watch(
        self, path: Location = "", *, interval: float = 0.5, hide_ignored: bool = False
    ) -> AsyncIterator[tuple[FileChange, ...]]: ...


class ForwardedFiles(ABC):
    """The members about files of an environment, each handed on to what has the files now."""

    @property
    def machine(self) -> str:
        return ""

    @abstractmethod
    async def _file_access(self) -> FileAccess:
        """EnvironmentUnavailable where the files cannot be reached."""

    async def read_file(self, path: Location, *, limit: int | None = None) -> bytes | None:
        return await (await self._file_access()).read_file(path, limit=limit)

    async def open_file(self, path: Location) -> OpenFile | None:
        return await (await self._file_access()).open_file(path)

    async def write_file(self, path: Location, content: bytes) -> None:
        await (await self._file_access()).write_file(path, content)

    async def write_files(self, files: Iterable[FileWrite]) -> WriteOutcome:
        return await (await self._file_access()).write_files(files)

    async def list_files(self, path: Location = "", pattern: str = "**") -> list[WorkspaceEntry]:
        return await (await self._file_access()).list_files(path, pattern)

    async def list_rows(self, path: Location, pattern: str, budget: Budget) -> list[FileRow]:
        return await (await self._file_access()).list_rows(path, pattern, budget)

    async def file_digest(self, path: Location) -> str | None:
        return await (await self._file_access()).file_digest(path)

    async def make_folder(self, path: Location) -> None:
        await (await self._file_access()).make_folder(path)

    async def rename_entry(self, path: Location, target: Location) -> None:
        await (await self._file_access()).rename_entry(path, target)

    async def remove_entry(self, path: Location) -> None:
        await (await self._file_access()).remove_entry(path)

    async def changed_files(
        self, since: int, wanted: Callable[[str], bool], most: int
    ) -> list[WorkspaceEntry]:
        return await (await self._file_access()).changed_files(since, wanted, most)

    async def watch(
        self, path: Location = "", *, interval: float = 0.5, hide_ignored: bool = False
    ) -> AsyncIterator[tuple[FileChange, ...]]:
        files = await self._file_access()
        batches = files.watch(path, interval=interval, hide_ignored=hide_ignored)
        try:
            async for batch in batches:
                yield batch
        finally:
            if isinstance(batches, AsyncGenerator):
                await batches.aclose()
