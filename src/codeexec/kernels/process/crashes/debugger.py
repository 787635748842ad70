"""Finds the debugger of a language, and has programs watched for it; little is imported."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from codeexec.hostfiles.programs import which
from codeexec.languages.model import Language

WATCHER = Path(__file__).parents[3] / "guest" / "crash_watch.py"


def find_debugger(language: Language, environ: Mapping[str, str]) -> str:
    """The path of the debugger of programs in this language; empty where there is none."""
    return (which(language.debugger, environ) or "") if language.debugger else ""


def watched_command(
    command: Sequence[str], folder: str, python: Sequence[str] = (sys.executable,)
) -> tuple[str, ...]:
    """The command, watched. `folder` gets what is known of its crash."""
    return (*python, "-I", "-S", str(WATCHER), folder, *command)
