"""One open document: its file, its editor, and which executions came from it."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical

from codeexec.documents.formats import open_as_text, open_document, save_as, save_document
from codeexec.documents.model import Document
from codeexec.domain.errors import DocumentError
from codeexec.domain.snapshot import Snapshot
from codeexec.languages.catalog import by_file, by_name, text
from codeexec.languages.model import Language
from codeexec.tui.theme import Theme
from codeexec.tui.widgets.editor.code_editor import CodeEditor
from codeexec.tui.widgets.editor.find_bar import FindBar
from codeexec.tui.widgets.editor.marks import CellMark, CellState
from codeexec.tui.widgets.editor.styles import EditorStyles

_STATES = {
    "queued": CellState.QUEUED,
    "running": CellState.RUNNING,
    "ok": CellState.OK,
    "error": CellState.FAILED,
    "timed_out": CellState.FAILED,
    "cancelled": CellState.CANCELLED,
    "lost": CellState.LOST,
}


def language_of(document: Document) -> Language:
    """By its name, its first line, or what its notebook says."""
    if document.notebook is not None:
        return by_name(document.notebook.language or "python")
    first, _, _ = document.text.partition("\n")
    return by_file(document.path.name, first) or text()


def read(path: Path) -> Document:
    """Open a file, or begin one of that name; a broken notebook opens as the text that it is."""
    language = by_file(path.name)
    marker = language.comment if language is not None else "#"
    try:
        return open_document(path, marker or "#", create=True)
    except DocumentError:
        if path.suffix != ".ipynb":
            raise
        return open_as_text(path)


class Sheet(Vertical):
    """Shows a document; `name_key` names it among all, also before it has a file."""

    DEFAULT_CSS = """
    Sheet { height: 1fr; }
    Sheet CodeEditor { height: 1fr; }
    """

    def __init__(self, document: Document, theme: Theme, *, untitled: str = "") -> None:
        super().__init__()
        self.document = document
        self.untitled = untitled
        self.language = language_of(document)
        self.editor = CodeEditor(
            document.text,
            self.language,
            styles=EditorStyles.from_meanings(theme.style),
            read_only=bool(document.file.read_only),
        )
        self.find_bar = FindBar(self.editor)
        self._saved_version = self.editor.model.buffer.version
        self._ran: dict[str, str] = {}
        self._marked: dict[str, CellMark] = {}

    def compose(self) -> ComposeResult:
        yield self.editor
        yield self.find_bar

    @property
    def path(self) -> Path:
        return self.document.path

    @property
    def name_key(self) -> str:
        return self.untitled or str(self.path)

    @property
    def title(self) -> str:
        return self.untitled or self.path.name

    @property
    def is_changed(self) -> bool:
        return self.editor.model.buffer.version != self._saved_version

    @property
    def would_be_lost(self) -> bool:
        """Whether closing it loses what somebody typed."""
        return self.is_changed and bool(self.editor.text.strip() or not self.untitled)

    def save(self, *, overwrite: bool = False) -> None:
        """Raises Conflict, StorageError and DocumentError."""
        version = self.editor.model.buffer.version
        self.document = save_document(self.document, self.editor.text, overwrite=overwrite)
        self._saved_version = version

    def save_as(self, path: Path, *, overwrite: bool = False) -> None:
        """The same under another name."""
        version = self.editor.model.buffer.version
        self.document = save_as(self.document, self.editor.text, path, overwrite=overwrite)
        self.untitled = ""
        self._saved_version = version

    def reload(self) -> None:
        """Take what is on disk instead; raises DocumentError and NotFound."""
        self.document = read(self.path)
        where = self.editor.model.cursor
        self.editor.load(self.document.text, self.language)
        self.go_to(where.line, where.column)
        self._saved_version = self.editor.model.buffer.version

    def restore(self, unsaved: str) -> None:
        """Put text back that was never saved."""
        self.editor.load(unsaved, self.language)
        self._saved_version = -1

    def go_to(self, line: int, column: int = 0) -> None:
        """Put the cursor on a line, from 0, and show it."""
        model = self.editor.model
        line = min(max(line, 0), len(model.lines) - 1)
        model.select(model.selection.cursor._replace(line=line, column=column))
        self.editor.sync()
        self.editor.reveal(center=True)

    def use(self, theme: Theme) -> None:
        self.editor.use_styles(EditorStyles.from_meanings(theme.style))

    # -- marks ------------------------------------------------------------------------------------

    def show_marks(self, snapshot: Snapshot) -> None:
        """How its cells stand: the last execution of each counts."""
        marks: dict[str, CellMark] = {}
        for view in snapshot.executions.values():
            if view.cell is None or view.cell.document != self.name_key:
                continue
            elapsed = None
            if view.started_at is not None and view.finished_at is not None:
                elapsed = view.finished_at - view.started_at
            marks[view.cell.cell] = CellMark(_STATES[view.status], elapsed)
        if marks != self._marked:
            self._marked = marks
            self.editor.set_cell_marks(marks)
