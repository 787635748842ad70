"""The terminals of a session, loaded when the first one is wanted, so that a start is fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from codeexec.domain import requests as q
from codeexec.domain.places.backends import LOCAL
from codeexec.session.storage.event_log import EventLog

if TYPE_CHECKING:
    from codeexec.session.terminals.registry import SessionTerminals
    from codeexec.session.terminals.terminal import SessionTerminal


class LazyTerminals:
    """See `SessionTerminals`."""

    def __init__(
        self, recorder: EventLog, make: Callable[[type[SessionTerminals]], SessionTerminals]
    ) -> None:
        """`make` is called once with the class, as soon as that is loaded."""
        self._recorder = recorder
        self._make_terminals = make
        self._made: SessionTerminals | None = None

    def _make(self) -> SessionTerminals:
        if self._made is None:
            from codeexec.session.terminals.registry import SessionTerminals

            self._made = self._make_terminals(SessionTerminals)
        return self._made

    async def answer(self, request: q.TerminalRequest, client: q.ClientInfo | None) -> q.Reply:
        """See each request for its errors."""
        return await self._make().answer(request, client)

    async def adopted(self) -> None:
        """Wait until the terminals of a server before us have been taken up."""
        if self._made is not None:
            await self._made.adopted()

    def adopt(self) -> None:
        """Take up the terminals that a server before us has left, in the background."""
        if self._recorder.snapshot.terminals:
            self._make().adopt()

    async def find(self, terminal_id: str) -> SessionTerminal:
        """A terminal that was opened, for clients that read its output as it is. NotFound."""
        terminals = self._make()
        await terminals.adopted()
        return terminals.find(terminal_id)

    async def end_idle(self, limit: float) -> None:
        """End shells in which nothing runs and that were not used for `limit` seconds."""
        if self._made is not None:
            await self._made.end_idle(limit)

    def forget_client(self, client: q.ClientInfo) -> None:
        """The connection of a client has ended: it shows no terminal any more."""
        if self._made is not None:
            self._made.forget_client(client)

    @property
    def are_contained(self) -> bool:
        """Whether a program runs in a terminal of the session's container."""
        views = self._recorder.snapshot.terminals.values()
        return any(view.state == "running" and view.place != LOCAL for view in views)

    async def finish(self, *, keep: bool) -> None:
        """The session is closed, or (`keep`) left to the next server."""
        if self._made is not None:
            await self._made.finish(keep=keep)
