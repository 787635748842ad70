"""Where the programs of a session are built and kept, on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from codeexec.domain.plain_files import read_first_line
from codeexec.environments.marks import MARK
from codeexec.kernels.base import KernelChoice
from codeexec.kernels.process.steps.build import BuiltProgram, plan_program
from codeexec.kernels.process.steps.cache import ProgramFolder
from codeexec.languages.model import Language
from codeexec.languages.plan import PlanOptions, language_of_program


class BuildStore(Protocol):
    """The place of one built program. StorageError where it cannot be used."""

    async def begin(self) -> Callable[[], None]:
        """Wait for other builds of the same program. The build ends by calling what is returned."""

    async def find_report(self) -> str | None:
        """What the compiler reported when it made the program that is here, if that program is
        still what a build would make; None: it has to be built."""

    async def note_inputs(self, listed: bytes) -> None:
        """What the build has read, one path a line, where its tool writes no depfile."""

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

    async def note_inputs(self, listed: bytes) -> None:
        await asyncio.to_thread(self._folder.note_inputs, listed)

    async def keep(self, report: str) -> None:
        await asyncio.to_thread(self._folder.keep, report, self._cwd)
        await asyncio.to_thread(self._folder.sweep)

    async def is_built(self) -> bool:
        return os.access(self._folder.program, os.X_OK)


def plan_here(
    language: Language, file: str, root: Path, choice: KernelChoice, options: PlanOptions, mark: str
) -> PreparedProgram:
    """The program of a file of this machine; `root` is the folder of the session. With a `mark`
    the next server finds a compiler that this one has left. See `plan_program`."""
    path = Path(choice.cwd, file)
    first_line = "" if language.build else read_first_line(path)
    language_of_program(path.name, first_line)  # a header is refused
    named = path.relative_to(root) if path.is_relative_to(root) else path
    environ = {**os.environ, **choice.env}
    if mark:
        environ[MARK] = mark
    program = plan_program(language, str(named), root, environ, options, first_line=first_line)
    folder = program.folder
    return PreparedProgram(program, HostStore(folder, root) if folder is not None else None)
