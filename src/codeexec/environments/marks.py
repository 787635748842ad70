"""Marks in the environment of a kernel, by which all that it started is found and ended.

A process group does not hold what calls `setsid`, or forks twice; its environment does, because
it is inherited. A process that cleared its environment, or wrote over it, cannot be found. One
whose CODEEXEC_MARK is another one (another kernel, or a value that the user gave) is left alone.
Standard library alone: clients import this before anything else.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping

MARK = "CODEEXEC_MARK"
"""Names one kernel process: the folder that was made for it. A server has the mark `server`, so
that one which was started from a cell does not end with the kernel of that cell."""

SESSION = "CODEEXEC_SESSION"
"""Names the session; the same for all its kernels."""

SERVER = "server"

DEADLINE = 2.0
LEAST_LOOKS = 20
"""Before some are said to be left: this process may have stood still for longer than DEADLINE."""
_PAUSE = 0.005


def without_marks(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name not in (MARK, SESSION)}


def end_marked(name: str, value: str, *spared_marks: str) -> bool:
    """Kill all processes of this user whose environment has `name` as `value`, until there are
    none (what they fork meanwhile is found by the next look); those of the kernels `spared_marks`
    go on. Blocks for a few hundredths of a second. False when some are left after 2 seconds."""
    if not value:
        return True  # the value of those that are to be left alone
    limit = time.monotonic() + DEADLINE
    looks = 0
    while pids := find_marked(name, value, *spared_marks):
        for pid in pids:
            _kill(pid, name, value)
        looks += 1
        if looks > LEAST_LOOKS and time.monotonic() > limit:
            return False
        time.sleep(_PAUSE)
    return True


def find_marked(name: str, value: str, *spared_marks: str) -> list[int]:
    """Pids of this user's processes whose environment has `name` as `value`; never our own."""
    marked = []
    for pid in _own_pids():
        entries = _environ(pid)
        if not _has(entries, name, value) or pid == os.getpid():
            continue
        if not any(_has(entries, MARK, spared) for spared in spared_marks):
            marked.append(pid)
    return marked


def get_mark(pid: int) -> str | None:
    """The mark of a process, None where it has none or it cannot be read."""
    return get_variable(pid, MARK)


def get_variable(pid: int, name: str) -> str | None:
    """A variable of the environment that a process was started with, None where there is none or
    it cannot be read."""
    start = f"{name}=".encode()
    entries = _environ(pid).split(b"\0")
    return next((os.fsdecode(e[len(start) :]) for e in entries if e.startswith(start)), None)


def _has(entries: bytes, name: str, value: str) -> bool:
    return b"\0" + os.fsencode(f"{name}={value}") + b"\0" in entries


def _kill(pid: int, name: str, value: str) -> None:
    try:
        handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
    except OSError:
        return  # it has just ended
    try:
        # Once more, now that the handle holds the process: its number may be another's by now.
        if not _has(_environ(pid), name, value):
            return
        if handle >= 0:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except OSError:
        pass  # it has just ended
    finally:
        if handle >= 0:
            os.close(handle)


def _own_pids() -> Iterator[int]:
    if not sys.platform.startswith("linux"):
        import psutil

        yield from psutil.pids()
        return
    uid = os.geteuid()
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                yield int(entry.name)
        except OSError:
            continue  # it has just ended


def _environ(pid: int) -> bytes:
    """The environment that a process was started with: entries, a NUL before and after each; no
    entry where it cannot be read."""
    if not sys.platform.startswith("linux"):
        import psutil

        try:
            variables = psutil.Process(pid).environ()
        except (psutil.Error, OSError):
            return b""
        entries = [os.fsencode(f"{name}={value}") for name, value in variables.items()]
        return b"\0".join((b"", *entries, b""))
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123  # pathlib costs 5 ms
            return b"\0" + file.read() + b"\0"
    except OSError:
        return b""
