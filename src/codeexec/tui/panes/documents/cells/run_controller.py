"""Runs cells, selections, files and programs of documents in the session."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from codeexec.documents.cells_above import cells_above
from codeexec.documents.fenced.cells import FencedCells
from codeexec.documents.model import Cell, CellKind
from codeexec.domain.errors import UsageError
from codeexec.domain.options import CodeAbove, ExecuteOptions, ProgramSteps
from codeexec.languages.plan import carries_declarations
from codeexec.languages.running import refusal
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.files.elsewhere import FilesElsewhere
from codeexec.tui.panes.documents.files.saving import DocumentSaver
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import CodeRun, DocumentMessages
from codeexec.tui.panes.documents.programs.plans import chosen_options, program_options
from codeexec.tui.panes.editor.messages import RunScope
from codeexec.tui.session.ask import Failed, ask

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class RunController:
    """Saves before it runs, where that is set."""

    def __init__(
        self,
        host: PaneHost,
        context: PaneContext,
        saver: DocumentSaver,
        elsewhere: FilesElsewhere,
    ) -> None:
        self._elsewhere = elsewhere
        self._host = host
        self._context = context
        self._saver = saver

    def run_cells(self, sheet: DocumentView, scope: RunScope, cells: Sequence[Cell]) -> None:
        """Queue cells of a document as the scope says; errors are posted."""
        try:
            program = self._program(sheet) if scope is not RunScope.SELECTION else None
        except UsageError as error:
            self._host.post_message(Failed(error))
            return
        if program is not None:
            self._run_steps(sheet, cells[0], program)
            return
        if self._refuses(sheet, scope):
            return
        if scope is RunScope.PROGRAM:
            self._run_program(sheet, cells[0])
            return
        runs = self._runs(sheet, cells, scope)
        if scope is RunScope.RESTART:
            self._host.run_worker(self._run_afresh(sheet, runs), group="run")
        else:
            self._host.run_worker(self._run(sheet, runs), group="run")

    def _language(self, sheet: DocumentView, scope: RunScope, cell: Cell) -> str:
        """The language by which the session chooses a kernel; empty: the document's kernel runs the
        cell. Selected text of a Markdown file has the language of the fence around it, which may
        be none of the cells."""
        cells, language = sheet.editor.model.cells, cell.language
        if scope is RunScope.SELECTION and isinstance(cells, FencedCells):
            language = cells.language_at(cell.body)
        return self._context.run_language(sheet, language)

    def _program(self, sheet: DocumentView) -> ExecuteOptions | None:
        """How the document is run as a program, where no kernel of its own runs it."""
        configuration = self._context.configurations.of(*sheet.names)
        profiles = self._context.profiles
        return program_options(sheet, self._context.kernel_language(sheet), configuration, profiles)

    def run_program(self, sheet: DocumentView, steps: ProgramSteps) -> None:
        """Build the document as a program, run it, or both, whatever kernel runs its cells; errors
        are posted."""
        try:
            configuration = self._context.configurations.of(*sheet.names)
            options = chosen_options(sheet, configuration, steps, self._context.profiles)
        except UsageError as error:
            self._host.post_message(Failed(error))
            return
        cell = Cell(0, CellKind.CODE, "", 0, 0, len(sheet.editor.model.lines), "")
        self._run_steps(sheet, cell, options)

    def _refuses(self, sheet: DocumentView, scope: RunScope) -> bool:
        """Whether the kernel does not run such a document; then an error is posted. Selected text
        of a document that is prose or data may be code all the same."""
        if sheet.editor.model.cells.language and scope is not RunScope.FILE:
            return False
        language = self._context.kernel_language(sheet)
        name, first = sheet.untitled or sheet.path.name, sheet.editor.model.lines[0]
        if sheet.document.notebook is not None:
            name = first = ""  # its own kernel is asked for as it is opened
        refused = refusal(name, first, language or "python")
        if refused is None or (scope is RunScope.SELECTION and not sheet.language.runs):
            return False
        next_step = refused.next_step
        if sheet.language.runs:
            next_step += " Ctrl+P, Choose the kernel of this document, runs it beside this one."
        self._host.post_message(Failed(UsageError(refused.message, next_step)))
        return True

    def _runs(
        self, sheet: DocumentView, cells: Sequence[Cell], scope: RunScope
    ) -> tuple[CodeRun, ...]:
        """What is run of the cells; a part of a cell, or the file as one, marks no cell."""
        whole = scope not in (RunScope.SELECTION, RunScope.FILE)
        return tuple(
            CodeRun(
                cell.source,
                sheet.cell_states.ref(cell, whole=whole),
                ExecuteOptions(
                    language=self._language(sheet, scope, cell),
                    above=self._above(sheet, cell),
                ),
            )
            for cell in cells
        )

    def _above(self, sheet: DocumentView, cell: Cell) -> tuple[CodeAbove, ...]:
        """The cells above whose declarations are part of this one."""
        language = sheet.editor.model.cells.language
        if not carries_declarations(cell.language or language):
            return ()
        return cells_above(sheet.editor.cells(), cell, language)

    def _run_program(self, sheet: DocumentView, cell: Cell) -> None:
        """By `%program`, which every Python kernel has that we launch: see
        `guest/program_magic.py`. The interpreter reads the file, so it is saved before."""
        problem = ""
        if sheet.document.notebook is not None:
            problem = "A notebook is run cell by cell, not as a program."
        elif sheet.untitled:
            problem = "A program is run from its file, and this text has none yet."
        if problem:
            self._host.post_message(Failed(UsageError(problem, "Save it as a script first.")))
        elif sheet.machine:
            self._host.run_worker(self._run_sent(sheet, cell), group="run")
        elif not sheet.is_changed or self._saver.save(sheet):
            self._host.run_worker(self._run_file(sheet, cell, str(sheet.path)), group="run")

    async def _run_file(self, sheet: DocumentView, cell: Cell, path: str) -> None:
        code = f"%program {shlex.quote(path)}"
        await self._run(sheet, (CodeRun(code, sheet.cell_states.ref(cell, whole=False)),))

    async def _run_sent(self, sheet: DocumentView, cell: Cell) -> None:
        """The same of a file elsewhere, once it is there."""
        if sheet.would_be_lost and not await self._saver.save_beside(sheet):
            return
        await self._run_file(sheet, cell, self._elsewhere.path_in_code(sheet.path))

    def _run_steps(self, sheet: DocumentView, cell: Cell, options: ExecuteOptions) -> None:
        """Build and run the file by the tools of its language, which read it: it is saved first."""
        if sheet.untitled:
            problem = "A program is run from its file, and this text has none yet."
            self._host.post_message(Failed(UsageError(problem, "Save it as a file first.")))
        elif _is_run_alone(options) or not sheet.is_changed or self._saver.save(sheet):
            editor = sheet.editor
            whole = replace(cell, start=0, body=0, title=sheet.path.name, source=editor.text)
            runs = (CodeRun(editor.text, sheet.cell_states.ref(whole, whole=False), options),)
            self._host.run_worker(self._run(sheet, runs), group="run")

    async def _prepare(self, sheet: DocumentView) -> None:
        if self._context.habits.save_before_run and sheet.is_changed and not sheet.untitled:
            await self._saver.save_to_run(sheet)
        sheet.diagnostics.show_failures([])
        sheet.ran_at = time.monotonic()

    async def _run_afresh(self, sheet: DocumentView, runs: tuple[CodeRun, ...]) -> None:
        await self._prepare(sheet)
        self._host.post_message(DocumentMessages.RestartRequested(runs))

    async def _run(self, sheet: DocumentView, runs: Sequence[CodeRun]) -> None:
        """Queue cells in order; the first that cannot be queued ends it."""
        await self._prepare(sheet)
        for run in runs:
            request = run.request(self._context.client_name)
            if await ask(self._host, self._context.session, request) is None:
                return


def _is_run_alone(options: ExecuteOptions) -> bool:
    """Whether what was built before is run, whatever the file has become since."""
    return options.program is not None and options.program.steps == "run"
