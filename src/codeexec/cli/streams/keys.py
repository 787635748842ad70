"""Forwards keys to the pseudo-terminal of a program, which echoes them and handles Ctrl+C."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
from collections.abc import Callable
from contextlib import suppress

INTERRUPT = b"\x03"
SUSPEND = b"\x1a"

_CHUNK = 4096


class KeyForwarder:
    """Copies keys from the terminal `source` to the descriptor `target`.

    It works while this process is in the foreground, and sets `source` to raw mode.
    `on_interrupt` is called when Ctrl+C is forwarded to a terminal that turns it into a signal.
    Ctrl+Z calls `pause`, stops this process, and calls `resume` when it continues.
    """

    def __init__(
        self,
        source: int,
        target: int,
        on_interrupt: Callable[[], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        self._source = source
        self._target = target
        self._on_interrupt = on_interrupt
        self._pause = pause
        self._resume = resume
        self._loop = asyncio.get_running_loop()
        self._before = termios.tcgetattr(source)
        self._is_running = False

    def start(self) -> None:
        """Start forwarding; does nothing in the background, where another program has the keys."""
        if self._is_running or not self._is_foreground():
            return
        self._before = termios.tcgetattr(self._source)
        raw = termios.tcgetattr(self._source)
        raw[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.BRKINT)
        raw[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
        raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._source, termios.TCSADRAIN, raw)
        self._loop.add_reader(self._source, self._forward)
        self._is_running = True

    def stop(self) -> None:
        """Stop forwarding and restore the mode of the terminal."""
        if not self._is_running:
            return
        self._is_running = False
        self._loop.remove_reader(self._source)
        with suppress(termios.error):  # the terminal was closed
            termios.tcsetattr(self._source, termios.TCSADRAIN, self._before)

    def send(self, typed: bytes) -> None:
        """Forward typed bytes; bytes that do not fit are lost if the program does not read."""
        if SUSPEND in typed and self._makes_signals():
            first, _, remaining = typed.partition(SUSPEND)
            self.send(first)
            self._suspend()
            typed = remaining
        if INTERRUPT in typed and self._makes_signals():
            self._on_interrupt()
        with suppress(OSError):
            os.write(self._target, typed)

    def _suspend(self) -> None:
        """Stop the program and this process, as a shell expects; resume when continued."""
        self._pause()
        self.stop()
        os.kill(os.getpid(), signal.SIGSTOP)
        self.start()
        self._resume()

    def _forward(self) -> None:
        try:
            typed = os.read(self._source, _CHUNK)
        except OSError:
            typed = b""
        if typed:
            self.send(typed)
        else:
            self._loop.remove_reader(self._source)  # the terminal was closed

    def _is_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._source) == os.getpgrp()
        except OSError:
            return False

    def _makes_signals(self) -> bool:
        try:
            return bool(termios.tcgetattr(self._target)[3] & termios.ISIG)
        except termios.error:
            return False
