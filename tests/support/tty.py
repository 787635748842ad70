"""The workbench in a terminal of its own, and what it leaves that terminal in."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from support.programs import DEADLINE, Terminal
from support.servers import Apart, user

_MODES = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_KITTY = re.compile(rb"\x1b\[([>=<])[\d;]*u")
_CURSOR_SHAPE = re.compile(rb"\x1b\[(\d*) q")
_POINTER = re.compile(rb"\x1b\]22;([^\x07\x1b]*)")
_RESET_AT_END = {25, 7}
"""Modes that are on in a terminal that nobody has touched: the cursor is seen, lines wrap."""


class Tty(Terminal):
    """A terminal whose size changes, and that is looked at when the program has gone."""

    def __enter__(self) -> Tty:
        return self

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def write(self, data: bytes, deadline: float = DEADLINE) -> None:
        """Type a lot: as much at a time as the program takes, reading what it answers."""
        until = time.monotonic() + deadline
        os.set_blocking(self._master, False)
        try:
            while data:
                assert time.monotonic() < until, f"{len(data)} bytes were never read"
                try:
                    data = data[os.write(self._master, data[:4096]) :]
                except BlockingIOError:
                    pass
                self._read(time.monotonic() + 0.002)
        finally:
            os.set_blocking(self._master, True)

    def idles(self, seconds: float) -> None:
        """Show what comes in that time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._read(until)

    def until(self, holds: Callable[[], object], deadline: float = DEADLINE) -> None:
        """Show what comes until that holds, which other processes may bring without a word."""
        end = time.monotonic() + deadline
        while not holds():
            assert time.monotonic() < end, f"it never came; the screen shows:\n{self.text}"
            if not self._read(time.monotonic() + 0.05):
                time.sleep(0.005)  # where the terminal is closed, reading does not wait

    def hang_up(self) -> None:
        """The terminal is gone; the program is not waited for."""
        os.close(self._master)

    def is_over(self, deadline: float) -> bool:
        """Whether the program ends in time; it is killed if it does not."""
        try:
            self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        return True

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    @property
    def echoes(self) -> bool:
        """Whether the line discipline is that of a shell: what is typed shows, by lines."""
        local = termios.tcgetattr(self._master)[3]
        wanted = termios.ECHO | termios.ICANON | termios.ISIG
        return bool(local & wanted == wanted)

    def left_behind(self) -> list[str]:
        """What was switched in the terminal and not put back; of a program that has ended."""
        modes: dict[int, bool] = {}
        for numbers, letter in _MODES.findall(self.raw):
            for number in numbers.split(b";"):
                modes[int(number)] = letter == b"h"
        left = [
            f"mode {number} {'on' if on else 'off'}"
            for number, on in sorted(modes.items())
            if on != (number in _RESET_AT_END)
        ]
        signs = _KITTY.findall(self.raw)
        pushed = signs.count(b">") - signs.count(b"<")
        if pushed > 0:
            left.append(f"{pushed} kitty keyboard modes pushed")
        shapes = _CURSOR_SHAPE.findall(self.raw)
        if shapes and shapes[-1] not in (b"", b"0"):
            left.append(f"cursor shape {shapes[-1].decode()}")
        pointers = _POINTER.findall(self.raw)
        if pointers and pointers[-1] not in (b"", b"default"):
            left.append(f"pointer {pointers[-1].decode()}")
        if not self.echoes:
            left.append("raw input")
        return left


@contextmanager
def workbench(
    files: dict[str, str] | None = None,
    *,
    columns: int = 120,
    lines: int = 36,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[Tty, Apart]]:
    """The program on these files, for a user of its own whose server ends with the block."""
    with user() as apart:
        for name, text in (files or {}).items():
            (apart.work / name).write_text(text, "utf-8")
        tty = Tty(
            tuple(files or ()),
            home=apart.folder,
            cwd=apart.work,
            columns=columns,
            lines=lines,
            env={**apart.environ, **environ},
        )
        with tty:
            yield tty, apart
