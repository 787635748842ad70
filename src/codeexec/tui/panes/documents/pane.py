"""The editor pane: opens, saves and closes documents in tabs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual import events, on
from textual.app import ComposeResult

from codeexec.config.model import Editor as Habits
from codeexec.documents.swap import SwapStore
from codeexec.domain.errors import CodeexecError, Conflict, UsageError
from codeexec.tui.panes.documents.autosave import LOOK_EVERY
from codeexec.tui.panes.documents.cells.cell_runs import CellRuns
from codeexec.tui.panes.documents.cells.running import Running
from codeexec.tui.panes.documents.cells.stored_outputs import StoredOutputs
from codeexec.tui.panes.documents.document_view import DocumentView, read
from codeexec.tui.panes.documents.going import PlaceToGo, cell_places
from codeexec.tui.panes.documents.recent import RecentFiles
from codeexec.tui.panes.documents.splitting import Splitting
from codeexec.tui.panes.documents.stage import Stage
from codeexec.tui.panes.documents.view import DocumentEditor, ViewTitle
from codeexec.tui.panes.documents.welcome import Welcome
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.session.ask import (
    CommandRequested,
    CopyRequested,
    Failed,
    NoticePosted,
    focus_now,
)
from codeexec.tui.session.stored_outputs import MOST_CELLS
from codeexec.tui.session.views import FileView, SessionView
from codeexec.tui.session.watch_only import refusal
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.chrome import TabStrip
from codeexec.tui.widgets.status import Position

_UNTITLED = "untitled:"

_KINDS = {"constant": "variable"}
"""Kinds of symbols that grammars call otherwise: each assignment is a constant there."""


class DocumentsPane(Running):
    """What must be asked of the person is posted; the screen asks, and calls back."""

    def __init__(
        self, theme: Theme, swaps: SwapStore | None = None, me: str = "", id: str = "editor"
    ) -> None:
        super().__init__(theme, swaps, me, id)
        self._kept = {}
        self.splitting = Splitting(self.stage, self.sheet_shown)
        self._cell_runs = CellRuns()
        self.stored = StoredOutputs()
        self._untitled = 0
        self._typed_early = ""
        self._beginning = asyncio.Lock()
        self.folder = Path.cwd()
        """Where documents without a file begin."""
        self._one_at_a_time = asyncio.Lock()
        self._reopenable: list[tuple[Path, int]] = []
        self._habits = Habits()
        self.recent: RecentFiles | None = None
        """Where files that are opened are noted."""

    def compose(self) -> ComposeResult:
        yield TabStrip(self._theme, id="editor-tabs")
        with self.stage:
            yield self.stage.divider
            yield Welcome(self._theme, self._begin_with, id="welcome")

    def on_mount(self) -> None:
        self.tabs = self.query_one(TabStrip)
        self.show_tabs()
        self.set_interval(LOOK_EVERY, self._every_second)

    def _every_second(self) -> None:
        self.tick()
        self.run_worker(self.look(), group="look")

    # -- documents ----------------------------------------------------------------------------

    async def open(self, path: Path, line: int | None = None) -> DocumentView | None:
        """Open a file, or go to it where it is open; None when it cannot be read."""
        path = Path(os.path.normpath(path.absolute()))
        sheet = self.by_key(str(path))
        if sheet is not None:
            self.bring(sheet)
            if self.recent is not None:
                self.recent.add(path)
        else:
            try:
                document = read(path)
            except CodeexecError as error:
                self.post_message(Failed(error))
                return None
            sheet = DocumentView(document, self._theme, habits=self._habits)
            if self.recent is not None:
                sheet.former = self.recent.add(path)
            await self._add(sheet)
            if not self.watch_only:
                self._offer_swap(sheet)
        if line is not None:
            sheet.go_to(line)
        return sheet

    def _offer_swap(self, sheet: DocumentView) -> None:
        swap = self._swaps.find(sheet.name_key) if self._swaps else None
        if swap is None:
            return
        if swap.text == sheet.document.text:
            self.discard_swap(sheet)
        else:
            self.post_message(self.SwapFound(sheet, swap))

    async def new(
        self, text: str = "", folder: Path | None = None, suffix: str = ".py"
    ) -> DocumentView:
        """A document without a file."""
        self._untitled += 1
        name = f"untitled-{self._untitled}{suffix}"
        folder = folder or self.folder
        key = f"{_UNTITLED}{os.getpid()}:{folder / name}"
        return await self._add_untitled(folder / name, key, text)

    def _begin_with(self, text: str) -> None:
        """Begin a document with what is typed where none is open."""
        if self.watch_only:
            self._is_refused()
            return
        self._typed_early += text
        self.run_worker(self._begin_typed(), group="choose")

    async def _begin_typed(self) -> None:
        async with self._beginning:
            if self._typed_early and self.sheet is None:
                await self.new()
        text, self._typed_early = self._typed_early, ""
        sheet = self.sheet
        if sheet is None or not text:
            return
        self.focus_editor()
        if len(text) == 1:
            sheet.editor.type(text)  # brackets are closed, completions asked for
        else:
            sheet.editor.insert(text)

    async def _add_untitled(self, path: Path, key: str, text: str) -> DocumentView:
        # Whatever file has that name is another document.
        document = read(path.with_name(f"{path.name}\ufffd{os.getpid()}"))
        sheet = DocumentView(
            document, self._theme, untitled=path.name, key=key, habits=self._habits
        )
        await self._add(sheet)
        sheet.follow(path)
        if text:
            sheet.restore(text)
            sheet.show_marks(self._snapshot)  # its cells may have run before it was left
        return sheet

    async def restore_untitled(self, folder: Path) -> int:
        """Open again what was begun in the folder and never saved, by workbenches that are gone;
        how many documents that were."""
        count = 0
        for swap in reversed(self._swaps.all() if self._swaps else []):
            kind, _, identity = swap.name.partition(":")
            number, _, place = identity.partition(":")
            is_ours = f"{kind}:" == _UNTITLED and Path(place).parent == folder
            if is_ours and not _is_alive(number) and self.by_key(swap.name) is None:
                sheet = await self._add_untitled(Path(place), swap.name, swap.text)
                sheet.go_to(swap.line, swap.column)
                count += 1
        return count

    async def _add(self, sheet: DocumentView) -> None:
        sheet.id = f"sheet-{id(sheet)}"
        self._sheets.append(sheet)
        sheet.cell_runs = self._cell_runs
        if self.watch_only:
            sheet.freeze()
        has_keys = self.splitting.is_split and self.has_focus_within
        await self.stage.add(sheet)
        self.splitting.bring(sheet)
        if has_keys:
            sheet.editor.focus()  # not the other half, where the view that had them is gone
        sheet.show_marks(self._snapshot)
        self._read_stored(sheet)
        self._learn_cells(sheet.names)
        self.show_tabs()
        self.tell_tabs()

    def _read_stored(self, sheet: DocumentView) -> None:
        """Show the outputs that its file holds."""
        left_out = self.stored.read(sheet)
        if left_out > 0:
            message = (
                f"Stored outputs of the first {MOST_CELLS} cells are shown, of {left_out:,} not."
            )
            self.post_message(NoticePosted(message))
        self.stored.follow(sheet, self._snapshot)
        if sheet.document.notebook is not None:
            self.post_message(self.StoredChanged())

    def reload(self, sheet: DocumentView) -> None:
        super().reload(sheet)
        self._read_stored(sheet)

    def bring(self, sheet: DocumentView) -> None:
        """Put a document in front."""
        self.splitting.bring(sheet)
        self.show_tabs()
        self.tell_position()
        sheet.editor.focus()

    # -- two halves ---------------------------------------------------------------------------

    def split(self) -> None:
        """Show the document in front twice, or the half that has the keys alone again."""
        if self.splitting.is_split:
            self.splitting.join()
        else:
            try:
                self.splitting.split()
            except UsageError as error:
                self.post_message(Failed(error))
                return
        self._show_halves()

    def turn_split(self) -> None:
        """Halves side by side, or one above the other."""
        self.splitting.turn()
        self._show_halves()

    def go_other_half(self) -> None:
        """Give the other half the keys."""
        if not self.splitting.is_split:
            self.post_message(NoticePosted("The editor is not split."))
            return
        self.splitting.go_other()
        self._show_halves()

    def _show_halves(self) -> None:
        self.show_tabs()
        self.tell_position()
        self.focus_editor()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if self.splitting.note_focus(event.widget):
            self.show_tabs()

    @on(Stage.Rearranged)
    def note_halves(self, event: Stage.Rearranged) -> None:
        event.stop()
        hidden = self.splitting.is_split and len(self.stage.shown) == 1
        self.tabs.say("split: no room" if hidden else "", "warn")
        self.show_tabs()

    def step(self, by: int) -> None:
        if self._sheets:
            at = self._sheets.index(self.sheet) if self.sheet in self._sheets else 0
            self.bring(self._sheets[(at + by) % len(self._sheets)])

    def request_close(self, sheet: DocumentView | None = None) -> None:
        """Close a document, after asking where that would lose something."""
        sheet = sheet or self.sheet
        if sheet is None:
            return
        if sheet.second_view is not None:
            self.splitting.close_active()  # the document stays in the other half
            self._show_halves()
            return
        if sheet.would_be_lost:
            self.post_message(self.DocumentCloseRequested(sheet))
        else:
            self.run_worker(self.close(sheet), group="close")

    async def close(self, sheet: DocumentView) -> None:
        """Close it, with or without unsaved text."""
        if sheet not in self._sheets:
            return
        at, was_in_front = self._sheets.index(sheet), sheet is self.sheet
        had_focus = sheet.has_focus_within
        self.splitting.forget(sheet)
        self._sheets.remove(sheet)
        if not sheet.untitled:
            self._reopenable.append((sheet.path, sheet.editor.model.cursor.line))
        self.discard_swap(sheet)
        if self.stored.close(sheet):
            self.post_message(self.StoredChanged())
        if not self._sheets:
            self.stage.current = "welcome"
            self.query_one(Welcome).focus()
        elif was_in_front and self.sheet is not None and self.sheet is not sheet:
            if had_focus:
                self.sheet.editor.focus()  # that of the other half
        elif was_in_front:
            self.bring(self._sheets[min(at, len(self._sheets) - 1)])
        await sheet.remove()
        self.show_tabs()
        self.tell_tabs()

    async def reopen(self) -> None:
        """The tab that was closed last, where one was in it."""
        while self._reopenable:
            path, line = self._reopenable.pop()
            if self.by_key(str(path)) is None and path.exists():
                await self.open(path, line)
                return

    def save(self, sheet: DocumentView | None = None, *, overwrite: bool = False) -> bool:
        """Write a document; whether it is on disk now."""
        sheet = sheet or self.sheet
        if sheet is None or self._is_refused():
            return False
        if sheet.untitled:
            self.post_message(self.SaveAsRequested(sheet))
            return False
        try:
            sheet.save(overwrite=overwrite)
        except Conflict:
            self.post_message(self.ConflictFound(sheet))
            return False
        except CodeexecError as error:
            self.post_message(Failed(error))
            return False
        self.discard_swap(sheet)
        self.save_outputs(sheet)
        self.show_tabs()
        return True

    def _is_refused(self) -> bool:
        """Whether nothing may be written, which is told then."""
        if self.watch_only:
            self.post_message(Failed(refusal()))
        return self.watch_only

    async def follow_view(self, view: SessionView) -> None:
        """Show what another workbench shows: its document in front, cursor and scroll."""
        sheet = self.by_key(view.front)
        if sheet is None:
            sheet = await self._open_named(view.front)
        if sheet is None:
            return
        if sheet is not self.sheet:
            self.splitting.bring(sheet)
            self.show_tabs()
        place = next((file for file in view.files if file.name == view.front), None)
        if place is not None:
            sheet.go_to(place.line, place.column)
        sheet.editor.scroll_to(y=view.top, animate=False)

    async def _open_named(self, name: str) -> DocumentView | None:
        """Open a document by its `name_key`; None where there is none of that name."""
        if not name.startswith(_UNTITLED):
            return await self.open(Path(name)) if Path(name).is_file() else None
        swap = self._swaps.find(name) if self._swaps is not None else None
        if swap is None:
            return None
        return await self._add_untitled(Path(name.split(":", 2)[2]), name, swap.text)

    def view(self) -> SessionView:
        """The open documents, cursors and scroll offset, for clients that follow or attach."""
        files = []
        for sheet in self._sheets:
            cursor = sheet.first_view.editor.model.cursor
            kernel = self.focus_of_kernels.chosen_for(sheet.name_key)
            files.append(FileView(sheet.name_key, cursor.line, cursor.column, kernel))
        front = self.sheet
        if front is None:
            return SessionView(tuple(files))
        top = front.editor.scroll_offset.y
        return SessionView(tuple(files), front.name_key, top, self.splitting.state)

    async def open_view(self, view: SessionView) -> None:
        """Open the documents again that a view has, cursors where they were."""
        self.restore_kernels(view)
        for place in view.files:
            sheet = await self._open_named(place.name)
            if sheet is not None:
                sheet.go_to(place.line, place.column)
        self.restore_split(view)
        front = self.by_key(view.front)
        if front is not None:
            self.bring(front)

    def restore_kernels(self, view: SessionView) -> None:
        """Let documents run on the kernels that a view has for them."""
        self.focus_of_kernels.restore({file.name: file.kernel for file in view.files})

    def restore_split(self, view: SessionView) -> None:
        """Divide the pane as the view has it, where it is whole and the documents are open."""
        if view.split is not None:
            self.splitting.restore(view.split, self.by_key)
            self.show_tabs()

    def save_as(self, sheet: DocumentView, path: Path, *, overwrite: bool = False) -> bool:
        """Write it under another name; raises nothing, but posts what is wrong."""
        if self._is_refused():
            return False
        path = Path(os.path.normpath(path.absolute()))
        other = self.by_key(str(path))
        if other is not None and other is not sheet:
            message = f"{path.name} is open in another tab."
            self.post_message(Failed(Conflict(message, "Close that tab, or choose another name.")))
            return False
        old_name = sheet.name_key
        try:
            sheet.save_as(path, overwrite=overwrite)
        except CodeexecError as error:
            self.post_message(Failed(error))
            return False
        self.focus_of_kernels.rename(old_name, sheet.name_key)
        self._kept.pop(old_name, None)
        if self._swaps is not None:
            self._swaps.discard(old_name)
        if self.recent is not None:
            self.recent.add(path, sheet.former)
        sheet.show_marks(self._snapshot)
        self.save_outputs(sheet)
        self.show_tabs()
        self.tell_tabs()
        return True

    # -- tabs and editors -----------------------------------------------------------------------

    @on(TabStrip.TabChosen)
    def choose_tab(self, event: TabStrip.TabChosen) -> None:
        event.stop()
        if isinstance(event.strip, ViewTitle):
            view = event.strip.parent
            if isinstance(view, DocumentEditor):
                view.editor.focus()
        elif sheet := self.by_key(event.key):
            self.bring(sheet)

    @on(TabStrip.CloseRequested)
    def close_tab(self, event: TabStrip.CloseRequested) -> None:
        event.stop()
        if isinstance(event.strip, ViewTitle):
            self.splitting.close_view(event.key)
            self._show_halves()
        else:
            self.request_close(self.by_key(event.key))

    @on(CodeEditor.TextChanged)
    def note_change(self, event: CodeEditor.TextChanged) -> None:
        event.stop()
        self.post_message(self.Edited())
        self.show_tabs()
        if sheet := self.sheet_of(event):
            sheet.check_soon()
            sheet.follow_cells(self._snapshot)

    @on(CodeEditor.CursorMoved)
    def note_cursor(self, event: CodeEditor.CursorMoved) -> None:
        event.stop()
        self.tell_position()

    def tell_position(self) -> None:
        """Say again where the cursor is."""
        sheet = self.sheet
        if sheet is not None:
            model = sheet.editor.model
            cursor = model.cursor
            separator = model.cells.separator_at(model.cells.span(model.cells.at(cursor.line))[0])
            title = separator.title if separator is not None else ""
            position = Position(cursor.line + 1, cursor.column + 1, title)
            self.post_message(self.PositionChanged(position))

    def focus_editor(self) -> None:
        """At once: what is typed next is meant for it."""
        sheet = self.sheet
        if sheet is not None and not sheet.editor.is_attached:
            self.call_after_refresh(self.focus_editor)  # a second view that is being mounted
        else:
            focus_now(sheet.editor if sheet is not None else self.query_one(Welcome))

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.tabs.use(theme)
        self.query_one(Welcome).use(theme)
        for sheet in self._sheets:
            sheet.use(theme)

    def adopt(self, habits: Habits) -> None:
        """Edit, save and run in the way that is set, here and in what is opened from now on."""
        self._habits = habits
        self.save_before_run = habits.save_before_run
        for sheet in self._sheets:
            sheet.adopt(habits)

    @on(CodeEditor.TextCopied)
    def copy(self, event: CodeEditor.TextCopied) -> None:
        event.stop()
        self.post_message(CopyRequested(event.text))

    @on(CodeEditor.PromptRequested)
    def ask_person(self, event: CodeEditor.PromptRequested) -> None:
        event.stop()
        sheet = self.sheet_of(event)
        if sheet is None:
            return
        match event.kind:
            case "cell":
                cells = sheet.editor.cells()
                current = sheet.editor.model.cell()
                self.post_message(
                    self.ChoiceRequested("Go to a cell", cell_places(cells), current.start)
                )
            case "symbol":
                names = [
                    PlaceToGo(symbol.name, symbol.line, _KINDS.get(symbol.kind, symbol.kind))
                    for symbol in sheet.editor.symbols()
                ]
                self.post_message(self.ChoiceRequested("Go to a symbol", names))
            case "command":
                self.post_message(CommandRequested("app.palette"))
            case kind:
                sheet.find_bar.open(kind, event.text)


def _is_alive(pid: str) -> bool:
    """Whether the process that a swap names is there (ourselves count)."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
