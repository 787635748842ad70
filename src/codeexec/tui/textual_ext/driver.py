"""Textual's terminal driver, adapted to a first frame that owns the terminal at the start, and to a
terminal that goes away."""

from __future__ import annotations

import signal
import sys
import termios
from contextlib import suppress
from typing import Any, Protocol, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from codeexec.tui.textual_ext.input_thread import SelectableEvent, read_keys
from codeexec.tui.textual_ext.terminal_replies import ReplyParser


class StartScreen(Protocol):
    """Owner of the terminal until Textual takes it over."""

    def give_up_screen(self) -> list[Any]:
        """Leave the screen to Textual; the mode of the terminal before the start, as termios."""

    def give_way(self) -> None:
        """Stop writing to the terminal."""


class Taker(Protocol):
    """The application that takes the terminal over."""

    def take_terminal(self) -> list[Any] | None: ...

    def take_screen(self) -> None: ...


class FollowingDriver(LinuxDriver):
    """Driver that does not enter the alternate screen again after the first frame."""

    _has_entered = False
    _mode_before: list[Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._terminal = _Lasting(_screen_file(cast("TextIO", self._file)))
        self._file = cast("Any", self._terminal)
        self.exit_event = self._input_ended = SelectableEvent()

    @property
    def _taker(self) -> Taker:
        return cast("Taker", self._app)

    def write(self, data: str) -> None:
        if data == "\x1b[?1049h" and not self._has_entered:
            self._has_entered = True
            self._mode_before = self._taker.take_terminal()
        else:
            super().write(data)

    def send_message(self, message: Message) -> None:
        """Textual makes a task for each key, which begins a turn of the loop later."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._app.post_message, message)

    def start_application_mode(self) -> None:
        # A second SIGCONT would run this again in the middle of it: two threads would read then.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})
        try:
            self._start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _start(self) -> None:
        # SIGCONT also comes after a SIGSTOP, which cannot be caught, and with the hang-up of a
        # terminal: the thread of before still reads then, and two would share out the keys.
        if self._key_thread is not None and self._key_thread.is_alive():
            self._input_ended.set()
            self._key_thread.join()
            self._input_ended.clear()
            # Its keyboard mode is popped once at the end. This is in a signal handler, which may
            # have interrupted the writing of the queue: not through that.
            self._terminal.write("\x1b[<u")
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def run_input_thread(self) -> None:
        read_keys(self.fileno, self._input_ended, ReplyParser(self._debug), self.process_message)

    def close(self) -> None:
        super().close()
        self._input_ended.close()
        # Textual also closes a driver that is only suspended, and starts it again.
        self.exit_event = self._input_ended = SelectableEvent()

    def suspend_application_mode(self) -> None:
        """Give the terminal to another program in the mode that it had before the first frame:
        what Textual met was no longer that, and a program that reads lines got none."""
        super().suspend_application_mode()
        if self._mode_before is not None:
            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self.fileno, termios.TCSANOW, self._mode_before)

    def stop_application_mode(self) -> None:
        self._taker.take_screen()
        super().stop_application_mode()


def _screen_file(stderr: TextIO) -> TextIO:
    """Where the screen is painted: Textual takes stderr, which a user may send to a file."""
    stdout = sys.__stdout__
    return stderr if stderr.isatty() or stdout is None or not stdout.isatty() else stdout


class _Lasting:
    """Output file that ignores write errors after the terminal has gone away.

    With an error, Textual's writer thread would end, and callers that write would block for ever.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()
