"""Why a process is gone, in words: exit code or signal, memory, and what it wrote last."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from codeexec.domain.events import Death
from codeexec.domain.text.printable import printable

_CRASH = "Fatal Python error: "
LAST_WORDS = 2000
"""Characters of a log that are quoted."""

CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")


_PORT_TAKEN = re.compile(r"address already in use|addrinuse|address in use", re.IGNORECASE)


def out_of_memory_kills(pid: int | str = "self") -> int | None:
    """How often the kernel of the system has killed for want of memory in the control group of
    the process, now; None where that is not told (no cgroups, or no such process)."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return None
    counts = [count for line in lines if (count := _kills_of(line)) is not None]
    return max(counts, default=None)


def _kills_of(line: str) -> int | None:
    _, controllers, path = line.split(":", 2)
    if controllers == "":
        roots = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
        files = [f"{root}{path}/memory.events" for root in roots]
    elif "memory" in controllers.split(","):
        # Inside a container the path is the host's, and the group is mounted at the root.
        files = [
            f"/sys/fs/cgroup/memory{path}/memory.oom_control",
            "/sys/fs/cgroup/memory/memory.oom_control",
        ]
    else:
        return None
    for file in files:
        try:
            fields = Path(file).read_text().split()
        except OSError:
            continue
        if "oom_kill" in fields:
            return int(fields[fields.index("oom_kill") + 1])
    return None


def explain(
    status: int | None, *, kills: int = 0, rss: int | None = None, last_words: str = ""
) -> Death:
    """`status` as Popen has it: an exit code, or minus a signal, or None if it is unknown;
    `kills` by the out-of-memory killer since the process began."""
    exit_code = status if status is not None and status >= 0 else None
    number = -status if status is not None and status < 0 else None
    starved = kills > 0 and number in (signal.SIGKILL, None) and exit_code is None
    if starved:
        message = "The system ran out of memory and killed the kernel"
    elif exit_code is not None:
        message = f"The kernel exited with code {exit_code}"
    elif number is not None:
        message = f"The kernel was ended by {signal_name(number)}"
        if number == signal.SIGKILL:
            message += " (somebody killed it, or the system did for want of memory)"
        elif number in CRASHES:
            message += " (a crash in native code)"
    else:
        message = "The kernel is gone; how it ended is not known"
    if rss:
        message += f"; it last used {_size(rss)} of memory"
    message += "."
    if last_words:
        message += f" Its last words:\n{last_words}"
    return Death(message, exit_code, number, starved, rss)


def is_port_taken(message: str) -> bool:
    """Whether a kernel ended since another program has a port that it was to listen on."""
    return _PORT_TAKEN.search(message) is not None


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def read_last_words(path: Path) -> str:
    """The end of a log, safe to show; empty when there is nothing."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - 16 * LAST_WORDS, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    plain = printable_words(text)
    _, crash, frames = plain.rpartition(_CRASH)
    if crash:
        # faulthandler's report: of its threads the one that crashed, innermost frames first.
        reason, _, threads = frames.partition("\n")
        _, current, stack = threads.rpartition("Current thread ")
        report = f"{crash}{reason}\n{current}{stack}" if current else crash + frames
        return report if len(report) <= LAST_WORDS else report[:LAST_WORDS] + "…"
    return plain if len(plain) <= LAST_WORDS else "…" + plain[-LAST_WORDS:]


def printable_words(log: str) -> str:
    """What a process wrote, without its escape sequences and with the rest made printable."""
    lines = log.replace("\r\n", "\n").replace("\r", "\n")
    return printable(_ESCAPES.sub("", lines).strip(), lines=True)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.0f} MB"
