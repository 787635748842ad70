"""The user's keys, handed to the pseudo-terminal of a program: it echoes them and knows Ctrl+C."""

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
    """From the terminal `source` to the descriptor `target`, while we are in the foreground.

    Our terminal is raw meanwhile. `on_interrupt` is called when Ctrl+C is handed on to a program
    whose terminal makes a signal of it. Ctrl+Z calls `pause`, stops us, and calls `resume`.
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
        """Nothing happens in the background, where the keys are another program's."""
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
        """The terminal is as it was before."""
        if not self._is_running:
            return
        self._is_running = False
        self._loop.remove_reader(self._source)
        with suppress(termios.error):  # the terminal has gone
            termios.tcsetattr(self._source, termios.TCSADRAIN, self._before)

    def send(self, typed: bytes) -> None:
        """Hand on what was typed; a program that reads nothing loses what does not fit."""
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
        """Stop the program and ourselves, as a shell expects; go on when it continues us."""
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
            self._loop.remove_reader(self._source)  # the terminal has gone

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
