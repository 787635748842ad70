"""The state of a session in one answer: kernels, queue, last executions, cells, variables."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from codeexec.cli.agents import cells as documents
from codeexec.cli.agents.answer import ToolAnswer, clipped, head_and_tail
from codeexec.cli.agents.connection import AgentConnection
from codeexec.cli.agents.words import heading
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import ListExecutions
from codeexec.domain.snapshot import ExecutionView, Snapshot

LAST = 5
"""Executions that are over, of which the state tells."""

MOST_VARIABLES = 50
MOST_DOCUMENTS = 3
"""Documents whose cells are listed, without `file`: those that were run last."""

Record = dict[str, object]


async def describe_state(connection: AgentConnection, file: str) -> ToolAnswer:
    """`file`: list the cells of this document. NotFound, Denied, DocumentError for it."""
    snapshot = connection.snapshot
    kernels = [
        {"name": name, "state": view.state, "language": view.language, "pid": view.pid}
        for name, view in snapshot.kernels.items()
    ]
    listed = [view for view in snapshot.executions.values() if not view.options.silent]
    open_views = [view for view in listed if view.is_open]
    over = [view for view in listed if not view.is_open][-LAST:]
    shown = await _documents(connection, file)
    variables = [each.name for each in snapshot.kernel.variables if each.kind != "module"]
    data: Record = {
        "session": snapshot.name,
        "folder": snapshot.cwd,
        "kernels": kernels,
        "queue": [_record(view) for view in open_views],
        "last": [_record(view) for view in over],
        "documents": shown,
        "variables": variables,
    }
    return ToolAnswer(_text(snapshot, open_views, over, shown, variables), data)


def _record(view: ExecutionView) -> Record:
    return {
        "execution": view.execution_id,
        "status": view.status,
        "origin": view.origin,
        "is_agent": view.is_agent,
        "code": clipped(view.code, 200),
        "kernel": view.kernel,
        "waits_for_confirmation": view.confirm or None,
    }


def _text(
    snapshot: Snapshot,
    open_views: list[ExecutionView],
    over: list[ExecutionView],
    shown: list[Record],
    variables: list[str],
) -> str:
    lines = [f"Session {snapshot.name} in {snapshot.cwd}"]
    lines += [
        f"kernel {name}: {view.state} {view.language}" for name, view in snapshot.kernels.items()
    ]
    lines.append("queue:" if open_views else "queue: empty")
    lines += [f"  {_line(view)}" for view in open_views]
    if over:
        lines.append("last executions:")
        lines += [f"  {_line(view)}" for view in over]
    for document in shown:
        lines.append(f"cells of {document['file']} (id hash status first line):")
        cells = document["cells"]
        assert isinstance(cells, list)
        lines += [f"  {_cell_line(cell)}" for cell in cells]
    names = ", ".join(variables[:MOST_VARIABLES]) or "none"
    more = len(variables) - MOST_VARIABLES
    lines.append(f"variables: {names}{f' and {more} more' if more > 0 else ''}")
    return head_and_tail(lines)


def _line(view: ExecutionView) -> str:
    who = f" by {view.origin}" if view.origin else ""
    waits = " (waits for the user)" if view.confirm else ""
    return f"{heading(view)}: {view.status}{waits}{who}"


def _cell_line(cell: Mapping[str, object]) -> str:
    lines = str(cell["source"]).split("\n")
    status = cell["status"] if cell["kind"] == "code" else cell["kind"]
    return f"{cell['id']} {cell['hash']} {status} {clipped(lines[0], 70)}"


async def _documents(connection: AgentConnection, file: str) -> list[Record]:
    """The cells of `file`, or of the documents that were run last and can be read."""
    if file:
        return [await _cells(connection, file, whole=True)]
    names: dict[str, None] = {}
    for view in reversed(connection.snapshot.executions.values()):
        if view.cell is not None and Path(view.cell.document).is_absolute():
            names.setdefault(view.cell.document)
    shown = []
    for name in list(names)[:MOST_DOCUMENTS]:
        try:
            shown.append(await _cells(connection, name, whole=False))
        except CodeexecError:
            continue  # it was removed, or is no file of this folder
    return shown


async def _cells(connection: AgentConnection, file: str, *, whole: bool) -> Record:
    opened = await asyncio.to_thread(documents.open_in, connection.folder, file)
    page = await connection.session.call(ListExecutions(document=str(opened.path)))
    last = {view.code: view for view in page.executions}
    cells = [
        {
            "id": named.id,
            "hash": named.hash,
            "kind": str(named.cell.kind),
            "title": named.cell.title,
            "status": _cell_status(last.get(named.cell.source)),
            "source": named.cell.source if whole else clipped(named.cell.source, 200),
        }
        for named in opened.cells
    ]
    return {"file": file, "language": opened.language, "cells": cells}


def _cell_status(view: ExecutionView | None) -> str:
    """How the last execution of this code ended; a cell that was edited since was not run."""
    return view.status if view is not None else "not run"
