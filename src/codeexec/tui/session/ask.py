"""Requests from panes to the session; errors are posted as messages and shown on screen."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget

from codeexec.client.api import SessionClient
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import Request
from codeexec.domain.snapshot import ExecutionView

R = TypeVar("R")


NO_DOCS = "No documentation here: the kernel does not know this name yet. Run its cell first."


@dataclass
class Failed(Message):
    """A request was refused or has failed."""

    error: CodeexecError


@dataclass
class CommandRequested(Message):
    """The user clicked a widget of a command; `command` is its id."""

    command: str


@dataclass
class NoticePosted(Message):
    """Short notice to the user, such as that something was copied."""

    message: str


@dataclass
class CopyRequested(Message):
    """Text for the clipboard; `label` names it in the confirmation."""

    text: str
    label: str = ""


@dataclass
class OutputTableRequested(Message):
    """Show the table of this execution's variable at a place, in cells of the screen."""

    view: ExecutionView
    place: Region


@dataclass
class SaveRequested(Message):
    """Request to write content to a file that the user chooses."""

    name: str
    data: bytes


@dataclass
class TitleNoted(Message):
    """Words for the right end of the title of a pane; empty: none."""

    pane: str
    words: str


def focus_now(widget: Widget) -> None:
    """Give a widget the keys at once, as what is typed next is meant for it; one that is not on
    screen yet has them as soon as it is."""
    screen = widget.screen
    screen.set_focus(widget)
    if screen.focused is not widget:
        widget.focus()


class Poster(Protocol):
    """A widget, or whatever else passes messages on to the screen."""

    def post_message(self, message: Message) -> bool: ...


async def ask(poster: Poster, session: SessionClient | None, request: Request[R]) -> R | None:
    """The reply; None after an error, which is posted as `Failed`."""
    return await ask_now(poster, session, request)


def ask_now(
    poster: Poster, session: SessionClient | None, request: Request[R]
) -> Coroutine[Any, Any, R | None]:
    """As `ask`, but the request is on its way before the coroutine begins."""
    return _reply_or_notice(poster, session.call(request) if session is not None else None)


async def _reply_or_notice(poster: Poster, reply: Coroutine[Any, Any, R] | None) -> R | None:
    if reply is None:
        return None
    try:
        return await reply
    except CodeexecError as error:
        poster.post_message(Failed(error))
        return None


async def ask_quietly(session: SessionClient | None, request: Request[R]) -> R | None:
    """As `ask`, for requests that the user did not make: an error is not shown."""
    if session is None:
        return None
    try:
        return await session.call(request)
    except CodeexecError:
        return None
