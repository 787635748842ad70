"""Starts a Python program with a channel for its displays: standard library alone.

A stream that is not inherited is a pseudo-terminal where ours is a terminal, and a pipe elsewhere,
so that the program writes as it would without us. With `is_interactive` the pseudo-terminal is
also the program's stdin and its controlling terminal: what it writes to /dev/tty comes through us,
and we hand it the keys. Otherwise it inherits stdin and stays in our process group, so that the
terminal's keys reach it as they reach a program that a shell starts.
"""

# pathlib and contextlib would add to the time before the program starts.
# ruff: noqa: PTH118, PTH120

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from codeexec.environments.temporary import LockedFolder

if TYPE_CHECKING:
    from pathlib import Path

    from codeexec.kernels.process.crashes.report import CrashReport

PREFIX = "codeexec-program-"
"""Of the folders that displays go through; `environments.temporary.sweep` removes left ones."""

INHERIT = "inherit"
PIPE = "pipe"
PTY = "pty"
SAME = "stdout"
"""How a stream of the program is made; SAME: stderr is what stdout is."""

HOOK_FOLDER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "guest", "program"
)
FIRST_FD = 200
"""Scripts and shells use descriptors below this number themselves; lower under a low limit."""

PR_SET_PDEATHSIG = 1

MOST_FDS = 12
"""Descriptors of ours that a program is started with: five pipes and the terminal's."""


class SpawnedProgram:
    """A program that has been started. `stdout` and `stderr` are descriptors to read from, None
    where the program inherited ours (or has one for both). `channel` gives a line for each display
    in `spool`; a byte written to `ack` lets the program go on. The program is ended when the last
    copy of `life` is closed. `keys` takes what is typed, None where the program reads a stdin
    that it has inherited; it then leads no session of its own. `unread` is what was read from
    `stdout` and still has to be shown, `started` the monotonic time of its start. `read_crash`
    makes a report of what a watcher has left in `spool` of a crash, from the exit status."""

    __slots__ = (
        "ack", "argv", "channel", "keys", "life", "process", "read_crash", "spool", "started",
        "stderr", "stdout", "unread",
    )  # fmt: skip

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        argv: Sequence[str],
        stdout: int | None,
        stderr: int | None,
        channel: int,
        ack: int,
        life: int,
        spool: LockedFolder,
        keys: int | None,
    ) -> None:
        self.process = process
        self.argv = list(argv)
        self.stdout = stdout
        self.stderr = stderr
        self.channel = channel
        self.ack = ack
        self.life = life
        self.spool = spool
        self.keys = keys
        self.read_crash: Callable[[Path, int], CrashReport | None] | None = None
        self.unread = b""
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        return self.process.pid

    def close(self) -> None:
        """Close the descriptors and remove the spool folder."""
        for fd in {self.stdout, self.stderr, self.channel, self.ack, self.life}:
            if fd is not None:
                os.close(fd)
        self.spool.remove()


def spawn_program(
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    *,
    stdin: int | None = None,
    stdout: str = INHERIT,
    stderr: str = INHERIT,
    size: os.terminal_size | None = None,
    is_interactive: bool = False,
    flags: str = "",
    has_hook: bool = True,
    watcher: str = "",
) -> SpawnedProgram:
    """Start `argv` (an interpreter, a script, its arguments). `env` is the whole environment.
    `size` is that of a pseudo-terminal; `is_interactive` needs one. `flags` are those of
    `guest/program/sitecustomize.py`; without `has_hook` the program is none of Python's, and has
    no channel. `watcher` is the path of `guest/crash_watch.py` for one that is watched. Raises
    OSError where the program cannot be started."""
    spool = LockedFolder(PREFIX)
    opened: list[int] = []  # the program's ends
    ours: list[int] = []
    try:
        channel, channel_write = _pipe(ours, opened)
        ack_read, ack = _pipe(opened, ours)
        # Nothing is ever written to it: the system tells the program when we are gone.
        life_read, life = _pipe(opened, ours)
        out_end, out_child = _stream(stdout, size, ours, opened)
        err_end, err_child = (
            (None, subprocess.STDOUT) if stderr == SAME else _stream(stderr, size, ours, opened)
        )
        terminal = out_child if stdout == PTY else err_child
        keys = (out_end if stdout == PTY else err_end) if is_interactive else None
        child_env = dict(env)
        if has_hook:
            flags += "c" * is_interactive
            ends = f"{channel_write}:{ack_read}:{life_read}:{flags}:{spool.path}"
            _add_hook(child_env, ends)
            for fd in (channel_write, ack_read, life_read):
                os.set_inheritable(fd, True)
        if watcher:
            command = [sys.executable, "-I", "-S", watcher, str(spool.path), *argv]
        else:
            command = list(argv)
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=child_env,
            stdin=terminal if is_interactive else stdin,
            # The hook makes the pseudo-terminal the controlling one of the new session.
            start_new_session=is_interactive,
            preexec_fn=None if has_hook else partial(_prepare, os.getpid(), is_interactive),
            stdout=out_child,
            stderr=err_child,
            # What is open for a program that a shell starts (`3<file`, `<(command)`) stays open;
            # descriptors of Python's are not inherited.
            close_fds=False,
        )
    except BaseException:
        for fd in ours:
            os.close(fd)
        spool.remove()
        raise
    finally:
        for fd in opened:
            os.close(fd)
    return SpawnedProgram(process, argv, out_end, err_end, channel, ack, life, spool, keys)


def _add_hook(env: dict[str, str], ends: str) -> None:
    """Let a Python find the hook, which finds the program's `ends` of the channel."""
    if "PYTHONPATH" in env:
        env["CODEEXEC_PYTHONPATH"] = env["PYTHONPATH"]
    paths = [HOOK_FOLDER, *filter(None, [env.get("PYTHONPATH", "")])]
    env["PYTHONPATH"] = os.pathsep.join(paths)
    env["CODEEXEC_PROGRAM"] = ends


def _prepare(parent: int, is_interactive: bool) -> None:
    """In the child, for a program that is none of Python's: it gets SIGHUP when we are killed, and
    its stdin becomes the controlling terminal of its session."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGHUP, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGHUP)
    if is_interactive:
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _pipe(reading: list[int], writing: list[int]) -> tuple[int, int]:
    """A pipe whose ends are numbered from FIRST_FD on, each kept in its list."""
    import fcntl
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    first = FIRST_FD if limit < 0 else min(FIRST_FD, max(limit - MOST_FDS, 3))

    low = os.pipe()
    try:
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, first) for fd in low]
    finally:
        for fd in low:
            os.close(fd)
    reading.append(high[0])
    writing.append(high[1])
    return high[0], high[1]


def _stream(
    kind: str, size: os.terminal_size | None, ours: list[int], opened: list[int]
) -> tuple[int | None, int | None]:
    """Our end and the program's end of a stream."""
    if kind == INHERIT:
        return None, None
    if kind == PIPE:
        return _pipe(ours, opened)
    import termios

    master, slave = os.openpty()
    ours.append(master)
    opened.append(slave)
    try:
        attributes = termios.tcgetattr(0)  # the user's own keys for erase, kill and interrupt
    except termios.error:
        attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # newlines stay newlines
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    if size is not None:
        termios.tcsetwinsize(slave, (size.lines, size.columns))
    return master, slave
