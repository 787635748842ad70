"""A flood of printed lines: drained into the store of a real server, beside a bare
jupyter_client loop that drains and discards, in one interleaved run.

    python benchmarks/flood.py [LINES] [REPETITIONS]

Says for both how long the cell took (medians and their ratio), how much the server's and a paging
client's memory grew, and how long a page of rows took while the flood ran.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import statistics
import sys
import tempfile
import time

import psutil

from codeexec.client.socket import SocketHost
from codeexec.client.spawn import begin
from codeexec.domain.events import ExecutionFinished, OutputChanged
from codeexec.domain.requests import Execute, GetHostInfo, OpenSession, ReadRows, StopHost

CODE = "for i in range({lines}):\n    print(i, 'x' * 60)"


def bare(lines: int) -> float:
    """Seconds of the same cell, its messages read by jupyter_client and thrown away."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel()
    try:
        began = time.perf_counter()
        asked = client.execute(CODE.format(lines=lines))
        while True:
            message = client.get_iopub_msg(timeout=120)
            mine = message["parent_header"].get("msg_id") == asked
            if mine and message["content"].get("execution_state") == "idle":
                return time.perf_counter() - began
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def memory(pid: int) -> int:
    """Bytes that are this process's own."""
    return int(psutil.Process(pid).memory_full_info().uss)


def peak() -> int:
    """Bytes of memory that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def cpu(pid: int) -> float:
    """Seconds of processor time it has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def ours(lines: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="codeexec-flood-") as folder:
        environ = dict(os.environ, XDG_STATE_HOME=folder, XDG_RUNTIME_DIR=folder)
        os.environ.update(environ)
        starting = begin(environ=environ)
        host = SocketHost(starting=starting)
        try:
            summary = await host.call(OpenSession(cwd=folder))
            session = host.session(summary.session_id)
            server = (await host.call(GetHostInfo())).pid
            await one(session.session_id, host, "import sys")
            pager = await asyncio.create_subprocess_exec(
                sys.executable,
                __file__,
                "--pager",
                summary.session_id,
                stdout=asyncio.subprocess.PIPE,
                env=environ,
            )
            assert pager.stdout is not None
            await pager.stdout.readline()
            before, busy = memory(server), cpu(server)
            began = time.perf_counter()
            await one(session.session_id, host, CODE.format(lines=lines))
            took = time.perf_counter() - began
            grown, busy = memory(server) - before, cpu(server) - busy
            paged = json.loads(await pager.stdout.readline())
            await pager.wait()
            return {"took": took, "server_mb": grown / 2**20, "server_cpu": busy, **paged}
        finally:
            process = psutil.Process((await host.call(GetHostInfo())).pid)
            await host.call(StopHost(sessions=True))
            await host.close()
            await asyncio.to_thread(process.wait, 20)


async def one(session_id: str, host: SocketHost, code: str) -> None:
    session = host.session(session_id)
    accepted = await session.call(Execute(code))
    async for batch in session.events(accepted.seq - 1, "tail"):
        for record in batch:
            event = record.event
            if isinstance(event, ExecutionFinished) and event.execution_id == accepted.execution_id:
                return


async def page(session_id: str) -> None:
    """A client that looks at random pages for as long as the flood lasts."""
    host = SocketHost(starting=begin())
    session = host.session(session_id)
    await host.call(GetHostInfo())
    print("ready", flush=True)
    before = peak()
    waits: list[float] = []
    running, total = "", 0

    async def read_on() -> None:
        while True:
            await asyncio.sleep(0.01)
            if total:
                began = time.perf_counter()
                start = random.randrange(total)
                await session.call(ReadRows(running, start, 50))
                waits.append(time.perf_counter() - began)

    reading = asyncio.create_task(read_on())
    async for batch in session.events(0, "tail"):
        for record in batch:
            if isinstance(record.event, OutputChanged):
                running, total = record.event.execution_id, record.event.total
            if isinstance(record.event, ExecutionFinished) and total:
                reading.cancel()
                grown = (peak() - before) / 2**20
                waits.sort()
                print(
                    json.dumps(
                        {
                            "client_mb": grown,
                            "pages": len(waits),
                            "page_ms": statistics.median(waits) * 1000,
                            "page_p95_ms": waits[int(len(waits) * 0.95)] * 1000,
                        }
                    ),
                    flush=True,
                )
                await host.close()
                return


def main() -> None:
    if "--pager" in sys.argv:
        asyncio.run(page(sys.argv[2]))
        return
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    bares: list[float] = []
    mine: list[dict[str, float]] = []
    for number in range(repetitions):
        print(f"repetition {number + 1} of {repetitions}", file=sys.stderr)
        bares.append(bare(lines))
        mine.append(asyncio.run(ours(lines)))
    ratios = [m["took"] / b for m, b in zip(mine, bares, strict=True)]
    print(f"{lines:,} lines, median of {repetitions}")
    print(f"  bare jupyter_client, discarding   {statistics.median(bares):8.2f} s")
    for name, unit in (
        ("took", "s"),
        ("server_cpu", "s"),
        ("server_mb", "MB"),
        ("client_mb", "MB"),
        ("pages", ""),
        ("page_ms", "ms"),
        ("page_p95_ms", "ms"),
    ):
        print(f"  server, {name:<24} {statistics.median(m[name] for m in mine):10.2f} {unit}")
    print(f"  ratio                           {statistics.median(ratios):10.2f}")


if __name__ == "__main__":
    main()
