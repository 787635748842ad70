"""Asking the session from a pane: one place where what goes wrong becomes words on screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from textual.message import Message
from textual.widget import Widget

from codeexec.client.api import SessionClient
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import Request

R = TypeVar("R")


@dataclass
class Failed(Message):
    """Something that was asked for was refused or could not be done."""

    error: CodeexecError


@dataclass
class CommandRequested(Message):
    """Something that stands for a command was clicked; `command` is its id."""

    command: str


@dataclass
class Said(Message):
    """A quiet word to the person, such as that something was copied."""

    words: str


@dataclass
class CopyRequested(Message):
    """Text for the clipboard; `what` says in words what it is."""

    text: str
    what: str = ""


@dataclass
class SaveRequested(Message):
    """Content that is to be written to a file of the person's choice."""

    name: str
    data: bytes


def focus_now(widget: Widget) -> None:
    """Give a widget the keys at once, as what is typed next is meant for it; one that is not on
    screen yet has them as soon as it is."""
    screen = widget.screen
    screen.set_focus(widget)
    if screen.focused is not widget:
        widget.focus()


async def ask(widget: Widget, session: SessionClient | None, request: Request[R]) -> R | None:
    """The answer, or None after having posted why there is none."""
    if session is None:
        return None
    try:
        return await session.call(request)
    except CodeexecError as error:
        widget.post_message(Failed(error))
        return None


async def ask_quietly(session: SessionClient | None, request: Request[R]) -> R | None:
    """As `ask`, for requests that the user did not make: an error is not shown."""
    if session is None:
        return None
    try:
        return await session.call(request)
    except CodeexecError:
        return None
