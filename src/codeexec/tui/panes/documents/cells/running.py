"""Requests of editors to the session: run cells, complete, inspect; and cell marks."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterable, Sequence

from textual import on

from codeexec.client.api import SessionClient
from codeexec.documents.model import Cell
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.domain.events import CellRef, NextInputOffered
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.languages.running import refusal
from codeexec.tui.panes.documents.autosave import Autosaving
from codeexec.tui.panes.documents.cells.cell_runs import CellRuns
from codeexec.tui.panes.documents.cells.next_input import put_next_input
from codeexec.tui.panes.documents.cells.stored_outputs import StoredOutputs
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.word_completion import words_like
from codeexec.tui.panes.editor.code_editor import CodeEditor, RunScope
from codeexec.tui.panes.editor.marks import CompletionItem, Diagnostic
from codeexec.tui.panes.editor.text.motions import identifier_before
from codeexec.tui.session.ask import NO_DOCS, Failed, NoticePosted, ask, ask_quietly
from codeexec.tui.session.feed import Frame

_NEAR = 2000
"""Lines before and after the cursor in which words are looked for: all of 50,000 would hold up the
keyboard for 20 ms, thread or not."""


class Running(Autosaving):
    """Saves before it runs, if that is wished."""

    session: SessionClient | None = None
    save_before_run = True
    _snapshot = Snapshot()
    _cell_runs: CellRuns
    stored: StoredOutputs
    _one_at_a_time: asyncio.Lock

    def save(self, sheet: DocumentView | None = None, *, overwrite: bool = False) -> bool:
        """Write a document; whether it is on disk now."""
        raise NotImplementedError

    def connect(self, session: SessionClient) -> None:
        self.session = session

    # -- running ----------------------------------------------------------------------------------

    @on(CodeEditor.RunRequested)
    def run_cells(self, event: CodeEditor.RunRequested) -> None:
        event.stop()
        sheet = self.sheet_of(event)
        if sheet is None:
            return
        if self._refuses(sheet, event.scope):
            return
        if event.scope is RunScope.PROGRAM:
            self._run_program(sheet, event.cells[0])
            return
        runs = self._runs(sheet, event.cells, event.scope)
        if event.scope is RunScope.RESTART:
            self._prepare(sheet)
            self.post_message(self.RestartRequested(runs))
        else:
            self.run_worker(self._run(sheet, runs), group="run")

    def _refuses(self, sheet: DocumentView, scope: RunScope) -> bool:
        """Whether the kernel does not run such a document, which is told then. Selected text of a
        document that is prose or data may be code all the same."""
        kernel = self._snapshot.kernel_named(self._kernel_of(sheet))
        language = (kernel.kernel.language if kernel.kernel else "") or kernel.language
        name, first = sheet.untitled or sheet.path.name, sheet.editor.model.lines[0]
        if sheet.document.notebook is not None:
            name = first = ""  # its own kernel is asked for as it is opened
        refused = refusal(name, first, language or "python")
        if refused is None or (scope is RunScope.SELECTION and not sheet.language.runs):
            return False
        next_step = refused.next_step
        if sheet.language.runs:
            next_step += " Ctrl+P, Choose the kernel of this document, runs it beside this one."
        self.post_message(Failed(UsageError(refused.message, next_step)))
        return True

    def _kernel_of(self, sheet: DocumentView) -> str:
        """The kernel of the session that runs this document."""
        return self.focus_of_kernels.of_document(sheet.name_key)

    def _runs(
        self, sheet: DocumentView, cells: Sequence[Cell], scope: RunScope
    ) -> tuple[tuple[str, CellRef], ...]:
        """Code and where it is from; a part of a cell, or the file as one, marks no cell."""
        whole = scope not in (RunScope.SELECTION, RunScope.FILE)
        return tuple((cell.source, sheet.ref(cell, whole=whole)) for cell in cells)

    def _run_program(self, sheet: DocumentView, cell: Cell) -> None:
        """By `%program`, which every Python kernel has that we launch: see
        `guest/program_magic.py`. The interpreter reads the file, so it is saved before."""
        problem = ""
        if sheet.document.notebook is not None:
            problem = "A notebook is run cell by cell, not as a program."
        elif sheet.untitled:
            problem = "A program is run from its file, and this text has none yet."
        if problem:
            self.post_message(Failed(UsageError(problem, "Save it as a script first.")))
        elif not sheet.is_changed or self.save(sheet):
            code = f"%program {shlex.quote(str(sheet.path))}"
            self.run_worker(self._run(sheet, ((code, sheet.ref(cell, whole=False)),)), group="run")

    def _prepare(self, sheet: DocumentView) -> None:
        if self.save_before_run and sheet.is_changed and not sheet.untitled:
            self.save(sheet)
        sheet.show_failures([])
        sheet.ran_at = time.monotonic()

    async def _run(self, sheet: DocumentView, runs: Sequence[tuple[str, CellRef]]) -> None:
        """Queue cells in order; the first that cannot be queued ends it."""
        self._prepare(sheet)
        for code, cell in runs:
            request = q.Execute(code, origin=self.me, cell=cell)
            if await ask(self, self.session, request) is None:
                return

    async def run_all(self) -> None:
        """All cells of the document in front, in order."""
        if self.sheet is not None and not self._refuses(self.sheet, RunScope.ALL):
            code_cells = [cell for cell in self.sheet.editor.cells() if cell.is_code]
            cells = [cell for cell in code_cells if not cell.is_blank]
            await self._run(self.sheet, self._runs(self.sheet, cells, RunScope.ALL))

    # -- marks ------------------------------------------------------------------------------------

    def show_frame(self, frame: Frame) -> None:
        """Bring marks up to date; output alone changes none."""
        self._snapshot = frame.snapshot
        self._learn_cells(self._cell_runs.follow(frame))
        if frame.before.seq == 0:
            self._learn_cells({name for sheet in self._sheets for name in sheet.names})
        previous = frame.before.executions
        changed = [
            view
            for key in frame.changed
            if (view := frame.view(key)) is not None
            and view.cell is not None
            and (key not in previous or previous[key].status != view.status)
        ]
        documents = {view.cell.document for view in changed if view.cell is not None}
        is_new_kernel = _generations(frame.before) != _generations(frame.snapshot)
        for sheet in self._sheets:
            if is_new_kernel and frame.before.seq:
                sheet.show_marks(frame.snapshot)
            if any(map(sheet.is_of, documents)):
                sheet.show_marks(frame.snapshot)
                self._follow_stored(sheet)
                self._save_outputs_of_run(sheet)
        for view in changed:
            if view.status == "error":
                self._mark_failure(view)

    def take_next_input(self, offer: NextInputOffered, view: ExecutionView) -> bool:
        """Put it into the document that the code is of; False where that is not open, or the
        cell was changed since."""
        if view.cell is None or not view.cell.cell:
            return False
        for sheet in self._sheets:
            if not sheet.is_of(view.cell.document) or sheet.editor.model.read_only:
                continue
            for cell in sheet.editor.cells():
                if sheet.ref(cell).cell == view.cell.cell and cell.source == view.code:
                    put_next_input(sheet.editor, cell, offer.text, replaces=offer.replaces)
                    return True
        return False

    def cells_counted(self, count: int) -> list[CellRef]:
        """Cells that had this prompt number and are in no snapshot any more."""
        return self._cell_runs.counted(count)

    def _learn_cells(self, documents: Iterable[str]) -> None:
        """Read the executions of these documents where the snapshot does not hold all."""
        if self._snapshot.executions_total > len(self._snapshot.executions):
            for name in documents:
                self.run_worker(self._read_cells(name), group="cells")

    async def _read_cells(self, document: str) -> None:
        reply = await ask_quietly(self.session, q.ListExecutions(document=document))
        if reply is not None and reply.executions:
            self._cell_runs.learn(reply.executions)
            for sheet in self._sheets:
                if sheet.is_of(document):
                    sheet.show_marks(self._snapshot)
                    self._follow_stored(sheet)

    def _follow_stored(self, sheet: DocumentView) -> None:
        """A cell that was run shows what it puts out now, not what the file held."""
        if self.stored.follow(sheet, self._snapshot):
            self.post_message(self.StoredChanged())

    def _save_outputs_of_run(self, sheet: DocumentView) -> None:
        """Where a run saves its document, what comes of it is saved as well when it is over."""
        if self.save_before_run and not sheet.is_changed and not sheet.has_open_cell:
            self.save_outputs(sheet)

    def save_outputs(self, sheet: DocumentView) -> None:
        """Write what its cells have put out into a notebook, beside whatever else goes on."""
        if self.watch_only:
            return
        if sheet.document.notebook is not None and self.session is not None:
            self.run_worker(self._write_outputs(sheet, self.session), group="outputs")

    async def _write_outputs(self, sheet: DocumentView, session: SessionClient) -> None:
        async with self._one_at_a_time:
            try:
                await sheet.save_outputs(self._snapshot, session)
            except CodeexecError as error:
                self.post_message(Failed(error))

    async def outputs_saved(self) -> None:
        """Wait until what was asked to be written is on disk."""
        mine = [
            worker for worker in self.workers if worker.node is self and worker.group == "outputs"
        ]
        if mine:  # none would mean all
            await self.workers.wait_for_complete(mine)

    def tick(self) -> None:
        """A second has gone by for the cells that run."""
        for sheet in self._sheets:
            if sheet.has_running_cell:
                sheet.show_marks(self._snapshot)

    def _mark_failure(self, view: ExecutionView) -> None:
        """Show the error at the lines of open documents that the traceback names."""
        if view.error is None or view.cell is None:
            return
        from codeexec.tui.render import traceback  # not at the start

        rows = traceback.rows_of_failure(view)
        message = traceback.message_of_failure(view)
        diagnostics: dict[str, list[Diagnostic]] = {}
        for frame in traceback.parse(rows, own_cell=view.count).frames:
            if frame.cell is not None and frame.cell == view.count:
                place, line = view.cell.document, view.cell.first_line + frame.line - 1
            else:
                place, line = frame.path, frame.line - 1
            diagnostics.setdefault(place, []).append(Diagnostic(line, message))
        for place, failures in diagnostics.items():
            sheet = self.by_key(place)
            if sheet is not None:
                sheet.show_failures(failures)

    # -- questions ------------------------------------------------------------------------

    @on(CodeEditor.CompletionRequested)
    def ask_completions(self, event: CodeEditor.CompletionRequested) -> None:
        event.stop()
        sheet = self.sheet_of(event)
        if sheet is not None:
            self.run_worker(self._complete(sheet, event), group="complete", exclusive=True)

    async def _complete(self, sheet: DocumentView, event: CodeEditor.CompletionRequested) -> None:
        completion = await ask_quietly(
            self.session, q.Complete(event.code, event.offset, self._kernel_of(sheet))
        )
        if completion is not None and completion.matches:
            items = [CompletionItem(match.text, match.type) for match in completion.matches]
            sheet.editor.completion.show(items, event.location(completion.start), event)
        else:
            await self._complete_from_text(sheet, event)

    async def _complete_from_text(
        self, sheet: DocumentView, event: CodeEditor.CompletionRequested
    ) -> None:
        """The kernel is busy, or knows nothing: what is written in the open documents may."""
        word = identifier_before(event.code[: event.offset], event.offset)
        is_python = sheet.language.name == "python"
        texts = [_near_cursor(document) for document in self._sheets]
        items = await asyncio.to_thread(words_like, word, texts, python=is_python)
        start = event.location(event.offset - len(word))
        sheet.editor.completion.show(items, start, event)

    @on(CodeEditor.InspectRequested)
    def ask_docs(self, event: CodeEditor.InspectRequested) -> None:
        event.stop()
        sheet = self.sheet_of(event)
        if sheet is not None:
            self.run_worker(self._inspect(sheet, event), group="complete", exclusive=True)

    async def _inspect(self, sheet: DocumentView, event: CodeEditor.InspectRequested) -> None:
        reply = await ask(
            self, self.session, q.Inspect(event.code, event.offset, kernel=self._kernel_of(sheet))
        )
        if reply is not None and reply.found:
            sheet.editor.completion.show_docs(reply.text, event)
        elif reply is not None:
            self.post_message(NoticePosted(NO_DOCS))


def _generations(snapshot: Snapshot) -> dict[str, int]:
    return {name: kernel.generation for name, kernel in snapshot.kernels.items()}


def _near_cursor(sheet: DocumentView) -> str:
    model = sheet.editor.model
    line = model.cursor.line
    return "\n".join(model.lines[max(line - _NEAR, 0) : line + _NEAR])
