"""The context menu of a document: commands that mean something for what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codeexec.tui.commands.command import PaneMenu
from codeexec.tui.commands.table import menu_of
from codeexec.tui.panes.documents.commands import CELL_MENU, PROGRAM_MENU, TEXT_MENU
from codeexec.tui.panes.documents.pane import DocumentsPane

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


def document_menu(pane: DocumentsPane) -> PaneMenu | None:
    """The menu of the document in front, or of the editor pane where there is none."""
    sheet = pane.sheet
    if sheet is None:
        return menu_of("editor")
    if pane.pages.selects_cells:
        return CELL_MENU
    facts = pane.programs.facts_of(sheet)
    if facts is not None:
        menu, absent = PROGRAM_MENU, set()
        if not facts.has_build:
            absent = {"program.build", "program.run", "program.profile"}
        if not facts.binary:
            absent.add("program.run")
        if not facts.is_open:
            absent.add("program.stop")
        if not facts.has_project:
            absent.add("project.menu")
    elif not (sheet.language.runs or sheet.editor.model.cells.language):
        menu, absent = TEXT_MENU, set() if sheet.language.name == "markdown" else {"page.toggle"}
    else:
        menu, absent = menu_of("editor") or PaneMenu(), set()
    if not pane.problems.all():
        absent |= {"problem.next", "problem.list"}
    if not _has_fix(pane, sheet):
        absent.add("problem.fix")
    return replace(menu, commands=tuple(name for name in menu.commands if name not in absent))


def _has_fix(pane: DocumentsPane, sheet: DocumentView) -> bool:
    """Whether a problem on the line of the caret has a fix."""
    line = sheet.editor.model.cursor.line
    return any(
        problem.mark.fixes
        for problem in pane.problems.all()
        if problem.document == sheet.name_key and problem.mark.line == line
    )
