"""What screens ask of the program itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from codeexec.tui.options import OpenOptions


@dataclass
class ThemeChosen(Message):
    """Paint with this theme from now on."""

    key: str


@dataclass
class Attach(Message):
    """Show another session in place of this one."""

    options: OpenOptions


@dataclass
class Depart(Message):
    """End the program, and say these words once the terminal is back."""

    words: str
