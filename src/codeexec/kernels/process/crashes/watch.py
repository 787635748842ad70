"""Has a program watched for crashes, and makes the backtrace of one that has crashed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from codeexec.domain.plain_files import read_plain
from codeexec.domain.text.parsing import load_json
from codeexec.kernels.process.crashes.report import CrashReport, crash_words, make_report
from codeexec.kernels.process.crashes.stacks import question, stacks_in
from codeexec.languages.model import Language

CORE = "core"
CRASH = "crash"
"""Names of what the watcher leaves: see there."""
MOST_CRASH = 1 << 16
GDB_SECONDS = 20.0
"""Seconds that the debugger has for a backtrace."""
DEADLY = frozenset({
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP,
    signal.SIGSYS,
})  # fmt: skip


def missing_debugger(language: Language, code: int, where: str = "") -> CrashReport | None:
    """How to get a backtrace of a program that ended with `code` where there is no debugger."""
    if -code not in DEADLY or not language.debugger:
        return None
    name = language.debugger
    return CrashReport.plain(
        f"No backtrace: {name} is not installed. Install it{where}: {language.install_debugger}"
    )


def read_crash(folder: Path, debugger: str, code: int) -> CrashReport | None:
    """The backtrace of a program that ended with `code`, whose watcher left its files in `folder`;
    None where that was no crash, or nothing is known of it. May take GDB_SECONDS."""
    if -code not in DEADLY:
        return None
    try:
        crash = parse_crash(read_plain(folder / CRASH, MOST_CRASH, follow_links=False))
    except OSError:
        return None
    program = str(crash.get("program", ""))
    stack_question = question(debugger, program, str(folder / CORE))
    name, description = Path(debugger).name, crash_words(crash)
    try:
        outcome = subprocess.run(
            stack_question.command,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            input=stack_question.stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=GDB_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return CrashReport.plain(f"{description}. {name} took longer than {GDB_SECONDS:g} s.")
    except OSError as error:
        return CrashReport.plain(f"{description}. {name} cannot be started: {error.strerror}.")
    return make_report(crash, stacks_in(outcome.stdout, debugger, program), name)


def parse_crash(content: bytes) -> Mapping[str, object]:
    """The content of the file CRASH; empty where it makes no sense."""
    try:
        crash = load_json(content)
    except ValueError:
        return {}
    return crash if isinstance(crash, dict) else {}
