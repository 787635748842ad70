"""The editor pane: opens, saves and closes documents in tabs, and runs their cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical

from codeexec.config.model import Editor as Habits
from codeexec.documents.swap import SwapStore
from codeexec.tui.commands.keymap import key_words
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.panes.documents.banner import Banner
from codeexec.tui.panes.documents.cells.diagnostics import DiagnosticsChanged
from codeexec.tui.panes.documents.cells.following import CellFollower
from codeexec.tui.panes.documents.cells.output_saving import OutputSaver
from codeexec.tui.panes.documents.cells.problems import ProblemList
from codeexec.tui.panes.documents.cells.questions import KernelQuestions
from codeexec.tui.panes.documents.cells.run_controller import RunController
from codeexec.tui.panes.documents.cells.stored_outputs import StoredOutputs
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.files.autosave import Autosave
from codeexec.tui.panes.documents.files.closing import DocumentCloser
from codeexec.tui.panes.documents.files.disk_changes import DiskChanges
from codeexec.tui.panes.documents.files.elsewhere import FilesElsewhere
from codeexec.tui.panes.documents.files.opening import DocumentOpener
from codeexec.tui.panes.documents.files.saving import DocumentSaver
from codeexec.tui.panes.documents.files.watching import LOOK_EVERY, DocumentWatch
from codeexec.tui.panes.documents.front import FrontDocument
from codeexec.tui.panes.documents.going import cell_places, symbol_places
from codeexec.tui.panes.documents.linting.linter import Linter
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.panes.documents.page.pages import Pages
from codeexec.tui.panes.documents.programs.controller import ProgramsController
from codeexec.tui.panes.documents.shared_view import SharedView
from codeexec.tui.panes.documents.split.halves import HalvesController
from codeexec.tui.panes.documents.split.splitting import Splitting
from codeexec.tui.panes.documents.split.stage import Stage
from codeexec.tui.panes.documents.view import DocumentEditor, ViewTitle
from codeexec.tui.panes.documents.welcome import Welcome
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.session.ask import CommandRequested, CopyRequested
from codeexec.tui.session.feed import Frame
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.chrome import TabStrip

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


def build(context: BuildContext) -> DocumentsPane:
    pane = DocumentsPane(context.theme, context.swaps, context.me)
    pane.pages.graphics = context.graphics
    return pane


class DocumentsPane(DocumentMessages, Vertical):
    """Makes the controllers, and passes messages of its widgets to them. What the user has to
    decide is posted; the screen asks, and calls back."""

    def __init__(
        self, theme: Theme, swaps: SwapStore | None = None, me: str = "", id: str = "editor"
    ) -> None:
        """`me` is the name of this client; `swaps` stores unsaved text."""
        super().__init__(id=id)
        context = self.context = PaneContext(theme, me)
        self.tabs = TabStrip(theme, id="editor-tabs")
        self.stage = Stage(theme, "welcome", id="sheets")
        documents = self._documents = DocumentList(self, self.stage, self.tabs)
        self._welcome = Welcome(theme, lambda text: self.opener.begin_with(text), id="welcome")
        self.splitting = Splitting(self.stage, documents.shown_as)
        self.front = FrontDocument(self, documents, self.stage, self.splitting, self._welcome)
        self.halves = HalvesController(self, documents, self.splitting, self.front)

        self.stored = StoredOutputs(self, context)
        self.outputs = OutputSaver(self, context)
        self.problems = ProblemList(self, documents)
        self.programs = ProgramsController(self, context, documents)
        self.cells = CellFollower(
            self, context, documents, self.stored, self.outputs, self.problems, self.programs
        )

        self.autosave = Autosave(self, context, swaps)
        elsewhere = self.elsewhere = FilesElsewhere()
        self.opener = DocumentOpener(
            *(self, context, documents, self.front, self.autosave, self.cells, elsewhere)
        )
        self.saver = DocumentSaver(
            *(self, context, documents, self.autosave, self.opener, self.outputs, elsewhere)
        )
        self.outputs.send = self.saver.send
        self.closer = DocumentCloser(
            *(self, documents, self.front, self.halves, self.autosave, self.stored, self.opener),
            elsewhere,
        )
        self.disk = DiskChanges(
            *(self, context, documents, self.autosave, self.stored, self._keys_of, elsewhere)
        )
        self.watcher = DocumentWatch(context, documents, self.autosave, self.disk)

        self.runner = RunController(self, context, self.saver, self.elsewhere)
        self.pages = Pages(self, context, documents, self.runner)
        self.linter = Linter(self, context, documents)
        self.shared_view = SharedView(
            context, documents, self.front, self.splitting, self.opener, self.pages
        )
        self.stored.on_read = self.pages.read_again
        self.cells.on_begun, self.cells.on_learnt = self._begin_document, self.pages.follow
        self._questions = KernelQuestions(self, context, documents)

    def compose(self) -> ComposeResult:
        yield self.tabs
        with self.stage:
            yield self.stage.divider
            yield self._welcome

    def on_mount(self) -> None:
        self._documents.show_tabs()
        self.set_interval(LOOK_EVERY, self._every_second)

    def _begin_document(self, sheet: DocumentView) -> None:
        self.pages.begin(sheet)
        self.linter.check_soon(sheet)

    async def on_unmount(self) -> None:
        await self.linter.close()

    def _every_second(self) -> None:
        self.cells.tick()
        self.problems.post_counts()
        self.programs.refresh()
        if self.sheets:
            self.run_worker(self.watcher.look(), group="look")

    @property
    def sheets(self) -> Sequence[DocumentView]:
        """The open documents in the order of their tabs."""
        return self._documents.sheets

    @property
    def sheet(self) -> DocumentView | None:
        """The document in front."""
        return self._documents.front

    def show_frame(self, frame: Frame) -> None:
        self.cells.show_frame(frame)
        self.pages.show_frame(frame)
        self.linter.show_frame(frame)
        if frame.files and self.sheets:
            self.run_worker(self.watcher.look(), group="look")  # not only once a second

    def take_focus(self) -> None:
        self.front.focus()

    def use(self, theme: Theme) -> None:
        self.context.theme = theme
        self.tabs.use(theme)
        self._welcome.use(theme)
        for sheet in self.sheets:
            sheet.use(theme)
        self.pages.use()

    def adopt(self, habits: Habits) -> None:
        """Edit, save and run in the way that is set, here and in what is opened from now on."""
        self.context.habits = habits
        for sheet in self.sheets:
            sheet.adopt(habits)
        self.linter.adopt()

    def keep_unsaved(self) -> None:
        """Write at once what is unsaved: the terminal is going away."""
        for sheet in self.sheets:
            self.autosave.write_now(sheet)

    def _keys_of(self, command: str) -> str:
        return key_words(self.app._keymap.get(command, BY_ID[command].keys))

    # -- tabs and halves ------------------------------------------------------------------------

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.halves.note_focus(event.widget)

    @on(Stage.Rearranged)
    def note_halves(self, event: Stage.Rearranged) -> None:
        event.stop()
        self.halves.note_rearranged(self.stage, self.tabs)
        self.pages.follow_views()

    @on(TabStrip.TabChosen)
    def choose_tab(self, event: TabStrip.TabChosen) -> None:
        event.stop()
        if isinstance(event.strip, ViewTitle):
            view = event.strip.parent
            if isinstance(view, DocumentEditor):
                view.editor.focus()
        elif sheet := self._documents.by_key(event.key):
            self.front.bring(sheet)

    @on(TabStrip.CloseRequested)
    def close_tab(self, event: TabStrip.CloseRequested) -> None:
        event.stop()
        if isinstance(event.strip, ViewTitle):
            self.halves.close_view(event.key)
        else:
            self.closer.request(self._documents.by_key(event.key))

    @on(Banner.AnswerChosen)
    def settle(self, event: Banner.AnswerChosen) -> None:
        event.stop()
        self.run_worker(self.disk.settle(event.banner, event.answer), group="disk")

    # -- editors --------------------------------------------------------------------------------

    @on(CodeEditor.TextChanged)
    def note_change(self, event: CodeEditor.TextChanged) -> None:
        event.stop()
        self.post_message(self.Edited())
        self._documents.show_tabs()
        self.front.post_changed_title()
        if sheet := self._documents.of_message(event):
            if sheet.editor.has_focus:
                self.enter_cell()  # another separator may mean another language
            sheet.diagnostics.check_soon()
            self.linter.check_soon(sheet)
            if sheet.cell_states.follow_text(self.context.snapshot):
                self.pages.follow(sheet)

    @on(DiagnosticsChanged)
    def count_problems(self, event: DiagnosticsChanged) -> None:
        event.stop()
        self.problems.post_counts()

    @on(CodeEditor.CursorMoved)
    def note_cursor(self, event: CodeEditor.CursorMoved) -> None:
        event.stop()
        self.enter_cell()
        self.front.post_position_soon()

    def enter_cell(self) -> None:
        """The kernel of the cell in which the cursor is has the focus."""
        if (sheet := self.sheet) is not None:
            self.context.kernel_focus.enter_cell(self.context.language_here(sheet))

    @on(CodeEditor.TextCopied)
    def copy(self, event: CodeEditor.TextCopied) -> None:
        event.stop()
        self.post_message(CopyRequested(event.text))

    @on(CodeEditor.RunRequested)
    def run_cells(self, event: CodeEditor.RunRequested) -> None:
        event.stop()
        if sheet := self._documents.of_message(event):
            self.runner.run_cells(sheet, event.scope, event.cells)

    @on(CodeEditor.PageRequested)
    def do_page_command(self, event: CodeEditor.PageRequested) -> None:
        event.stop()
        if sheet := self._documents.of_message(event):
            self.pages.command(sheet, sheet.editor, event.command)

    @on(CodeEditor.BlockPressed)
    def press_block(self, event: CodeEditor.BlockPressed) -> None:
        event.stop()
        if isinstance(event.control, CodeEditor):
            self.pages.press(event, event.control)

    @on(CodeEditor.CompletionRequested)
    def ask_completions(self, event: CodeEditor.CompletionRequested) -> None:
        event.stop()
        if sheet := self._documents.of_message(event):
            self._questions.complete(sheet, event)

    @on(CodeEditor.InspectRequested)
    def ask_docs(self, event: CodeEditor.InspectRequested) -> None:
        event.stop()
        if sheet := self._documents.of_message(event):
            self._questions.inspect(sheet, event)

    @on(CodeEditor.PromptRequested)
    def open_prompt(self, event: CodeEditor.PromptRequested) -> None:
        event.stop()
        sheet = self._documents.of_message(event)
        if sheet is None:
            return
        match event.kind:
            case "cell":
                places = cell_places(sheet.editor.cells())
                current = sheet.editor.model.cell().start
                self.post_message(self.ChoiceRequested("Go to a cell", places, current))
            case "symbol":
                places = symbol_places(sheet.editor)
                self.post_message(self.ChoiceRequested("Go to a symbol", places))
            case "command":
                self.post_message(CommandRequested("app.palette"))
            case kind:
                sheet.find_bar.open(kind, event.text)
