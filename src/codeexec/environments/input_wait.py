"""Tells whether a program waits for input, by the system call in which its processes stand."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from codeexec.environments.base import InputWait, WaitKind
from codeexec.environments.processes import descendants, has_proc

_READS = {"x86_64": {0}, "aarch64": {63}}
_POLLS = {"x86_64": {7, 23, 232, 270, 271, 281}, "aarch64": {22, 72, 73}}
_SWITCHES = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)
_TTY_READ = re.compile(r"tty|wait_woken")


def wait_of(pid: int) -> InputWait:
    """Of a process and all that it has started. `polls` where the system does not tell."""
    if not has_proc():
        return InputWait("polls")
    waits = [
        InputWait(_wait_of_process(process_id), _token(process_id))
        for process_id in (pid, *descendants(pid))
    ]
    for kind in ("reads", "polls"):
        for wait in waits:
            if wait.kind == kind:
                return wait
    return InputWait("works")


def _token(pid: int) -> str:
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return ""
    switches = _SWITCHES.search(status)
    return f"{pid}:{switches[1] if switches else ''}"


def _wait_of_process(pid: int) -> WaitKind:
    try:
        fields = Path(f"/proc/{pid}/syscall").read_text("ascii").split()
    except PermissionError:
        return _by_channel(pid)
    except OSError:
        return "works"  # it has ended
    if not fields or not fields[0].isdigit():
        return "works"  # it computes
    number, machine = int(fields[0]), platform.machine()
    if number in _READS.get(machine, ()):
        return "reads" if int(fields[1], 16) == 0 else "works"
    return "polls" if number in _POLLS.get(machine, ()) else "works"


def _by_channel(pid: int) -> WaitKind:
    """Where the system calls of others are not shown: by the name of the kernel's function."""
    try:
        channel = Path(f"/proc/{pid}/wchan").read_text("ascii")
    except OSError:
        return "works"
    if _TTY_READ.search(channel):
        return "reads"
    return "polls" if "poll" in channel or "select" in channel else "works"
