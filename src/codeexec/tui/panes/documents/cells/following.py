"""Follows the session's executions: marks of cells, failures, outputs to save and to drop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from codeexec.domain import requests as q
from codeexec.domain.events import CellRef, NextInputOffered
from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.panes.documents.cells.cell_runs import CellRuns
from codeexec.tui.panes.documents.cells.next_input import put_next_input
from codeexec.tui.panes.documents.cells.output_saving import OutputSaver
from codeexec.tui.panes.documents.cells.problems import ProblemList
from codeexec.tui.panes.documents.cells.stored_outputs import StoredOutputs
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.programs.controller import ProgramsController
from codeexec.tui.panes.documents.programs.states import build_steps, run_steps
from codeexec.tui.panes.editor.marks import LineDiagnostic
from codeexec.tui.session.ask import ask_quietly
from codeexec.tui.session.feed import Frame

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class CellFollower:
    """Takes every frame of the session."""

    def __init__(
        self,
        host: PaneHost,
        context: PaneContext,
        documents: DocumentList,
        stored: StoredOutputs,
        outputs: OutputSaver,
        problems: ProblemList,
        programs: ProgramsController,
    ) -> None:
        self._host = host
        self._context = context
        self._documents = documents
        self._stored = stored
        self._outputs = outputs
        self._runs = CellRuns()
        self._problems = problems
        self._programs = programs
        self.on_begun: Callable[[DocumentView], None] = lambda _: None
        """Called with each document that was opened."""
        self.on_learnt: Callable[[DocumentView], None] = lambda _: None
        """Called with a document of which executions were read."""

    def begin(self, sheet: DocumentView) -> None:
        """Show what is known of the cells of a document that was opened, and read the rest."""
        sheet.cell_states.runs = self._runs
        self.show_marks(sheet)
        self._problems.begin(sheet)
        self._programs.show(sheet)
        self._stored.read(sheet)
        self._learn(sheet.names)
        self.on_begun(sheet)

    def show_marks(self, sheet: DocumentView) -> None:
        sheet.cell_states.show(self._context.snapshot)

    def show_frame(self, frame: Frame) -> None:
        """Bring marks up to date; output alone changes none."""
        self._context.snapshot = frame.snapshot
        self._learn(self._runs.follow(frame))
        if frame.before.seq == 0:
            self._learn({name for sheet in self._documents for name in sheet.names})
        changed = _changed(frame)
        names = {view.cell.document for view in changed if view.cell is not None}
        is_new_kernel = _generations(frame.before) != _generations(frame.snapshot)
        for sheet in self._documents:
            if is_new_kernel and frame.before.seq:
                self.show_marks(sheet)
            if any(map(sheet.is_of, names)):
                self.show_marks(sheet)
                self._stored.follow(sheet)
                self._save_outputs_of_run(sheet)
        for view in changed:
            if (view.steps and not _is_of_cell(view)) or view.options.program is not None:
                self._note_program(view)
            if view.steps:
                self._mark_problems(view)
            elif view.status == "error":
                self._mark_failure(view)

    def tick(self) -> None:
        """A second has gone by for the cells that run."""
        for sheet in self._documents:
            if sheet.cell_states.has_running:
                self.show_marks(sheet)

    def _learn(self, documents: Iterable[str]) -> None:
        """Read the executions of these documents where the snapshot does not hold all."""
        snapshot = self._context.snapshot
        if snapshot.executions_total > len(snapshot.executions):
            for name in documents:
                self._host.run_worker(self._read(name), group="cells")

    async def _read(self, document: str) -> None:
        reply = await ask_quietly(self._context.session, q.ListExecutions(document=document))
        if reply is not None and reply.executions:
            self._runs.learn(reply.executions)
            for sheet in self._documents:
                if sheet.is_of(document):
                    self.show_marks(sheet)
                    self._stored.follow(sheet)

    def _save_outputs_of_run(self, sheet: DocumentView) -> None:
        """Where a run saves its document, what comes of it is saved as well when it is over."""
        is_saved = self._context.habits.save_before_run and not sheet.is_changed
        if is_saved and not sheet.cell_states.has_open:
            self._outputs.save(sheet)

    def _mark_problems(self, view: ExecutionView) -> None:
        """Show what compilers and crashes report about lines of files, in place of what the run
        before of the same program has reported. Where nothing was built, the build's stays."""
        if view.cell is None:
            return
        program = view.cell.document
        if _is_of_cell(view):
            program = f"{program} {view.cell.cell}"
        builds, runs = build_steps(view.steps), run_steps(view.steps)
        if builds:
            self._report(program, view, builds)
        self._report(f"{program} run", view, runs)

    def _note_program(self, view: ExecutionView) -> None:
        if view.cell is not None:
            self._programs.note(view.cell.document, view)

    def _report(self, program: str, view: ExecutionView, steps: Iterable[StepResult]) -> None:
        """Show what some steps of an execution report, in place of what `program` did before."""
        from codeexec.tui.panes.documents.programs.plans import marks_of  # not at the start

        marks = dict(marks_of(steps, self._context.snapshot.cwd, program))
        document = view.cell.document if view.cell is not None else ""
        path = os.path.join(self._context.snapshot.cwd, document)  # noqa: PTH118
        if path != document and path in marks:
            marks[document] = marks.pop(path)  # it has no file yet
        sheet = next((one for one in self._documents if one.is_of(document)), None)
        shown = sheet.editor.model.lines if sheet is not None else ()
        for path in marks.keys() & {document}:
            marks[path] = [_at_code(entry, view, shown) for entry in marks[path]]
        self._problems.report(program, marks)

    def _mark_failure(self, view: ExecutionView) -> None:
        """Show the error at the lines of open documents that the traceback names, unless the cell
        was run again since, as where a session is attached to."""
        if view.error is None or view.cell is None or not self._is_last_of_cell(view):
            return
        from codeexec.tui.render import traceback  # not at the start

        rows = traceback.rows_of_failure(view)
        message = traceback.message_of_failure(view)
        places: dict[tuple[str, int], DocumentView] = {}
        for frame in traceback.parse(rows, own_cell=view.count).frames:
            if frame.cell is not None and frame.cell == view.count:
                place, line = view.cell.document, view.cell.first_line + frame.line - 1
            else:
                place, line = frame.path, frame.line - 1
            if (sheet := self._documents.by_key(place)) is not None:
                places.pop((place, line), None)  # a recursion: the innermost counts
                places[place, line] = sheet
        innermost = next(reversed(places), None)
        for sheet in dict.fromkeys(places.values()):
            sheet.diagnostics.show_failures(
                LineDiagnostic(line, message, is_outer=(place, line) != innermost)
                for (place, line), other in places.items()
                if other is sheet
            )

    def _is_last_of_cell(self, view: ExecutionView) -> bool:
        """Whether no execution of the same cell is newer; of a part of a cell, whether none of the
        same document is."""
        if view.cell is None:
            return False
        snapshot = self._context.snapshot
        sheet = next((one for one in self._documents if one.is_of(view.cell.document)), None)
        if sheet is not None and view.cell.cell:
            return sheet.cell_states.is_last(view, snapshot)
        return not any(
            later.number > view.number and later.cell and later.cell.document == view.cell.document
            for later in snapshot.executions.values()
        )

    # -- questions of other panes -----------------------------------------------------------------

    def take_next_input(self, offer: NextInputOffered, view: ExecutionView) -> bool:
        """Put it into the document that the code is of; False where that is not open, or the
        cell was changed since."""
        if view.cell is None or not view.cell.cell:
            return False
        for sheet in self._documents:
            if not sheet.is_of(view.cell.document) or sheet.editor.model.read_only:
                continue
            for cell in sheet.editor.cells():
                if sheet.cell_states.ref(cell).cell == view.cell.cell and cell.source == view.code:
                    put_next_input(sheet.editor, cell, offer.text, replaces=offer.replaces)
                    return True
        return False

    def counted(self, count: int) -> list[CellRef]:
        """Cells that had this prompt number and are in no snapshot any more."""
        return self._runs.counted(count)


def _is_of_cell(view: ExecutionView) -> bool:
    """Whether a program was made of a cell, not of a file."""
    return any(step.renewed is not None for step in view.steps)


def _at_code(mark: LineDiagnostic, view: ExecutionView, shown: Sequence[str]) -> LineDiagnostic:
    """A mark with the line of the code that ran, as the document may have been edited since. What
    a document puts before each line of a cell, such as a comment marker, moves its columns."""
    line = mark.line - (view.cell.first_line if view.cell is not None else 0)
    lines = view.code.split("\n")
    if not 0 <= line < len(lines):
        return mark
    text = shown[mark.line] if mark.line < len(shown) else ""
    if not text.endswith(lines[line]):
        return replace(mark, line_text=lines[line])
    moved = len(text) - len(lines[line])
    end = mark.end + moved if mark.end is not None else None
    return replace(mark, line_text=text, start=mark.start + moved, end=end)


def _changed(frame: Frame) -> list[ExecutionView]:
    """Executions of documents that are new, or have another status or further steps than before,
    in the order in which they were queued."""

    def is_changed(view: ExecutionView) -> bool:
        before = frame.before.executions.get(view.execution_id)
        return before is None or before.status != view.status or before.steps != view.steps

    views = (frame.view(key) for key in frame.changed)
    changed = (view for view in views if view and view.cell and is_changed(view))
    return sorted(changed, key=lambda view: view.number)


def _generations(snapshot: Snapshot) -> dict[str, int]:
    return {name: kernel.generation for name, kernel in snapshot.kernels.items()}
