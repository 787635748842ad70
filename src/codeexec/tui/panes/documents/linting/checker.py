"""Checks documents by a ruff server, which is started on need and ended when it is idle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.tui.panes.documents.linting.findings import is_broken, marks_of
from codeexec.tui.panes.documents.linting.ruff_server import LintSource, RuffServer, ServerFailed
from codeexec.tui.panes.documents.linting.sources import (
    MOST_CHARACTERS,
    notebook_source,
    project_of,
    script_source,
)
from codeexec.tui.panes.editor.marks import LineDiagnostic

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

MOST_FAILURES = 3
"""Servers that may fail before no other is started."""


class RuffChecker:
    """One document at a time."""

    def __init__(self) -> None:
        self.server: RuffServer | None = None
        self.checks = 0
        """How many documents were checked."""
        self._failures = 0
        self._checking = asyncio.Lock()

    async def check(self, sheet: DocumentView, program: str) -> list[LineDiagnostic] | None:
        """What ruff finds in a document; None where it cannot be said: the server failed, the text
        has changed meanwhile, or cannot be read, as while it is typed."""
        async with self._checking:
            self.checks += 1
            model = sheet.editor.model
            version, lines = model.buffer.version, list(model.lines)
            project = await asyncio.to_thread(project_of, sheet.path)
            places, source = _source_of(sheet, lines, project)
            findings = await self._ask(program, source) if source is not None else []
        if findings is None or version != model.buffer.version or is_broken(findings):
            return None
        return marks_of(sheet.name_key, places, lines, findings)

    async def _ask(self, program: str, source: LintSource) -> list[list[object]] | None:
        try:
            if self.server is not None and self.server.program != program:
                await self.close()
            server = self.server
            if server is None or not server.is_running:
                if self._failures >= MOST_FAILURES:
                    return None
                await self.close()
                server = self.server = RuffServer(program)
                await server.start()
            return await server.check(source)
        except ServerFailed:
            self._failures += 1
            await self.close()
            return None

    async def close_if_idle(self, checks: int) -> None:
        """End the server if nothing was checked since there were `checks` checks."""
        if not self._checking.locked() and self.checks == checks:
            await self.close()

    async def close(self) -> None:
        """End the server."""
        server, self.server = self.server, None
        if server is not None:
            await server.close()


def _source_of(
    sheet: DocumentView, lines: Sequence[str], project: Path | None
) -> tuple[Sequence[int], LintSource | None]:
    """The lines at which the texts begin that are checked, and these texts; None where there is
    nothing to check, or too much."""
    if sum(map(len, lines)) > MOST_CHARACTERS:
        return (), None
    has_cells = len(sheet.editor.model.cells) > 1 or sheet.document.notebook is not None
    if not has_cells:
        return (0,), script_source(sheet.path, lines, project)
    cells = [cell for cell in sheet.editor.cells() if cell.is_own_code]
    if not cells:
        return (), None
    return [cell.body for cell in cells], notebook_source(sheet.path, cells, project)
