"""Records changes of files in the working folder as events of the session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path, PurePosixPath
from typing import cast

from codeexec.domain.errors import CodeexecError
from codeexec.domain.events.files import MOST_PATHS, FilesChanged
from codeexec.environments.base import Change, Environment, FileChange
from codeexec.session.storage.event_log import EventLog
from codeexec.session.storage.journal_limit import JournalLimit
from codeexec.session.tasks import Tasks

log = logging.getLogger(__name__)

START_AFTER = 2.0
"""Seconds after the session is opened: by then the first screen is drawn."""
TRY_EVERY = 10.0
"""Seconds between attempts to watch a place that is not there, as a container that is not
started."""
MOST_CHARACTERS = 20_000
"""Of all paths of one event."""
BURST = 20
REFILL = 5.0
"""Events that come at once after quiet; then one in so many seconds, so that a program that writes
a file all day does not fill the journal."""


class FileWatch:
    """Watches the place of the session, from `start` until its tasks end."""

    def __init__(
        self,
        environment: Callable[[], Environment],
        recorder: EventLog,
        tasks: Tasks,
        limit: JournalLimit,
        own: Path,
    ) -> None:
        """`own` is a folder of this machine in which events are recorded: its changes are not told,
        or each would cause the next."""
        self._environment = environment
        self._recorder = recorder
        self._tasks = tasks
        self._limit = limit
        self._own = own
        self._pending = PendingChanges()
        self._recording: asyncio.Task[None] | None = None
        self._allowance = float(BURST)
        self._counted_at = 0.0

    def start(self) -> None:
        self._tasks.start(self._watch(), "file watch")

    async def _watch(self) -> None:
        await asyncio.sleep(START_AFTER)
        while not self._recorder.snapshot.closed:
            try:
                environment = self._environment()
                own = await asyncio.to_thread(self._own_below, environment.base_paths.workspace)
                batches = environment.watch(hide_ignored=True)
                async with aclosing(cast("_Closing", batches)):
                    is_first = True
                    async for batch in batches:
                        batch = tuple(each for each in batch if not _is_below(each.path, own))
                        if not batch and not is_first:
                            continue
                        self._pending.add(batch, others=is_first)
                        is_first = False
                        if self._recording is None or self._recording.done():
                            self._recording = self._tasks.start(self._record(), "file changes")
            except (CodeexecError, OSError) as error:
                log.info("the working folder is not watched: %s", error)
                if self._recorder.snapshot.files_watched:
                    self._recorder.record(FilesChanged(is_watched=False))
            await asyncio.sleep(TRY_EVERY)

    def _own_below(self, workspace: PurePosixPath) -> PurePosixPath | None:
        """The folder of our own, relative to the workspace; None where it is not in there."""
        try:
            return PurePosixPath(self._own.resolve()).relative_to(workspace)
        except (OSError, ValueError):
            return None

    async def _record(self) -> None:
        """Record what is pending, as soon as an event is allowed."""
        loop = asyncio.get_running_loop()
        gained = (loop.time() - self._counted_at) / REFILL
        self._allowance = min(self._allowance + gained, float(BURST))
        self._counted_at = loop.time()
        if self._allowance < 1:
            await asyncio.sleep((1 - self._allowance) * REFILL)
            self._allowance, self._counted_at = 1.0, loop.time()
        self._allowance -= 1
        if self._recorder.problem is not None or self._limit.is_reached:
            # A full disk has no room for news of it: they are told with the next change.
            self._pending.overflow()
            return
        event = self._pending.take()
        if event is not None:
            self._recorder.record(event)


class PendingChanges:
    """What is not recorded yet: the last change of each path, within limits."""

    def __init__(self) -> None:
        self._changes: dict[str, Change] = {}
        self._characters = 0
        self._others = False

    def add(self, batch: tuple[FileChange, ...], *, others: bool = False) -> None:
        self._others |= others
        for change in batch:
            # A name that is no text cannot be in JSON.
            path = str(change.path).encode("utf-8", "replace").decode()
            if path == ".":
                self._others = True
                continue
            if change.is_folder:
                path += "/"
                self._take_folder(path, change.change)
            before = self._changes.pop(path, None)
            if before is None:
                self._characters += len(path)
            if len(self._changes) >= MOST_PATHS or self._characters > MOST_CHARACTERS:
                self._characters -= len(path)
                self._others = True
                continue
            merged = _merged(before, change.change)
            if merged is None:
                self._characters -= len(path)
            else:
                self._changes[path] = merged

    def _take_folder(self, path: str, change: Change) -> None:
        """A folder that is gone includes all that was in it; of one that was made again, what was
        in the first one is not listed."""
        if change is Change.REMOVED:
            for below in [each for each in self._changes if each.startswith(path) and each != path]:
                del self._changes[below]
                self._characters -= len(below)
        elif self._changes.get(path) is Change.REMOVED:
            self._others = True

    def overflow(self) -> None:
        """Forget the paths: others have changed."""
        self._changes, self._characters, self._others = {}, 0, True

    def take(self) -> FilesChanged | None:
        """All as one event; None where nothing is left of it."""
        changes, self._changes, self._characters = self._changes, {}, 0
        others, self._others = self._others, False
        if not changes and not others:
            return None
        of_kind: dict[Change, list[str]] = {kind: [] for kind in Change}
        for path, change in changes.items():
            of_kind[change].append(path)
        added, changed, removed = (
            tuple(sorted(of_kind[kind]))
            for kind in (Change.CREATED, Change.MODIFIED, Change.REMOVED)
        )
        return FilesChanged(added, changed, removed, others)


def _is_below(path: PurePosixPath, folder: PurePosixPath | None) -> bool:
    return folder is not None and path.is_relative_to(folder)


def _merged(before: Change | None, change: Change) -> Change | None:
    """One change for two of the same path; None where the second undoes the first."""
    match before, change:
        case Change.CREATED, Change.REMOVED:
            return None
        case Change.CREATED, _:
            return Change.CREATED
        case Change.REMOVED, Change.CREATED:
            return Change.MODIFIED
        case _:
            return change


class _Closing:
    """An iterator that `aclosing` can close, as each generator is."""

    async def aclose(self) -> None: ...
