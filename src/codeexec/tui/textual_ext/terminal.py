"""The terminal of the application as an object: focus, clipboard, and control sequences."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import Screen

R = TypeVar("R")


class AppTerminal:
    """Terminal that the application of a screen runs in."""

    def __init__(self, screen: Screen[R]) -> None:
        self._screen = screen

    @property
    def has_focus(self) -> bool:
        """Whether the terminal is in focus, as far as it says so."""
        return self._screen.app.app_focus

    def copy(self, text: str) -> None:
        """Put text on the clipboard."""
        self._screen.app.copy_to_clipboard(text)

    def write(self, sequence: str) -> None:
        """Write a control sequence in order with the frames."""
        driver = self._screen.app._driver
        if sequence and driver is not None:
            driver.write(sequence)
