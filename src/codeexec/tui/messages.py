"""Messages of screens to the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from codeexec.client.api import HostClient
    from codeexec.tui.options import OpenOptions


@dataclass
class ThemeChosen(Message):
    """Paint with this theme from now on."""

    key: str


@dataclass
class Attach(Message):
    """Show another session in place of this one; of another server, where `host` is one."""

    options: OpenOptions
    host: HostClient | None = None


@dataclass
class Depart(Message):
    """End the program, and print the message once the terminal is restored."""

    message: str
