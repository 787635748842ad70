"""Keeps viewable files that executions wrote into the working folder, beside the event loop."""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePosixPath

from codeexec.domain.errors import CodeexecError
from codeexec.environments.base import Environment, WorkspaceEntry
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.storage.event_log import EventLog
from codeexec.session.tasks import Tasks

log = logging.getLogger(__name__)

VIEWABLE = ("image/", "text/html", "text/csv", "text/markdown", "application/json")
LARGEST = 16 * 2**20
MOST_FILES = 2000
"""Of one look at the folder."""

LAST_LOOK = 5.0
"""Seconds that a look which is under way is given when the session ends."""

_COARSE = 10_000_000
"""Nanoseconds by which the times of files may lag behind the clock."""

Keep = Callable[[str, str, int, str], None]
"""Records a file: its name, digest, size and execution."""


class FileCollection:
    """Looks at the folder after executions: one look at a time, for all that have ended by then."""

    def __init__(
        self,
        environment: Callable[[], Environment],
        recorder: EventLog,
        blobs: BlobStore,
        tasks: Tasks,
        keep: Keep,
    ) -> None:
        self._environment = environment
        self._recorder = recorder
        self._blobs = blobs
        self._tasks = tasks
        self._keep = keep
        self._ended: list[tuple[int, str]] = []
        self._looking: asyncio.Task[None] | None = None

    def look_soon(self, execution_id: str, started_at: float) -> None:
        """An execution that began at `started_at` (seconds since 1970) has ended."""
        self._ended.append((int(started_at * 1e9) - _COARSE, execution_id))
        if self._looking is None or self._looking.done():
            self._looking = self._tasks.start(self._look(), "files")

    async def finish(self) -> None:
        """Wait for the look that is under way, for some seconds at most."""
        if self._looking is not None and not self._looking.done():
            await asyncio.wait({self._looking}, timeout=LAST_LOOK)
            self._looking.cancel()

    async def _look(self) -> None:
        while self._ended:
            ended, self._ended = sorted(self._ended), []
            try:
                first = ended[0][0]
                environment = self._environment()
                entries = await environment.changed_files(first, is_viewable, MOST_FILES)
            except (CodeexecError, OSError) as error:
                log.info("the workspace cannot be listed: %s", error)
                continue
            for entry in entries:
                if entry.size <= LARGEST:
                    began = [
                        execution_id for since, execution_id in ended if entry.modified >= since
                    ]
                    await self._take(environment, entry, began[-1])

    async def _take(
        self, environment: Environment, entry: WorkspaceEntry, execution_id: str
    ) -> None:
        name = str(entry.path)
        try:
            data = await environment.read_file(entry.path, limit=LARGEST)
            if data is None:
                return
            digest = await asyncio.to_thread(self._blobs.digest, data)
            artifacts = self._recorder.snapshot.artifacts
            if (name, digest) not in {(artifact.name, artifact.digest) for artifact in artifacts}:
                await asyncio.to_thread(self._blobs.put, data)
                self._keep(name, digest, len(data), execution_id)
        except (CodeexecError, OSError) as error:
            log.info("%s is not kept: %s", entry.path, error)


def mime_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


@lru_cache(maxsize=1024)
def _is_viewable_suffix(suffix: str) -> bool:
    return mime_of(f"x{suffix}").startswith(VIEWABLE)


def is_viewable(name: str) -> bool:
    """Whether a file of this name can be shown beside the code that wrote it."""
    return _is_viewable_suffix(PurePosixPath(name).suffix.lower())
