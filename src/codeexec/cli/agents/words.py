"""Text for agents: status of an execution and the next call to make, tables."""

from __future__ import annotations

from collections.abc import Mapping

from codeexec.cli.agents.answer import CHARACTERS, clipped, fitting
from codeexec.cli.agents.output import Page
from codeexec.domain.requests import TablePage
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.words import duration

CELL_CHARACTERS = 100


def heading(view: ExecutionView) -> str:
    """The id of an execution, and the first line of its code or the title of its cell."""
    title = view.cell.title if view.cell is not None else ""
    first = title or next(iter(view.code.strip().splitlines()), "")
    return f"{view.execution_id} {clipped(first, 60)}".rstrip()


def outcome_fields(view: ExecutionView, me: str) -> Mapping[str, object]:
    """How an execution stands, for programs."""
    error = view.error
    return {
        "execution": view.execution_id,
        "status": view.status,
        "reason": view.reason,
        "error": f"{error.name}: {error.value}" if error is not None else None,
        "seconds": _seconds(view),
        "interrupted_by": view.ended_by or None,
        "ended_by_another": bool(view.ended_by) and view.ended_by != me,
        "waits_for_confirmation": view.confirm or None,
        "exit_code": view.steps[-1].code if view.steps else None,
    }


def _seconds(view: ExecutionView) -> float | None:
    if view.started_at is None or view.finished_at is None:
        return None
    return round(max(view.finished_at - view.started_at, 0.0), 3)


def outcome_words(view: ExecutionView, page: Page, me: str) -> str:
    """One or two lines over the output."""
    head = f"{view.execution_id}: {_status(view)}"
    if view.reason:
        head += f". {view.reason}"
    if view.ended_by and view.ended_by != me:
        head += (
            f"\n{view.ended_by} ended it, not you: the user works in this session. Ask before you "
            "run it again."
        )
    if view.confirm:
        return f"{head}\nIt waits until the user allows it. {view.confirm} {_again(view, 0)}"
    if view.stdin is not None:
        prompt = clipped(view.stdin.prompt.strip(), 200)
        return f"{head}\nIt waits for input, which the user can give: {prompt}"
    if view.is_open:
        return f"{head}, {page.total} rows so far. {_again(view, page.total)}"
    return head


def _status(view: ExecutionView) -> str:
    seconds = _seconds(view)
    took = f" in {duration(seconds)}" if seconds is not None else ""
    status = "still running" if view.status == "running" else view.status
    return f"{status}{took}"


def _again(view: ExecutionView, start: int) -> str:
    return f"Later: result with execution {view.execution_id}, start {start}, wait 20."


def table_text(page: TablePage) -> str:
    """Rows of a table as lines with ` | ` between cells, within the budget."""
    names = " | ".join(["", *(clipped(name, CELL_CHARACTERS) for name in page.names)])
    lines = [
        " | ".join(clipped(cell, CELL_CHARACTERS) for cell in (index, *cells))
        for index, cells in zip(page.index, page.cells, strict=True)
    ]
    count = fitting(lines, CHARACTERS) if lines else 0
    end = page.start + count
    shape = f"{page.rows:,} rows, {page.columns:,} columns; rows {page.start}-{max(end - 1, 0)}:"
    following = [f"[more rows: start {end}]"] if end < page.rows else []
    return "\n".join([shape, names, *lines[:count], *following])
