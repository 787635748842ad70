"""Reads executions that have no card, or whose card is out of date."""

from __future__ import annotations

from collections.abc import AsyncIterator

from codeexec.domain import requests as q
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.panes.console.cards.card import Card
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.session.requester import Requester

_PAGE = 50
"""Executions that are read at once."""


class ExecutionReader:
    """Gives the view what it reads."""

    def __init__(self, requester: Requester, view: ConsoleView) -> None:
        self._requester = requester
        self._view = view

    def load(self, message: ConsoleView.ExecutionsRequested | ConsoleView.ExecutionStale) -> None:
        """Read in the background what the view misses."""
        if isinstance(message, ConsoleView.ExecutionsRequested):
            self._requester.run(self.read_before(message.before), "executions")
        else:
            self._requester.run(self._read_again(message.execution_id), "executions")

    async def read_before(self, number: int) -> None:
        """Read the executions right before this number."""
        request = q.ListExecutions(before=number, limit=_PAGE)
        reply = await self._requester.ask_quietly(request)
        if reply is None:
            self._view.give_up_executions()
        else:
            self._view.take_executions(reply.executions, reply.more, number)

    async def read_first(self) -> None:
        """Read the first executions of the session, if a card above may be missing."""
        if any(card.gap for card in self._view.card_list):
            await self.read_before(_PAGE + 1)

    async def _read_again(self, execution_id: str) -> None:
        reply = await self._requester.ask_quietly(q.ReadExecution(execution_id))
        if reply is not None:
            self._view.refresh_execution(reply.execution)

    async def card_of(self, execution_id: str) -> Card | None:
        """The card of an execution, read where it is not in hand; None for a silent one."""
        card = self._view.card_list.get(execution_id)
        if card is not None:
            return card
        reply = await self._requester.ask_quietly(q.ReadExecution(execution_id))
        if reply is None or reply.execution.options.silent:
            return None
        await self.read_before(reply.execution.number + 1)
        return self._view.card_list.get(execution_id)

    async def every(self) -> AsyncIterator[ExecutionView]:
        """All executions of the session up to the last card, also those without a card."""
        cards = self._view.card_list.cards
        last = cards[-1].view.number if cards else 0
        at = 0
        while at < last:
            # Numbers of silent executions are passed over, so that a page may hold less.
            page = q.ListExecutions(before=at + _PAGE + 1, limit=_PAGE)
            reply = await self._requester.ask(page)
            if reply is None:
                return
            for view in reply.executions:
                if at < view.number <= last:
                    yield view
            at += _PAGE
