"""Textual's terminal driver, adapted to a first frame that owns the terminal at the start, and to a
terminal that goes away."""

from __future__ import annotations

import termios
from contextlib import suppress
from typing import Any, Protocol, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver

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
        self._file = cast("Any", _Lasting(cast("TextIO", self._file)))
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
