"""Files of a workspace that only the container has: the same calls, made by code in there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from codeexec.domain.errors import CodeexecError, Denied, ProtocolError, StorageError
from codeexec.environments.base import (
    ExecOutcome,
    FileChange,
    FileEntry,
    FileWrite,
    Location,
    WriteOutcome,
    run,
)
from codeexec.environments.files import MOST_ENTRIES, entry_of
from codeexec.environments.globs import glob
from codeexec.environments.paths import inside
from codeexec.environments.watch import changes

if TYPE_CHECKING:
    from .environment import DockerEnvironment


class GuestFiles:
    """The file half of an Environment whose workspace is not a folder of this machine."""

    def __init__(self, container: DockerEnvironment, root: PurePosixPath) -> None:
        self._container = container
        self._root = root

    async def read_file(self, path: Location, *, limit: int | None = None) -> bytes | None:
        parts = self._file(path)
        outcome = await self._do("read", parts, str(-1 if limit is None else limit))
        if outcome.code == 3:
            return None
        _check(path, outcome)
        return outcome.stdout

    async def write_file(self, path: Location, content: bytes) -> None:
        _check(path, await self._do("write", self._file(path), stdin=content))

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

    async def list_files(self, path: Location = "", pattern: str = "**") -> list[FileEntry]:
        parts = inside(self._root, path)
        outcome = await self._do("list", parts)
        if outcome.code == 3:
            return []
        _check(path, outcome)
        match = glob(pattern)
        found: list[FileEntry] = []
        for line in outcome.stdout.splitlines()[:MOST_ENTRIES]:
            name, mode, size, modified = _entry(line)
            if match(name):
                below = inside(self._root, PurePosixPath(*parts, name))
                found.append(entry_of(PurePosixPath(*below), mode, size, modified))
        return sorted(found, key=lambda entry: entry.path)

    def watch(
        self, path: Location = "", *, interval: float = 0.5
    ) -> AsyncIterator[tuple[FileChange, ...]]:
        return changes(lambda: self.list_files(path), interval)

    def _file(self, path: Location) -> tuple[str, ...]:
        parts = inside(self._root, path)
        if not parts:
            raise Denied(f"{str(path)!r} is a folder, and is not opened.", "Name a file in it.")
        return parts

    async def _do(
        self, operation: str, parts: tuple[str, ...], *more: str, stdin: bytes = b""
    ) -> ExecOutcome:
        where = str(self._root.joinpath(*parts))
        command = ["python3", "-IS", "-c", _source(), operation, str(self._root), where, *more]
        return await run(self._container, command, stdin=stdin)


def _entry(line: bytes) -> tuple[str, int, int, int]:
    """A line of a listing; ProtocolError for anything else, as code in there may print it."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        content = None
    match content:
        case [str(name), int(mode), int(size), int(modified)] if not name.startswith("/"):
            return name, mode, size, modified
    raise ProtocolError("The container sent a list of files that makes no sense.")


def _check(path: Location, outcome: ExecOutcome) -> None:
    if outcome.code == 0:
        return
    why = outcome.stderr.decode(errors="replace").strip()[-300:] or f"code {outcome.code}"
    if outcome.code == 4:
        raise Denied(f"{str(path)!r} {why}.", "Copy it to a plain file in the workspace.")
    raise StorageError(f"{str(path)!r}: {why}.", "Look at the space and rights in the container.")


@cache
def _source() -> str:
    return resources.files("codeexec").joinpath("guest", "relay_files.py").read_text()
