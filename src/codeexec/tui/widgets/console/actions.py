"""What can be done with a card: fold, copy, save, run again, cancel, search for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

from textual import on
from textual.message import Message
from textual.widget import Widget

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.outputs import iter_rows, plain
from codeexec.tui.link import CopyRequested, Said, SaveRequested, ask
from codeexec.tui.widgets.console.bars import SearchBar
from codeexec.tui.widgets.console.card import Card
from codeexec.tui.widgets.console.prompt import Prompt
from codeexec.tui.widgets.console.view import ConsoleView

R = TypeVar("R")

_CHUNK = 5000
"""Rows that are read at once when all of them are wanted."""


class CardActions(Widget):
    """The console pane's actions, by the names in the table of commands."""

    session: SessionClient | None
    view: ConsoleView
    prompt: Prompt
    search: SearchBar
    me: str
    _matches: tuple[q.RowMatch, ...] = ()
    _match = 0

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
        self.view.scroll_to(y=0, animate=False)

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
            self.post_message(Said("Nothing failed here."))
            return
        from codeexec.tui.render import traceback  # not at the start

        culprit = traceback.parse(card.view.error.traceback).culprit
        if culprit is not None:
            self.view.post_message(ConsoleView.FrameClicked(card.key, culprit))
        else:
            self.post_message(Said("It did not fail in code of yours."))

    def action_open_display(self) -> None:
        card = self.view.current
        if card is not None and card.view.displays:
            self.view.post_message(ConsoleView.CardOpened(card.view.displays[-1]))
        else:
            self.post_message(Said("Nothing to open here: it shows text alone."))

    # -- what is in a card ---------------------------------------------------------------------

    async def _text_of(self, card: Card) -> AsyncIterator[str]:
        """All rows of a card as plain text, a chunk at a time."""
        start = 0
        while start < card.view.total:
            request = q.ReadRows(card.key, start, _CHUNK, whole=True)
            found = await ask(self, self.session, request)
            if found is None or not found.runs:
                return
            lines = []
            for row in iter_rows(found.runs):
                if row.is_text:
                    lines.append(plain(row.text))
                elif row.error is not None:
                    lines.append(plain("\n".join(row.error.traceback) or row.error.name))
                elif row.display is not None and (part := row.display.part("text/plain")):
                    lines.append(part.text or "")
                start += 1
            yield "\n".join(lines)

    async def _whole(self, card: Card) -> str:
        return "\n".join([text async for text in self._text_of(card)])

    def action_copy_output(self) -> None:
        if card := self.view.current:
            self.run_worker(self._copy(card), group="copy", exclusive=True)

    async def _copy(self, card: Card) -> None:
        self.post_message(CopyRequested(await self._whole(card), f"{card.view.total:,} rows"))

    def action_copy_code(self) -> None:
        if card := self.view.current:
            self.post_message(CopyRequested(card.view.code, "The code"))

    def action_save_output(self) -> None:
        if card := self.view.current:
            self.run_worker(self._save(card), group="save", exclusive=True)

    async def _save(self, card: Card) -> None:
        name = f"output-{card.view.count or card.key}.txt"
        self.post_message(SaveRequested(name, (await self._whole(card)).encode()))

    def action_export(self) -> None:
        self.run_worker(self._export(), group="save", exclusive=True)

    async def _export(self) -> None:
        parts = []
        for card in self.view.deck:
            head = f"# [{card.view.count or ' '}] {card.view.status}"
            parts.append(f"{head}\n{card.view.code}\n\n{await self._whole(card)}\n")
        self.post_message(SaveRequested("session.txt", "\n".join(parts).encode()))

    # -- doing it again ------------------------------------------------------------------------

    def action_rerun(self) -> None:
        if card := self.view.current:
            request = q.Execute(card.view.code, origin=self.me, cell=card.view.cell)
            self.tell(request)
            self.view.select(None)
            self.view.go_to_end()

    def action_edit(self) -> None:
        if card := self.view.current:
            self.post_message(self.EditRequested(card.view.code))

    def action_cancel(self) -> None:
        card = self.view.current
        if card is not None and card.view.is_open:
            request = q.CancelExecution(card.key)
            self.tell(request)

    # -- search --------------------------------------------------------------------------------

    def action_search(self) -> None:
        self.search.open()

    def action_search_step(self, by: int) -> None:
        self._go_to_match(self._match + by)

    @on(SearchBar.Sought)
    def search_rows(self, event: SearchBar.Sought) -> None:
        event.stop()
        if event.pattern:
            self.run_worker(self._search(event.pattern), group="search", exclusive=True)
        else:
            self._matches = ()
            self.view.marked_row = None
            self.search.say("")
            self.view.focus()

    async def _search(self, pattern: str) -> None:
        found = await ask(self, self.session, q.SearchRows(pattern))
        if found is not None:
            shown = self.view.deck.get
            self._matches = tuple(m for m in found.matches if shown(m.execution_id) is not None)
            self._go_to_match(len(self._matches) - 1)
            if not found.complete:
                self.post_message(Said(f"Only the first {len(found.matches):,} matches are shown."))

    @on(SearchBar.Stepped)
    def step_search(self, event: SearchBar.Stepped) -> None:
        event.stop()
        self.action_search_step(event.by)

    def _go_to_match(self, at: int) -> None:
        if not self._matches:
            self.search.say("nothing found")
            self.view.marked_row = None
            return
        self._match = at % len(self._matches)
        match = self._matches[self._match]
        card = self.view.deck.get(match.execution_id)
        if card is not None:
            self.search.say(f"{self._match + 1:,} of {len(self._matches):,}")
            self.view.marked_row = (match.execution_id, match.row)
            self.view.reveal(card, match.row)
