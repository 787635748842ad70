"""Dialog for the language of cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.documents.cell_language import canonical
from codeexec.domain.errors import UsageError
from codeexec.languages.catalog import languages
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.render.kernel_words import language_title
from codeexec.tui.session.ask import Failed
from codeexec.tui.session.kernel_focus import kernel_of_language
from codeexec.tui.widgets.dialogs import Choice, Chooser
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class CellLanguageController:
    """The documents pane carries out what the user has chosen."""

    def __init__(self, surface: Surface, state: WorkbenchState, documents: DocumentsPane) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents

    def actions(self) -> Mapping[str, Handler]:
        return {}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {DocumentsPane.LanguageRequested: InWorker(self.choose_language)}

    async def choose_language(self, event: DocumentsPane.LanguageRequested) -> None:
        """Let the user choose the language of cells, or of one that is added below them."""
        sheet, cells = event.sheet, event.cells
        if (refusal := _refusal(sheet)) is not None:
            self._surface.post_message(Failed(refusal))
            return
        main = self._main_language(sheet)
        index = sheet.editor.model.cells
        current = index.form(cells[0]).language or main if cells[0] < len(index) else main
        title = "Add a cell in which language?" if event.adds else "The language of the cell"
        chooser = Chooser(title, self._choices(main, current), current=current)
        chosen = await self._surface.ask_user(chooser)
        if chosen is None:
            return
        language = "" if chosen == main else chosen
        self._documents.pages.set_language(sheet, cells, language, adds=event.adds)
        self._documents.enter_cell()
        sheet.editor.focus()

    def _choices(self, main: str, current: str) -> list[Choice]:
        """Languages that run, that of the document first."""
        names = [language.name for language in languages().values() if language.runs]
        ordered = dict.fromkeys((main, *names, current))
        return [Choice(name, language_title(name), self._detail(name, main)) for name in ordered]

    def _detail(self, name: str, main: str) -> str:
        if name == main:
            return "the document's"
        kernel = kernel_of_language(self._state.snapshot, name)
        return f"runs on {kernel}" if kernel else ""

    def _main_language(self, sheet: DocumentView) -> str:
        """The language of cells that name none."""
        model, notebook = sheet.editor.model, sheet.document.notebook
        named = notebook.language if notebook is not None else model.code_language.name
        return canonical(named) or "python"


def _refusal(sheet: DocumentView) -> UsageError | None:
    """Why the cells of a document can have no language of their own; None where they can."""
    if sheet.editor.model.read_only:
        return UsageError("This document is read-only.", "Save it under another name.")
    if sheet.language.runs or sheet.editor.model.cells.is_fenced:
        return None
    if sheet.document.notebook is not None:
        return None  # one in a language that we do not know
    return UsageError(
        f"A document of {sheet.language.title} has no cells of other languages.",
        "Open a notebook, a script, or Markdown.",
    )
