"""A document as it is in the editor, in another format."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from codeexec.client.api import SessionClient
from codeexec.documents.model import Document
from codeexec.domain.snapshot import Snapshot
from codeexec.languages.catalog import running_language

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


async def exported(
    sheet: DocumentView, form: str, snapshot: Snapshot, session: SessionClient | None
) -> bytes:
    """The document with the outputs of its cells. Raises CodeexecError."""
    from codeexec.documents.export.forms import as_notebook, export  # not at the start

    text, marker = sheet.editor.model.shared.to_save, sheet.document.marker
    if sheet.language.name == "markdown" and sheet.document.notebook is None:
        file = replace(sheet.document.file, path=sheet.path.with_suffix(".md"))
        notebook = as_notebook(Document(file, text, marker), language_of=running_language)
    else:
        runs = sheet.cell_states.finished(snapshot)
        notebook = await sheet.notebook_cells.to_export(runs, sheet.language.name, session)
    return await asyncio.to_thread(export, notebook, form, sheet.title, marker)
