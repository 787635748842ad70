"""Signals and keys of a run: Ctrl+C interrupts the code, a second one within 2 s ends the run."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli.streams.console import RunConsole
from codeexec.cli.streams.keys import KeyForwarder
from codeexec.cli.streams.signals import SignalPipe, watched

if TYPE_CHECKING:
    from codeexec.kernels.process.kernel import ProgramBackend

QUIT_WINDOW = 2.0
"""Seconds within which a second Ctrl+C ends the run."""


class RunControl:
    """Interrupts the code of a run, or ends the run early.

    `process` is the program's process if the run has one, and `signals` its pipe of signals.
    `can_interrupt` returns whether code is running, and `interrupt` interrupts it.
    """

    def __init__(
        self,
        console: RunConsole,
        process: ProgramBackend | None,
        signals: SignalPipe | None,
        can_interrupt: Callable[[], bool],
        interrupt: Callable[[], None],
    ) -> None:
        self._console = console
        self._process = process
        self._signals = signals
        self._can_interrupt = can_interrupt
        self._interrupt = interrupt
        self._keys: KeyForwarder | None = None
        self._interrupted_at = -QUIT_WINDOW
        self.quit: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Done with an exit code when the run has to end early."""

    @property
    def was_interrupted(self) -> bool:
        return self._interrupted_at > 0

    def leave(self, code: int) -> None:
        """End the run early with this exit code; the first call wins."""
        if not self.quit.done():
            self.quit.set_result(code)

    def listen(self) -> None:
        """Handle signals from now on, and forward keys to the program's process."""
        loop = asyncio.get_running_loop()
        if self._signals is not None:
            loop.add_reader(self._signals.fd, self._take_signals, self._signals)
            if self._process is not None:
                self._forward_keys(self._process)
            return
        for number in watched():
            if number == signal.SIGINT:
                loop.add_signal_handler(number, self._on_interrupt, False)
            else:
                loop.add_signal_handler(number, self.leave, exits.TERMINATED)

    def stop(self) -> None:
        """Give the keyboard back to the terminal."""
        if self._keys is not None:
            self._keys.stop()

    def _forward_keys(self, process: ProgramBackend) -> None:
        if process.spawned is not None and process.spawned.keys is not None:
            self._keys = KeyForwarder(
                0,
                process.spawned.keys,
                lambda: self._on_interrupt(True),
                process.pause,
                process.resume,
            )
            self._console.forward_keys_to(self._keys)
            self._keys.start()
            # SIGCONT: the process is in the foreground again.
            asyncio.get_running_loop().add_signal_handler(signal.SIGCONT, self._keys.start)

    def _take_signals(self, signals: SignalPipe) -> None:
        for number, is_from_terminal in signals.read():
            if number == signal.SIGINT:
                self._on_interrupt(is_from_terminal and self._keys is None)
            else:
                self.leave(exits.TERMINATED)

    def _on_interrupt(self, reached_program: bool) -> None:
        """`reached_program`: the terminal has sent SIGINT to the program as well."""
        now = time.monotonic()
        is_second = now - self._interrupted_at < QUIT_WINDOW
        if is_second or not self._can_interrupt():
            self.leave(exits.INTERRUPTED)
            return
        self._interrupted_at = now
        if self._process is not None and reached_program:
            self._process.terminal_interrupts += 1
        if self._console.err.is_terminal:
            self._console.say("Interrupting. Ctrl+C again within 2 s ends the run.")
        self._interrupt()
