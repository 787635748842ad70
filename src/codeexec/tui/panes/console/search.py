"""Search in the code and output of all executions, and the way from match to match."""

from __future__ import annotations

import asyncio

from codeexec.domain import requests as q
from codeexec.tui.panes.console.executions import ExecutionReader
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.session.ask import NoticePosted
from codeexec.tui.session.requester import Requester
from codeexec.tui.widgets.search_bar import SearchBar

_TYPING = 0.1
"""Seconds without another key after which the pattern in the search field is looked for."""


class OutputSearch:
    """Acts on the search bar, and marks matches in the view."""

    def __init__(
        self, requester: Requester, bar: SearchBar, view: ConsoleView, executions: ExecutionReader
    ) -> None:
        self._requester = requester
        self._bar = bar
        self._view = view
        self._executions = executions
        self._matches: tuple[q.RowMatch, ...] = ()
        self._match = 0
        self._pattern = ""

    def open(self) -> None:
        self._bar.open()

    def follow(self, message: SearchBar.Sought | SearchBar.Stepped | SearchBar.Closed) -> None:
        """Do what the user does in the bar."""
        match message:
            case SearchBar.Sought():
                self._look_for(message.pattern, at_once=message.at_once)
            case SearchBar.Stepped():
                if self._matches:
                    self.step(message.by)
            case SearchBar.Closed():
                self._requester.cancel("search")
                self._forget()
                self._view.focus()

    def step(self, by: int) -> None:
        """Go to another match."""
        self._go_to(self._match + by)

    def _look_for(self, pattern: str, *, at_once: bool) -> None:
        if at_once and pattern == self._pattern:
            return  # it has been looked for while it was typed
        self._forget()
        self._pattern = pattern
        wait = 0.0 if at_once else _TYPING
        self._requester.run(self.search(pattern, wait), "search", exclusive=True)

    def _forget(self) -> None:
        self._matches, self._match, self._pattern = (), 0, ""
        self._view.cursor.marked_row = None
        self._view.refresh()
        self._bar.say("")

    async def search(self, pattern: str, wait: float = 0.0) -> None:
        """Show the last match of a pattern, after `wait` seconds."""
        if not pattern:
            return
        await asyncio.sleep(wait)
        reply = await self._requester.ask(q.SearchRows(pattern, code=True))
        if reply is None:
            return
        self._matches = reply.matches
        self._go_to(len(self._matches) - 1)
        if not reply.complete:
            notice = f"Only the first {len(reply.matches):,} matches are shown."
            self._requester.post(NoticePosted(notice))

    def _go_to(self, at: int) -> None:
        if not self._matches:
            self._bar.say("nothing found")
            self._view.cursor.marked_row = None
            return
        step = -1 if at < self._match else 1
        self._match = at % len(self._matches)
        self._requester.run(self._show_match(step), "match", exclusive=True)

    async def _show_match(self, step: int) -> None:
        """Show the match in turn; matches of executions that are not shown are dropped."""
        while self._matches:
            self._match %= len(self._matches)
            match = self._matches[self._match]
            card = await self._executions.card_of(match.execution_id)
            if card is not None:
                self._bar.say(f"{self._match + 1:,} of {len(self._matches):,}")
                self._view.mark(card, match.row, match.part)
                return
            missing_id = match.execution_id
            self._matches = tuple(m for m in self._matches if m.execution_id != missing_id)
            self._match = min(self._match, len(self._matches)) - (step < 0)
        self._go_to(0)
