"""The ten operations of an agent on a session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from codeexec.cli.agents import cells as documents
from codeexec.cli.agents.answer import ToolAnswer, clipped, head_and_tail
from codeexec.cli.agents.artifacts import list_artifacts, read_artifact
from codeexec.cli.agents.connection import AgentConnection
from codeexec.cli.agents.output import read_page
from codeexec.cli.agents.state import describe_state
from codeexec.cli.agents.words import heading, outcome_fields, outcome_words, table_text
from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.domain.events import CellRef
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import NO_OPTIONS, PROGRAMS, ExecuteOptions, ProgramOptions
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.languages.plan import is_program_language

WAIT = 20.0
"""Seconds that `run` waits by itself."""

LONGEST_WAIT = 600.0
TABLE_ROWS = 20
MOST_TABLE_ROWS = 200
ENDS_SOON = 5.0
"""Seconds that `interrupt` and `restart` wait for their effect."""

_OPENING = "agent"
"""In the place of the number of an opening, in references to cells."""


@dataclass(frozen=True, slots=True)
class Code:
    """What is run: the code with its options, and the cell that it is of."""

    code: str
    options: ExecuteOptions = NO_OPTIONS
    cell: CellRef | None = None


class AgentOperations:
    """Each answers within a budget. Errors are those of `codeexec.domain.errors`."""

    def __init__(self, connection: AgentConnection) -> None:
        self._connection = connection
        self._session = connection.session

    async def sessions(self) -> ToolAnswer:
        """List open sessions."""
        summaries = (await self._connection.host.call(q.ListSessions(ended=False))).sessions
        own = self._connection.summary.session_id
        lines = [
            f"{'* ' if summary.session_id == own else '  '}{summary.name} {summary.state} "
            f"{summary.kernel or '-'} {summary.cwd} ({summary.session_id})"
            for summary in summaries
        ]
        rows = [
            {
                "id": summary.session_id,
                "name": summary.name,
                "state": summary.state,
                "kernel": summary.kernel,
                "folder": summary.cwd,
                "executions": summary.executions,
                "is_current": summary.session_id == own,
            }
            for summary in summaries
        ]
        text = head_and_tail(["Open sessions, * is the one of these tools:", *lines])
        return ToolAnswer(text, {"sessions": rows})

    # -- run ---------------------------------------------------------------------------------

    async def run(
        self,
        code: str = "",
        file: str = "",
        cell: str = "",
        language: str = "",
        wait: float = WAIT,
    ) -> ToolAnswer:
        """Run code, a cell of a file, or a file, and wait for it."""
        if bool(code) == bool(file) or (cell and not file):
            raise UsageError("Give code, or a file, or a file and the id of one of its cells.")
        pieces = [_code(code, language)] if code else await self._of_file(file, cell)
        if not pieces:
            raise UsageError(f"{file} has no code.", "Its cells are listed by state.")
        ids = []
        for piece in pieces:
            request = q.Execute(
                piece.code,
                new_id(EXECUTION),
                origin=self._connection.name,
                cell=piece.cell,
                options=piece.options,
            )
            ids.append((await self._session.call(request)).execution_id)
        await self._wait_for_end(ids, wait)
        views = [await self._connection.execution(execution_id) for execution_id in ids]
        if len(views) == 1:
            return await self._outcome(views[0])
        return await self._outcomes(views)

    async def _of_file(self, file: str, cell: str) -> list[Code]:
        opened = await asyncio.to_thread(documents.open_in, self._connection.folder, file)
        if cell:
            named = opened.cell(cell)
            if not named.cell.is_code:
                raise UsageError(f"Cell {cell} has no code.", "Run another one.")
            return [_cell_code(opened, named, stop_on_error=False)]
        if _is_program(opened):
            options = ExecuteOptions(
                kernel=f"{PROGRAMS}:{opened.language}",
                program=ProgramOptions(file=str(opened.path)),
                stop_on_error=False,
            )
            reference = CellRef(str(opened.path), title=opened.path.name)
            return [Code(opened.document.text, options, reference)]
        return [
            _cell_code(opened, named)
            for named in opened.cells
            if named.cell.is_code and not named.cell.is_blank
        ]

    async def _wait_for_end(self, ids: Sequence[str], seconds: float) -> None:
        """Wait until these are over, `seconds` at most."""
        wanted = set(ids)

        def is_over(snapshot: Snapshot) -> bool:
            views = [snapshot.executions.get(execution_id) for execution_id in wanted]
            return all(view is not None and not view.is_open for view in views)

        await self._connection.wait_for(is_over, min(max(0.0, seconds), LONGEST_WAIT))

    async def _outcome(self, view: ExecutionView, start: int = 0) -> ToolAnswer:
        page = await read_page(self._session, view, start)
        head = outcome_words(view, page, self._connection.name)
        data = {
            **outcome_fields(view, self._connection.name),
            "rows": page.rows,
            "next_row": page.next_row,
            "total_rows": page.total,
        }
        return ToolAnswer(f"{head}\n{page.text}".rstrip("\n"), data, page.pictures)

    async def _outcomes(self, views: Sequence[ExecutionView]) -> ToolAnswer:
        """Of several cells: a line for each, and the output of the one that matters most."""
        lines = [f"{heading(view)}: {view.status}" for view in views]
        chosen = next((view for view in views if view.status != "ok"), views[-1])
        answer = await self._outcome(chosen)
        data = [outcome_fields(view, self._connection.name) for view in views]
        text = "\n".join([head_and_tail(lines, 2000), "", answer.text])
        return ToolAnswer(text, {"executions": data, **answer.data}, answer.pictures)

    async def result(self, execution: str, start: int = 0, wait: float = 0.0) -> ToolAnswer:
        """Read the output of an execution from row `start` on."""
        view = await self._connection.execution(execution)
        if view.is_open and wait > 0:
            await self._wait_for_end([execution], wait)
            view = await self._connection.execution(execution)
        return await self._outcome(view, start)

    # -- state -------------------------------------------------------------------------------

    async def state(self, file: str = "") -> ToolAnswer:
        """Describe kernels, queue, last executions, cells with status, variables."""
        return await describe_state(self._connection, file)

    async def variables(self, name: str = "", kernel: str = "") -> ToolAnswer:
        """List variables, or describe one of them."""
        if name:
            detail = await self._session.call(q.InspectVariable(name, kernel))
            variable = detail.variable
            lines = [f"{variable.name}: {variable.type} {variable.shape}".rstrip()]
            lines += detail.text.split("\n")
            lines += [f"  {each.name}: {each.type} {each.preview}" for each in detail.children]
            lines = [clipped(line) for line in lines]
            data = {"name": name, "type": variable.type, "text": detail.text}
            return ToolAnswer(head_and_tail(lines), data)
        listed = await self._session.call(q.RefreshVariables(kernel))
        lines = [
            clipped(f"{each.name}: {each.type} {each.shape} {each.preview}".rstrip(), 200)
            for each in listed.variables
        ]
        if listed.truncated:
            lines.append("and more, which the kernel does not list")
        rows = [
            {
                "name": each.name,
                "type": each.type,
                "shape": each.shape,
                "preview": each.preview,
                "kind": each.kind,
            }
            for each in listed.variables
        ]
        return ToolAnswer(
            head_and_tail(lines) or "No variables.",
            {"variables": rows, "truncated": listed.truncated},
        )

    async def table(
        self,
        name: str,
        start: int = 0,
        count: int = TABLE_ROWS,
        sort: str = "",
        descending: bool = False,
        kernel: str = "",
    ) -> ToolAnswer:
        """Read rows of a data frame or array."""
        count = min(max(count, 1), MOST_TABLE_ROWS)
        request = q.ReadTable(name, max(start, 0), count, sort, descending, kernel)
        page = await self._session.call(request)
        data = {
            "columns": page.names,
            "types": page.types,
            "index": page.index,
            "cells": page.cells,
            "start": page.start,
            "rows": page.rows,
            "total_columns": page.columns,
        }
        return ToolAnswer(table_text(page), data)

    # -- kernels -----------------------------------------------------------------------------

    async def interrupt(self, execution: str = "") -> ToolAnswer:
        """Interrupt an execution, or what runs."""
        snapshot = self._connection.snapshot
        running = snapshot.running or next(
            (view for view in snapshot.executions.values() if view.status == "running"), None
        )
        if not execution and running is None:
            return ToolAnswer("Nothing runs.", {"interrupted": None})
        execution = execution or (running.execution_id if running is not None else "")
        await self._session.call(q.CancelExecution(execution))
        await self._wait_for_end([execution], ENDS_SOON)
        view = await self._connection.execution(execution)
        if view.is_open:
            text = (
                f"{execution} was interrupted and still runs. Interrupt it again, or restart the "
                "kernel: that loses its variables."
            )
            return ToolAnswer(text, outcome_fields(view, self._connection.name))
        return await self._outcome(view)

    async def restart(self, kernel: str = "") -> ToolAnswer:
        """Restart a kernel: its variables are lost, and what waits for it is cancelled."""
        before = self._connection.snapshot.kernel_named(kernel).generation
        await self._session.call(q.RestartKernel(kernel=kernel))

        def is_ready(snapshot: Snapshot) -> bool:
            view = snapshot.kernel_named(kernel)
            return view.generation > before and view.state in ("idle", "busy", "dead")

        await self._connection.wait_for(is_ready, WAIT)
        view = self._connection.snapshot.kernel_named(kernel)
        state = view.death.message if view.death is not None else view.state
        return ToolAnswer(f"The kernel was restarted: {state}.", {"state": view.state})

    # -- artifacts and cells -----------------------------------------------------------------

    async def artifact(self, name: str = "") -> ToolAnswer:
        """List artifacts, or show one: a picture as a picture, text as text."""
        if not name:
            return await list_artifacts(self._connection)
        return await read_artifact(self._connection, name)

    async def edit_cell(self, file: str, cell: str, hash: str, source: str) -> ToolAnswer:
        """Write a new source of a cell, if it is still the one that was read."""
        opened = await asyncio.to_thread(documents.open_in, self._connection.folder, file)
        named = await asyncio.to_thread(documents.edit, opened, cell, hash, source)
        text = f"Cell {named.id} of {file} was written; its hash is {named.hash}."
        return ToolAnswer(text, {"file": file, "cell": named.id, "hash": named.hash})


def _is_program(opened: documents.AgentDocument) -> bool:
    """Whether the file is built or run by the tools of its language, not by a kernel."""
    is_document = opened.document.notebook is not None or opened.is_fenced
    return not is_document and opened.language != "python" and is_program_language(opened.language)


def _code(code: str, language: str) -> Code:
    """Code of an agent. Where it fails, what the user has queued behind it runs all the same."""
    return Code(code, ExecuteOptions(language=language, stop_on_error=False, allow_stdin=False))


def _cell_code(
    opened: documents.AgentDocument, named: documents.NamedCell, *, stop_on_error: bool = True
) -> Code:
    cell = named.cell
    reference = CellRef(
        str(opened.path), f"{cell.key}@{_OPENING}", cell.body, cell.title, opened.language
    )
    return Code(
        cell.source, ExecuteOptions(stop_on_error=stop_on_error, allow_stdin=False), reference
    )
