"""Files of a workspace that only a container or another machine has: calls made by code there."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from functools import cache
from importlib import resources
from pathlib import PurePosixPath

from codeexec.domain.errors import CodeexecError, Denied, ProtocolError, StorageError
from codeexec.environments.base import (
    MOST_COLLECTED,
    TOO_MUCH_OUTPUT,
    CommandRunner,
    ExecHandle,
    ExecOutcome,
    FileChange,
    FileKind,
    FileRow,
    FileWrite,
    Location,
    WorkspaceEntry,
    WriteOutcome,
    collect,
    run,
)
from codeexec.environments.budget import Budget, beside_loop
from codeexec.environments.files import MOST_ENTRIES, entry_of
from codeexec.environments.globs import glob
from codeexec.environments.names import sorted_in_slices
from codeexec.environments.paths import entry_parts, inside, missing, taken
from codeexec.environments.watch import changes

LIST_SECONDS = 20.0
LONGEST_HEAD = 200
MISSING, REFUSED, TAKEN = 3, 4, 6
"""Exit codes of `guest/files/relay_files.py`."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[0-9a-f-]+")


class GuestFiles:
    """The file half of an Environment whose workspace is not a folder of this machine."""

    def __init__(
        self,
        container: CommandRunner,
        root: PurePosixPath,
        python: str = "python3",
        inside: str = "in the container",
    ) -> None:
        """`python` is the interpreter there, and `inside` stands in messages for the place."""
        self._container = container
        self._root = root
        self._python = python
        self._inside = inside

    async def read_file(self, path: Location, *, limit: int | None = None) -> bytes | None:
        parts = self._file(path)
        outcome = await self._do("read", parts, str(-1 if limit is None else limit))
        if outcome.code == MISSING:
            return None
        self._check(path, outcome)
        return outcome.stdout

    async def write_file(self, path: Location, content: bytes) -> None:
        self._check(path, await self._do("write", self._file(path), stdin=content))

    async def write_files(self, files: Iterable[FileWrite]) -> WriteOutcome:
        written: list[PurePosixPath] = []
        refused: dict[str, str] = {}
        for file in files:
            try:
                await self.write_file(file.path, file.content)
                written.append(PurePosixPath(*inside(self._root, file.path)))
            except CodeexecError as error:
                refused[str(file.path)] = str(error)
        return WriteOutcome(tuple(written), refused)

    async def file_digest(self, path: Location) -> str | None:
        outcome = await self._do("digest", self._file(path))
        if outcome.code == MISSING:
            return None
        self._check(path, outcome)
        digest = outcome.stdout.decode("ascii", "replace")
        if not _DIGEST.fullmatch(digest):
            raise ProtocolError("What answers does not say what the file holds.")
        return digest

    async def make_folder(self, path: Location) -> None:
        self._check_change(path, await self._do("mkdir", entry_parts(self._root, path)))

    async def rename_entry(self, path: Location, target: Location) -> None:
        parts, new_parts = entry_parts(self._root, path), entry_parts(self._root, target)
        outcome = await self._do("rename", parts, str(self._root.joinpath(*new_parts)))
        self._check_change(target if outcome.code == TAKEN else path, outcome)

    async def remove_entry(self, path: Location) -> None:
        self._check_change(path, await self._do("remove", entry_parts(self._root, path)))

    async def open_file(self, path: Location) -> GuestFile | None:
        parts = self._file(path)
        handle = await self._container.exec(self._command("open", parts), stdin=b"")
        file = GuestFile(handle)
        if await file.begin():
            return file
        try:
            outcome = ExecOutcome(await handle.wait(), b"", await _last(handle.stderr))
        finally:
            await file.close()
        if outcome.code == MISSING:
            return None
        self._check(path, outcome)
        raise ProtocolError("The relay does not say how large the file is.")

    async def list_files(self, path: Location = "", pattern: str = "**") -> list[WorkspaceEntry]:
        rows = await self.list_rows(path, pattern, Budget(LIST_SECONDS, "The list of files"))
        return [entry_of(PurePosixPath(row[0]), *row[1:]) for row in rows]

    async def list_rows(self, path: Location, pattern: str, budget: Budget) -> list[FileRow]:
        parts, match = inside(self._root, path), glob(pattern)
        try:
            async with asyncio.timeout(budget.left):
                outcome = await self._do("list", parts, str(_depth(pattern)), str(MOST_ENTRIES))
        except TimeoutError:
            raise budget.late() from None
        if outcome.code == MISSING:
            return []
        self._check(path, outcome)
        return await beside_loop(budget, lambda: self._rows(outcome.stdout, parts, match, budget))

    def _rows(
        self,
        listing: bytes,
        parts: tuple[str, ...],
        match: Callable[[str], object],
        budget: Budget,
    ) -> list[FileRow]:
        rows: list[FileRow] = []
        for line in listing.splitlines()[:MOST_ENTRIES]:
            budget.check()
            name, mode, size, modified = _row(line)
            if match(name):
                below = inside(self._root, PurePosixPath(*parts, name))
                rows.append(("/".join(below), mode, size, modified))
        return sorted_in_slices(rows, key=lambda row: row[0].replace("/", "\0"))

    async def changed_files(
        self, since: int, wanted: Callable[[str], bool], most: int
    ) -> list[WorkspaceEntry]:
        # The kind first: a name that code in there has given to something else is not asked for.
        entries = await self.list_files(pattern="*")
        return [
            entry
            for entry in entries
            if entry.kind is FileKind.FILE and entry.modified >= since and wanted(entry.path.name)
        ][:most]

    def watch(
        self, path: Location = "", *, interval: float = 0.5, hide_ignored: bool = False
    ) -> AsyncIterator[tuple[FileChange, ...]]:
        return changes(lambda: self.list_files(path), interval, hide_ignored=hide_ignored)

    def _file(self, path: Location) -> tuple[str, ...]:
        parts = inside(self._root, path)
        if not parts:
            raise Denied(f"{str(path)!r} is a folder, and is not opened.", "Name a file in it.")
        return parts

    def _check_change(self, path: Location, outcome: ExecOutcome) -> None:
        if outcome.code == MISSING:
            raise missing(path)
        if outcome.code == TAKEN:
            raise taken(path)
        self._check(path, outcome)

    def _check(self, path: Location, outcome: ExecOutcome) -> None:
        if outcome.code == 0:
            return
        why = outcome.stderr.decode(errors="replace").strip()[-300:] or f"code {outcome.code}"
        if outcome.code == REFUSED:
            raise Denied(f"{str(path)!r} {why}.", "Copy it to a plain file in the workspace.")
        step = f"Look at the space and rights {self._inside}."
        raise StorageError(f"{str(path)!r}: {why}.", step)

    async def _do(
        self, operation: str, parts: tuple[str, ...], *more: str, stdin: bytes = b""
    ) -> ExecOutcome:
        return await run(self._container, self._command(operation, parts, *more), stdin=stdin)

    def _command(self, operation: str, parts: tuple[str, ...], *more: str) -> list[str]:
        where = str(self._root.joinpath(*parts))
        return [self._python, "-IS", "-c", _source(), operation, str(self._root), where, *more]


class GuestFile:
    """An OpenFile of a container: a process in there reads it, as fast as it is asked for."""

    def __init__(self, handle: ExecHandle) -> None:
        self.size = 0
        self.version = ""
        self._handle = handle
        self._chunks = handle.stdout
        self._buffer = bytearray()
        self._has_ended = False

    async def begin(self) -> bool:
        """Read what it says of the file; False when it has ended and said nothing. ProtocolError
        for anything else, as code in there may be what answers."""
        while b"\n" not in self._buffer and len(self._buffer) <= LONGEST_HEAD:
            if not await self._receive():
                return False
        head, _, rest = bytes(self._buffer).partition(b"\n")
        match _parsed(head[:LONGEST_HEAD]):
            case [int(size), str(version)] if size >= 0 and _VERSION.fullmatch(version):
                self.size, self.version = size, version
            case _:
                await self.close()
                raise ProtocolError("The relay does not say how large the file is.")
        self._buffer[:] = rest
        return True

    async def read(self, size: int) -> bytes:
        while not self._buffer and await self._receive():
            pass
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    async def close(self) -> None:
        await self._handle.kill()

    async def _receive(self) -> bool:
        if not self._has_ended:
            try:
                self._buffer += await anext(self._chunks)
            except StopAsyncIteration:
                self._has_ended = True
        return not self._has_ended


async def _last(chunks: AsyncIterator[bytes]) -> bytes:
    return await collect(chunks, MOST_COLLECTED, TOO_MUCH_OUTPUT)


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _row(line: bytes) -> FileRow:
    """A line of a listing; ProtocolError for anything else, as code in there may print it."""
    match _parsed(line):
        case [str(name), int(mode), int(size), int(modified)] if not name.startswith("/"):
            return name, mode, size, modified
    raise ProtocolError("The relay sent a list of files that makes no sense.")


def _depth(pattern: str) -> int:
    """How many folders deep what matches can be; -1 where the pattern does not limit it."""
    return -1 if "**" in pattern else pattern.count("/")


@cache
def _source() -> str:
    return resources.files("codeexec").joinpath("guest", "files", "relay_files.py").read_text()
