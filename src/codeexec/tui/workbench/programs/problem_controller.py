"""Problems: goes to the next and the previous one, lists all, and applies fixes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.domain.errors import UsageError
from codeexec.tui.panes.documents.cells.problems import CellProblem, neighbour
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.programs.fixing import edits_of
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class ProblemController:
    """Acts on the problems that the editor pane has."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        documents: DocumentsPane,
        layout: LayoutController,
    ) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents
        self._layout = layout

    def actions(self) -> Mapping[str, Handler]:
        return {
            "next_problem": self.go_to_next,
            "list_problems": InWorker(self.choose),
            "fix_problem": self.fix_here,
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def go_to_next(self, step: int) -> None:
        """To the next problem after the cursor, or with -1 to the one before it, in any file."""
        problem = neighbour(self._documents.problems.all(), *self._place(), step)
        if problem is None:
            self._surface.notify("There are no problems.", timeout=3)
        else:
            await self._go_to(problem)

    def _place(self) -> tuple[str, int, int]:
        """The document in front, and the line and column of its cursor."""
        sheet = self._documents.sheet
        if sheet is None:
            return "", 0, 0
        cursor = sheet.editor.model.cursor
        return sheet.name_key, cursor.line, cursor.column

    async def _go_to(self, problem: CellProblem) -> DocumentView | None:
        """Show the document of a problem with the cursor on it; None where it cannot be opened."""
        sheet = await self._documents.opener.open_named(problem.document)
        if sheet is None:
            self._surface.notify(f"{problem.document} is not on this machine.", severity="warning")
            return None
        self._layout.go("editor")
        sheet.go_to(*problem.place)
        return sheet

    async def choose(self) -> None:
        """List all problems; go to the one that is chosen, or apply its fix."""
        from codeexec.tui.screens.programs.problems import ProblemsScreen  # not at the start

        problems = self._documents.problems
        screen = ProblemsScreen(problems.all, self._state.place.folder, self._place())
        chosen = await self._surface.ask_user(screen)
        if chosen is None:
            return
        sheet = await self._go_to(chosen.problem)
        if sheet is not None and chosen.action == "fix":
            self._fix(sheet, chosen.problem)

    def fix_here(self) -> None:
        """Apply the fix of a problem on the line of the cursor."""
        document, line, _ = self._place()
        problems = [
            problem
            for problem in self._documents.problems.all()
            if problem.document == document and problem.mark.line == line
        ]
        with_fix = [problem for problem in problems if problem.mark.fixes]
        sheet = self._documents.sheet
        if sheet is not None and with_fix:
            self._fix(sheet, with_fix[0])
        else:
            words = "No fix is known for this line." if problems else "No problem is on this line."
            self._surface.notify(words, timeout=3)

    def _fix(self, sheet: DocumentView, problem: CellProblem) -> None:
        """As one step of history."""
        try:
            edits = edits_of(problem, sheet.editor.model.lines)
        except UsageError as error:
            self._surface.show_error(error)
            return
        sheet.editor.perform(lambda model: model.edit(edits))
