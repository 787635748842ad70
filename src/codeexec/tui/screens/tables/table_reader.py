"""Questions of the table screen about its table; what goes on meanwhile is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.tui.screens.tables.origins import TableOrigin
from codeexec.tui.screens.tables.table_view import ViewState

POLL = 0.2
"""Seconds between two looks at what the kernel computes in the background."""


class TableReader:
    """Asks about one table. `on_working` is called with what goes on in the background, and with an
    empty text when it is done."""

    def __init__(
        self,
        origin: TableOrigin,
        view: ViewState,
        on_working: Callable[[str], None],
        on_partial: Callable[[], object],
        on_asked: Callable[[str, bool], None],
    ) -> None:
        """`on_partial` is called when rows came that are to be read again once work is done.
        `on_asked` is called with what takes long and waits for the user, empty where nothing
        does, and whether no rows come before that."""
        self._origin = origin
        self._view = view
        self._on_working = on_working
        self._on_partial = on_partial
        self._on_asked = on_asked
        self.note = ""
        """What is said of the rows that were read last."""

    async def ask(
        self, question: q.TableQuestion, view: q.TableView | None = None
    ) -> q.TableAnswer:
        """The answer as it is now."""
        view = self._view.request() if view is None else view
        return await self._origin.ask(question, view)

    async def ask_to_end(self, question: q.TableQuestion) -> q.TableAnswer:
        """The answer when it is worked out. UsageError where there is none."""
        view = self._view.request()
        try:
            while True:
                answer = await self.ask(question, view)
                if isinstance(question, q.FindValue) and answer.working and answer.row >= 0:
                    question = replace(question, row=answer.row, column=answer.column)
                self._on_working(answer.working)
                if not answer.working or answer.fault:
                    break
                await asyncio.sleep(POLL)
        finally:
            self._on_working("")
        if answer.fault:
            raise UsageError(answer.fault)
        if answer.asks and answer.page is None:
            raise UsageError(f"{answer.asks}.", "Enter in the table begins it.")
        return answer

    async def read(self, start: int, count: int, sort: str, descending: bool) -> q.TablePage:
        """Rows for the table, in the view's own order."""
        while True:
            answer = await self.ask(q.TableRows(start, count))
            self._on_working("" if answer.fault else answer.working)
            if answer.fault:
                raise UsageError(answer.fault)
            self.note = answer.note
            self._on_asked(answer.asks, answer.page is None)
            if answer.page is not None:
                break
            await asyncio.sleep(POLL)
        if answer.working:
            self._on_partial()
        return self._view.arranged(answer.page)
