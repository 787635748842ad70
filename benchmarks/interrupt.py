"""Interrupt of an endless print loop: how long until KeyboardInterrupt, and until the session
has run the next cell; through a real server, medians of [REPETITIONS] (10).

    python benchmarks/interrupt.py [REPETITIONS]
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time

import psutil

from codeexec.client.api import SessionClient
from codeexec.client.socket import SocketHost
from codeexec.client.spawn import begin
from codeexec.domain.events import ExecutionFinished, OutputChanged, Recorded
from codeexec.domain.requests import Execute, GetHostInfo, Interrupt, OpenSession, StopHost

ENDLESS = "i = 0\nwhile True:\n    print(i, 'x' * 60)\n    i += 1"
ROWS_BEFORE = 50_000


async def wait_for(session: SessionClient, after: int, kind: type, rows: int = 0) -> Recorded:
    async for batch in session.events(after, "tail"):
        for record in batch:
            if isinstance(record.event, kind):
                if isinstance(record.event, OutputChanged) and record.event.total < rows:
                    continue
                return record
    raise AssertionError("the stream of events ended")


async def measure(repetitions: int) -> None:
    with tempfile.TemporaryDirectory(prefix="codeexec-interrupt-") as folder:
        os.environ.update(XDG_STATE_HOME=folder, XDG_RUNTIME_DIR=folder)
        host = SocketHost(starting=begin())
        summary = await host.call(OpenSession(cwd=folder))
        session = host.session(summary.session_id)
        ended: list[float] = []
        usable: list[float] = []
        for _ in range(repetitions):
            accepted = await session.call(Execute(ENDLESS))
            flood = await wait_for(session, accepted.seq, OutputChanged, ROWS_BEFORE)
            pressed = time.perf_counter()
            await session.call(Interrupt())
            end = await wait_for(session, flood.seq, ExecutionFinished)
            ended.append(time.perf_counter() - pressed)
            assert isinstance(end.event, ExecutionFinished)
            assert end.event.error is not None
            assert end.event.error.name == "KeyboardInterrupt"
            again = await session.call(Execute("1 + 1"))
            await wait_for(session, again.seq, ExecutionFinished)
            usable.append(time.perf_counter() - pressed)
        process = psutil.Process((await host.call(GetHostInfo())).pid)
        await host.call(StopHost(sessions=True))
        await host.close()
        await asyncio.to_thread(process.wait, 20)
    for name, times in (("KeyboardInterrupt", ended), ("next cell has run", usable)):
        print(f"{name:<20} median {statistics.median(times):.3f} s, worst {max(times):.3f} s")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
