"""What the next server needs to go on with a program when its server was killed."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from codeexec.domain.plain_files import read_plain
from codeexec.environments.holder.client import STAY, LeftBehind, read_left_behind
from codeexec.environments.holder.holding import Holding
from codeexec.environments.holder.terminal import LocalTerminal
from codeexec.environments.short_folders import make_folder, remove_flat
from codeexec.kernels.base import Handle, Reached

log = logging.getLogger(__name__)

STATE = "program"
MOST_STATE = 1 << 20


class RunningProgram(Struct, frozen=True):
    """The program of an execution. `number` counts those of the kernel, `terminal` is the folder
    by which the holder knows it, `began` the time of its start in seconds since 1970."""

    execution: str
    number: int
    terminal: str
    began: float
    command: tuple[str, ...]
    tool: str
    cwd: str
    echo: bool
    allow_stdin: bool
    crash: str = ""
    """The folder of its watcher; empty for a program that is not watched."""
    is_started: bool = True
    """The holder was seen to have it. Else it is about to be started, and may not have been."""


class Survival:
    """The folder of one kernel of programs, which names the program that runs. Its path is the
    mark of the kernel's compilers, and the token of its place in the journal: `number` of that is
    an offset in the program's output, `part` the number of the program."""

    def __init__(self, holding: Holding, folder: str, number: int = 0) -> None:
        self.holding = holding
        self.folder = folder
        self.number = number
        self.outlives = False

    @classmethod
    def begin(cls, holding: Holding) -> Survival:
        """OSError when no folder can be made."""
        return cls(holding, make_folder())

    def note(self, program: RunningProgram) -> None:
        """Write down which program runs now. OSError."""
        path = Path(self.folder, STATE)
        fresh = path.with_suffix(".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(program))
        fresh.replace(path)

    def expect(self, program: RunningProgram) -> RunningProgram:
        """Write down which program is about to be started, and have it outlive this server from
        its first moment: it is never run twice. Returns it with its number and folder. OSError."""
        self.number += 1
        folder = make_folder()
        Path(folder, STAY).touch(0o600)
        program = structs.replace(program, number=self.number, terminal=folder, is_started=False)
        self.note(program)
        return program

    def noted(self) -> RunningProgram | None:
        """The program that was noted last."""
        try:
            content = read_plain(Path(self.folder, STATE), MOST_STATE, follow_links=False)
            return msgspec.json.decode(content, type=RunningProgram)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.warning("the program of a kernel cannot be read: %s", error)
            return None

    def place(self, offset: int) -> Reached:
        return Reached(self.folder, offset, self.number)

    def outbox(self) -> Handle:
        """For the handle of the kernel: its place before anything was said."""
        return {"token": self.folder, "number": 0, "part": self.number}

    async def find(self, program: RunningProgram) -> LocalTerminal | LeftBehind | None:
        """The terminal of a program that runs still, or has ended and is held; or what the holder
        has written down of it. None: how it ended is not known."""
        held = await self.holding.find(program.terminal)
        if held is not None:
            return LocalTerminal(held)
        return await asyncio.to_thread(read_left_behind, Path(program.terminal))

    async def drop(self, program: RunningProgram) -> None:
        """End what is left of a program whose end is in the journal."""
        held = await self.holding.find(program.terminal)
        if held is not None:
            await LocalTerminal(held).kill()
        await asyncio.to_thread(remove_flat, program.terminal)

    def remove(self) -> None:
        remove_flat(self.folder)
