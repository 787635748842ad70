"""View of one open document: its file, its editors, and its executions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical

from codeexec.client.api import SessionClient
from codeexec.config.model import Editor as Habits
from codeexec.documents.files import moved_file
from codeexec.documents.formats import save_as
from codeexec.documents.model import Document
from codeexec.documents.notebook.merging import Merged
from codeexec.documents.outline import OutlineEntry
from codeexec.documents.pairing import paired
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.text.printable import printable
from codeexec.languages.model import Language
from codeexec.tui.panes.documents.banner import Banner
from codeexec.tui.panes.documents.cells.cell_states import CellStates
from codeexec.tui.panes.documents.cells.diagnostics import LineDiagnostics
from codeexec.tui.panes.documents.cells.notebook_cells import MergePlan, MergeResult, NotebookCells
from codeexec.tui.panes.documents.cells.outlining import read_outline
from codeexec.tui.panes.documents.files.disk_work import (
    SaveJob,
    can_merge,
    is_large,
    is_whole,
    require_idle,
)
from codeexec.tui.panes.documents.files.reading import file_note, language_of, read
from codeexec.tui.panes.documents.programs.bar import ProgramBar
from codeexec.tui.panes.documents.text_diff import replace_lines, replace_text
from codeexec.tui.panes.documents.view import DocumentEditor
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.find_bar import FindBar
from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.theme.theme import Theme

_WRITES = 5.0
"""Seconds after an edit in which the user counts as still writing."""


class DocumentView(Vertical):
    """Shows a document; `name_key` names it among all, also before it has a file."""

    DEFAULT_CSS = """
    DocumentView { height: 1fr; }
    """

    def __init__(
        self,
        document: Document,
        theme: Theme,
        *,
        untitled: str = "",
        key: str = "",
        habits: Habits | None = None,
        machine: str = "",
    ) -> None:
        """`untitled` is what a document without a file is called, and `key` its `name_key`.
        `machine` is the one that has its file: see `files/elsewhere.py`; empty: this one."""
        super().__init__()
        self.document = document
        self.untitled = untitled
        self.machine = machine
        self._key = key or untitled
        self.language = language_of(document, untitled)
        self._habits = habits or Habits()
        self._theme = theme
        model = EditorModel(document.text, self._accustomed())
        model.read_only = bool(document.file.read_only)
        self.view = self.first_view = self._make_view(model)
        """The view that has the keys, or had them last; and the one that stands here."""
        self.second_view: DocumentEditor | None = None
        self.editor.model.cells.escaped = document.notebook is not None
        self.notebook_cells = NotebookCells(lambda: self.editor, lambda: self.document)
        self.banner = Banner()
        self.program_bar = ProgramBar(theme)
        self.noticed = document.file.stamp
        """The version on disk that the person knows of."""
        self.watched_spare = ""
        """Text of the empty last cell in the workbench that is watched."""
        self.former: tuple[str, ...] = ()
        """What executions call it that were run before it was saved under another name."""
        self.cell_states = CellStates(self._editors, lambda: self.names)
        self.diagnostics = LineDiagnostics(self, self._editors, self._python_document)
        self.ran_at = 0.0
        """When code of it was last asked to run; seconds on the monotonic clock."""
        self.is_page = False
        """It is shown as a page: see `page/pages.py`."""
        self.disk_lock = asyncio.Lock()
        """Held while its file is written or read in a thread."""
        self.is_on_disk = True
        """Whether the disk is known to have what was saved last, and of a file elsewhere its
        machine: until then its swap file stays."""
        self.is_frozen = False
        """The document is shown read-only because another client edits it."""

    def _make_view(self, model: EditorModel) -> DocumentEditor:
        habits = self._habits
        editor = CodeEditor(styles=EditorStyles.from_meanings(self._theme.style), model=model)
        editor.completion.automatic = habits.auto_complete
        editor.completion.enter_accepts = habits.enter_accepts
        editor.soft_wrap = habits.soft_wrap
        editor.line_numbers = habits.line_numbers
        if habits.keymap == "vim":
            from codeexec.tui.panes.editor.vim import VimKeys  # few have it

            editor.modal = VimKeys()
        return DocumentEditor(self, editor, self._theme)

    @property
    def editor(self) -> CodeEditor:
        """The editor that has the keys, or had them last."""
        return self.view.editor

    @property
    def find_bar(self) -> FindBar:
        return self.view.find_bar

    @property
    def views(self) -> Sequence[DocumentEditor]:
        """All views of the document."""
        second = self.second_view
        return (self.first_view,) if second is None else (self.first_view, second)

    def _editors(self) -> Sequence[CodeEditor]:
        """All editors of the document, the one with the keys first."""
        others = (view.editor for view in self.views if view is not self.view)
        return (self.editor, *others)

    def _python_document(self) -> Document | None:
        """The document while it is on screen, where it is in Python."""
        is_shown = self.is_attached and self.language.name == "python"
        return self.document if is_shown else None

    def add_view(self) -> DocumentEditor:
        """A second view of the same text, as the one that has the keys; it is to be mounted."""
        editor = self.editor
        view = self._make_view(editor.model.second_view())
        view.editor.model.select(*editor.model.selection)
        view.editor.painter.mark(editor.painter.marks)
        view.editor.painter.diagnostics = dict(editor.painter.diagnostics)
        self.second_view = view
        return view

    def drop_view(self, *, keeps_place: bool) -> None:
        """Be without the second view; with `keeps_place` the first goes where it was."""
        view, self.second_view = self.second_view, None
        if view is None:
            return
        self.view = self.first_view
        if keeps_place:
            y = view.editor.scroll_offset.y
            self.editor.model.select(*view.editor.model.selection)
            self.editor.sync()
            self.editor.scroll_to(y=y, animate=False, force=True)
        view.remove()

    def freeze(self) -> None:
        self.is_frozen = True
        self.editor.model.read_only = True

    def compose(self) -> ComposeResult:
        yield self.banner
        yield self.program_bar
        yield self.first_view

    def on_mount(self) -> None:
        self.banner.say(file_note(self.document, self.untitled))
        self.diagnostics.check_soon()

    @property
    def path(self) -> Path:
        return self.document.path

    @property
    def name_key(self) -> str:
        return self._key if self.untitled else str(self.path)

    @property
    def title(self) -> str:
        # Names of files may hold anything, also what would act on the terminal.
        name = self.untitled or printable(self.path.name)
        return f"{name} · {self.machine}" if self.machine else name

    @property
    def is_changed(self) -> bool:
        return not self.editor.model.shared.is_saved

    @property
    def is_unsent(self) -> bool:
        """Whether it was saved, and not sent yet to the machine that has its file."""
        return bool(self.machine) and not self.is_on_disk

    @property
    def is_written(self) -> bool:
        """Whether the user is writing here and has typed since the last run."""
        typed = self.editor.parser.typed_at
        return typed > self.ran_at and time.monotonic() - typed < _WRITES

    @property
    def would_be_lost(self) -> bool:
        """Whether closing the document loses typed text."""
        if self.is_frozen:
            return False
        if not self.untitled:
            return self.is_changed or self.is_unsent
        return self.is_changed and any(line.strip() for line in self.editor.model.lines)

    # -- on disk --------------------------------------------------------------------------------

    def save(self, *, overwrite: bool = False, sync: bool = True) -> None:
        """Raises Conflict, StorageError and DocumentError; `sync` is that of `save_file`."""
        require_idle(self)
        self.trim()
        job = SaveJob.of(self)
        self.document = job.write(overwrite=overwrite, sync=sync)
        self.is_on_disk = sync
        self.note_saved(job)

    def pair(self) -> None:
        """Note in the document that it is one of a pair; a save writes that."""
        document = paired(replace(self.document, text=self.editor.model.shared.to_save))
        if document.notebook is None:
            replace_text(self.editor, document.text)
        else:
            self.document = document

    def is_outdated(self) -> bool:
        """Whether another program has written its file since it was read or saved."""
        return self.document.file.path.exists() and self.document.file.changed_on_disk

    def keep(self) -> None:
        """The version on disk that the user was told of may be replaced by the next save; one that
        comes after it may not."""
        self.document = replace(self.document, file=replace(self.document.file, stamp=self.noticed))
        self.banner.say("")

    def save_as(self, path: Path, *, overwrite: bool = False) -> None:
        """The same under another name."""
        require_idle(self)
        self.trim()
        former = self.name_key
        text = self.editor.model.shared.to_save
        self.document = save_as(self.document, text, path, overwrite=overwrite)
        if self.document.text != text:
            replace_text(self.editor, self.document.text)  # a script has become a notebook, or back
        self.untitled, self.is_on_disk = "", True
        if former != self.name_key:
            self.former = (*self.former, former)
        self._learn_language()
        self.note_saved()

    def _learn_language(self) -> None:
        """Another name may mean another language: then editing begins anew."""
        language = language_of(self.document)
        if language.name != self.language.name:
            self.language = language
            line, column = self.editor.model.cursor
            self.first_view.editor.load(self.editor.text, self._accustomed())
            if self.second_view is not None:
                model = self.first_view.editor.model.second_view()
                self.second_view.editor.show_model(model)
            self.go_to(line, column)

    def trim(self) -> None:
        """Take the blanks away at the ends of lines, where that is set; in Markdown they speak."""
        if self._habits.trim_on_save and self.language.name != "markdown":
            replace_lines(self.editor, [line.rstrip() for line in self.editor.model.lines])

    def note_saved(self, job: SaveJob | None = None) -> None:
        """The file has what the job wrote; without one, the text as it is now."""
        job = job or SaveJob.of(self)
        self.notebook_cells.note_saved(job.keys)
        self.editor.model.cells.escaped = self.document.notebook is not None
        self.editor.model.history.mark_saved_at(job.step)
        self.noticed = self.document.file.stamp
        self.banner.say(file_note(self.document, self.untitled))

    def reload(self, *, only_whole: bool = False) -> bool:
        """Take what is on disk instead, which undo takes back; raises DocumentError, NotFound,
        and Denied when a link has taken the place of the file. With `only_whole` nothing is done
        (False) if this is a notebook, and the file is none now: it may be half written."""
        require_idle(self)
        return self.take(read(self.path, self.document.file.real), only_whole=only_whole)

    def take(self, on_disk: Document, *, only_whole: bool = False) -> bool:
        """Show a document that was read again, as `reload` does."""
        if only_whole and not is_whole(on_disk, self.document):
            return False
        had_outputs = self.notebook_cells.has_outputs()
        self.document, self.is_on_disk = on_disk, True
        replace_text(self.editor, self.document.text)
        self.editor.model.read_only = self.is_frozen or bool(self.document.file.read_only)
        self.note_saved()
        self.cell_states.note_cleared(self.notebook_cells.cleared_since(had_outputs))
        return True

    def merge(self, *, both: bool = False) -> MergeResult | None:
        """Take over what another program has written into the notebook, cell by cell; None if this
        cannot be done. Raises as `reload`."""
        require_idle(self)
        if self.document.notebook is None:
            return None
        theirs = read(self.path, self.document.file.real)
        if not can_merge(self.document, theirs):
            return None
        plan = self.notebook_cells.plan_merge(theirs, both=both)
        return self.take_merge(plan, plan.merge())

    def take_merge(self, plan: MergePlan, merged: Merged) -> MergeResult:
        """Show what was merged."""
        had_outputs = self.notebook_cells.has_outputs()
        result = self.notebook_cells.take_merge(plan, merged)
        if result.document is not self.document:
            self.document = result.document
            self.cell_states.note_cleared(self.notebook_cells.cleared_since(had_outputs))
            self.noticed = self.document.file.stamp
        return result

    def restore(self, unsaved: str) -> None:
        """Put text back that was never saved; undo takes that back."""
        replace_text(self.editor, unsaved)

    def follow(self, path: Path) -> None:
        """The file has another name now."""
        file = moved_file(self.document.file, path)
        self.document = replace(self.document, file=file)
        self.noticed = file.stamp

    # -- where the cursor is ----------------------------------------------------------------------

    def go_to(self, line: int, column: int = 0) -> None:
        """Put the cursor on a line, from 0, and show it."""
        model = self.editor.model
        line = min(max(line, 0), len(model.lines) - 1)
        model.select(model.selection.cursor._replace(line=line, column=column))
        self.editor.sync()
        self.editor.viewport.reveal(center=True)

    def adopt(self, habits: Habits) -> None:
        """Take over what is set now; what was switched by key since stays where nothing is new."""
        previous, self._habits = self._habits, habits
        for editor in (view.editor for view in self.views):
            editor.completion.automatic = habits.auto_complete
            editor.completion.enter_accepts = habits.enter_accepts
            editor.model.language = self._accustomed()
            if habits.soft_wrap != previous.soft_wrap:
                editor.soft_wrap = habits.soft_wrap
            if habits.line_numbers != previous.line_numbers:
                editor.line_numbers = habits.line_numbers

    def _accustomed(self) -> Language:
        """The language with the indentation and the brackets as they are set."""
        habits, language = self._habits, self.language
        indent = language.indent
        if not habits.insert_spaces:
            indent = "\t"
        elif indent != "\t" and habits.tab_size:
            indent = " " * habits.tab_size
        pairs = language.pairs if habits.auto_close else ()
        return language._replace(indent=indent, pairs=pairs)

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.program_bar.use(theme)
        for view in self.views:
            view.editor.use_styles(EditorStyles.from_meanings(theme.style))
            view.title_bar.use(theme)

    # -- cells ------------------------------------------------------------------------------------

    async def outline(self) -> tuple[OutlineEntry, ...] | None:
        """Its headings, cells and definitions; None where the text has changed meanwhile."""
        is_markdown = self.language.name == "markdown" and self.document.notebook is None
        return await read_outline(self.editor, is_markdown=is_markdown)

    @property
    def names(self) -> tuple[str, ...]:
        """What executions call this document, now or before it was saved as another."""
        return (self.name_key, *self.former)

    def is_of(self, document: str) -> bool:
        """Whether executions name this document so, now or before it was saved as another."""
        return document == self.name_key or document in self.former

    async def save_outputs(self, snapshot: Snapshot, session: SessionClient) -> None:
        """Write what its cells have put out into the notebook as it was saved last, where that
        is something new. Raises CodeexecError."""
        cells = self.notebook_cells
        document = self.document
        runs = self.cell_states.finished(snapshot)
        filled = await cells.with_outputs(document, runs, snapshot, session)
        if filled is None:
            return
        async with self.disk_lock:
            if self.document is not document:
                return
            in_thread = is_large(self)
            write = partial(cells.write, filled)
            self.document = await asyncio.to_thread(write) if in_thread else write()
            self.is_on_disk = True
            cells.note_written(self.document)
            self.noticed = self.document.file.stamp
