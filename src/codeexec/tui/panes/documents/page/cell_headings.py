"""Heading rows of the cells of a page: the prompt, the title, and how the output stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment

from codeexec.documents.model import CellKind
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.words import duration
from codeexec.tui.panes.editor.marks import CellState
from codeexec.tui.render.kernel_words import language_title
from codeexec.tui.render.plain import one_line
from codeexec.tui.session.stored_outputs import is_stored

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.page.cell_source import CellSource
    from codeexec.tui.panes.documents.page.page_outputs import PageOutputs
    from codeexec.tui.panes.editor.code_editor import CodeEditor

_BUSY = (CellState.QUEUED, CellState.RUNNING)


class CellHeadings:
    """`outputs` has the executions that are shown; `show` gives those without output, and `source`
    the counts of the file."""

    def __init__(self, editor: CodeEditor, outputs: PageOutputs, source: CellSource) -> None:
        self._editor = editor
        self._outputs = outputs
        self._source = source
        self._views: Mapping[str, ExecutionView] = {}
        self._stale: frozenset[str] = frozenset()

    def show(self, views: Mapping[str, ExecutionView], stale: frozenset[str]) -> None:
        """Take the executions of the cells by key, and which cells are stale."""
        self._views, self._stale = views, stale

    def segments(self, line: int, room: int) -> list[Segment] | None:
        """The row of the separator on a line in `room` cells; None for a line without one.
        The end of a fence is an empty row."""
        model, styles = self._editor.model, self._editor.painter.styles
        index = model.cells.at(line)
        separator = model.cells.separator_at(line)
        if separator is None:
            return [Segment("")] if model.cells.is_foot(line) else None
        key = model.cells.key(index)
        is_code = separator.kind is CellKind.CODE
        label = self._label(key) if is_code else str(separator.kind).capitalize()
        form = model.cells.form(index)
        language = f" {language_title(form.language)}" if form.language else ""
        title = f" {one_line(separator.title)}" if separator.title else ""
        notes = self._notes(key) if is_code else []
        used = cell_len(label + language + title) + 2 + sum(len(text) + 1 for text, _ in notes)
        rule = Segment("─" * max(room - used - 1, 0), styles("faint"))
        segments = [
            Segment(label, styles("accent" if is_code else "muted")),
            Segment(language, styles("syntax.type")),
            Segment(title, styles("cell.separator")),
            Segment(" "),
            rule,
        ]
        for text, meaning in notes:
            segments += [Segment(f" {text}", styles(meaning))]
        return segments

    def _label(self, cell_key: str) -> str:
        """The prompt as Jupyter shows it."""
        mark = self._editor.painter.marks.get(cell_key)
        if mark is not None and mark.state in _BUSY:
            return "In [*]"
        view = self._view(cell_key)
        count = view.count if view is not None else self._source.saved_count(cell_key)
        return f"In [{' ' if count is None else count}]"

    def _view(self, cell_key: str) -> ExecutionView | None:
        """The execution whose output is shown, or that has none to show."""
        block = self._outputs.get(cell_key)
        return block.view if block is not None else self._views.get(cell_key)

    def _notes(self, cell_key: str) -> list[tuple[str, str]]:
        """Words at the right of a heading, each with its meaning."""
        notes: list[tuple[str, str]] = []
        mark = self._editor.painter.mark_of(cell_key)
        if cell_key in self._stale or (mark is not None and mark.state is CellState.EDITED):
            notes.append(("stale", "run.edited"))
        view = self._view(cell_key)
        if view is not None and is_stored(view.execution_id):
            notes.append(("saved", "muted"))
        elif mark is not None and mark.elapsed is not None:
            notes.append((duration(mark.elapsed), f"run.{mark.state}"))
        return notes
