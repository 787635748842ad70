"""Crashes of the programs of a session, which run here or in a container."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from codeexec.domain.errors import CodeexecError, StorageError
from codeexec.environments.base import Environment, run
from codeexec.environments.short_folders import make_folder, remove_flat
from codeexec.kernels.process.crashes.debugger import (
    WATCHER,
    debuggers,
    find_debugger,
    watched_command,
)
from codeexec.kernels.process.crashes.report import CrashReport, crash_words, make_report
from codeexec.kernels.process.crashes.stacks import question, stacks_in
from codeexec.kernels.process.crashes.watch import (
    CORE,
    CRASH,
    DEADLY,
    GDB_SECONDS,
    MOST_CRASH,
    missing_debugger,
    parse_crash,
    read_crash,
)
from codeexec.kernels.process.steps.guest import GuestPrograms
from codeexec.languages.model import Language

PYTHON = "python3"
_WATCHER_NAME = "watch.py"
IN_IMAGE = " in the image by its Dockerfile"


class CrashWatch:
    """Watches one program of this machine. Without a debugger, or without a folder, it runs
    unwatched."""

    def __init__(self, language: Language, debugger: str | None, folder: str) -> None:
        self._language = language
        self._debugger = debugger
        self.folder = folder
        """The name by which another server takes the watch up."""

    @classmethod
    async def begin(cls, language: Language, environ: Mapping[str, str]) -> CrashWatch:
        watch = await cls.resume(language, environ, "")
        if watch._debugger:
            try:
                watch.folder = await asyncio.to_thread(make_folder)
            except OSError:
                return cls(language, watch._debugger, "")
        return watch

    @classmethod
    async def resume(
        cls, language: Language, environ: Mapping[str, str], folder: str
    ) -> CrashWatch:
        return cls(language, await asyncio.to_thread(find_debugger, language, environ), folder)

    def command(self, program: Sequence[str]) -> tuple[str, ...]:
        return watched_command(program, self.folder) if self.folder else tuple(program)

    async def report(self, code: int) -> CrashReport | None:
        """The backtrace of a program that ended with `code`; None where that was no crash."""
        if self._debugger is None:
            return None
        if not self._debugger:
            return missing_debugger(self._language, code)
        if not self.folder:
            return None
        return await asyncio.to_thread(read_crash, Path(self.folder), self._debugger, code)

    async def close(self) -> None:
        if self.folder:
            await asyncio.to_thread(remove_flat, self.folder)


class GuestCrashWatch:
    """Watches one program in a container, where gdb or lldb, and python3, have to be for that."""

    folder = ""

    def __init__(
        self, language: Language, environment: Environment, tools: Mapping[str, str], folder: str
    ) -> None:
        """`folder` has the watcher; empty where the program runs unwatched."""
        self._language = language
        self._environment = environment
        self._tools = tools
        self._folder = PurePosixPath(folder)
        self._is_watching = bool(folder)

    @classmethod
    async def begin(cls, language: Language, guests: GuestPrograms) -> GuestCrashWatch:
        """Without the tools, or room for their files, the program runs unwatched."""
        tools: Mapping[str, str] = {}
        folder = ""
        if names := debuggers(language):
            tools = await guests.find_paths((*names, PYTHON))
        if PYTHON in tools and len(tools) > 1:
            source = await asyncio.to_thread(WATCHER.read_bytes)
            with contextlib.suppress(StorageError):
                folder = await guests.make_folder(_WATCHER_NAME, source)
        return cls(language, guests.environment, tools, folder)

    def command(self, program: Sequence[str]) -> tuple[str, ...]:
        if not self._is_watching:
            return tuple(program)
        watcher = str(self._folder / _WATCHER_NAME)
        return (self._tools[PYTHON], "-I", "-S", watcher, str(self._folder), *program)

    async def report(self, code: int) -> CrashReport | None:
        """See `CrashWatch.report`."""
        if not self._is_watching:
            return missing_debugger(self._language, code, IN_IMAGE)
        if -code not in DEADLY:
            return None
        # By a program: files outside of the workspace are not read for the session.
        crash_file = await run(
            self._environment, ("head", "-c", str(MOST_CRASH), "--", str(self._folder / CRASH))
        )
        if crash_file.code:
            return None
        crash = parse_crash(crash_file.stdout)
        name = next(name for name in debuggers(self._language) if name in self._tools)
        program = str(crash.get("program", ""))
        stack_question = question(self._tools[name], program, str(self._folder / CORE))
        try:
            async with asyncio.timeout(GDB_SECONDS):
                printed = await run(
                    self._environment, stack_question.command, stdin=stack_question.stdin
                )
        except TimeoutError:
            description = crash_words(crash)
            return CrashReport.plain(f"{description}. {name} took longer than {GDB_SECONDS:g} s.")
        return make_report(crash, stacks_in(printed.stdout, self._tools[name], program), name)

    async def close(self) -> None:
        if self._is_watching:
            with contextlib.suppress(CodeexecError):  # the container has ended
                await run(self._environment, ("rm", "-rf", "--", str(self._folder)))


Watch = CrashWatch | GuestCrashWatch
