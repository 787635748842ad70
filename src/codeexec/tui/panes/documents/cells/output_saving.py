"""Writes outputs of cells into notebooks, one notebook at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.worker import Worker

from codeexec.client.api import SessionClient
from codeexec.domain.errors import CodeexecError
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.session.ask import Failed

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class OutputSaver:
    """Writes in workers, beside whatever else goes on; errors are posted."""

    def __init__(self, host: PaneHost, context: PaneContext) -> None:
        self._host = host
        self._context = context
        self._one_at_a_time = asyncio.Lock()
        self._workers: set[Worker[None]] = set()
        self.send: Callable[[DocumentView], Awaitable[object]] = _keep
        """Writes a saved notebook to the machine that has its file."""

    def save(self, sheet: DocumentView) -> None:
        """Write what the document's cells have put out into its notebook, where it is one."""
        if self._context.watch_only or sheet.document.notebook is None:
            return
        if self._context.session is not None:
            work = self._write(sheet, self._context.session)
            self._workers = {*self._unfinished(), self._host.run_worker(work, group="outputs")}

    async def _write(self, sheet: DocumentView, session: SessionClient) -> None:
        async with self._one_at_a_time:
            saved = sheet.document
            try:
                await sheet.save_outputs(self._context.snapshot, session)
            except CodeexecError as error:
                self._host.post_message(Failed(error))
                return
            if sheet.machine and sheet.document is not saved:
                sheet.is_on_disk = False
                await self.send(sheet)

    async def wait(self) -> None:
        """Wait until all that was to be written is on disk."""
        await asyncio.gather(*[worker.wait() for worker in self._unfinished()])

    def _unfinished(self) -> list[Worker[None]]:
        return [worker for worker in self._workers if not worker.is_finished]


async def _keep(sheet: DocumentView) -> None:
    """The place of `OutputSaver.send` before there is one that saves."""
