"""What changed in a folder between two looks, and looking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import PurePosixPath

from codeexec.environments.base import Change, FileChange, FileKind, WorkspaceEntry
from codeexec.hostfiles.ignored import hidden_by_default

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
    entries: Callable[[], Awaitable[list[WorkspaceEntry]]],
    interval: float,
    *,
    hide_ignored: bool = False,
) -> AsyncIterator[tuple[FileChange, ...]]:
    """Batches of changes, looked for every `interval` seconds, for as long as it is iterated. The
    first is empty.

    For places where the system does not notify: it works alike on every file system and engine. A
    folder that takes long to list is looked at less often (a look costs at most a tenth of the
    time). `hide_ignored` leaves out what is hidden by default; .gitignore files are not read here.
    """
    loop = asyncio.get_running_loop()
    is_hidden = hidden_by_default if hide_ignored else lambda path: False

    async def shown() -> Look:
        return look(entry for entry in await entries() if not is_hidden(str(entry.path)))

    old = await shown()
    yield ()
    while True:
        started = loop.time()
        new = await shown()
        if batch := difference(old, new):
            old = new
            yield batch
        await asyncio.sleep(max(interval, 9 * (loop.time() - started)))
