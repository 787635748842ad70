"""A data frame of polars with [ROWS] (100,000,000) rows on the full screen: first paint, page down,
the end, a sort, growth of the client; and how long a running cell is delayed by each question.

    python benchmarks/tables.py [ROWS]

Needs polars and about 25 bytes of memory a row.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import psutil
from textual.app import App

from codeexec.client.api import SessionClient
from codeexec.client.socket import SocketHost
from codeexec.client.spawn import begin
from codeexec.domain import requests as q
from codeexec.domain.events import ExecutionFinished
from codeexec.tui.screens.tables.kernel_table import KernelTable
from codeexec.tui.screens.tables.origins import VariableOrigin
from codeexec.tui.screens.tables.table_screen import TableScreen

MAKE = """
import polars as pl
frame = pl.select(n=pl.int_range({rows}, dtype=pl.Int64)).with_columns(
    k=(pl.col("n") * 7919 % 100_003).cast(pl.Int32))
"""
BUSY = """
import time
print("busy", flush=True)
begin = time.perf_counter()
before = time.process_time() - time.thread_time()
while time.perf_counter() - begin < 6:
    for _ in range(1000): pass
others = (time.process_time() - time.thread_time() - before) * 1e6
"""
"""Microseconds of processor time of the kernel's other threads in six seconds: the cell is delayed
by at most as much, whatever else the machine does."""
QUESTIONS = 40


class Bench(App[None]):
    """Nothing but the screen that is measured."""


async def run(session: SessionClient, code: str) -> None:
    accepted = await session.call(q.Execute(code))
    async for batch in session.events(accepted.seq, "full"):
        for record in batch:
            if isinstance(record.event, ExecutionFinished):
                assert record.event.error is None, record.event.error
                return
    raise AssertionError("the stream of events ended")


async def painted(is_there: Callable[[], object]) -> float:
    """Milliseconds until it is on screen."""
    begun = time.perf_counter()
    while not is_there():  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    return (time.perf_counter() - begun) * 1000


def words_of(table: KernelTable, y: int) -> list[str]:
    """Row number, `n` and `k` of a painted row."""
    return table.render_line(y).text.split()


def shows(table: KernelTable, row: int) -> bool:
    """Whether this row of the frame is painted where it belongs."""
    return words_of(table, row - int(table.scroll_offset.y) + 2)[:1] == [str(row)]


async def measure_screen(session: SessionClient, rows: int) -> None:
    app = Bench()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        gc.collect()
        process = psutil.Process()
        before = process.memory_info().rss
        screen = TableScreen(VariableOrigin(session, "frame"))
        begun = time.perf_counter()
        await app.push_screen(screen)
        table = screen.query_one(KernelTable)
        await painted(lambda: words_of(table, 2) == ["0", "0", "0"])
        print(f"first paint {(time.perf_counter() - begun) * 1000:.0f} ms", flush=True)
        pages = []
        for _ in range(30):
            begun = time.perf_counter()
            table.action_page(1)
            await painted(lambda: shows(table, table.cursor[0]))
            pages.append((time.perf_counter() - begun) * 1000)
            await pilot.pause()
        print(f"page down: median {statistics.median(pages):.1f} ms, longest {max(pages):.1f} ms")
        table.action_last()
        print(f"to the end {await painted(lambda: shows(table, rows - 1)):.0f} ms", flush=True)
        table.action_first()
        await painted(lambda: shows(table, 0))
        table.action_move(0, 1)
        begun = time.perf_counter()
        screen.action_sort()
        await painted(lambda: words_of(table, 3)[2:] == ["0"])
        print(f"first page of a sort {(time.perf_counter() - begun) * 1000:.0f} ms", flush=True)
        bottom = table.size.height - 1

        def is_sorted() -> bool:
            screen.action_begin_long()  # it asks before all rows are sorted: agree once it does
            table.action_last()  # of the rows whose places are known by then
            return words_of(table, bottom)[2:] == ["100002"]

        sorted_all = await painted(is_sorted)
        print(f"its last page, when all is sorted: {sorted_all / 1000:.1f} s")
        gc.collect()
        print(f"growth of the client {(process.memory_info().rss - before) / 1e6:.1f} MB")


async def others_of(session: SessionClient, ask: bool) -> tuple[float, float]:
    """Milliseconds of other threads beside a cell, and the mean ones of a question."""
    accepted = await session.call(q.Execute(BUSY))
    took: list[float] = []
    if ask:
        await asyncio.sleep(0.5)
        for at in range(QUESTIONS):
            begun = time.perf_counter()
            await session.call(q.QueryTable("frame", q.TableRows(at * 1_000_000 % 90_000_000)))
            took.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(0.05)
    async for batch in session.events(accepted.seq, "full"):
        for record in batch:
            if isinstance(record.event, ExecutionFinished):
                detail = await session.call(q.InspectVariable("others"))
                return float(detail.variable.preview) / 1000, statistics.mean(took) if took else 0.0
    raise AssertionError("the stream of events ended")


async def measure(rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="codeexec-tables-") as folder:
        os.environ.update(XDG_STATE_HOME=folder, XDG_RUNTIME_DIR=folder)
        host = SocketHost(starting=begin())
        summary = await host.call(q.OpenSession(cwd=folder))
        session = host.session(summary.session_id)
        await run(session, MAKE.format(rows=rows))
        await session.call(q.QueryTable("frame", q.TableRows(0, 1)))
        await measure_screen(session, rows)
        alone = [(await others_of(session, False))[0] for _ in range(3)]
        beside = [await others_of(session, True) for _ in range(3)]
        more = statistics.median([ms for ms, _ in beside]) - statistics.median(alone)
        print(
            f"a running cell is delayed by {more / QUESTIONS:.1f} ms per question at most"
            f" (question: {statistics.mean([took for _, took in beside]):.0f} ms)"
        )
        await host.call(q.StopHost(sessions=True))


asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000_000))
