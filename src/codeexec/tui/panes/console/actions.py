"""Actions on cards, by the names in the table of commands."""

from __future__ import annotations

from codeexec.domain import requests as q
from codeexec.domain.options import ExecuteOptions
from codeexec.tui.panes.console.executions import ExecutionReader
from codeexec.tui.panes.console.export import OutputExport
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.panes.console.prompt.prompt import Prompt
from codeexec.tui.panes.console.search import OutputSearch
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.session.ask import CopyRequested, NoticePosted, OutputTableRequested
from codeexec.tui.session.requester import Requester


class CardActions:
    """Most act on the selected card, or the last. `me` is the name of this client."""

    def __init__(
        self,
        requester: Requester,
        view: ConsoleView,
        prompt: Prompt,
        executions: ExecutionReader,
        search: OutputSearch,
        me: str,
    ) -> None:
        self._requester = requester
        self._view = view
        self._prompt = prompt
        self._executions = executions
        self._search = search
        self.text = OutputExport(requester, executions)
        self._me = me

    # -- moving about --------------------------------------------------------------------------

    def step(self, by: int) -> None:
        self._view.step(by)

    def end(self) -> None:
        self._view.select(None)
        self._view.go_to_end()

    def top(self) -> None:
        self._requester.run(self._go_to_top(), "top", exclusive=True)

    async def _go_to_top(self) -> None:
        """To the first execution of the session, which may have to be read."""
        await self._executions.read_first()
        self._view.scroll_to(y=0, animate=False)

    def sideways(self, columns: int) -> None:
        self._view.scroll_sideways(columns)

    def prompt(self) -> None:
        self.end()
        self._prompt.focus()

    def search(self) -> None:
        self._search.open()

    def search_step(self, by: int) -> None:
        self._search.step(by)

    # -- what a card shows ---------------------------------------------------------------------

    def fold(self) -> None:
        if card := self._view.cursor.current:
            self._view.toggle_fold(card)

    def enter(self) -> None:
        """What Enter does: open a program that uses the whole screen in a terminal, or fold."""
        card = self._view.cursor.current
        if card is not None and card.offers_terminal:
            self._requester.post(ConsoleMessages.TerminalRequested(card.view))
        else:
            self.fold()

    def fold_code(self) -> None:
        if card := self._view.cursor.current:
            self._view.toggle_code(card)

    def frames(self) -> None:
        if card := self._view.cursor.current:
            self._view.toggle_frames(card)

    def source(self) -> None:
        card = self._view.cursor.current
        if card is None or (card.view.error is None and not card.view.steps):
            self._requester.post(NoticePosted("Nothing failed here."))
            return
        from codeexec.tui.render import reports, traceback  # not at the start

        rows = traceback.rows_of_failure(card.view)
        culprit = traceback.parse(rows, own_cell=card.view.count).culprit
        culprit = culprit or reports.first_error(card.view)
        if culprit is not None:
            self._requester.post(ConsoleMessages.SourceRequested(culprit))
        else:
            self._requester.post(NoticePosted("It did not fail in code of yours."))

    def open_display(self, *, outside: bool = False) -> None:
        card = self._view.cursor.current
        if card is not None and card.view.displays:
            display = card.view.displays[-1]
            self._requester.post(ConsoleMessages.DisplayOpened(display, outside))
        else:
            self._requester.post(NoticePosted("Nothing to open here: it shows text alone."))

    def open_table(self) -> None:
        if card := self._view.cursor.current:
            place = self._view.output_place(card)
            self._requester.post(OutputTableRequested(card.view, place))

    def outside(self) -> None:
        self.open_display(outside=True)

    def browse(self) -> None:
        card = self._view.cursor.current
        if card is not None and not card.queue:
            self._requester.post(ConsoleMessages.BrowserRequested(card.key))
        else:
            self._requester.post(NoticePosted("Nothing to show: it has not run yet."))

    # -- its text ------------------------------------------------------------------------------

    def copy_output(self) -> None:
        if card := self._view.cursor.current:
            self._requester.run(self.text.copy(card.view), "copy", exclusive=True)

    def copy_code(self) -> None:
        if card := self._view.cursor.current:
            self._requester.post(CopyRequested(card.view.code, "The code"))

    def save_output(self) -> None:
        if card := self._view.cursor.current:
            self._requester.run(self.text.save(card.view), "save", exclusive=True)

    def export(self) -> None:
        self._requester.run(self.text.save_all(), "save", exclusive=True)

    # -- its execution -------------------------------------------------------------------------

    def rerun(self) -> None:
        if card := self._view.cursor.current:
            view = card.view
            options = ExecuteOptions(kernel=view.options.kernel)
            request = q.Execute(view.code, origin=self._me, cell=view.cell, options=options)
            self._requester.send(request)
            self.end()

    def edit(self) -> None:
        if card := self._view.cursor.current:
            self._requester.post(ConsoleMessages.EditRequested(card.view.code))

    def cancel(self) -> None:
        card = self._view.cursor.current
        if card is not None and card.queue:
            self._requester.send(q.ClearQueue())
        elif card is not None and card.view.is_open:
            self._requester.send(q.CancelExecution(card.key))
