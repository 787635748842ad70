"""Save documents with the dialogs that it may need: name, overwrite, conflict on disk."""

from __future__ import annotations

from pathlib import Path

from textual.app import App

from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.widgets.dialogs import Asker, Confirm


async def save(
    app: App[object], documents: DocumentsPane, sheet: DocumentView, folder: Path
) -> bool:
    """Save a document, asking what must be asked; whether it is on disk now, or as it is there."""
    if sheet.untitled:
        return await save_as(app, documents, sheet, folder)
    if not documents.context.watch_only and sheet.is_outdated():
        return await settle_conflict(app, documents, sheet)
    return documents.saver.save(sheet)


async def save_as(
    app: App[object], documents: DocumentsPane, sheet: DocumentView, folder: Path
) -> bool:
    """Save a document under a name that the user gives; `.ipynb` makes it a notebook."""
    asker = Asker("Save as", _relative(sheet.path), with_suffix=True)  # it says the format
    name = await app.push_screen_wait(asker)
    if name is None:
        return False
    path = (folder / Path(name).expanduser()).absolute()
    if path.exists() and path != sheet.path and not await may_overwrite(app, path):
        return False
    return documents.saver.save_as(sheet, path, overwrite=True)


async def may_overwrite(app: App[object], path: Path) -> bool:
    answers = [("replace", "Replace"), ("cancel", "Cancel")]
    question = Confirm(f"Replace “{path.name}”?", "The file exists. Its content is lost.", answers)
    return await app.push_screen_wait(question) == "replace"


async def settle_conflict(app: App[object], documents: DocumentsPane, sheet: DocumentView) -> bool:
    """Ask which version counts; whether the document and its file are the same then."""
    answer = await app.push_screen_wait(
        Confirm(
            f"“{sheet.title}” has changed on disk.",
            "Another program has saved it since you opened it.",
            [
                ("compare", "Compare"),
                ("overwrite", "Save mine"),
                ("reload", "Reload"),
                ("cancel", "Cancel"),
            ],
        )
    )
    if answer == "compare":
        answer = await compare(app, sheet)
    return settle(documents, sheet, answer)


async def compare(app: App[object], sheet: DocumentView) -> str | None:
    """Show what is in the editor beside what is on disk; the answer says which is meant."""
    from codeexec.tui.screens.compare import ComparingScreen  # not at the start

    return await app.push_screen_wait(ComparingScreen(sheet.title, sheet.compare()))


def settle(documents: DocumentsPane, sheet: DocumentView, answer: str | None) -> bool:
    """Do what was answered to a conflict."""
    if answer == "overwrite":
        return documents.saver.save(sheet, overwrite=True)
    if answer == "reload":
        documents.disk.reload(sheet)
        return True
    return False


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
