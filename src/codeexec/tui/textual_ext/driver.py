"""The terminal as Textual drives it, after a first frame that has had it, and when it goes away."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver


class StartScreen(Protocol):
    """What has had the terminal until now."""

    def give_up_screen(self) -> None:
        """It is ours to leave."""

    def give_way(self) -> None:
        """We write to it: nobody else does any more."""


class Taker(Protocol):
    """The program that takes the terminal over."""

    def take_terminal(self) -> None: ...

    def take_screen(self) -> None: ...


class FollowingDriver(LinuxDriver):
    """The terminal is not cleared once more by entering its other screen, where we are already."""

    _has_entered = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._file = cast("Any", _Lasting(cast("TextIO", self._file)))

    @property
    def _taker(self) -> Taker:
        return cast("Taker", self._app)

    def write(self, data: str) -> None:
        if data == "\x1b[?1049h" and not self._has_entered:
            self._has_entered = True
            self._taker.take_terminal()
        else:
            super().write(data)

    def stop_application_mode(self) -> None:
        self._taker.take_screen()
        super().stop_application_mode()


class _Lasting:
    """A file that may go away: what is written then is nobody's. Else Textual's thread that
    writes would end, and whoever has something to write would wait for it for ever."""

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
