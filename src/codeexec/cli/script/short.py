"""Follows a short script that prints plain text only, without an event loop.

Importing asyncio, rows and displays takes several times as long as a short script runs. At the
first sign of anything but plain lines the program is handed over to `terminal.follow`, with the
text that was read but not written.
"""

from __future__ import annotations

import os
import select
import time

from codeexec.kernels.process.spawn import SpawnedProgram

SHORT = 0.08
"""Maximum seconds of a program in a terminal; longer ones need forwarding of keys and sizes."""

_CHUNK = 1 << 16
_MOST = select.PIPE_BUF
"""Bytes that a ready terminal takes without blocking."""

_PLAIN = bytes((10, *range(32, 127)))


def wait_short(spawned: SpawnedProgram, signals: int) -> int | None:
    """Wait for the program and write its plain lines; returns its exit status.

    None as soon as the full follower is needed: for a display, a signal, text that is not plain,
    a crash, or a program in a terminal that takes longer than SHORT.
    """
    if not hasattr(os, "pidfd_open") or spawned.stderr is not None:
        return None
    wait = _ShortWait(spawned, signals)
    try:
        if not wait.until_end():
            return None
    finally:
        wait.close()
    status = spawned.process.wait()
    if status < 0:
        return None
    wait.end_line()
    spawned.close()
    return status


class _ShortWait:
    """Waits for one program; used once."""

    def __init__(self, spawned: SpawnedProgram, signals: int) -> None:
        self._spawned = spawned
        self._signals = signals
        self._until = time.monotonic() + SHORT
        self._pidfd = os.pidfd_open(spawned.pid)
        self._poll = select.poll()
        for fd in (self._pidfd, signals, spawned.channel):
            self._poll.register(fd, select.POLLIN)
        if spawned.stdout is not None:
            self._poll.register(spawned.stdout, select.POLLIN)

    def close(self) -> None:
        os.close(self._pidfd)

    def until_end(self) -> bool:
        """Wait for the end. True: the program has ended, its output was read, and the text that
        is not yet written is plain."""
        out, channel = self._spawned.stdout, self._spawned.channel
        while True:
            events = dict(self._poll.poll(self._milliseconds()))
            if not events or events.get(channel, 0) & select.POLLIN or self._signals in events:
                return False
            if out in events and not self._take():
                return False
            if self._pidfd in events:
                break
            if channel in events:
                self._poll.unregister(channel)  # the program has closed its end
        return out is None or self._take_rest(out)

    def _milliseconds(self) -> float | None:
        if self._spawned.stdout is None:
            return None
        return max(self._until - time.monotonic(), 0.0) * 1000

    def _take(self) -> bool:
        """Read once and write complete lines. False: the text needs the full follower."""
        assert self._spawned.stdout is not None
        try:
            data = os.read(self._spawned.stdout, _CHUNK)
        except OSError:  # Linux: all processes have closed the pseudo-terminal
            self._poll.unregister(self._spawned.stdout)
            return True
        text = self._spawned.unread + data
        whole = text.rfind(b"\n") + 1
        if len(text) > _MOST or text.translate(None, _PLAIN) or not _is_ready():
            self._spawned.unread = text
            return False
        self._spawned.unread = text[whole:]
        if whole:
            os.write(1, text[:whole])
        return True

    def _take_rest(self, out: int) -> bool:
        """Read the remaining output after the end. False: a child process holds it open."""
        poll = select.poll()
        poll.register(out, select.POLLIN)
        while True:
            events = dict(poll.poll(0)).get(out, 0)
            if events & select.POLLIN:
                if not self._take():
                    return False
            else:
                return bool(events & select.POLLHUP)

    def end_line(self) -> None:
        """Write an unfinished last line with a newline: the shell's prompt follows it."""
        if self._spawned.unread:
            os.write(1, self._spawned.unread + b"\n")
            self._spawned.unread = b""


def _is_ready() -> bool:
    """Whether our terminal accepts text now: Ctrl+S may have stopped it."""
    poll = select.poll()
    poll.register(1, select.POLLOUT)
    return bool(dict(poll.poll(0)).get(1, 0) & select.POLLOUT)
