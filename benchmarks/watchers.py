"""A hundred browsers that watch a session, and what its presenter feels of them. One run:

    python benchmarks/watchers.py [--watchers 0 1 100] [--seconds 10] [--updates 1000]

A server process of its own, in a temporary folder. A cell prints a row each 5 ms, or, with
`--updates`, sets the value of a widget so many times a second; the presenter's client sends a
request 50 times a second and runs `1+1` on a second kernel meanwhile. The watchers are connections
of a process of their own that read the stream of the page, as its JavaScript does, but draw
nothing. Reported for each number of watchers: milliseconds (p50, p99) of the presenter's requests
and of `1+1` to its end, CPU of the server in cores, kB a second that each watcher got, and how long
after the last row was printed the last watcher had it. Of a widget also how many values the code
has set a second.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import psutil

from codeexec.client.api import HostClient, SessionClient
from codeexec.client.browser import page_url
from codeexec.client.executing import run_to_end
from codeexec.client.output import read_rows
from codeexec.client.socket import SocketHost
from codeexec.client.spawn import Starting
from codeexec.config.paths import find_paths
from codeexec.domain.ids import new_id
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.requests import (
    ClosePages,
    Execute,
    GetHostInfo,
    OpenPage,
    OpenSession,
    StartKernel,
    StopHost,
)

END = "the last row"
PRINTING = f"""
import time
end = time.monotonic() + SECONDS
number = 0
while time.monotonic() < end:
    print("row", number, "of what the presenter shows to the audience", flush=True)
    number += 1
    time.sleep(0.005)
print("{END}", time.time())
"""

SETTING = f"""
import time
import ipywidgets
bar = ipywidgets.IntProgress(max=10**9)
display(bar)
due = time.monotonic()
end = due + SECONDS
number = 0
while time.monotonic() < end:
    number += 1
    bar.value = number
    due += 1 / UPDATES
    time.sleep(max(0.0, due - time.monotonic()))
print("{END}", time.time(), number, "values")
"""


async def watch(url: str, ready: asyncio.Semaphore) -> tuple[int, float]:
    """The number of bytes until the last row, and how many seconds after it was printed it came."""
    parts = urlsplit(url)

    async def get(path: str, cookie: str = "") -> tuple[asyncio.StreamReader, str]:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**24)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{cookie}\r\n".encode())
        writers.append(writer)
        return reader, (await reader.readuntil(b"\r\n\r\n")).decode()

    writers: list[asyncio.StreamWriter] = []
    _, head = await get(f"{parts.path}?{parts.query}")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    cookie = f"Cookie: {headers['set-cookie'].partition(';')[0]}\r\n"
    page = urljoin(parts.path, headers["location"])
    reader, _ = await get(f"{page}events", cookie)
    received, seen = 0, b""
    is_ready = False
    while END.encode() + b" " not in seen:
        chunk = await reader.read(2**20)
        assert chunk, "the stream has ended"
        received += len(chunk)
        seen = seen[-100:] + chunk
        if not is_ready:
            is_ready = True
            ready.release()
    came = time.time()
    for writer in writers:
        writer.close()
    printed = re.search(rf"{END} ([0-9.]+)".encode(), seen)
    return received, came - float(printed[1]) if printed else 0.0


def watch_all(pipe: Connection, url: str, count: int) -> None:
    """The process of the watchers."""

    async def work() -> list[tuple[int, float]]:
        ready = asyncio.Semaphore(0)
        watching = [asyncio.create_task(watch(url, ready)) for _ in range(count)]
        for _ in range(count):
            await ready.acquire()
        pipe.send("ready")
        return await asyncio.gather(*watching)

    pipe.send(asyncio.run(work()))


def start_watchers(url: str, count: int) -> tuple[SpawnProcess, Connection]:
    """Their process, and a pipe that gets "ready" once all of them have the session, and in the end
    what each of them received."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=watch_all, args=(theirs, url, count))
    process.start()
    return process, ours


def short_code(kernel: str = "") -> Execute:
    return Execute("1+1", new_id("run"), options=ExecuteOptions(kernel=kernel))


async def press(host: HostClient, times: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await host.call(GetHostInfo())
        times.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(max(0.0, 0.02 - (time.perf_counter() - began)))


async def run_short(session: SessionClient, times: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await run_to_end(session, short_code("second"))
        times.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0.1)


def shown(times: Sequence[float]) -> str:
    p99 = statistics.quantiles(times, n=100)[98]
    return f"p50 {statistics.median(times):5.1f} p99 {p99:6.1f} ms"


async def measure(
    host: HostClient, session_id: str, pid: int, count: int, seconds: float, updates: int
) -> None:
    session = host.session(session_id)
    url = page_url(await host.call(OpenPage(session_id, shared=True)))
    process, pipe = start_watchers(url, count)
    assert await asyncio.to_thread(pipe.recv) == "ready"
    server = psutil.Process(pid)
    before, began = server.cpu_times(), time.monotonic()
    requests: list[float] = []
    short: list[float] = []
    tasks = [
        asyncio.create_task(press(host, requests)),
        asyncio.create_task(run_short(session, short)),
    ]
    code = (SETTING if updates else PRINTING).replace("SECONDS", str(seconds))
    execution = Execute(code.replace("UPDATES", str(updates)), new_id("run"))
    ended = await run_to_end(session, execution)
    assert ended.end.status == "ok", ended.end.error
    took, after = time.monotonic() - began, server.cpu_times()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    results = await asyncio.to_thread(pipe.recv)
    process.join()
    cores = (after.user + after.system - before.user - before.system) / took
    audience = ""
    if results:
        received = statistics.mean(size for size, _ in results) / took / 1000
        latest = 1000 * max(delay for _, delay in results)
        audience = f", {received:.0f} kB/s each, the last row after {latest:.0f} ms"
        if updates:
            rows = await read_rows(session, execution.execution_id)
            values = re.search(r"(\d+) values", "".join(row.text for row in rows))
            set_rate = int(values[1]) / seconds if values else 0.0
            audience += f", {set_rate:.0f} values/s set"
    print(f"{count:4} watchers: request {shown(requests)}, 1+1 {shown(short)}", end="")
    print(f", server {cores:.2f} cores{audience}", flush=True)
    await host.call(ClosePages(session_id))


async def work(
    folder: Path, environ: dict[str, str], counts: list[int], seconds: float, updates: int
) -> None:
    async with SocketHost(starting=Starting(find_paths(environ), environ=environ)) as host:
        opened = await host.call(
            OpenSession(cwd=str(folder), name="watched", kernel=sys.executable)
        )
        session = host.session(opened.session_id)
        await run_to_end(session, short_code())
        await session.call(StartKernel("second", "python"))
        await run_to_end(session, short_code("second"))
        pid = (await host.call(GetHostInfo())).pid
        try:
            for count in counts:
                await measure(host, opened.session_id, pid, count, seconds, updates)
        finally:
            await host.call(StopHost(sessions=True))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--watchers", type=int, nargs="+", default=[0, 1, 100])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--updates", type=int, default=0, help="of a widget, a second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cx-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "run").mkdir(mode=0o700)
        environ = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
        }
        asyncio.run(work(folder, environ, options.watchers, options.seconds, options.updates))


if __name__ == "__main__":
    main()
