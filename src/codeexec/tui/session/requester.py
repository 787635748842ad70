"""Requests of the parts of a pane to the session that the pane shows."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from textual.message import Message
from textual.widget import Widget

from codeexec.client.api import SessionClient
from codeexec.domain.requests import Request
from codeexec.tui.session.ask import ask, ask_now, ask_quietly

R = TypeVar("R")


class Requester:
    """`widget` posts the messages and runs the work; it has no session until `connect`."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self.session: SessionClient | None = None

    def connect(self, session: SessionClient) -> None:
        """Ask this session from now on."""
        self.session = session

    async def ask(self, request: Request[R]) -> R | None:
        """The reply; None after an error, which is shown."""
        return await ask(self._widget, self.session, request)

    async def ask_quietly(self, request: Request[R]) -> R | None:
        """The reply to a request that the user did not make: an error is not shown."""
        return await ask_quietly(self.session, request)

    def ask_now(self, request: Request[R]) -> Coroutine[Any, Any, R | None]:
        """Ask before anything else is done; the coroutine waits for the reply as `ask` does."""
        return ask_now(self._widget, self.session, request)

    def send(self, request: Request[R]) -> None:
        """Ask in the background; only an error is shown."""
        self.run(self.ask(request), "send")

    def post(self, message: Message) -> None:
        self._widget.post_message(message)

    def run(self, work: Coroutine[Any, Any, Any], group: str, *, exclusive: bool = False) -> None:
        """Work in the background; `exclusive` cancels what is left of the same group."""
        self._widget.run_worker(work, group=group, exclusive=exclusive)

    def cancel(self, group: str) -> None:
        self._widget.workers.cancel_group(self._widget, group)
