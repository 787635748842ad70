"""The page over one editor: outputs below code, Markdown as it reads where the caret is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from rich.segment import Segment

from codeexec.documents.model import Cell, CellKind
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.panes.documents.page.cell_blocks import (
    by_distance,
    cell_key_of,
    is_markdown,
    output_block,
    output_key,
    places_of,
    text_block,
    text_key,
)
from codeexec.tui.panes.documents.page.cell_headings import CellHeadings
from codeexec.tui.panes.documents.page.command_mode import CommandMode
from codeexec.tui.panes.documents.page.folding import SectionFolds
from codeexec.tui.panes.documents.page.markdown_block import render_markdown
from codeexec.tui.panes.documents.page.markdown_texts import MarkdownTexts
from codeexec.tui.panes.documents.page.page_outputs import PageOutputs
from codeexec.tui.panes.documents.page.page_sections import PageSections
from codeexec.tui.panes.editor.actions.moves import start_of_cell
from codeexec.tui.panes.editor.text.blocks import Block, BlockContent
from codeexec.tui.panes.editor.text.text import ORIGIN, Location, TextChange
from codeexec.tui.session.stored_outputs import is_stored
from codeexec.tui.theme.theme import Theme

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.page.cell_source import CellSource
    from codeexec.tui.panes.editor.code_editor import CodeEditor
    from codeexec.tui.session.requester import Requester

_SLICE = 0.006
"""Seconds that blocks are made at a time, so that a key waits no longer."""

_STEP = 0.2
"""Seconds between two times that the blocks made so far are put."""


class PageView:
    """A layer of the editor (`EditorLayer`); `close` takes it away."""

    def __init__(
        self,
        editor: CodeEditor,
        theme: Theme,
        requester: Requester,
        do: Callable[[str], None],
        source: CellSource,
    ) -> None:
        """`do` does a command by its name; `source` is the file of the document."""
        self._editor = editor
        self._theme = theme
        self._requester = requester
        self._source = source
        self.outputs = PageOutputs(editor, theme, requester, self._follow_growth)
        self._texts = MarkdownTexts(theme, requester, self.outputs, self.fit_blocks, source)
        self.folds = SectionFolds(editor.model)
        self._fold_keys: set[str] = set()
        self._headings = CellHeadings(editor, self.outputs, source)
        self._views: Mapping[str, ExecutionView] = {}
        self._stale: frozenset[str] = frozenset()
        self._without_saved: set[str] = set()
        """Cells of which the file has no output."""
        self._keys = editor.model.cells.keys
        self._touched: set[str] = set()
        self._caret_key = ""
        self._has_moved = False  # or typed: then the caret is meant to be where it is
        self._round = 0
        self.mode = CommandMode(
            editor, editor.modal, do, self._note_mode, self.reveal_cell, self.folds.step
        )
        self.sections = PageSections(editor, self.folds, self.mode, self._layout)
        editor.modal = self.mode
        editor.model.listeners.append(self._note_change)
        self.outputs.fit()
        if editor.model.cursor == ORIGIN and is_markdown(editor.model, 0):
            editor.model.select(start_of_cell(editor.model, 0))  # not before its separator
        editor.use_layer(self)

    def close(self) -> None:
        """Show the text as it is."""
        editor = self._editor
        self._round += 1
        self.mode.leave()
        editor.modal = self.mode.inner
        editor.painter.selected_cells = None
        editor.use_layer(None)
        if self._note_change in editor.model.listeners:
            editor.model.listeners.remove(self._note_change)
        editor.blocks.change(removed=editor.model.rows.blocks.keys())
        editor.viewport.reveal()

    # -- what is shown --------------------------------------------------------------------------

    def show(self, views: Mapping[str, ExecutionView], stale: frozenset[str]) -> None:
        """Show these executions below their cells, by key, and no others. `stale` cells are
        marked. Blocks are made in the background, those on screen first."""
        self._views, self._stale = views, stale
        self._headings.show(views, stale)
        self.outputs.drop_others({*self._editor.model.cells.keys})
        self._caret_key = self._key_at_caret()
        self._round += 1
        self._requester.run(self._fill(self._round), "page")

    def show_changed(self, views: Iterable[ExecutionView], rewritten: Mapping[str, int]) -> None:
        """Bring executions that are shown up to date; what the cell with the caret puts out is
        scrolled into view."""
        self._follow_growth(self.outputs.show_changed(views, rewritten), is_news=True)

    def draw_widgets(self) -> None:
        """The user has operated a widget: draw it again."""
        self._follow_growth(self.outputs.measure_widgets())

    def _follow_growth(self, cell_keys: Iterable[str], *, is_news: bool = False) -> None:
        """Outputs have other rows: that of the cell with the caret stays in view as it grows, if it
        is `is_news` or the caret is in view."""
        model, keys = self._editor.model, tuple(cell_keys)
        total, top = model.rows.total, self._editor.scroll_offset.y
        is_seen = 0 <= model.rows.row_of(*model.cursor) - top < self._editor.viewport.page
        self.fit_blocks(keys)
        if self._caret_key in keys and model.rows.total > total and (is_news or is_seen):
            self.reveal_cell(model.cells.at(model.cursor.line))

    async def _fill(self, number: int) -> None:
        """Make the blocks of all cells, in slices, until another round has begun."""
        model = self._editor.model
        cells = model.all_cells()
        if any(cell.kind is CellKind.MARKDOWN for cell in cells):
            await asyncio.to_thread(render_markdown, "# x", 20, self._theme)  # loads what renders
        top = model.rows.line_at(self._editor.scroll_offset.y)[0]
        fresh: list[str] = []
        shown_at = until = 0.0
        for cell in by_distance(cells, top):
            if number != self._round:
                return
            if self._prepare(cell):
                fresh.append(cell.key)
            if time.perf_counter() > until:
                # What is on screen comes at once, and the rest in few steps: each is painted.
                if len(fresh) > 1 and time.perf_counter() - shown_at > _STEP:
                    self.fit_blocks(fresh)
                    self._editor.viewport.retry_top()
                    fresh, shown_at = [], time.perf_counter()
                await asyncio.sleep(0)
                until = time.perf_counter() + _SLICE
        if number == self._round:
            self.fit_blocks(fresh)
            self._layout()
            self._editor.viewport.retry_top()

    def _prepare(self, cell: Cell) -> bool:
        """Make what stands at a cell, if anything does."""
        if cell.kind is CellKind.MARKDOWN:
            self._texts.render(cell)
            return True
        view = self._views.get(cell.key)
        if view is None and cell.is_code:
            view = self._saved(cell.key)
        if view is not None:
            self.outputs.show(cell.key, view)
        elif self.outputs.get(cell.key) is not None:
            self.outputs.drop(cell.key)
        else:
            return False
        return True

    def _saved(self, cell_key: str) -> ExecutionView | None:
        """The output that the file has; parsed once."""
        block = self.outputs.get(cell_key)
        if block is not None and is_stored(block.view.execution_id):
            return block.view
        if cell_key in self._without_saved:
            return None
        view = self._source.saved_view(cell_key)
        if view is None:
            self._without_saved.add(cell_key)
        return view

    def forget_saved(self) -> None:
        """Read the outputs of the file again."""
        self._without_saved.clear()
        for key in self._keys:
            block = self.outputs.get(key)
            if block is not None and is_stored(block.view.execution_id):
                self.outputs.drop(key)

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        self._theme = theme
        self.outputs.output.use(theme)
        self._texts.use(theme)
        self._measure_again()

    def _measure_again(self) -> None:
        self.outputs.measure_again()
        self._layout()
        self.show(self._views, self._stale)

    # -- blocks ---------------------------------------------------------------------------------

    def _wanted(self, index: int) -> tuple[Block, BlockContent] | None:
        """The block that belongs to a cell now."""
        model = self._editor.model
        key = model.cells.key(index)
        if self.folds.hides(key):
            return None
        if is_markdown(model, index):
            text = self._texts.get(key)
            is_entered = self._has_moved and key == self._caret_key and not self.mode.is_on
            if text is None or is_entered:
                return None
            return text_block(model, index, text.height), text
        output = self.outputs.get(key)
        is_code = model.cells.kind(index) is CellKind.CODE
        if output is None or not output.height or not is_code:
            return None
        if output.misses_rows:
            output.is_cut = False
            self._requester.run(self._read_whole(key), "page-whole")
        return output_block(model, index, output.height), output

    async def _read_whole(self, cell_key: str) -> None:
        view = await self._source.whole_view(cell_key)
        if view is not None:
            self.outputs.put_whole(cell_key, view)
            self.fit_blocks([cell_key])
            self._editor.viewport.retry_top()

    def fit_blocks(self, cell_keys: Iterable[str]) -> None:
        """Put or remove the blocks of these cells as they are now."""
        model = self._editor.model
        blocks, contents = model.rows.blocks, self._editor.painter.block_contents
        keys = tuple(cell_keys)
        places = places_of(model, keys)
        put: list[tuple[Block, BlockContent]] = []
        removed: set[str] = set()
        is_other = False
        for key in keys:
            index = places.get(key)
            wanted = self._wanted(index) if index is not None else None
            names = {output_key(key), text_key(key)} - ({wanted[0].key} if wanted else set())
            removed |= {name for name in names if blocks.get(name) is not None}
            if wanted is None:
                continue
            block, content = wanted
            if blocks.get(block.key) != block or contents.get(block.key) is not content:
                put.append(wanted)
            else:
                is_other = True
        folded = list(self.folds.blocks(self._theme))
        put += [pair for pair in folded if blocks.get(pair[0].key) != pair[0]]
        fold_keys = {block.key for block, _ in folded}
        removed |= self._fold_keys - fold_keys
        self._fold_keys = fold_keys
        if put or removed:
            self._editor.blocks.change(put, removed)
        elif is_other:
            self._editor.refresh()

    def _layout(self) -> None:
        """Put all blocks anew: cells have come, gone or moved."""
        cells = self._editor.model.cells
        self._keys = cells.keys
        self.folds.note_change()
        names = self._editor.model.rows.blocks.keys()
        standing = {cell_key_of(name)[1] for name in names}
        self.fit_blocks([*self._keys, *(standing - set(self._keys))])

    # -- the layer ------------------------------------------------------------------------------

    def _note_change(self, change: TextChange) -> None:
        cells = self._editor.model.cells
        low, high = cells.at(max(change.start.line - 1, 0)), cells.at(change.new_end.line)
        self._touched.update(cells.key(index) for index in range(low, high + 1))

    def before_sync(self) -> None:
        model = self._editor.model
        touched, self._touched = self._touched, set()
        self.mode.follow_text()
        self._follow_folds(touched)
        key = self._key_at_caret()
        if not self._has_moved:
            self._has_moved = True
            touched.add(key)
        if key != self._caret_key:
            touched |= {key, self._caret_key}
            self._render_left(self._caret_key)
            self._caret_key = key
        if model.cells.keys != self._keys:
            self._layout()
        elif touched:
            self.fit_blocks(touched)

    def _follow_folds(self, touched: set[str]) -> None:
        """A caret in a folded section, as after a search, unfolds it; so does a heading that is
        one no more."""
        model = self._editor.model
        if not self.folds:
            return
        is_other = model.cells.keys == self._keys and self.folds.note_edited(touched)
        if is_other | self.folds.reveal(model.cells.at(model.cursor.line)):
            touched |= set(self._keys)

    def _key_at_caret(self) -> str:
        model = self._editor.model
        return model.cells.key(model.cells.at(model.cursor.line))

    def _render_left(self, cell_key: str) -> None:
        """The caret has left a cell: show its Markdown as it reads now."""
        model = self._editor.model
        index = model.cells.index_of(cell_key)
        if index is not None and is_markdown(model, index):
            self._texts.render(model.cell(index))

    def painted(self) -> None:
        self.outputs.load_missing()
        self._texts.load_pictures()

    def resized(self) -> None:
        if self.outputs.fit():
            self._measure_again()

    def escape(self) -> bool:
        self.mode.enter()
        return True

    def _note_mode(self) -> None:
        """The mode or the selected cells have changed."""
        self._has_moved = True
        painter = self._editor.painter
        painter.selected_cells = self.mode.selected if self.mode.is_on else None
        self._render_left(self._caret_key)
        self.fit_blocks([self._caret_key])
        self._editor.refresh()

    def reveal_cell(self, index: int) -> None:
        """Have a cell in view with its output, as far as there is room."""
        model = self._editor.model
        first = model.rows.row_of(model.cells.span(index)[0], 0)
        is_last = index + 1 == len(model.cells)
        end = model.rows.total if is_last else model.rows.row_of(model.cells.span(index + 1)[0], 0)
        self._editor.viewport.reveal_rows(first, end - 1)

    def heading(self, line: int, room: int) -> list[Segment] | None:
        if line == self._editor.model.cursor.line and not self.mode.is_on:
            return None
        return self._headings.segments(line, room)

    # -- scrolling within an output ---------------------------------------------------------------

    def scroll_block(self, block_key: str, across: int, down: int) -> bool:
        kind, cell_key = cell_key_of(block_key)
        return kind == "output" and self.outputs.scroll(cell_key, across, down)

    # -- folded sections --------------------------------------------------------------------------

    def block_glyph(self, block_key: str, row: int) -> str:
        kind, cell_key = cell_key_of(block_key)
        text = self._texts.get(cell_key)
        if kind != "text" or row or text is None or not text.is_heading:
            return ""
        return "▸" if cell_key in self.folds.folded else "▾"

    # -- mouse ------------------------------------------------------------------------------------

    def press_line(self, line: int, button: int, *, shift: bool) -> bool:
        model, mode = self._editor.model, self.mode
        is_shown = line != model.cursor.line or mode.is_on
        is_heading = is_shown and model.cells.separator_at(line) is not None
        if not is_heading and not (mode.is_on and (shift or button == 3)):
            return False
        mode.press(model.cells.at(line), button, shift=shift)
        return True

    def press_cell(self, cell_key: str, button: int, *, shift: bool) -> None:
        """A mouse button went down on what stands for a cell."""
        index = self._editor.model.cells.index_of(cell_key)
        if index is not None:
            self.mode.press(index, button, shift=shift)

    def enter(self, block_key: str, row: int) -> None:
        """Put the caret into the Markdown that a block stands for, near row `row` of it."""
        block = self._editor.model.rows.blocks.get(block_key)
        if block is not None:
            self.mode.leave()
            model = self._editor.model
            first = start_of_cell(model, model.cells.at(block.line)).line
            self._editor.move_to(Location(min(first + row, block.line), 0))
