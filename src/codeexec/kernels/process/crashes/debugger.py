"""Finds the debugger of a language, and has programs watched for it; little is imported."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from codeexec.hostfiles.programs import which
from codeexec.languages.model import Language

WATCHER = Path(__file__).parents[3] / "guest" / "crash_watch.py"


SWITCH = "CODEEXEC_BACKTRACE"
"""A variable of a program that is 0 for no watcher: a debugger can attach to it only then."""


LLDB = "lldb"
"""Used where the debugger of a language is not there."""


def debuggers(language: Language) -> tuple[str, ...]:
    """The names of programs that read a crash of this language, the best one first."""
    return (language.debugger, LLDB) if language.debugger else ()


def find_debugger(language: Language, environ: Mapping[str, str]) -> str | None:
    """The path of the debugger of programs in this language; empty where there is none, None where
    none is wanted."""
    if environ.get(SWITCH) == "0":
        return None
    paths = (which(name, environ) for name in debuggers(language))
    return next(filter(None, paths), "")


def watched_command(
    command: Sequence[str], folder: str, python: Sequence[str] = (sys.executable,)
) -> tuple[str, ...]:
    """The command, watched. `folder` gets what is known of its crash."""
    return (*python, "-I", "-S", str(WATCHER), folder, *command)
