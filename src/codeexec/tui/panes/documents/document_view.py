"""View of one open document: its file, its editors, and its executions."""

from __future__ import annotations

import asyncio
import difflib
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical

from codeexec.client.api import SessionClient
from codeexec.config.model import Editor as Habits
from codeexec.documents.files import moved_file
from codeexec.documents.formats import open_as_text, open_document, save_as, save_document
from codeexec.documents.model import Cell, Document
from codeexec.documents.outline import Definition, OutlineEntry, outline
from codeexec.domain.errors import DocumentError, NotFound
from codeexec.domain.events import CellRef
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.text.printable import printable
from codeexec.languages.catalog import by_file, by_name, text
from codeexec.languages.model import Language
from codeexec.tui.panes.documents.banner import Banner
from codeexec.tui.panes.documents.cells.cell_runs import CellRuns
from codeexec.tui.panes.documents.cells.marks import assigned, cell_marks, reference
from codeexec.tui.panes.documents.cells.outputs import OutputReader, with_kernel, with_runs
from codeexec.tui.panes.documents.cells.syntax_errors import SyntaxChecker
from codeexec.tui.panes.documents.text_diff import replace_lines, replace_text
from codeexec.tui.panes.documents.view import DocumentEditor
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.find_bar import FindBar
from codeexec.tui.panes.editor.marks import CellMark, CellState, Diagnostic
from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.vim import VimKeys
from codeexec.tui.theme.theme import Theme

_WRITES = 5.0
"""Seconds after an edit in which the user counts as still writing."""

_MOST_LINES_WITH_DEFINITIONS = 20_000
"""Lines of a text whose definitions are looked for; more would hold up the keyboard."""

_LINES_AT_A_TIME = 400
"""Lines that are looked through for definitions between two looks at the keyboard: 5 ms."""

_QUIET = 0.8
"""Seconds without a key before the text is looked through for errors."""


def language_of(document: Document, name: str = "") -> Language:
    """By its name (`name` where it has no file yet), its first line, or what its notebook says."""
    if document.notebook is not None:
        try:
            return by_name(document.notebook.language or "python")
        except NotFound:
            return text()  # there are more languages than we know
    first, _, _ = document.text.partition("\n")
    return by_file(name or document.path.name, first) or text()


def read(path: Path, real: Path | None = None) -> Document:
    """Open a file, or begin one of that name. A broken notebook opens as the text that it is,
    and what is not in its encoding as latin-1, in which every byte has a meaning. `real` is where
    the path led when it was opened before."""
    language = by_file(path.name)
    marker = (language.comment if language is not None else "") or "#"
    try:
        return open_document(path, marker, create=True, real=real)
    except DocumentError as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            return open_document(path, marker, "latin-1", real=real)
        if path.suffix != ".ipynb":
            raise
        return open_as_text(path, real=real)


def _note(document: Document, untitled: str = "") -> str:
    """Note about the file for the user before the first edit; empty if there is none."""
    file = document.file
    if file.stamp is None and not untitled:
        folder = document.path.parent
        if folder.is_dir():
            return "New file. Ctrl+S writes it."
        return f"New file in a folder that does not exist: {folder}. Ctrl+S makes both."
    if file.read_only:
        return f"Read only: {file.read_only}."
    if document.path.suffix == ".ipynb" and document.notebook is None and file.text:
        return "This is no valid notebook: here is the text of the file."
    if file.encoding == "latin-1":
        return "Not UTF-8: each byte is shown as a character of latin-1, and saved as it was."
    if file.mixed_newlines:
        return "Its lines end in different ways: a save makes them all alike."
    return ""


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
    ) -> None:
        """`untitled` is what a document without a file is called, and `key` its `name_key`."""
        super().__init__()
        self.document = document
        self.untitled = untitled
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
        self._saved_keys = self._cell_keys()
        self.banner = Banner()
        self.noticed = document.file.stamp
        """The version on disk that the person knows of."""
        self.former: tuple[str, ...] = ()
        """What executions call it that were run before it was saved under another name."""
        self.cell_runs = CellRuns()
        self._outputs = OutputReader()
        self._token = secrets.token_hex(3)
        self._marked: dict[str, CellMark] = {}
        self._counted: dict[str, str] = {}
        self._cell_keys_seen = self.editor.model.cells.keys
        self._failures: list[Diagnostic] = []
        self._checker = SyntaxChecker()
        self._check_asked_at = 0.0
        self.ran_at = 0.0
        """When code of it was last asked to run; seconds on the monotonic clock."""
        self._waits = False
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
        yield self.first_view

    def on_mount(self) -> None:
        self.banner.say(_note(self.document, self.untitled))
        self.check_soon()

    @property
    def path(self) -> Path:
        return self.document.path

    @property
    def name_key(self) -> str:
        return self._key if self.untitled else str(self.path)

    @property
    def title(self) -> str:
        # Names of files may hold anything, also what would act on the terminal.
        return self.untitled or printable(self.path.name)

    @property
    def is_changed(self) -> bool:
        return not self.editor.model.shared.is_saved

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
            return self.is_changed
        return self.is_changed and any(line.strip() for line in self.editor.model.lines)

    # -- on disk --------------------------------------------------------------------------------

    def save(self, *, overwrite: bool = False) -> None:
        """Raises Conflict, StorageError and DocumentError."""
        self._trim()
        text = self.editor.model.shared.to_save
        self.document = save_document(
            self.document, text, overwrite=overwrite, origins=self._origins()
        )
        self._saved()

    def is_outdated(self) -> bool:
        """Whether another program has written its file since it was read or saved."""
        return self.document.file.path.exists() and self.document.file.changed_on_disk

    def notebook_cells(self) -> tuple[Cell, ...]:
        """The cells that a notebook of the text has; a blank start of the text is none, and
        neither is a spare cell at its end."""
        index = self.editor.model.cells
        cells = self.editor.cells()
        if self.editor.model.shared.spare is not None:
            cells = cells[:-1]
        return tuple(cells[1:] if index.has_preamble and cells[0].is_blank else cells)

    def _cell_keys(self) -> tuple[str, ...]:
        return tuple(cell.key for cell in self.notebook_cells())

    def _origins(self) -> list[int | None]:
        """Of each cell of the text its place in the notebook as it was saved last."""
        places = {key: place for place, key in enumerate(self._saved_keys)}
        return [places.get(key) for key in self._cell_keys()]

    def save_as(self, path: Path, *, overwrite: bool = False) -> None:
        """The same under another name."""
        self._trim()
        former = self.name_key
        text = self.editor.model.shared.to_save
        self.document = save_as(self.document, text, path, overwrite=overwrite)
        if self.document.text != text:
            replace_text(self.editor, self.document.text)  # a script has become a notebook, or back
        self.untitled = ""
        if former != self.name_key:
            self.former = (*self.former, former)
        self._learn_language()
        self._saved()

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

    def _trim(self) -> None:
        """Take the blanks away at the ends of lines, where that is set; in Markdown they speak."""
        if self._habits.trim_on_save and self.language.name != "markdown":
            replace_lines(self.editor, [line.rstrip() for line in self.editor.model.lines])

    def _saved(self) -> None:
        self._saved_keys = self._cell_keys()
        self.editor.model.cells.escaped = self.document.notebook is not None
        self.editor.model.history.mark_saved()
        self.noticed = self.document.file.stamp
        self.banner.say(_note(self.document, self.untitled))

    def reload(self) -> None:
        """Take what is on disk instead, which undo takes back; raises DocumentError, NotFound,
        and Denied when a link has taken the place of the file."""
        self.document = read(self.path, self.document.file.real)
        replace_text(self.editor, self.document.text)
        self.editor.model.read_only = self.is_frozen or bool(self.document.file.read_only)
        self._saved()

    def restore(self, unsaved: str) -> None:
        """Put text back that was never saved; undo takes that back."""
        replace_text(self.editor, unsaved)

    def follow(self, path: Path) -> None:
        """The file has another name now."""
        file = moved_file(self.document.file, path)
        self.document = replace(self.document, file=file)
        self.noticed = file.stamp

    def compare(self) -> list[str]:
        """Rows of a unified diff from the file on disk to the text in the editor.

        Raises DocumentError, NotFound and Denied.
        """
        disk_lines = read(self.path, self.document.file.real).text.split("\n")
        editor_lines = self.editor.text.split("\n")
        return list(difflib.unified_diff(disk_lines, editor_lines, "on disk", "here", lineterm=""))

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
        return replace(language, indent=indent, pairs=pairs)

    def use(self, theme: Theme) -> None:
        self._theme = theme
        for view in self.views:
            view.editor.use_styles(EditorStyles.from_meanings(theme.style))
            view.title_bar.use(theme)

    # -- marks ------------------------------------------------------------------------------------

    def ref(self, cell: Cell, *, whole: bool = True) -> CellRef:
        """Where code of a cell, or of a part of it, comes from."""
        return reference(self.name_key, cell, self._token, whole=whole)

    async def outline(self) -> tuple[OutlineEntry, ...] | None:
        """Its headings, cells and definitions; in a very long text no definitions. Keys are
        answered in between; None where the text has changed meanwhile."""
        editor = self.editor
        lines, version = editor.model.lines, editor.model.buffer.version
        definitions = []
        count = len(lines) if len(lines) <= _MOST_LINES_WITH_DEFINITIONS else 0
        for first in range(0, count, _LINES_AT_A_TIME):
            symbols = editor.symbols(first, first + _LINES_AT_A_TIME - 1)
            definitions += [Definition(symbol.name, symbol.kind, symbol.line) for symbol in symbols]
            await asyncio.sleep(0)
            if version != editor.model.buffer.version:
                return None
        is_markdown = self.language.name == "markdown" and self.document.notebook is None
        return outline(lines, editor.cells(), definitions, is_markdown=is_markdown)

    @property
    def has_running_cell(self) -> bool:
        """Whether one of its cells runs now."""
        return any(mark.state is CellState.RUNNING for mark in self._marked.values())

    @property
    def has_open_cell(self) -> bool:
        """Whether one of its cells runs or waits to."""
        open_states = (CellState.RUNNING, CellState.QUEUED)
        return any(mark.state in open_states for mark in self._marked.values())

    def show_marks(self, snapshot: Snapshot) -> None:
        """Show the run states of the cells."""
        views = self._views(snapshot)
        if not views and not self._marked:
            return
        generations = {name: kernel.generation for name, kernel in snapshot.kernels.items()}
        marks = cell_marks(views, self.editor.cells(), self._token, time.time(), generations)
        counted = {
            view.cell.cell.partition("@")[0]: view.execution_id for view in views if view.cell
        }
        rerun = {k for k in marks if counted.get(k) != self._counted.get(k) and k in self._marked}
        if rerun:
            # A run that was over within one frame is a new run all the same.
            queued = {key: CellMark(CellState.QUEUED) for key in rerun}
            self._set_marks({**marks, **queued})
        self._counted = counted
        if marks != self._marked or rerun:
            self._marked = marks
            self._set_marks(marks)

    def follow_cells(self, snapshot: Snapshot) -> None:
        """The text has changed: a cell that came back, as by undo, has a new key, and is found by
        its source."""
        keys = self.editor.model.cells.keys
        if keys != self._cell_keys_seen:
            self._cell_keys_seen = keys
            self.show_marks(snapshot)

    def _set_marks(self, marks: Mapping[str, CellMark]) -> None:
        for view in self.views:
            view.editor.set_cell_marks(marks)

    def _views(self, snapshot: Snapshot) -> list[ExecutionView]:
        """Executions of whole cells from here: what was run of a part of one, or of the file as
        one, marks none."""
        return self.cell_runs.of(self.names, snapshot)

    @property
    def names(self) -> tuple[str, ...]:
        """What executions call this document, now or before it was saved as another."""
        return (self.name_key, *self.former)

    def is_of(self, document: str) -> bool:
        """Whether executions name this document so, now or before it was saved as another."""
        return document == self.name_key or document in self.former

    def runs(self, snapshot: Snapshot) -> dict[str, ExecutionView]:
        """By the keys of cells: the last execution that is over of the code that they have."""
        cells = self.editor.cells()
        sources = {cell.key: cell.source for cell in cells}
        return {
            key: view
            for key, view in assigned(self._views(snapshot), cells, self._token)
            if not view.is_open and view.code == sources[key]
        }

    def ran(self, snapshot: Snapshot) -> set[str]:
        """Keys of the cells that were run, or wait to be."""
        return {key for key, _ in assigned(self._views(snapshot), self.editor.cells(), self._token)}

    async def save_outputs(self, snapshot: Snapshot, session: SessionClient) -> None:
        """Write what its cells have put out into the notebook as it was saved last, where that
        is something new. Raises CodeexecError."""
        notebook = self.document.notebook
        if notebook is None:
            return
        runs = self.runs(snapshot)
        filled = await with_runs(notebook, self._saved_keys, runs, session, self._outputs)
        if runs:
            last = max(runs.values(), key=lambda view: view.number)
            filled = with_kernel(filled, snapshot.kernel_of(last))
        if self.document.notebook is notebook and filled != notebook:
            document = replace(self.document, notebook=filled)
            self.document = save_document(
                document, document.text, origins=range(len(self._saved_keys))
            )
            self.noticed = self.document.file.stamp

    # -- what is wrong with it --------------------------------------------------------------------

    def show_failures(self, failures: Iterable[Diagnostic]) -> None:
        """Mark lines on which code failed, until the next run."""
        self._failures = list(failures)
        self._set_diagnostics(self._failures)
        self.check_soon()

    def check_soon(self) -> None:
        """Schedule a check for syntax errors for when typing pauses."""
        self._check_asked_at = time.monotonic()
        if not self._waits and self.language.name == "python" and self.is_attached:
            self._waits = True
            self.set_timer(_QUIET, self._check_when_quiet)

    def _check_when_quiet(self) -> None:
        seconds = self._check_asked_at + _QUIET - time.monotonic()
        if seconds > 0:
            self.set_timer(seconds, self._check_when_quiet)
        else:
            self._waits = False
            self.run_worker(self._check(), group="check", exclusive=True)

    async def _check(self) -> None:
        model = self.editor.model
        version, lines = model.buffer.version, list(model.lines)
        document = self.document
        is_notebook = document.notebook is not None
        check = partial(self._checker.check, lines, document.marker, escaped=is_notebook)
        diagnostics = await asyncio.to_thread(check)
        if version == self.editor.model.buffer.version:
            self._show_diagnostics(diagnostics)

    def _show_diagnostics(self, syntax: Sequence[Diagnostic]) -> None:
        """Failures stand where edits have moved them; the line that is being typed is let be."""
        cursor_line = self.editor.model.cursor.line if self.editor.has_focus else -1
        moved = [
            Diagnostic(line, mark.message, mark.severity, mark.start, mark.end)
            for line, mark in self.editor.painter.diagnostics.items()
            if mark in self._failures
        ]
        self._failures = moved
        self._set_diagnostics([*(mark for mark in syntax if mark.line != cursor_line), *moved])

    def _set_diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        fixed = tuple(diagnostics)
        for view in self.views:
            view.editor.set_diagnostics(fixed)
