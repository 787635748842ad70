"""Reads lines for input() and getpass() from the terminal or a pipe."""

from __future__ import annotations

import asyncio
import os
import stat
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from codeexec.domain.errors import UsageError

_CHUNK = 65536


class StdinReader:
    """Reads lines of a file descriptor without blocking the event loop."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._held = b""
        self._ended = False

    @classmethod
    def of_terminal(cls) -> StdinReader | None:
        """A reader of the controlling terminal, for runs whose stdin holds the program; None
        without a terminal."""
        try:
            return cls(os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return None

    @property
    def is_terminal(self) -> bool:
        return os.isatty(self._fd)

    def hold(self, data: bytes) -> None:
        """Add bytes that were read elsewhere; they are returned first."""
        self._held += data

    async def read_line(self) -> str | None:
        """The next line without its newline, None at the end."""
        while b"\n" not in self._held and not self._ended:
            data = await self._read()
            self._held += data
            # On a terminal Ctrl+D ends one answer, not the input.
            if not data:
                if self.is_terminal:
                    break
                self._ended = True
        if not self._held:
            return None
        line, _, self._held = self._held.partition(b"\n")
        return line.decode(errors="replace").removesuffix("\r")

    async def _read(self) -> bytes:
        if _can_wait(self._fd):
            loop = asyncio.get_running_loop()
            ready = asyncio.Event()
            loop.add_reader(self._fd, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(self._fd)
        try:
            return os.read(self._fd, _CHUNK)
        except OSError as error:
            raise UsageError(
                f"Standard input cannot be read: {error.strerror}.",
                "Run it in the foreground of a terminal, or pipe the answers in.",
            ) from error

    @contextmanager
    def without_echo(self) -> Iterator[None]:
        """A terminal does not show what is typed within the block."""
        if not self.is_terminal:
            yield
            return
        attributes = termios.tcgetattr(self._fd)
        silent = termios.tcgetattr(self._fd)
        silent[3] &= ~termios.ECHO
        # Not TCSAFLUSH: text typed since the prompt was printed belongs to the answer.
        termios.tcsetattr(self._fd, termios.TCSADRAIN, silent)
        try:
            yield
        finally:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, attributes)


def _can_wait(fd: int) -> bool:
    """Whether the event loop can wait for the descriptor. Files and /dev/null are always ready,
    and epoll rejects them."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return False
    return not stat.S_ISCHR(mode) or os.isatty(fd)
