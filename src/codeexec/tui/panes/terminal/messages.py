"""What the terminal pane asks of the workbench."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from codeexec.domain.terminals import TerminalView
from codeexec.tui.panes.terminal.places import FilePlace


@dataclass
class OpenRequested(Message):
    """Open another terminal."""


@dataclass
class TerminalCloseRequested(Message):
    """Close a terminal; a program that runs there is asked about."""

    terminal: TerminalView


@dataclass
class PlaceChosen(Message):
    """Go to a file that the output names; `folder` is the one that it is relative to."""

    place: FilePlace
    folder: str


@dataclass
class PictureChosen(Message):
    """Show a picture of the output among the artifacts."""

    artifact_id: str


@dataclass
class ProgramCopied(Message):
    """The program that has the keys puts text on the clipboard."""

    text: str


@dataclass
class TextSent(Message):
    """Put text into the editor or at the prompt of the console."""

    text: str
    target: Literal["editor", "console"]


@dataclass
class Left(Message):
    """Give the keys back to the editor."""
