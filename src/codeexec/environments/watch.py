"""What changed in a folder between two looks, and looking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import PurePosixPath

from codeexec.environments.base import Change, FileChange, FileKind, WorkspaceEntry

Look = Mapping[PurePosixPath, WorkspaceEntry]


def look(entries: Iterable[WorkspaceEntry]) -> Look:
    """Files and links by path; a folder is not news, what is in it is."""
    return {entry.path: entry for entry in entries if entry.kind is not FileKind.FOLDER}


def difference(old: Look, new: Look) -> tuple[FileChange, ...]:
    changes = [FileChange(Change.REMOVED, path) for path in old.keys() - new.keys()]
    changes += [FileChange(Change.CREATED, path) for path in new.keys() - old.keys()]
    changes += [
        FileChange(Change.MODIFIED, path)
        for path in old.keys() & new.keys()
        if old[path] != new[path]
    ]
    return tuple(sorted(changes, key=lambda change: change.path))


async def changes(
    entries: Callable[[], Awaitable[list[WorkspaceEntry]]], interval: float
) -> AsyncIterator[tuple[FileChange, ...]]:
    """Batches of changes, looked for every `interval` seconds, for as long as it is iterated.

    Polled on purpose: it works alike on every file system, mount and engine. A folder that takes
    long to list is looked at less often (a look costs at most a tenth of the time).
    """
    loop = asyncio.get_running_loop()
    old = look(await entries())
    while True:
        started = loop.time()
        new = look(await entries())
        if batch := difference(old, new):
            old = new
            yield batch
        await asyncio.sleep(max(interval, 9 * (loop.time() - started)))
