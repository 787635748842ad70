"""The editor pane: tabs over editors; runs what they ask for, and marks how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import ContentSwitcher

from codeexec.client.api import SessionClient
from codeexec.documents.model import Cell
from codeexec.documents.swap import Swap, SwapStore
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Conflict, NotFound, StorageError
from codeexec.domain.events import CellRef
from codeexec.domain.outputs import plain
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.feed import Frame
from codeexec.tui.link import CopyRequested, Failed, ask, ask_quietly
from codeexec.tui.render import traceback
from codeexec.tui.theme import Theme
from codeexec.tui.widgets.chrome import Tab, TabStrip
from codeexec.tui.widgets.documents.sheet import Sheet, read
from codeexec.tui.widgets.documents.welcome import Welcome
from codeexec.tui.widgets.editor.code_editor import CodeEditor, RunScope
from codeexec.tui.widgets.editor.marks import Completion, Diagnostic
from codeexec.tui.widgets.status import Position

_SWAP_EVERY = 2.0
"""Seconds between looks for text that is worth keeping."""


class DocumentsPane(Vertical):
    """`open`, `save` and `close` are for the screen; running is done here."""

    @dataclass
    class CloseAsked(Message):
        """A tab with unsaved text is to be closed."""

        sheet: Sheet

    @dataclass
    class SaveAsAsked(Message):
        sheet: Sheet

    @dataclass
    class ConflictFound(Message):
        """The file has changed on disk since it was read."""

        sheet: Sheet

    @dataclass
    class SwapFound(Message):
        """There is text of this document that was never saved."""

        sheet: Sheet
        swap: Swap

    @dataclass
    class RestartAsked(Message):
        """Cells are to be run on a fresh kernel."""

        cells: tuple[CellRef, ...]

    @dataclass
    class CursorMoved(Message):
        position: Position

    @dataclass
    class ChoiceAsked(Message):
        """The person is to choose one of these lines: `(title, line)`."""

        title: str
        entries: list[tuple[str, int]]

    @dataclass
    class TabsChanged(Message):
        """Which documents are open, in order."""

        paths: tuple[str, ...]

    def __init__(
        self, theme: Theme, swaps: SwapStore | None = None, me: str = "", id: str = "editor"
    ) -> None:
        super().__init__(id=id)
        self._theme = theme
        self._swaps = swaps
        self._kept: dict[str, int] = {}
        self.me = me
        self.session: SessionClient | None = None
        self.save_before_run = True
        self.auto_complete = True
        self._untitled = 0
        self._reopenable: list[Path] = []
        self._snapshot = Snapshot()
        self._sheets: list[Sheet] = []

    def compose(self) -> ComposeResult:
        yield TabStrip(self._theme, id="editor-tabs")
        with ContentSwitcher(initial="welcome", id="sheets"):
            yield Welcome(self._theme, id="welcome")

    def on_mount(self) -> None:
        self.tabs = self.query_one(TabStrip)
        self._switcher = self.query_one(ContentSwitcher)
        self._show_tabs()
        self.set_interval(_SWAP_EVERY, self.keep_unsaved)

    # -- documents ----------------------------------------------------------------------------

    @property
    def sheets(self) -> Sequence[Sheet]:
        return tuple(self._sheets)

    @property
    def sheet(self) -> Sheet | None:
        """The document in front."""
        current = self._switcher.current
        return next((sheet for sheet in self._sheets if sheet.id == current), None)

    async def open(self, path: Path, line: int | None = None) -> Sheet | None:
        """Open a file, or go to it where it is open; None when it cannot be read."""
        path = path.absolute()
        for sheet in self._sheets:
            if sheet.path == path and not sheet.untitled:
                self.bring(sheet)
                if line is not None:
                    sheet.go_to(line)
                return sheet
        try:
            sheet = Sheet(read(path), self._theme)
        except CodeexecError as error:
            self.post_message(Failed(error))
            return None
        await self._add(sheet)
        if line is not None:
            sheet.go_to(line)
        swap = self._swaps.find(sheet.name_key) if self._swaps else None
        if swap is not None and swap.text != sheet.document.text:
            self.post_message(self.SwapFound(sheet, swap))
        return sheet

    async def new(self, text: str = "", folder: Path | None = None, suffix: str = ".py") -> Sheet:
        """A document without a file."""
        self._untitled += 1
        name = f"untitled-{self._untitled}{suffix}"
        sheet = Sheet(read((folder or Path.cwd()) / name), self._theme, untitled=name)
        await self._add(sheet)
        if text:
            sheet.restore(text)
        return sheet

    async def _add(self, sheet: Sheet) -> None:
        sheet.id = f"sheet-{id(sheet)}"
        sheet.editor.auto_complete = self.auto_complete
        self._sheets.append(sheet)
        await self._switcher.add_content(sheet, set_current=True)
        sheet.show_marks(self._snapshot)
        self._show_tabs()
        self._tell_tabs()

    def bring(self, sheet: Sheet) -> None:
        """Put a document in front."""
        self._switcher.current = sheet.id
        self._show_tabs()
        sheet.editor.focus()

    def step(self, by: int) -> None:
        if self._sheets:
            at = self._sheets.index(self.sheet) if self.sheet in self._sheets else 0
            self.bring(self._sheets[(at + by) % len(self._sheets)])

    def request_close(self, sheet: Sheet | None = None) -> None:
        """Close a document, after asking where that would lose something."""
        sheet = sheet or self.sheet
        if sheet is None:
            return
        if sheet.would_be_lost:
            self.post_message(self.CloseAsked(sheet))
        else:
            self.run_worker(self.close(sheet), group="close")

    async def close(self, sheet: Sheet) -> None:
        """Close it, with or without unsaved text."""
        if sheet not in self._sheets:
            return
        at = self._sheets.index(sheet)
        self._sheets.remove(sheet)
        if not sheet.untitled:
            self._reopenable.append(sheet.path)
        if self._swaps is not None:
            self._swaps.discard(sheet.name_key)
        if self._sheets:
            self.bring(self._sheets[min(at, len(self._sheets) - 1)])
        else:
            self._switcher.current = "welcome"
        await sheet.remove()
        self._show_tabs()
        self._tell_tabs()

    async def reopen(self) -> None:
        if self._reopenable:
            await self.open(self._reopenable.pop())

    def save(self, sheet: Sheet | None = None, *, overwrite: bool = False) -> bool:
        """Write a document; whether it is on disk now."""
        sheet = sheet or self.sheet
        if sheet is None:
            return False
        if sheet.untitled:
            self.post_message(self.SaveAsAsked(sheet))
            return False
        try:
            sheet.save(overwrite=overwrite)
        except Conflict:
            self.post_message(self.ConflictFound(sheet))
            return False
        except CodeexecError as error:
            self.post_message(Failed(error))
            return False
        self._forget_swap(sheet)
        self._show_tabs()
        return True

    def save_as(self, sheet: Sheet, path: Path, *, overwrite: bool = False) -> bool:
        """Write it under another name; raises nothing, but posts what is wrong."""
        before = sheet.name_key
        try:
            sheet.save_as(path, overwrite=overwrite)
        except CodeexecError as error:
            self.post_message(Failed(error))
            return False
        if self._swaps is not None:
            self._swaps.discard(before)
        self._show_tabs()
        self._tell_tabs()
        return True

    def discard_swap(self, sheet: Sheet) -> None:
        if self._swaps is not None:
            self._swaps.discard(sheet.name_key)

    def _forget_swap(self, sheet: Sheet) -> None:
        self._kept.pop(sheet.name_key, None)
        self.discard_swap(sheet)

    def keep_unsaved(self) -> None:
        """Write what is unsaved to its swap file, and note files that changed on disk."""
        for sheet in self._sheets:
            version = sheet.editor.model.buffer.version
            if self._swaps is not None and sheet.is_changed:
                if self._kept.get(sheet.name_key) != version:
                    self._kept[sheet.name_key] = version
                    where = sheet.editor.model.cursor
                    try:
                        self._swaps.write(
                            sheet.name_key,
                            sheet.editor.text,
                            where.line,
                            where.column,
                            sheet.document.file.stamp,
                        )
                    except StorageError as error:
                        self.post_message(Failed(error))
                        self._swaps = None  # said once: a full disk is not news every 2 seconds
            elif not sheet.untitled and sheet.document.file.changed_on_disk:
                self._reload(sheet)

    def _reload(self, sheet: Sheet) -> None:
        """Nothing of ours is unsaved, so that what is on disk now is what is meant."""
        try:
            if sheet.path.exists():
                sheet.reload()
        except (CodeexecError, NotFound) as error:
            self.post_message(Failed(error))

    # -- tabs -----------------------------------------------------------------------------------

    def _show_tabs(self) -> None:
        current = self.sheet
        self.tabs.show(
            [
                Tab(
                    sheet.name_key,
                    sheet.title,
                    "●" if sheet.is_changed else "",
                    "run.edited",
                    closable=True,
                )
                for sheet in self._sheets
            ]
            or [Tab("", "Editor")],
            current.name_key if current else "",
        )

    def _tell_tabs(self) -> None:
        paths = tuple(str(sheet.path) for sheet in self._sheets if not sheet.untitled)
        self.post_message(self.TabsChanged(paths))

    def _by_key(self, key: str) -> Sheet | None:
        return next((sheet for sheet in self._sheets if sheet.name_key == key), None)

    @on(TabStrip.Chosen)
    def choose_tab(self, event: TabStrip.Chosen) -> None:
        event.stop()
        if sheet := self._by_key(event.key):
            self.bring(sheet)

    @on(TabStrip.CloseRequested)
    def close_tab(self, event: TabStrip.CloseRequested) -> None:
        event.stop()
        self.request_close(self._by_key(event.key))

    @on(CodeEditor.Changed)
    def note_change(self, event: CodeEditor.Changed) -> None:
        event.stop()
        self._show_tabs()

    @on(CodeEditor.CursorMoved)
    def note_cursor(self, event: CodeEditor.CursorMoved) -> None:
        event.stop()
        self.tell_position()

    def tell_position(self) -> None:
        """Say again where the cursor is."""
        sheet = self.sheet
        if sheet is not None:
            cursor = sheet.editor.model.cursor
            cell = sheet.editor.model.cell()
            self.post_message(
                self.CursorMoved(Position(cursor.line + 1, cursor.column + 1, cell.title))
            )

    def focus_editor(self) -> None:
        if self.sheet is not None:
            self.sheet.editor.focus()
        else:
            self.query_one(Welcome).focus()

    # -- running ----------------------------------------------------------------------------------

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.tabs.use(theme)
        self.query_one(Welcome).use(theme)
        for sheet in self._sheets:
            sheet.use(theme)

    def connect(self, session: SessionClient) -> None:
        self.session = session

    def show_frame(self, frame: Frame) -> None:
        """Bring marks up to date."""
        self._snapshot = frame.snapshot
        views = frame.snapshot.executions
        documents = {
            view.cell.document
            for key in frame.changed
            if (view := views.get(key)) is not None and view.cell is not None
        }
        if not documents:
            return
        for sheet in self._sheets:
            if sheet.name_key in documents:
                sheet.show_marks(frame.snapshot)
        for key in frame.changed:
            view = views.get(key)
            if view is not None and view.status == "error" and view.cell is not None:
                self._mark_error(view.cell, view.error.traceback if view.error else (), view.count)

    def _mark_error(self, cell: CellRef, lines: Sequence[str], count: int | None) -> None:
        sheet = self._by_key(cell.document)
        if sheet is None or not lines:
            return
        frames = traceback.parse(lines).frames
        mine = [frame for frame in frames if frame.cell is not None and frame.cell == count]
        if mine:
            line = cell.first_line + mine[-1].line - 1
            message = plain(lines[-1]).strip().split("\n")[-1]
            sheet.editor.set_diagnostics([Diagnostic(line, message)])

    @on(CodeEditor.RunRequested)
    def run_cells(self, event: CodeEditor.RunRequested) -> None:
        event.stop()
        sheet = self.sheet
        if sheet is None:
            return
        if self.save_before_run and sheet.is_changed and not sheet.untitled:
            self.save(sheet)
        sheet.editor.set_diagnostics([])
        if event.scope is RunScope.RESTART:
            cells = tuple(self._ref(sheet, cell) for cell in event.cells)
            self.post_message(self.RestartAsked(cells))
            return
        self.run_worker(self._run(sheet, event.cells, event.scope), group="run")

    async def _run(self, sheet: Sheet, cells: Sequence[Cell], scope: RunScope) -> None:
        """Queue cells in order; the first that cannot be queued ends it."""
        for cell in cells:
            source = cell.source
            if scope is RunScope.FILE:
                source = sheet.editor.text
            request = q.Execute(source, origin=self.me, cell=self._ref(sheet, cell))
            if await ask(self, self.session, request) is None:
                return

    def _ref(self, sheet: Sheet, cell: Cell) -> CellRef:
        return CellRef(sheet.name_key, cell.key, cell.body, cell.title)

    async def run_all(self) -> None:
        """All cells of the document in front, in order."""
        if self.sheet is not None:
            cells = [cell for cell in self.sheet.editor.cells() if cell.is_code]
            kept = [cell for cell in cells if not cell.is_blank]
            await self._run(self.sheet, kept, RunScope.ALL)

    # -- questions ------------------------------------------------------------------------

    @on(CodeEditor.CompletionRequested)
    def ask_completions(self, event: CodeEditor.CompletionRequested) -> None:
        event.stop()
        if self.sheet is not None:
            self.run_worker(self._complete(self.sheet, event), group="complete", exclusive=True)

    async def _complete(self, sheet: Sheet, event: CodeEditor.CompletionRequested) -> None:
        request = q.Complete(event.code, event.offset)
        asking = ask_quietly if event.automatic else self._ask_loudly
        found = await asking(self.session, request)
        if found is not None:
            items = [Completion(match.text, match.type) for match in found.matches]
            sheet.editor.show_completions(items, event.location(found.start))

    async def _ask_loudly(
        self, session: SessionClient | None, request: q.Complete
    ) -> q.Completions | None:
        return await ask(self, session, request)

    @on(CodeEditor.InspectRequested)
    def ask_docs(self, event: CodeEditor.InspectRequested) -> None:
        event.stop()
        if self.sheet is not None:
            self.run_worker(self._inspect(self.sheet, event), group="complete", exclusive=True)

    async def _inspect(self, sheet: Sheet, event: CodeEditor.InspectRequested) -> None:
        found = await ask(self, self.session, q.Inspect(event.code, event.offset))
        if found is not None and found.found:
            sheet.editor.show_docs(plain(found.text))

    @on(CodeEditor.CopyRequested)
    def copy(self, event: CodeEditor.CopyRequested) -> None:
        event.stop()
        self.post_message(CopyRequested(event.text))

    @on(CodeEditor.PromptRequested)
    def ask_person(self, event: CodeEditor.PromptRequested) -> None:
        event.stop()
        sheet = self.sheet
        if sheet is None:
            return
        match event.kind:
            case "cell":
                cells = [
                    (cell.title or f"cell {cell.index + 1}", cell.start)
                    for cell in sheet.editor.cells()
                ]
                self.post_message(self.ChoiceAsked("Go to a cell", cells))
            case "symbol":
                names = [(f"{one.name}  {one.kind}", one.line) for one in sheet.editor.symbols()]
                self.post_message(self.ChoiceAsked("Go to a symbol", names))
            case kind:
                sheet.find_bar.open(kind, event.text)
