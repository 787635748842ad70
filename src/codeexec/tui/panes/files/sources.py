"""Where the files pane has its files: a folder of this machine, or that of another one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import FileEntry
from codeexec.hostfiles.ignored import hidden_by_default
from codeexec.tui.panes.files import changes, outline
from codeexec.tui.panes.files.folder import FolderEntry, in_order
from codeexec.tui.panes.files.outline import Listing
from codeexec.tui.session.machine_files import MachineFiles


class FileSource(Protocol):
    """Paths begin with `root`. Changes raise CodeexecError."""

    @property
    def root(self) -> Path: ...

    async def read(self, folders: Iterable[Path]) -> Mapping[Path, Listing]:
        """What is in these folders now; of one that cannot be read, why."""

    async def stale(
        self, listings: Mapping[Path, Listing], folders: Iterable[Path]
    ) -> Iterable[Path]:
        """Those of the folders that have to be read again."""

    async def create(self, folder: Path, name: str) -> Path:
        """A new empty file, or a folder where the name ends in a slash. Conflict."""

    async def rename(self, path: Path, name: str) -> Path:
        """Another name, or with slashes another place. Conflict."""

    async def delete(self, path: Path) -> None:
        """A file, a link, or a folder with all that it holds."""


class LocalSource:
    """A folder of this machine, in threads: it may be on a slow disk."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    async def read(self, folders: Iterable[Path]) -> Mapping[Path, Listing]:
        return await asyncio.to_thread(outline.read, self.root, list(folders))

    async def stale(
        self, listings: Mapping[Path, Listing], folders: Iterable[Path]
    ) -> Iterable[Path]:
        return await asyncio.to_thread(outline.stale, dict(listings), list(folders))

    async def create(self, folder: Path, name: str) -> Path:
        return await asyncio.to_thread(changes.create, self.root, folder, name)

    async def rename(self, path: Path, name: str) -> Path:
        return await asyncio.to_thread(changes.rename, self.root, path, name)

    async def delete(self, path: Path) -> None:
        await asyncio.to_thread(changes.delete, path)


class MachineSource:
    """The working folder of another machine. No file there is read to find out what is ignored:
    names that are hidden by default are."""

    def __init__(self, files: MachineFiles) -> None:
        self._files = files
        self.root = Path(files.folder)

    async def read(self, folders: Iterable[Path]) -> Mapping[Path, Listing]:
        return {folder: await self._listing(folder) for folder in folders}

    async def stale(
        self, listings: Mapping[Path, Listing], folders: Iterable[Path]
    ) -> Iterable[Path]:
        return list(folders)  # nothing but their content tells

    async def create(self, folder: Path, name: str) -> Path:
        path = changes.path_inside(self.root, folder, name)
        # To write an empty file where there is one would be no conflict.
        if await self._files.exists(self._below(path)):
            raise changes.taken(name)
        if name.rstrip().endswith("/"):
            await self._files.make_folder(self._below(path))
        else:
            await self._files.write(self._below(path), b"", "")
        return path

    async def rename(self, path: Path, name: str) -> Path:
        target = changes.path_inside(self.root, path.parent, name)
        if target != path:
            await self._files.rename(self._below(path), self._below(target))
        return target

    async def delete(self, path: Path) -> None:
        await self._files.remove(self._below(path))

    def _below(self, path: Path) -> str:
        below = path.relative_to(self.root).as_posix()
        return "" if below == "." else below

    async def _listing(self, folder: Path) -> Listing:
        below = self._below(folder)
        try:
            entries = await self._files.entries(below)
        except CodeexecError as error:
            return Listing(fault=error.message)
        return await asyncio.to_thread(_listing, self.root, below, entries)


def _listing(root: Path, folder: str, entries: Iterable[FileEntry]) -> Listing:
    """What the machine says of a folder, whose path is relative to `root`."""
    return Listing(
        in_order(
            FolderEntry(
                root / entry.path,
                entry.is_dir,
                entry.is_link,
                hidden_by_default(f"{entry.path}/" if entry.is_dir else entry.path),
            )
            for entry in entries
            if _is_in(folder, entry.path)
        )
    )


def _is_in(folder: str, path: str) -> bool:
    """Whether the path is of something in the folder itself; the machine may say what it likes."""
    spelled = PurePosixPath(path)
    is_name = spelled.name not in ("", "..") and "\0" not in path
    return is_name and spelled.parent == PurePosixPath(folder)
