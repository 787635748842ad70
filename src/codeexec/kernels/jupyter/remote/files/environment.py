"""The environment of a session whose kernels a Jupyter server has: its files are the server's."""

from __future__ import annotations

import asyncio
import stat
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from codeexec.domain.errors import CodeexecError, Denied
from codeexec.domain.terminals import JoinableTerminal
from codeexec.environments.base import (
    BasePaths,
    Environment,
    ExecHandle,
    FileChange,
    FileKind,
    FileRow,
    FileWrite,
    Location,
    Tell,
    TerminalSize,
    WorkspaceEntry,
    WriteOutcome,
)
from codeexec.environments.budget import Budget, beside_loop
from codeexec.environments.files import MOST_ENTRIES, entry_of
from codeexec.environments.forwarded import FileAccess, ForwardedFiles
from codeexec.environments.globs import depth, glob
from codeexec.environments.names import sorted_in_slices
from codeexec.environments.paths import entry_parts, inside
from codeexec.kernels.jupyter.remote.files.contents import ServedContents, ServedEntry
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from codeexec.kernels.jupyter.remote.terminals.joined import JoinedTerminal
from codeexec.kernels.jupyter.remote.terminals.opening import (
    ROOT,
    ServedTerminals,
    gateway_has_none,
)
from codeexec.kernels.jupyter.remote.terminals.terminal import ServedTerminal

LIST_SECONDS = 20.0
_SIZE = TerminalSize()


class ServedFiles:
    """The file half of an Environment, by the contents API."""

    def __init__(self, contents: ServedContents) -> None:
        self._contents = contents

    async def read_file(self, path: Location, *, limit: int | None = None) -> bytes | None:
        content = await self._contents.read(_file(path))
        return content if content is None or limit is None else content[:limit]

    async def open_file(self, path: Location) -> FetchedFile | None:
        parts = _file(path)
        content = await self._contents.read(parts)
        if content is None:
            return None
        entry = await self._contents.look(parts)
        modified = entry.modified if entry is not None else 0
        return FetchedFile(content, f"{modified:x}-{len(content):x}")

    async def write_file(self, path: Location, content: bytes) -> None:
        await self._contents.write(_file(path), content)

    async def write_files(self, files: Iterable[FileWrite]) -> WriteOutcome:
        written: list[PurePosixPath] = []
        refused: dict[str, str] = {}
        for file in files:
            try:
                await self.write_file(file.path, file.content)
                written.append(PurePosixPath(*inside(ROOT, file.path)))
            except CodeexecError as error:
                refused[str(file.path)] = str(error)
        return WriteOutcome(tuple(written), refused)

    async def file_digest(self, path: Location) -> str | None:
        return await self._contents.digest(_file(path))

    async def make_folder(self, path: Location) -> None:
        await self._contents.make_folder(entry_parts(ROOT, path))

    async def rename_entry(self, path: Location, target: Location) -> None:
        await self._contents.rename(entry_parts(ROOT, path), entry_parts(ROOT, target))

    async def remove_entry(self, path: Location) -> None:
        await self._contents.remove(entry_parts(ROOT, path))

    async def list_files(self, path: Location = "", pattern: str = "**") -> list[WorkspaceEntry]:
        rows = await self.list_rows(path, pattern, Budget(LIST_SECONDS, "The list of files"))
        return [entry_of(PurePosixPath(row[0]), *row[1:]) for row in rows]

    async def list_rows(self, path: Location, pattern: str, budget: Budget) -> list[FileRow]:
        top, match, deepest = inside(ROOT, path), glob(pattern), depth(pattern)
        rows: list[FileRow] = []
        folders = deque([(top, 1)])
        while folders and len(rows) < MOST_ENTRIES:
            budget.check()
            folder, level = folders.popleft()
            try:
                async with asyncio.timeout(budget.left):
                    entries = await self._contents.folder(folder)
            except TimeoutError:
                raise budget.late() from None
            for entry in entries or ():
                below = (*folder, entry.name)
                if match("/".join(below[len(top) :])):
                    rows.append(_row("/".join(below), entry))
                if entry.is_folder and (deepest is None or level < deepest):
                    folders.append((below, level + 1))
        return await beside_loop(
            budget, lambda: sorted_in_slices(rows, key=lambda row: row[0].replace("/", "\0"))
        )

    async def changed_files(
        self, since: int, wanted: Callable[[str], bool], most: int
    ) -> list[WorkspaceEntry]:
        return [
            entry
            for entry in await self.list_files(pattern="*")
            if entry.kind is FileKind.FILE and entry.modified >= since and wanted(entry.path.name)
        ][:most]

    async def watch(
        self, path: Location = "", *, interval: float = 0.5, hide_ignored: bool = False
    ) -> AsyncIterator[tuple[FileChange, ...]]:
        """Tells no change, as the server tells none: to list all again and again would load it."""
        yield ()
        await asyncio.Event().wait()


class FetchedFile:
    """An OpenFile that was read as a whole."""

    def __init__(self, content: bytes, version: str) -> None:
        self._content, self._read = content, 0
        self.size, self.version = len(content), version

    async def read(self, size: int) -> bytes:
        piece = self._content[self._read : self._read + size]
        self._read += len(piece)
        return piece

    async def close(self) -> None:
        self._content = b""


class ServedPlace(ForwardedFiles):
    """An Environment. Files are those of the server where it has any; of a gateway, which has none,
    those of the folder of this machine. Terminals are the server's. Commands and programs are of
    this machine."""

    def __init__(self, server: JupyterServer, here: Environment) -> None:
        self._server, self._here = server, here
        self._contents = ServedContents(server)
        self._terminals = ServedTerminals(server)
        self._files: FileAccess | None = None
        self._asking = asyncio.Lock()

    @property
    def id(self) -> str:
        return self._server.name

    @property
    def machine(self) -> str:
        if self._files is self._here:
            return ""
        return self._server.name.removeprefix("http://").removeprefix("https://").rstrip("/")

    @property
    def base_paths(self) -> BasePaths:
        here = self._here.base_paths
        if self._files is self._here:
            return here
        return BasePaths(ROOT, here.home, here.temporary, here.application)

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> ExecHandle:
        return await self._here.exec(command, stdin=stdin, cwd=cwd, env=env)

    async def open_terminal(
        self,
        command: Sequence[str],
        *,
        size: TerminalSize = _SIZE,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> ServedTerminal:
        await self._check_terminals()
        return await self._terminals.open(command, size, cwd, env)

    async def joinable_terminals(self) -> list[JoinableTerminal]:
        """Terminals that others opened on the server."""
        await self._check_terminals()
        return await self._terminals.joinable()

    async def join_terminal(self, name: str, size: TerminalSize) -> JoinedTerminal:
        """Take part in one of these; to end the handle leaves it there. NotFound."""
        await self._check_terminals()
        return await self._terminals.join(name, size)

    async def _check_terminals(self) -> None:
        if await self._file_access() is self._here:
            raise gateway_has_none(self._server.name)

    def take_up_terminal(self, key: str, offset: int) -> ServedTerminal | None:
        """Go on with a terminal that another session server has left; None for another kind of key.
        The first `offset` bytes of its output are not given on again."""
        return self._terminals.take_up(key, offset)

    async def for_programs(self, tell: Tell) -> Environment:
        return await self._here.for_programs(tell)

    async def is_running(self) -> bool:
        return await self._here.is_running()

    def poll(self) -> int | None:
        return self._here.poll()

    async def terminate(self) -> None:
        await self._terminals.end_all()
        await self._here.terminate()
        await self._server.close()

    async def _file_access(self) -> FileAccess:
        async with self._asking:
            if self._files is None:
                has_files = await self._contents.is_there()
                self._files = ServedFiles(self._contents) if has_files else self._here
            return self._files


def _file(path: Location) -> tuple[str, ...]:
    parts = inside(ROOT, path)
    if not parts:
        raise Denied(f"{str(path)!r} is a folder, and is not opened.", "Name a file in it.")
    return parts


def _row(path: str, entry: ServedEntry) -> FileRow:
    mode = stat.S_IFDIR if entry.is_folder else stat.S_IFREG
    return path, mode, entry.size, entry.modified
