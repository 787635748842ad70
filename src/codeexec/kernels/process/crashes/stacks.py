"""Asks the debugger that there is, gdb or lldb, for the stacks of a core file."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

from codeexec.kernels.process.crashes.debugger import LLDB
from codeexec.kernels.process.crashes.gdb import QUESTIONS, CrashStacks, gdb_command, read_stacks
from codeexec.kernels.process.crashes.lldb import lldb_command, read_lldb


class StackQuestion(NamedTuple):
    """A command that prints stacks, and what it reads on stdin."""

    command: tuple[str, ...]
    stdin: bytes


def question(debugger: str, program: str, core: str) -> StackQuestion:
    """`debugger` is a path."""
    if PurePath(debugger).name == LLDB:
        return StackQuestion(lldb_command(debugger, program, core), b"")
    return StackQuestion(gdb_command(debugger, program, core), QUESTIONS)


def stacks_in(output: bytes, debugger: str, program: str) -> CrashStacks:
    """The stacks in what the command of `question` has printed; empty where there are none."""
    text = output.decode("utf-8", "replace")
    return read_lldb(text, program) if PurePath(debugger).name == LLDB else read_stacks(text)
