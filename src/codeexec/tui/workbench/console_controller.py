"""Requests of the console to other panes: sources, editing, displays, questions, history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from textual.message import Message
from textual.screen import Screen

from codeexec.documents.shown_name import shown_name
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.domain.requests import SearchHistory
from codeexec.tui.output.ipywidgets.board import model_of
from codeexec.tui.output.peek import OutputPeek
from codeexec.tui.panes.console.pane import ConsolePane
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import OutputTableRequested, ask
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.dialogs import Choice, Chooser
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.sources import source_path
from codeexec.tui.workbench.surface import Surface, WorkbenchState
from codeexec.tui.workbench.widget_controller import WidgetController

R = TypeVar("R")


class ConsoleController:
    """Leads from the console to documents, artifacts and back."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        panes: PaneSet,
        layout: LayoutController,
        screen: Screen[R],
        widgets: WidgetController,
    ) -> None:
        self._surface = surface
        self._state = state
        self._panes = panes
        self._console = panes.console
        self._documents = panes.documents
        self._layout = layout
        self._screen = screen
        self._widgets = widgets

    def actions(self) -> Mapping[str, Handler]:
        return {}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {
            ConsolePane.SourceRequested: InWorker(self.show_source),
            ConsolePane.EditRequested: InWorker(self.edit_card),
            OutputTableRequested: InWorker(self.open_table),
            ConsolePane.DisplayOpened: InWorker(self.open_display),
            ConsolePane.AnswerAwaited: self.lead_to_answer,
            ConsolePane.AnswerOver: self.go_back,
            ConsolePane.HistoryRequested: InWorker(self.search_history),
            DocumentsPane.FrameChosen: InWorker(self.show_source),
            DocumentsPane.DisplayChosen: InWorker(self.open_display),
            DocumentsPane.AnswerWanted: lambda _: self._layout.go("console"),
            OutputPeek.Clicked: self.go_to_console,
        }

    async def show_source(
        self, event: ConsolePane.SourceRequested | DocumentsPane.FrameChosen
    ) -> None:
        """Go to where a frame of a traceback is: a file, or the cell that ran."""
        frame = event.frame
        if frame.cell is None:
            await self.show_file(frame.path, frame.line - 1, max(frame.column - 1, 0))
            return
        views = self._state.snapshot.executions.values()
        cells = [view.cell for view in views if view.count == frame.cell and view.cell]
        cells = cells or self._documents.cells.counted(frame.cell)
        for sheet in self._documents.sheets:
            if cells and sheet.name_key == cells[-1].document:
                self._documents.front.bring(sheet)
                sheet.go_to(cells[-1].first_line + frame.line - 1)
                return
        self._surface.notify("That code was typed into the console.", timeout=3)

    async def show_file(self, name: str, line: int, column: int = 0) -> None:
        """Open a file that code or a program has named, at a line and a column from 0; the user is
        told where it is not there."""
        last, server = self._state.last, self._state.options.server
        if self._documents.elsewhere.machine:
            await self._show_file_elsewhere(name, line, column)
            return
        path = source_path(name, last.snapshot if last is not None else None)
        if server is not None:
            message = f"{name} is a file of {server.name}, not of this machine."
            self._surface.notify(message, severity="warning")
        elif path is None:
            message = f"{name} is a file of the container, not of this machine."
            self._surface.notify(message, severity="warning")
        elif not path.is_file():
            self._surface.notify(f"{name} is not on this machine.", severity="warning")
        elif await self._documents.opener.open(path, line, column) is not None:
            self._layout.go("editor")

    async def _show_file_elsewhere(self, name: str, line: int, column: int) -> None:
        """The same where another machine has the session's files."""
        try:
            path = self._documents.elsewhere.copy_of(name)
        except CodeexecError as error:
            self._surface.notify(str(error), severity="warning")
            return
        if await self._documents.opener.open(path, line, column) is not None:
            self._layout.go("editor")

    async def show_card(self, execution_id: str) -> None:
        """Go to the card of an execution, if it has one."""
        card = await self._console.card_of(execution_id)
        if card is not None:
            self._layout.go("console")
            self._console.view.focus()
            self._console.view.select(card)

    async def edit_card(self, event: ConsolePane.EditRequested) -> None:
        """Put the code of a card into the document in front."""
        await self.edit_code(event.code)

    async def edit_code(self, code: str) -> None:
        """Put code into the document in front, as a cell at its end."""
        sheet = self._documents.sheet
        if sheet is None:
            await self._documents.opener.new(code + "\n", self._state.place.folder)
        else:
            text = sheet.editor.text.rstrip("\n")
            cell = f"\n\n{sheet.document.marker} %%\n{code}\n" if text else code
            lines = sheet.editor.model.lines
            end = sheet.editor.model.cursor._replace(line=len(lines) - 1, column=len(lines[-1]))
            sheet.editor.perform(lambda model: model.edit([(end, end, cell)]))
            sheet.go_to(len(sheet.editor.model.lines) - 1)
        self._layout.go("editor")

    async def open_display(
        self, event: ConsolePane.DisplayOpened | DocumentsPane.DisplayChosen
    ) -> None:
        """Give the keys to a widget; show another display among the artifacts, or in another
        program."""
        if self._widgets.shows(event.display):
            await self._widgets.open(model_of(event.display))
            return
        artifacts = self._panes.artifacts
        if artifacts is None or not artifacts.select(event.display.key):
            return
        if isinstance(event, ConsolePane.DisplayOpened) and event.outside:
            artifacts.action_outside()
        else:
            self._layout.go("artifacts")

    async def open_table(self, event: OutputTableRequested) -> None:
        """Show the table of a variable in the place of the output that shows it; the code of a view
        goes into the editor."""
        from codeexec.tui.screens.tables.origins import VariableOrigin  # not at the start
        from codeexec.tui.screens.tables.table_screen import TableScreen

        view = event.view
        name, kernel = shown_name(view.code), self._state.snapshot.kernel_of(view)
        if all((each.name, each.kind) != (name, "table") for each in kernel.variables):
            self._surface.show_error(
                UsageError(
                    "This output shows no table of a variable.",
                    "End the cell with the name of a data frame.",
                )
            )
            return
        origin = VariableOrigin(self._state.session, name, view.kernel)
        code = await self._surface.ask_user(TableScreen(origin, event.place))
        if code is not None:
            await self.edit_code(code)

    def lead_to_answer(self, event: ConsolePane.AnswerAwaited) -> None:
        """Lead the user to the answer bar if their own run asks and they are not typing; else
        notify. Who only watches is not told: others answer."""
        if self._state.options.only_watches:
            return
        front, sheet = self._layout.here, self._documents.sheet
        if front == "console":
            if self._screen.focused is None:  # the bar of the question before was hidden
                self._console.focus_prompt()
            return
        writes = sheet is not None and sheet.is_written
        if event.origin == self._state.me and self._screen.is_current and not writes:
            self._layout.reveal("console")
            self._console.lead_to_answer(front)
        else:
            message = event.request.prompt.strip() or "input"
            self._surface.notify(message, title="⌨ A cell waits for your answer (F2)")

    def go_back(self, _: ConsolePane.AnswerOver) -> None:
        """The answer was given: the keys go back to the pane that had them."""
        if self._console.answer.waits:
            return  # the next question came in the meantime
        if pane := self._console.take_way_back():
            self._layout.go(pane)

    def go_to_console(self, event: OutputPeek.Clicked) -> None:
        event.stop()
        self._layout.go("console")

    async def search_history(self, _: ConsolePane.HistoryRequested) -> None:
        """Let the user choose code that was run before; it goes into the prompt."""
        history = await ask(self._surface, self._state.session, SearchHistory(limit=1000))
        if history is None:
            return
        choices = [
            Choice(str(number), entry.code.replace("\n", " ⏎ "))
            for number, entry in enumerate(history.entries)
        ]
        chosen = await self._surface.ask_user(Chooser("What was run before", choices))
        if chosen is not None:
            self._console.prompt.put(history.entries[int(chosen)].code)
        self._console.prompt.focus()

    def take_next_inputs(self, frame: Frame) -> None:
        """What code asks for as the next input goes into its cell or the prompt; what is typed
        there stays."""
        for offer in frame.offers:
            view = frame.view(offer.execution_id)
            if view is None or self._documents.cells.take_next_input(offer, view):
                continue
            prompt = self._console.prompt
            if prompt.text.strip():
                message = "It is not put into the prompt, where something is typed."
                self._surface.notify(message, title="The code offers a next input")
            else:
                prompt.put(offer.text.rstrip("\n"))
