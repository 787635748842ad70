"""Watches a folder of this machine for asyncio: notified by the system, or else by looking."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from codeexec.environments.base import Change, FileChange, WorkspaceEntry
from codeexec.environments.files import Folder
from codeexec.environments.watch import changes
from codeexec.environments.watching.folder_watch import TOP, FolderWatch
from codeexec.environments.watching.notes import NotifierFailed

log = logging.getLogger(__name__)

POLLED_EVERY = 2.0
"""Seconds between looks where the system cannot notify."""
MOST_BATCHES = 50
"""Batches that wait for a reader. Of more he is told that all may have changed."""

Batch = tuple[FileChange, ...]


async def watch_folder(
    folder: Folder,
    path: str,
    *,
    interval: float,
    hide_ignored: bool,
    entries: Callable[[], Awaitable[list[WorkspaceEntry]]],
) -> AsyncIterator[Batch]:
    """Batches of changes below `path`; the first is empty: from there on changes are told.
    `entries` lists what is there, for where the system cannot notify: no room for
    watches, or a file system of another machine."""
    loop = asyncio.get_running_loop()
    batches: deque[Batch] = deque()
    wake = asyncio.Event()
    has_failed = False

    def report(batch: Batch) -> None:
        if len(batches) >= MOST_BATCHES:
            batches.clear()
            batch = (FileChange(Change.MODIFIED, TOP),)
        batches.append(batch)
        wake.set()

    def fail() -> None:
        nonlocal has_failed
        has_failed = True
        wake.set()

    def run() -> None:
        try:
            watch.run()
        except NotifierFailed as error:
            log.info("%s is looked at again and again: %s", folder.root, error)
            _call(loop, fail)
        except Exception:
            log.exception("the watch of %s failed", folder.root)
            _call(loop, fail)

    watch = FolderWatch(
        folder,
        path,
        hide_ignored=hide_ignored,
        interval=interval,
        report=lambda batch: _call(loop, lambda: report(batch)),
    )
    # A thread of its own: it waits for as long as somebody watches.
    threading.Thread(target=run, name=f"watch {folder.root}", daemon=True).start()
    try:
        while not has_failed:
            await wake.wait()
            wake.clear()
            while batches:
                yield batches.popleft()
        async for batch in changes(entries, max(interval, POLLED_EVERY), hide_ignored=hide_ignored):
            yield batch
    finally:
        watch.end()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        pass  # the loop has ended
