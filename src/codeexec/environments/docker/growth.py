"""How much a workspace has grown since code began to run in it: no engine limits that by itself."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from codeexec.domain.errors import CodeexecError
from codeexec.environments.docker.policy import size
from codeexec.environments.files import tree
from codeexec.hostfiles.place import locate

INTERVAL = 0.5
SHARE = 9
"""A scan that took n seconds is followed by a pause of this many times n."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes on disk, files and folders, and folders that cannot be looked into, all since the
    start. `lost` is by how many bytes the free space of the file system has shrunk."""

    size: int = 0
    files: int = 0
    unreadable: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and number of files that a workspace may grow by; 0 for no limit."""

    size: int
    files: int


@dataclass(frozen=True, slots=True)
class Hidden:
    """What only processes of the container see: bytes of files that have no name any more and are
    still open, and how many processes do not show what they have open."""

    size: int
    closed: int


def excess(grown: Growth, limits: Limits) -> str:
    """What is too much, in words with a place for `{what}` was done about it; empty for nothing."""
    if limits.size and grown.size > limits.size:
        how, setting = f"{size(grown.size)}, {size(limits.size)} are allowed", "workspace_growth"
    elif limits.files and grown.files > limits.files:
        how = f"{grown.files:,} files, {limits.files:,} are allowed"
        setting = "workspace_files"
    else:
        return ""
    unseen = " (some of it in folders that cannot be looked into)" if grown.unreadable else ""
    return (
        f"The workspace grew by {how}{unseen}: {{what}}. "
        f"Delete files, or raise the setting `{setting}`."
    )


AskHidden = Callable[[], Awaitable[Hidden]]


@dataclass(frozen=True, slots=True)
class _Scan:
    size: int
    files: int
    unreadable: int
    free: int
    free_files: int
    seconds: float


class GrowthMeter:
    """Measures one folder again and again; made with `begin`, before code runs in it."""

    def __init__(self, folder: Path, limits: Limits, hidden: AskHidden | None, first: _Scan):
        self._folder = folder
        self._limits = limits
        self._hidden = hidden
        self._first = first
        self._last = first
        self._before = Growth()

    @classmethod
    async def begin(
        cls, folder: Path, limits: Limits, hidden: AskHidden | None = None
    ) -> GrowthMeter:
        """`hidden` asks the container for what it has open, when the disk has lost more space
        than the folder explains."""
        return cls(folder, limits, hidden, await asyncio.to_thread(_scan, folder, None, None))

    async def watch(self, interval: float = INTERVAL) -> AsyncIterator[Growth]:
        """The growth every `interval` seconds; less often for a folder that takes long to add up,
        unless its disk loses space meanwhile."""
        while True:
            yield await self.measure()
            await asyncio.sleep(interval)
            pauses = int(SHARE * self._last.seconds / interval)
            for _ in range(pauses):
                if await self._loses_space():
                    break
                await asyncio.sleep(interval)

    async def measure(self, *, whole: bool = False) -> Growth:
        """One scan. Unless it is to be `whole`, it ends early when it has found more than is
        allowed, and more than the scan before: whether code goes on in spite of an interrupt must
        show."""
        first, limits, previous = self._first, self._limits, self._before
        is_size_bounded, is_count_bounded = limits.size and not whole, limits.files and not whole
        most_size = first.size + max(limits.size, previous.size) if is_size_bounded else None
        most_files = first.files + max(limits.files, previous.files) if is_count_bounded else None
        now = self._last = await asyncio.to_thread(_scan, self._folder, most_size, most_files)
        lost = max(0, first.free - now.free)
        grown, files = now.size - first.size, now.files - first.files
        unreadable = max(0, now.unreadable - first.unreadable)
        if unreadable:
            files = max(files, first.free_files - now.free_files)
        unexplained = lost - max(grown, 0)
        if limits.size and unexplained > limits.size // 4:
            grown += await self._unseen(unexplained, unreadable)
        self._before = Growth(grown, files, unreadable, lost)
        return self._before

    async def _unseen(self, unexplained: int, unreadable: int) -> int:
        """Bytes that the scan did not see. Where nothing can be seen, all that the disk has lost
        is taken for growth; without that, others that write to the disk would be blamed on us."""
        if unreadable:
            return unexplained
        if self._hidden is None:
            return 0
        try:
            hidden = await self._hidden()
        except CodeexecError:
            return unexplained  # the container does not say what it has open
        return unexplained if hidden.closed else min(hidden.size, unexplained)

    async def _loses_space(self) -> bool:
        free, _ = await asyncio.to_thread(_free, self._folder)
        return bool(self._limits.size) and self._last.free - free > self._limits.size // 4


def _scan(folder: Path, most_size: int | None, most_files: int | None) -> _Scan:
    """Add up a folder; a file with several names counts once."""
    started = time.monotonic()
    total = files = 0
    closed: list[str] = []
    several: set[tuple[int, int]] = set()
    try:
        with locate(folder).folder() as handle:
            for _, info in tree(handle, closed.append):
                files += 1
                if info.st_nlink > 1:
                    if (info.st_dev, info.st_ino) in several:
                        continue
                    several.add((info.st_dev, info.st_ino))
                total += info.st_blocks * 512
                if (most_size is not None and total > most_size) or (
                    most_files is not None and files > most_files
                ):
                    break
                if files % 256 == 0:
                    time.sleep(0)  # other threads are let in: the loop draws and answers
    except (CodeexecError, OSError):
        closed.append("")  # removed or closed to us: counts as a folder that cannot be read
    return _Scan(total, files, len(closed), *_free(folder), time.monotonic() - started)


def _free(folder: Path) -> tuple[int, int]:
    """Free bytes and free inodes of the file system."""
    try:
        file_system = os.statvfs(folder)
    except OSError:
        return 0, 0
    return file_system.f_bfree * file_system.f_frsize, file_system.f_ffree
