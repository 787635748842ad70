"""Where the programs of a session are built and kept, on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from codeexec.kernels.process.steps.build import BuiltProgram
from codeexec.kernels.process.steps.cache import ProgramFolder


class BuildStore(Protocol):
    """The place of one built program. StorageError where it cannot be used."""

    async def begin(self) -> Callable[[], None]:
        """Wait for other builds of the same program. The build ends by calling what is returned."""

    async def find_report(self) -> str | None:
        """What the compiler reported when it made the program that is here, if that program is
        still what a build would make; None: it has to be built."""

    async def keep(self, report: str) -> None:
        """The build has succeeded: its program takes the place of the old one."""

    async def is_built(self) -> bool: ...


class PreparedProgram(NamedTuple):
    """A program whose tools were found. `store` is None where nothing is built."""

    program: BuiltProgram
    store: BuildStore | None


class HostStore:
    """A folder of the cache of this machine; it is a BuildStore."""

    def __init__(self, folder: ProgramFolder, cwd: Path) -> None:
        self._folder = folder
        self._cwd = cwd

    async def begin(self) -> Callable[[], None]:
        lock = await asyncio.to_thread(self._folder.lock)
        return lambda: os.close(lock)

    async def find_report(self) -> str | None:
        return await asyncio.to_thread(self._folder.find_report)

    async def keep(self, report: str) -> None:
        await asyncio.to_thread(self._folder.keep, report, self._cwd)

    async def is_built(self) -> bool:
        return os.access(self._folder.program, os.X_OK)
