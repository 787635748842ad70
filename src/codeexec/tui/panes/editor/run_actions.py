"""Editor actions on cells and kernel: run, complete, inspect, and marks of results."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codeexec.documents import selection
from codeexec.documents.model import Cell, CellKind
from codeexec.languages.prose import is_prose
from codeexec.tui.panes.editor.base import EditorBase
from codeexec.tui.panes.editor.docs import Docs
from codeexec.tui.panes.editor.messages import RunScope
from codeexec.tui.panes.editor.popups import CompletionList
from codeexec.tui.panes.editor.text import edits
from codeexec.tui.panes.editor.text.motions import identifier_before, indentation
from codeexec.tui.panes.editor.text.text import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from codeexec.tui.panes.editor.marks import CellMark, CompletionItem, Diagnostic
    from codeexec.tui.panes.editor.messages import CodeQuestion

_BEFORE, _AFTER = 500, 100
"""Lines around the cursor that are sent to a kernel to complete or explain a name: a cell of 50,000
lines would keep it busy for seconds and delay the next run."""


class RunActions(EditorBase):
    """Requests to a kernel are posted as messages; replies come back through the `set_` and `show_`
    methods."""

    enter_accepts = False
    """Whether Enter takes the first completion of a list that opened by itself."""

    def cells(self) -> tuple[Cell, ...]:
        """The cells of the text as it is now."""
        return self.model.cells.cells(self.model.lines)

    # Marks.

    def set_cell_marks(self, marks: Mapping[str, CellMark]) -> None:
        """How cells stand, by `Cell.key`, in place of what was marked before."""
        self.painter.mark(marks)
        self.refresh()

    def set_diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Marks lines, one diagnostic each, in place of those before."""
        self.painter.diagnostics = {entry.line: entry for entry in diagnostics}
        self.refresh()

    # Running.

    def _run(self, scope: RunScope, cells: Sequence[Cell]) -> None:
        self.dismiss_popup()
        if cells:
            self.post_message(self.RunRequested(scope, tuple(cells)))

    def action_run_cell(self) -> None:
        self._run(RunScope.CELL, selection.runnable([self.model.cell()]))

    def action_run_advance(self) -> None:
        """Run the cell and go to the next; after the last one there is a new one."""
        self.action_run_cell()
        model = self.model
        index = model.cells.at(model.cursor.line) + 1
        if index < len(model.cells):
            first, end = model.cells.span(index)
            model.select(Location(min(first + 1, end - 1), 0))
        elif model.cells.separators and model.shared.spare is None:
            edits.append_spare_cell(model)
        self.sync()

    def action_run_selection(self) -> None:
        """The selected text, or the line, without the indentation that all of it has."""
        model = self.model
        first, last = model.line_range()
        empty = model.selection.is_empty or model.selection.start.line != model.selection.end.line
        lines = model.lines[first : last + 1] if empty else [model.selected_text]
        code = [line for line in lines if line.strip()]
        depth = min((len(indentation(line)) for line in code), default=0)
        source = model.cells.source(line[depth:] for line in lines)
        cell = replace(model.cell(), kind=CellKind.CODE, title="", source=source)
        self._run(RunScope.SELECTION, selection.runnable([replace(cell, start=first, body=first)]))
        if model.selection.is_empty and last + 1 < len(model.lines):
            model.select(Location(last + 1, 0))
            self.sync()

    def action_run_above(self) -> None:
        self._run(RunScope.ABOVE, selection.above(self.cells(), self.model.cursor.line))

    def action_run_below(self) -> None:
        self._run(RunScope.BELOW, selection.below(self.cells(), self.model.cursor.line))

    def action_run_all(self) -> None:
        self._run(RunScope.ALL, selection.runnable(self.cells()))

    def action_run_restart(self) -> None:
        self._run(RunScope.RESTART, selection.runnable(self.cells()))

    def action_run_file(self) -> None:
        """The whole text at once, as the program that it is."""
        lines = self.model.lines
        source = self.model.cells.source(lines)
        self._run(RunScope.FILE, [Cell(0, CellKind.CODE, "", 0, 0, len(lines), source)])

    def action_run_program(self) -> None:
        """The file as `python FILE` runs it, in a process of its own; the kernel's variables stay
        as they are."""
        self._run(RunScope.PROGRAM, [Cell(0, CellKind.CODE, "", 0, 0, len(self.model.lines), "")])

    # Completion and documentation.

    def _about_code(self) -> tuple[str, int, Location, int]:
        """The cell's code around the cursor, the cursor's offset into it, and where it begins."""
        model = self.model
        index = model.cells.at(model.cursor.line)
        first, end = model.cells.span(index)
        start = Location(first + (model.cells.separator_at(first) is not None), 0)
        line, column = model.cursor
        if line < start.line:
            start = Location(line, 0)
        if line - start.line > _BEFORE:
            start = Location(line - _BEFORE, 0)
        end = min(end, line + _AFTER)
        head = model.lines[start.line : line]
        offset = sum(len(text) + 1 for text in head) + column
        code = "\n".join(model.lines[start.line : end])
        return code, offset, start, model.buffer.version

    def action_complete(self) -> None:
        if isinstance(self.popup, CompletionList):
            self.popup.enter_accepts = self.popup.is_picked = True
            self._refresh_popup()
        self._ask_kernel(self.CompletionRequested(*self._about_code()))

    def _ask_kernel(self, request: CodeQuestion) -> None:
        """Post a request; an answer to an earlier one is dropped from now on."""
        self._asked = request
        self.post_message(request)

    def _answers(self, request: CodeQuestion | None) -> bool:
        """Whether the reply to this request is still wanted; a reply without a request is."""
        if request is not None and request is not self._asked:
            return False
        self._asked = None
        return self.has_focus

    def complete_while_typing(self) -> None:
        """Ask for completions if a word of two letters, or a name and a dot, was just typed.

        Nothing is asked in prose: comments, strings, cells of Markdown and raw text.
        """
        model = self.model
        line, column = model.line, model.cursor.column
        word = identifier_before(line, column)
        dotted = line[:column].endswith(".") and identifier_before(line, column - 1)[-1:].isalpha()
        if not (dotted or (len(word) == 2 and not word[0].isdigit())) or self._is_in_prose():
            return
        request = self.CompletionRequested(*self._about_code())
        request.automatic = True
        self._ask_kernel(request)

    def _is_in_prose(self) -> bool:
        model = self.model
        index = model.cells.at(model.cursor.line)
        first, _ = model.cells.span(index)
        separator = model.cells.separator_at(first)
        if separator is not None and (
            model.cursor.line == first or separator.kind is not CellKind.CODE
        ):
            return True
        code, offset, _, _ = self._about_code()
        return is_prose(code, offset, model.language)

    def show_completions(
        self,
        items: Sequence[CompletionItem],
        start: Location,
        request: CodeQuestion | None = None,
    ) -> None:
        """Offer completions of what is between `start` and the cursor, in answer to a request.

        Does nothing when the request was given up since (Escape, another key than one of the word),
        when the cursor is no longer there, or nothing fits what was typed.
        """
        if not self._answers(request):
            return
        cursor = self.model.cursor
        if not items or start.line != cursor.line or start.column > cursor.column:
            return
        is_automatic = isinstance(request, self.CompletionRequested) and request.automatic
        offered = CompletionList(items, start, self.enter_accepts or not is_automatic)
        if offered.filter(self.model.line[start.column : cursor.column]):
            self.open_popup(offered)

    def accept_completion(self) -> None:
        """Put the chosen completion in place of what was typed of it."""
        popup = self.popup
        if isinstance(popup, CompletionList):
            chosen, start = popup.current, popup.start
            self.close_popup()
            self.perform(lambda model: model.edit([(start, model.cursor, chosen.text)]))

    def action_inspect(self) -> None:
        self._ask_kernel(self.InspectRequested(*self._about_code()))

    def show_docs(self, text: str, request: CodeQuestion | None = None) -> None:
        """Show documentation, which may hold SGR, at the cursor, until a key; nothing when there
        is none, or when the request was given up since."""
        if self._answers(request) and text.strip():
            self.open_popup(Docs(text))

    def action_dismiss(self) -> None:
        """Close what is open; else let the selection go."""
        if self.popup is not None:
            self.dismiss_popup()
        else:
            self.model.select(self.model.cursor)
            self.sync()
