"""Actions on a card: fold, copy, save, run again, cancel, search."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

from textual import on
from textual.message import Message
from textual.widget import Widget

from codeexec.client.api import SessionClient
from codeexec.client.output import read_pages
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import Runs, iter_rows, plain
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.printable import printable_row
from codeexec.tui.panes.console.bars import SearchBar
from codeexec.tui.panes.console.card import Card
from codeexec.tui.panes.console.prompt import Prompt
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.render.counts import counted
from codeexec.tui.session.ask import (
    CopyRequested,
    Failed,
    NoticePosted,
    SaveRequested,
    ask,
    ask_quietly,
)
from codeexec.tui.session.stored_outputs import is_stored

R = TypeVar("R")

_PAGE = 50
"""Executions that are read at once."""

_TYPING = 0.1
"""Seconds without another key after which the pattern in the search field is looked for."""


class CardActions(Widget):
    """The console pane's actions, by the names in the table of commands."""

    session: SessionClient | None
    view: ConsoleView
    prompt: Prompt
    search: SearchBar
    me: str
    _matches: tuple[q.RowMatch, ...] = ()
    _match = 0
    _sought = ""

    @dataclass
    class EditRequested(Message):
        """Put this code into the editor."""

        code: str

    def tell(self, request: q.Request[R]) -> None:
        """Ask, and wait in the background; only a refusal is heard of again."""

        async def asked() -> None:
            await ask(self, self.session, request)

        self.run_worker(asked(), group="tell")

    # -- moving about --------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        self.view.step(by)

    def action_end(self) -> None:
        self.view.select(None)
        self.view.go_to_end()

    def action_top(self) -> None:
        self.run_worker(self._go_to_top(), group="top", exclusive=True)

    async def _go_to_top(self) -> None:
        """To the first execution of the session, which may have to be read."""
        cards = self.view.card_list.cards
        if any(card.gap for card in cards):
            await self.read_before(_PAGE + 1)
        self.view.scroll_to(y=0, animate=False)

    async def read_before(self, number: int) -> None:
        """Read the executions right before this number."""
        reply = await ask_quietly(self.session, q.ListExecutions(before=number, limit=_PAGE))
        if reply is None:
            self.view.give_up_executions()
        else:
            self.view.take_executions(reply.executions, reply.more, number)

    async def card_of(self, execution_id: str) -> Card | None:
        """The card of an execution, read where it is not in hand; None for a silent one."""
        card = self.view.card_list.get(execution_id)
        if card is not None:
            return card
        reply = await ask_quietly(self.session, q.ReadExecution(execution_id))
        if reply is None or reply.execution.options.silent:
            return None
        await self.read_before(reply.execution.number + 1)
        return self.view.card_list.get(execution_id)

    def action_sideways(self, columns: int) -> None:
        self.view.scroll_sideways(columns)

    def action_prompt(self) -> None:
        self.view.select(None)
        self.view.go_to_end()
        self.prompt.focus()

    def action_fold(self) -> None:
        if card := self.view.current:
            self.view.toggle_fold(card)

    def action_fold_code(self) -> None:
        if card := self.view.current:
            self.view.toggle_code(card)

    def action_frames(self) -> None:
        if card := self.view.current:
            self.view.toggle_frames(card)

    def action_source(self) -> None:
        card = self.view.current
        if card is None or card.view.error is None:
            self.post_message(NoticePosted("Nothing failed here."))
            return
        from codeexec.tui.render import traceback  # not at the start

        rows = traceback.rows_of_failure(card.view)
        culprit = traceback.parse(rows, own_cell=card.view.count).culprit
        if culprit is not None:
            self.view.post_message(ConsoleView.FrameClicked(card.key, culprit))
        else:
            self.post_message(NoticePosted("It did not fail in code of yours."))

    def action_open_display(self) -> None:
        self._open_display(outside=False)

    def action_outside(self) -> None:
        self._open_display(outside=True)

    def _open_display(self, *, outside: bool) -> None:
        card = self.view.current
        if card is not None and card.view.displays:
            self.view.post_message(ConsoleView.CardOpened(card.view.displays[-1], outside))
        else:
            self.post_message(NoticePosted("Nothing to open here: it shows text alone."))

    # -- what is in a card ---------------------------------------------------------------------

    async def _text_of(self, view: ExecutionView) -> AsyncIterator[str]:
        """All rows of an execution as plain text, a chunk at a time."""
        if is_stored(view.execution_id):  # the session has none of it, and the view has all
            yield _plain_text(view.tail)
        elif self.session is not None:
            try:
                async for runs in read_pages(self.session, view.execution_id):
                    yield _plain_text(runs)
            except CodeexecError as error:
                self.post_message(Failed(error))

    async def _whole(self, view: ExecutionView) -> str:
        return "\n".join([text async for text in self._text_of(view)])

    def action_copy_output(self) -> None:
        if card := self.view.current:
            self.run_worker(self._copy(card), group="copy", exclusive=True)

    async def _copy(self, card: Card) -> None:
        self.post_message(
            CopyRequested(await self._whole(card.view), counted(card.view.total, "row"))
        )

    def action_copy_code(self) -> None:
        if card := self.view.current:
            self.post_message(CopyRequested(card.view.code, "The code"))

    def action_save_output(self) -> None:
        if card := self.view.current:
            self.run_worker(self._save(card), group="save", exclusive=True)

    async def _save(self, card: Card) -> None:
        name = f"output-{card.view.count or card.key}.txt"
        self.post_message(SaveRequested(name, _as_file(await self._whole(card.view))))

    def action_export(self) -> None:
        self.run_worker(self._export(), group="save", exclusive=True)

    async def _export(self) -> None:
        parts = []
        async for view in self._all():
            head = f"# [{view.count or ' '}] {view.status}"
            parts.append(f"{head}\n{view.code}\n\n{await self._whole(view)}\n")
        self.post_message(SaveRequested("session.txt", _as_file("\n".join(parts))))

    async def _all(self) -> AsyncIterator[ExecutionView]:
        """All executions of the session up to the last card, also those without a card."""
        cards = self.view.card_list.cards
        last = cards[-1].view.number if cards else 0
        at = 0
        while at < last:
            # Numbers of silent executions are passed over, so that a page may hold less.
            page = q.ListExecutions(before=at + _PAGE + 1, limit=_PAGE)
            reply = await ask(self, self.session, page)
            if reply is None:
                return
            for view in reply.executions:
                if at < view.number <= last:
                    yield view
            at += _PAGE

    # -- doing it again ------------------------------------------------------------------------

    def action_rerun(self) -> None:
        if card := self.view.current:
            view = card.view
            options = ExecuteOptions(kernel=view.options.kernel)
            request = q.Execute(view.code, origin=self.me, cell=view.cell, options=options)
            self.tell(request)
            self.view.select(None)
            self.view.go_to_end()

    def action_edit(self) -> None:
        if card := self.view.current:
            self.post_message(self.EditRequested(card.view.code))

    def action_cancel(self) -> None:
        card = self.view.current
        if card is not None and card.queue:
            self.tell(q.ClearQueue())
        elif card is not None and card.view.is_open:
            self.tell(q.CancelExecution(card.key))

    # -- search --------------------------------------------------------------------------------

    def action_search(self) -> None:
        self.search.open()

    def action_search_step(self, by: int) -> None:
        self._go_to_match(self._match + by)

    @on(SearchBar.Sought)
    def search_rows(self, event: SearchBar.Sought) -> None:
        event.stop()
        if event.at_once and event.pattern == self._sought:
            return  # it has been looked for while it was typed
        self._forget_matches()
        self._sought = event.pattern
        wait = 0.0 if event.at_once else _TYPING
        self.run_worker(self._search(event.pattern, wait), group="search", exclusive=True)

    @on(SearchBar.Closed)
    def end_search(self, event: SearchBar.Closed) -> None:
        event.stop()
        self.workers.cancel_group(self, "search")
        self._forget_matches()
        self.view.focus()

    def _forget_matches(self) -> None:
        self._matches, self._match, self._sought = (), 0, ""
        self.view.marked_row = None
        self.view.refresh()
        self.search.say("")

    async def _search(self, pattern: str, wait: float = 0.0) -> None:
        if not pattern:
            return
        await asyncio.sleep(wait)
        reply = await ask(self, self.session, q.SearchRows(pattern, code=True))
        if reply is not None:
            self._matches = reply.matches
            self._go_to_match(len(self._matches) - 1)
            if not reply.complete:
                self.post_message(
                    NoticePosted(f"Only the first {len(reply.matches):,} matches are shown.")
                )

    @on(SearchBar.Stepped)
    def step_search(self, event: SearchBar.Stepped) -> None:
        event.stop()
        if self._matches:
            self.action_search_step(event.by)

    def _go_to_match(self, at: int) -> None:
        if not self._matches:
            self.search.say("nothing found")
            self.view.marked_row = None
            return
        step = -1 if at < self._match else 1
        self._match = at % len(self._matches)
        self.run_worker(self._show_match(step), group="match", exclusive=True)

    async def _show_match(self, step: int) -> None:
        """Show the match in turn; matches of executions that are not shown are dropped."""
        while self._matches:
            self._match %= len(self._matches)
            match = self._matches[self._match]
            card = self.view.card_list.get(match.execution_id) or await self.card_of(
                match.execution_id
            )
            if card is not None:
                self.search.say(f"{self._match + 1:,} of {len(self._matches):,}")
                self.view.mark(card, match.row, match.part)
                return
            missing_id = match.execution_id
            self._matches = tuple(m for m in self._matches if m.execution_id != missing_id)
            self._match = min(self._match, len(self._matches)) - (step < 0)
        self._go_to_match(0)


def _as_file(text: str) -> bytes:
    """Output as text for a file to be viewed in a terminal."""
    return printable_row(text).encode("utf-8", "replace")


def _plain_text(runs: Runs) -> str:
    """Rows as plain text; of a display what it says as text."""
    lines: list[str] = []
    for row in iter_rows(runs):
        if row.is_text:
            lines.append(plain(row.text))
        elif row.error is not None:
            lines.append(plain("\n".join(row.error.traceback) or row.error.name))
        elif row.display is not None and (part := row.display.part("text/plain")):
            lines.append(part.text or "")
    return "\n".join(lines)
