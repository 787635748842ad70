"""Output of an execution for agents: rows within a budget, and its pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from codeexec.cli.agents.answer import CHARACTERS, ToolPicture, clipped, fitting
from codeexec.cli.agents.pictures import TYPES, scaled
from codeexec.client.api import SessionClient
from codeexec.documents.displays.text import read_display
from codeexec.domain.content.mime import content_of, text_of
from codeexec.domain.errors import NotFound
from codeexec.domain.outputs import Display, MimePart, Run, iter_rows, plain
from codeexec.domain.requests import ReadBlob, ReadRows
from codeexec.domain.result import error_text
from codeexec.domain.snapshot import ExecutionView

HEAD_ROWS = 80
TAIL_ROWS = 80
PAGE_ROWS = 400
"""Rows of one answer: from the beginning and from the end, or all from a given row on."""

MOST_PICTURES = 4
ERROR_CHARACTERS = 4000
DISPLAY_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of an output in order: `text` has a line for what is left out; `next_row` is the first
    row that is not shown, `total` when all are."""

    text: str
    rows: tuple[str, ...]
    next_row: int
    total: int
    pictures: tuple[ToolPicture, ...] = ()


async def read_page(session: SessionClient, view: ExecutionView, start: int) -> Page:
    """The output from row `start` on. From 0: the head and the tail of all rows."""
    total = view.total
    start = min(max(start, 0), total)
    if start or total <= HEAD_ROWS + TAIL_ROWS:
        runs = await _read(session, view, start, PAGE_ROWS)
        texts = [await row_text(session, run) for run in runs]
        count = fitting(texts, CHARACTERS)
        if start or count == len(texts):
            end = start + count
            text = "\n".join(texts[:count])
            if end < total:
                text += f"\n{_rest(view, end, total)}"
            return Page(text, tuple(texts[:count]), end, total, await _pictures(session, runs))
    head_runs = await _read(session, view, 0, HEAD_ROWS)
    head = [await row_text(session, run) for run in head_runs]
    head = head[: fitting(head, CHARACTERS // 2)]
    first = max(total - TAIL_ROWS, len(head))
    tail_runs = await _read(session, view, first, TAIL_ROWS)
    tail = [await row_text(session, run) for run in tail_runs]
    tail = tail[len(tail) - fitting(tail[::-1], CHARACTERS // 2) :] if tail else []
    left = _rest(view, len(head), total - len(tail))
    text = "\n".join([*head, left, *tail])
    pictures = await _pictures(session, [*head_runs[: len(head)], *tail_runs])
    return Page(text, (*head, *tail), len(head), total, pictures)


def _rest(view: ExecutionView, start: int, end: int) -> str:
    return (
        f"[rows {start}-{end - 1} left out: result with execution {view.execution_id}, "
        f"start {start}]"
    )


async def _read(session: SessionClient, view: ExecutionView, start: int, count: int) -> list[Run]:
    if start >= view.total:
        return []
    page = await session.call(ReadRows(view.execution_id, start, count))
    return list(iter_rows(page.runs))


async def row_text(session: SessionClient, run: Run) -> str:
    """A row as plain text; that of an error is its traceback, that of a display what it shows."""
    if run.error is not None:
        lines = plain("\n".join(run.error.traceback)) or error_text(run.error)
        return lines if len(lines) <= ERROR_CHARACTERS else f"…{lines[-ERROR_CHARACTERS:]}"
    if run.display is not None:
        return clipped(await display_text(session, run.display), DISPLAY_CHARACTERS)
    text = clipped(plain(run.text))
    return f"[stderr] {text}" if run.kind == "stderr" else text


async def display_text(session: SessionClient, display: Display) -> str:
    """A display as text; parts that are no longer stored are passed over."""
    reading = read_display(display)
    try:
        part = next(reading)
        while True:
            part = reading.send(await _part_text(session, part))
    except StopIteration as end:
        return str(end.value)


async def _part_text(session: SessionClient, part: MimePart) -> str | None:
    if part.text is not None:
        return part.text
    try:
        return text_of(part.mime, (await session.call(ReadBlob(part.blob or ""))).data)
    except NotFound:
        return None


async def _pictures(session: SessionClient, runs: Sequence[Run]) -> tuple[ToolPicture, ...]:
    """The last pictures among rows."""
    displays = [run.display for run in runs if run.display is not None]
    pictures = [await picture_of(session, display) for display in displays[-MOST_PICTURES:]]
    return tuple(picture for picture in pictures if picture is not None)


async def picture_of(session: SessionClient, display: Display) -> ToolPicture | None:
    """The picture that a display shows, scaled down."""
    part = next(filter(None, (display.part(mime) for mime in TYPES)), None)
    if part is None:
        return None
    text = await _part_text(session, part)
    if text is None:
        return None
    return await asyncio.to_thread(scaled, content_of(part.mime, text))
