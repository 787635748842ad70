"""Output of cards as plain text: for the clipboard, and for files."""

from __future__ import annotations

from collections.abc import AsyncIterator

from codeexec.client.output import read_pages
from codeexec.domain.errors import CodeexecError
from codeexec.domain.outputs import Runs, iter_rows, plain
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.printable import printable_row
from codeexec.tui.panes.console.executions import ExecutionReader
from codeexec.tui.render.counts import counted
from codeexec.tui.session.ask import CopyRequested, Failed, SaveRequested
from codeexec.tui.session.requester import Requester
from codeexec.tui.session.stored_outputs import is_stored


class OutputExport:
    """Reads all rows of an execution, not only those that are on screen."""

    def __init__(self, requester: Requester, executions: ExecutionReader) -> None:
        self._requester = requester
        self._executions = executions

    async def copy(self, view: ExecutionView) -> None:
        """Copy the output of an execution."""
        text = await self._text(view)
        self._requester.post(CopyRequested(text, counted(view.total, "row")))

    async def save(self, view: ExecutionView) -> None:
        """Save the output of an execution in a file that the user chooses."""
        name = f"output-{view.count or view.execution_id}.txt"
        self._requester.post(SaveRequested(name, _as_file(await self._text(view))))

    async def save_all(self) -> None:
        """The same for code and output of all executions of the session."""
        parts = []
        async for view in self._executions.every():
            head = f"# [{view.count or ' '}] {view.status}"
            parts.append(f"{head}\n{view.code}\n\n{await self._text(view)}\n")
        self._requester.post(SaveRequested("session.txt", _as_file("\n".join(parts))))

    async def _text(self, view: ExecutionView) -> str:
        return "\n".join([text async for text in self._chunks(view)])

    async def _chunks(self, view: ExecutionView) -> AsyncIterator[str]:
        session = self._requester.session
        if is_stored(view.execution_id):  # the session has none of it, and the view has all
            yield _plain_text(view.tail)
        elif session is not None:
            try:
                async for runs in read_pages(session, view.execution_id):
                    yield _plain_text(runs)
            except CodeexecError as error:
                self._requester.post(Failed(error))


def _as_file(text: str) -> bytes:
    """Output as text for a file to be viewed in a terminal."""
    return printable_row(text).encode("utf-8", "replace")


def _plain_text(runs: Runs) -> str:
    """Rows as plain text; of a display what it says as text."""
    lines: list[str] = []
    for row in iter_rows(runs):
        if row.is_text:
            lines.append(plain(row.text))
        elif row.error is not None:
            lines.append(plain("\n".join(row.error.traceback) or row.error.name))
        elif row.display is not None and (part := row.display.part("text/plain")):
            lines.append(part.text or "")
    return "\n".join(lines)
