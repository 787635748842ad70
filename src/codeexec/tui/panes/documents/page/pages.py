"""The pages of the open documents: toggles them, and brings them what the session puts out."""

from __future__ import annotations

import time
from functools import cached_property, partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual.message import Message
from textual.widget import Widget

from codeexec.documents.model import Cell
from codeexec.documents.selection import runnable
from codeexec.domain.errors import UsageError
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.ipywidgets.board import WidgetBoard
from codeexec.tui.output.ipywidgets.messages import WidgetPressed
from codeexec.tui.output.links import DisplayLink, FramesFold, SourceLink, WidgetLink
from codeexec.tui.output.table_place import table_place
from codeexec.tui.panes.documents.cells.run_controller import RunController
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.panes.documents.page.cell_blocks import cell_key_of, last_line
from codeexec.tui.panes.documents.page.kept_folds import found_folds, stored_folds
from codeexec.tui.panes.documents.page.staleness import cells_to_update, stale_cells
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.messages import RunScope
from codeexec.tui.session.ask import Failed, NoticePosted, OutputTableRequested
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.requester import Requester
from codeexec.tui.session.views import CellFold, FileView
from codeexec.tui.textual_ext.timers import call_after

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView
    from codeexec.tui.panes.documents.page.cell_commands import CellCommands
    from codeexec.tui.panes.documents.page.output_block import OutputBlock
    from codeexec.tui.panes.documents.page.page_view import PageView

_PAUSE = 0.1
"""Seconds between two looks at all cells of a document while cells are run."""

MOST_CELLS = 20_000
"""Cells of a document that is shown as a page; a longer one stays text."""

_FOLDS = frozenset({"toggle_section", "fold_section", "unfold_section", "fold_all", "unfold_all"})

_SCROLLS = {
    "scroll_left": (-1, 0),
    "scroll_right": (1, 0),
    "scroll_up": (0, -1),
    "scroll_down": (0, 1),
}
"""Commands that scroll an output, and their directions: across, down."""

_WITH_HIDDEN = frozenset(
    {"copy", "cut", "delete", "move_up", "move_down", "insert_below", "paste", "clear"}
    | {"run_selected", "run_and_advance"}
)
"""Commands that mean a folded heading with the cells that it hides."""


class Pages:
    """`widget` posts messages and runs the work; `connect` gives the session."""

    def __init__(
        self,
        widget: Widget,
        context: PaneContext,
        documents: DocumentList,
        runner: RunController,
    ) -> None:
        self._widget = widget
        self._context = context
        self._documents = documents
        self._runner = runner
        self._requester = Requester(widget)
        self.graphics = Graphics()
        self.board = WidgetBoard()
        """The widgets of all pages."""
        self._pages: dict[CodeEditor, PageView] = {}
        self._due: set[DocumentView] = set()
        self._shown_at: WeakKeyDictionary[DocumentView, float] = WeakKeyDictionary()

    @cached_property
    def _cells(self) -> CellCommands:
        from codeexec.tui.panes.documents.page.cell_commands import CellCommands

        return CellCommands()

    # -- which documents are pages ----------------------------------------------------------------

    def begin(self, sheet: DocumentView) -> None:
        """Show a document that was opened as the settings say."""
        habits = self._context.habits
        if sheet.document.notebook is not None:
            form = habits.notebook
        elif sheet.editor.model.cells.is_fenced:
            form = habits.markdown
        else:
            form = habits.script if sheet.editor.model.cells.separators else "text"
        if form == "page" and len(sheet.editor.model.cells) <= MOST_CELLS:
            sheet.is_page = True
            self.follow_views()

    def toggle(self, sheet: DocumentView) -> None:
        """Show a document as a page, or as text."""
        if not sheet.is_page and len(sheet.editor.model.cells) > MOST_CELLS:
            self._post(NoticePosted(f"More than {MOST_CELLS:,} cells: they are shown as text."))
            return
        sheet.is_page = not sheet.is_page
        self.follow_views()

    def folds(self, sheet: DocumentView) -> tuple[CellFold, ...]:
        """Which outputs of a document were opened whole, collapsed or cleared, and which sections
        folded."""
        page = self._pages.get(sheet.first_view.editor)
        outputs = page.outputs.folds if page is not None else {}
        headings = page.folds.folded if page is not None else frozenset()
        cleared = sheet.cell_states.cleared_cells(self._context.snapshot)
        if not (outputs or headings or cleared):
            return ()
        return stored_folds(sheet.editor.cells(), outputs, headings, cleared)

    def restore(self, sheet: DocumentView, view: FileView) -> None:
        """Show a document as a page or as text, outputs folded, as a view of the session has it."""
        if view.is_page is not None and view.is_page != sheet.is_page:
            self.toggle(sheet)
        if view.folds == self.folds(sheet):
            return
        found = found_folds(sheet.editor.cells(), view.folds)
        if found.cleared != sheet.cell_states.cleared:
            sheet.cell_states.cleared = found.cleared
            sheet.cell_states.show(self._context.snapshot)
            self.follow(sheet)
        page = self._pages.get(sheet.first_view.editor)
        if page is not None:
            page.outputs.fold(found.outputs)
            page.folds.fold(found.headings)
            page.fit_blocks(sheet.editor.model.cells.keys)

    def follow_views(self) -> None:
        """Make the pages of editors that have none, and close those of editors that are gone."""
        wanted = {
            view.editor: sheet for sheet in self._documents for view in sheet.views if sheet.is_page
        }
        for editor in [editor for editor in self._pages if editor not in wanted]:
            page = self._pages.pop(editor)
            if editor.is_attached:
                page.close()
        for editor, sheet in wanted.items():
            if editor not in self._pages and editor.is_mounted:
                from codeexec.tui.panes.documents.page.cell_source import CellSource
                from codeexec.tui.panes.documents.page.page_view import PageView

                page = PageView(
                    editor,
                    self._context.theme,
                    self._requester,
                    partial(self.command, sheet, editor),
                    CellSource(sheet),
                )
                page.outputs.loader.graphics = self.graphics
                page.outputs.output.board = self.board
                self._pages[editor] = page
                self._show(sheet)

    def use(self) -> None:
        """The theme is another one."""
        for page in self._pages.values():
            page.use(self._context.theme)

    def page_of(self, editor: CodeEditor) -> PageView | None:
        """The page over an editor, if it has one."""
        return self._pages.get(editor)

    def _of(self, sheet: DocumentView) -> list[PageView]:
        return [page for view in sheet.views if (page := self._pages.get(view.editor)) is not None]

    # -- what the session puts out ----------------------------------------------------------------

    def show_frame(self, frame: Frame) -> None:
        """Bring the outputs of the pages up to date."""
        if not self._pages:
            return
        self._connect()
        changed = [view for key in frame.changed if (view := frame.view(key)) is not None]
        for sheet in self._documents:
            if not sheet.is_page:
                continue
            views = [view for view in changed if view.cell and sheet.is_of(view.cell.document)]
            for page in self._of(sheet) if views else ():
                page.show_changed(views, frame.rewritten)
            if any(_is_other(view, frame) for view in views):
                self._show_soon(sheet)

    def draw_widgets(self) -> None:
        """The user has operated a widget: draw it again."""
        for page in self._pages.values():
            page.draw_widgets()

    def shows(self, view: ExecutionView) -> bool:
        """Whether the output of an execution stands below its cell in the document in front."""
        sheet = self._documents.front
        if sheet is None or not sheet.is_page or view.cell is None or not view.cell.cell:
            return False
        return sheet.is_of(view.cell.document)

    def read_again(self, sheet: DocumentView) -> None:
        """The outputs in the file of a document are other ones."""
        for page in self._of(sheet):
            page.forget_saved()
        self.follow(sheet)

    def follow(self, sheet: DocumentView) -> None:
        """The cells of a document, or its saved outputs, may be other ones."""
        if sheet.is_page:
            self._show(sheet)

    def _show_soon(self, sheet: DocumentView) -> None:
        """Show it at once, but not again within `_PAUSE`: many cells may begin and end."""
        if sheet in self._due:
            return
        pause = self._shown_at.get(sheet, 0.0) + _PAUSE - time.monotonic()
        if pause <= 0:
            self._show(sheet)
        else:
            self._due.add(sheet)
            call_after(self._widget, pause, partial(self._show_due, sheet))

    def _show_due(self, sheet: DocumentView) -> None:
        self._due.discard(sheet)
        if sheet.is_page and sheet.is_attached:
            self._show(sheet)

    def _show(self, sheet: DocumentView) -> None:
        self._shown_at[sheet] = time.monotonic()
        self._connect()
        runs = sheet.cell_states.assigned(self._context.snapshot)
        stale = stale_cells(sheet.editor.cells(), runs)
        for page in self._of(sheet):
            page.show(dict(runs), stale)

    def _connect(self) -> None:
        """Give the session to what loads rows and pictures, as soon as there is one."""
        if self._requester.session is None and self._context.session is not None:
            self._requester.connect(self._context.session)

    # -- commands ---------------------------------------------------------------------------------

    def command(self, sheet: DocumentView, editor: CodeEditor, name: str) -> None:
        """Do a command of the page by its name."""
        from codeexec.tui.panes.documents.page.cell_commands import NAMES

        page = self._pages.get(editor)
        selected = page.mode.selected if page is not None else _cells_at_caret(editor)
        if page is not None and name in _WITH_HIDDEN:
            selected = page.folds.expanded(selected)
        if name == "toggle":
            self.toggle(sheet)
        elif name == "run_stale":
            self._run_stale(sheet)
        elif name in ("language", "insert_language"):
            adds = name == "insert_language"
            self._post(DocumentMessages.LanguageRequested(sheet, selected, adds))
        elif name in NAMES:
            self._change_cells(sheet, page, name, selected)
        elif name in ("undo", "redo"):
            editor.action_edit(name)
        elif name in ("run_selected", "run_and_advance"):
            cells = runnable([editor.model.cell(index) for index in selected])
            self._runner.run_cells(sheet, RunScope.CELL, cells)
            if name == "run_and_advance" and page is not None:
                following = min(selected[-1] + 1, len(editor.model.cells) - 1)
                page.mode.select(range(following, following + 1))
        elif page is None:
            next_step = named_keys("{page.toggle} shows it as a page.", self._widget.app._keymap)
            self._refuse("This document is shown as text.", next_step)
        elif name in _SCROLLS:
            self._scroll(page, name, editor.model.cells.key(selected[0]))
        elif name == "table":
            self._request_table(page, editor, selected[0])
        elif name in _FOLDS:
            self._fold_sections(page, name, editor.model.cells.key(selected[0]))
        else:
            self._fold(page, name, [editor.model.cells.key(index) for index in selected])

    def set_language(
        self, sheet: DocumentView, selected: range, language: str, *, adds: bool
    ) -> None:
        """Give cells a language (empty: that of the document), or add a cell in it below them."""
        page = self._pages.get(sheet.editor)
        last = len(sheet.editor.model.cells) - 1
        first, end = min(selected[0], last), min(selected[-1], last)
        cells = self._cells.set_language(sheet, first, end, language, adds=adds)
        if cells is not None and page is not None and page.mode.is_on:
            page.mode.select(cells)

    def _fold_sections(self, page: PageView, name: str, cell_key: str) -> None:
        if name in ("fold_all", "unfold_all"):
            page.sections.fold_all(is_folded=name == "fold_all")
            return
        is_folded = cell_key in page.folds.folded
        if (name == "fold_section" and is_folded) or (name == "unfold_section" and not is_folded):
            return
        if not page.sections.toggle(cell_key):
            self._refuse(
                "The cell is in no section.",
                "A section is the cells below a Markdown cell with a heading (# Title).",
            )

    def _change_cells(
        self, sheet: DocumentView, page: PageView | None, name: str, selected: range
    ) -> None:
        places = 0
        if page is not None and name in ("move_up", "move_down"):
            places = page.folds.distance(selected, 1 if name == "move_down" else -1)
        cells = self._cells.do(sheet, name, selected[0], selected[-1], places)
        if cells is not None and page is not None and page.mode.is_on:
            page.mode.select(cells)

    def _fold(self, page: PageView, name: str, cell_keys: list[str]) -> None:
        blocks = [block for key in cell_keys if (block := page.outputs.get(key)) is not None]
        if not blocks:
            self._refuse("The cell has no output.", "Run it by F5.")
        for block in blocks:
            (block.toggle_whole if name == "whole" else block.toggle_collapsed)()
        page.fit_blocks(cell_keys)
        if name == "collapse":
            page.reveal_cell(page.mode.selected[-1])

    def _scroll(self, page: PageView, name: str, cell_key: str) -> None:
        """Scroll an output by half of what is shown of it."""
        block = page.outputs.get(cell_key)
        across, down = _SCROLLS[name]
        if block is None:
            self._refuse("The cell has no output.", "Run it by F5.")
        elif not page.outputs.scroll(cell_key, *block.half(across, down)):
            self._post(NoticePosted("All of this output is shown already."))

    def _request_table(self, page: PageView, editor: CodeEditor, index: int) -> None:
        """Show the table of a cell's output in its place."""
        block = page.outputs.get(editor.model.cells.key(index))
        if block is None:
            self._refuse("The cell has no output.", "Run it by F5.")
            return
        page.reveal_cell(index)
        rows = editor.model.rows
        line = last_line(editor.model, index)
        top = rows.first_row(line) + len(rows.starts(line)) - int(editor.scroll_offset.y)
        place = table_place(editor.content_region, top, block.height, editor.painter.gutter)
        self._post(OutputTableRequested(block.view, place))

    def _refuse(self, message: str, next_step: str) -> None:
        self._post(Failed(UsageError(message, next_step)))

    def _post(self, message: Message) -> None:
        self._widget.post_message(message)

    def stale(self, sheet: DocumentView) -> list[Cell]:
        """The stale cells of a document, in order."""
        cells = sheet.editor.cells()
        keys = stale_cells(cells, sheet.cell_states.assigned(self._context.snapshot))
        return [cell for cell in cells if cell.key in keys]

    def _run_stale(self, sheet: DocumentView) -> None:
        runs = sheet.cell_states.assigned(self._context.snapshot)
        cells = cells_to_update(sheet.editor.cells(), runs)
        if cells:
            self._runner.run_cells(sheet, RunScope.ALL, cells)
        else:
            self._post(NoticePosted("No cell is stale."))

    @property
    def selects_cells(self) -> bool:
        """Whether keys act on whole cells of the document in front."""
        sheet = self._documents.front
        page = self._pages.get(sheet.editor) if sheet is not None else None
        return page is not None and page.mode.is_on

    # -- mouse ------------------------------------------------------------------------------------

    def press(self, event: CodeEditor.BlockPressed, editor: CodeEditor) -> None:
        """A mouse button went down on a block."""
        page = self._pages.get(editor)
        if page is None or event.button == 2:
            return
        kind, cell_key = cell_key_of(event.key)
        block = page.outputs.get(cell_key)
        if event.is_double:
            if kind == "text":
                page.enter(event.key, event.row)
        elif event.button == 3 or event.shift:
            page.press_cell(cell_key, event.button, shift=event.shift)
        elif kind == "fold" or (event.x < 0 and page.block_glyph(event.key, event.row)):
            page.sections.toggle(cell_key)
        elif kind == "text":
            page.press_cell(cell_key, event.button, shift=False)
        elif block is not None:
            self._press_output(page, cell_key, block, event.row, event.x)

    def _press_output(
        self, page: PageView, cell_key: str, block: OutputBlock, row: int, x: int
    ) -> None:
        if side := block.side_at(row, x):
            page.outputs.scroll(cell_key, *block.half(side, 0))
            return
        if block.note and row == block.height - 1:
            self._post(DocumentMessages.AnswerWanted())
            return
        if block.line_of(row) is None:
            block.open_more()
        else:
            match block.click_target(row, x):
                case FramesFold():
                    block.output.toggle_frames()
                case SourceLink(frame):
                    self._post(DocumentMessages.FrameChosen(frame))
                case WidgetLink(control, column):
                    self._post(WidgetPressed(control, column))
                case DisplayLink(display):
                    self._post(DocumentMessages.DisplayChosen(display))
        page.fit_blocks([cell_key])


def _cells_at_caret(editor: CodeEditor) -> range:
    """The cells that the selection touches."""
    first, last = editor.model.line_range()
    cells = editor.model.cells
    return range(cells.at(first), cells.at(max(first, last)) + 1)


def _is_other(view: ExecutionView, frame: Frame) -> bool:
    """Whether an execution is new, or has another status, or has been counted."""
    before = frame.before.executions.get(view.execution_id)
    return before is None or (before.status, before.count) != (view.status, view.count)
