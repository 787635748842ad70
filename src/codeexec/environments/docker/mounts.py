"""Folders of this machine in a container, and the record that its code can change them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codeexec.domain.errors import StorageError
from codeexec.environments.trust.store import TrustStore
from codeexec.hostfiles.place import locate


@dataclass(frozen=True, slots=True)
class FolderMount:
    """A folder of this machine that code in the container reads and writes at `target`."""

    source: Path
    target: str


class MountRecords:
    """Entries of the trust store for the folders that the code of one container can change."""

    def __init__(self, container: str, folders: Sequence[Path]) -> None:
        names = [container, *(f"{container}/{number}" for number in range(1, len(folders)))]
        self._folders = dict(zip(names, folders, strict=False))
        self._trust = TrustStore()
        self._recorded: dict[str, Path] = {}

    async def begin(self) -> None:
        """Record the mounts; call it before code runs in the container, so that they are known
        also when this process is killed. UsageError for a folder that is not given to a
        container; StorageError."""
        for name, folder in self._folders.items():
            await asyncio.to_thread(self._trust.record_mount, str(folder), name)
            self._recorded[name] = folder

    async def end(self) -> None:
        """The container has ended. Can be repeated, and by two at the same time."""
        for name, folder in list(self._recorded.items()):
            with contextlib.suppress(StorageError):
                await asyncio.to_thread(self._trust.record_end, str(folder), name)
                self._recorded.pop(name, None)


def exchangeable(targets: Mapping[str, Path]) -> dict[str, list[int]]:
    """Device and inode of the folders that code in another container can put a link in the place
    of, which the engine would follow as root; by where they are in this container."""
    expected = {}
    for target, folder in targets.items():
        if locate(folder).shared not in (None, folder):
            info = folder.lstat()
            expected[target] = [info.st_dev, info.st_ino]
    return expected
