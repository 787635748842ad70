"""Many kernels of one gateway: opened, listed, one execution each, stopped. One run:

    python benchmarks/gateway_kernels.py ADDRESS#KERNELSPEC [--kernels 200] [--at-once 8]

`light_kernel.py` makes a kernelspec that costs a gateway little.

ADDRESS is a Jupyter Server or gateway that runs, with its token: `http://HOST:PORT/?token=…`. A
session server of its own, in a temporary folder, opens a session for each kernel. Reported: seconds
until all kernels have answered, seconds of one start (p50, p95), milliseconds of `1+1` to its end
(p50, p95) with all kernels there, seconds of the list of F12 and how many kernels it has,
the memory of the session server for each kernel, seconds until all are stopped, and how many
kernels the gateway has then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from codeexec.client.api import HostClient, SessionClient
from codeexec.client.executing import run_to_end
from codeexec.client.socket import SocketHost
from codeexec.client.spawn import Starting
from codeexec.config.paths import find_paths
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.ids import new_id
from codeexec.domain.requests import Execute, GetHostInfo, OpenSession, StopHost, StopSession
from codeexec.kernels.jupyter.remote.backend import RemoteBackend


def shown(times: Sequence[float], unit: str) -> str:
    return (
        f"p50 {statistics.median(times):.2f} p95 {statistics.quantiles(times, n=20)[18]:.2f} {unit}"
    )


async def open_one(host: HostClient, folder: Path, kernel: str, room: asyncio.Semaphore) -> float:
    """Seconds from the request to the first result. A gateway picks the ports of a kernel and lets
    go of them before the kernel takes them, so a start may fail: another one is made then."""
    async with room:
        while True:
            began = time.perf_counter()
            opened = await host.call(OpenSession(cwd=str(folder), name=new_id("s"), kernel=kernel))
            ended = await add(host.session(opened.session_id))
            if ended.status == "ok":
                sessions.append(opened.session_id)
                return time.perf_counter() - began
            failures.append(ended.reason)
            assert len(failures) < 10, failures
            await host.call(StopSession(opened.session_id))


async def add(session: SessionClient) -> ExecutionFinished:
    return (await run_to_end(session, Execute("1+1", new_id("run")))).end


sessions: list[str] = []
failures: list[str] = []


async def count_running(server: str) -> tuple[float, int]:
    """Seconds of the list, and how many kernels run there."""
    began = time.perf_counter()
    infos = await RemoteBackend(tuple).offers_of(server)
    took = time.perf_counter() - began
    problems = [info.problem for info in infos if info.problem]
    assert not problems, problems
    return took, sum("last active" in info.path for info in infos)


async def work(
    folder: Path, environ: dict[str, str], kernel: str, count: int, at_once: int
) -> None:
    server = kernel.partition("#")[0]
    async with SocketHost(starting=Starting(find_paths(environ), environ=environ)) as host:
        process = psutil.Process((await host.call(GetHostInfo())).pid)
        try:
            room = asyncio.Semaphore(at_once)
            await open_one(host, folder, kernel, room)  # what is loaded once
            before = process.memory_info().rss
            began = time.perf_counter()
            opening = [open_one(host, folder, kernel, room) for _ in range(count - 1)]
            starts = await asyncio.gather(*opening)
            took = time.perf_counter() - began
            print(f"{count} kernels after {took:.1f} s, a start {shown(starts, 's')}", flush=True)
            if failures:
                print(f"{len(failures)} starts failed, the last: {failures[-1]}", flush=True)
            grown = (process.memory_info().rss - before) / (count - 1) / 1e6
            print(f"session server: {grown:.2f} MB for each kernel", flush=True)
            trips = []
            for session_id in sessions:
                began = time.perf_counter()
                ended = await add(host.session(session_id))
                assert ended.status == "ok", ended
                trips.append(1000 * (time.perf_counter() - began))
            print(f"1+1 with all there {shown(trips, 'ms')}", flush=True)
            took, running = await count_running(server)
            print(f"list of {running} kernels {took:.2f} s", flush=True)
            began = time.perf_counter()
            await asyncio.gather(*(host.call(StopSession(each)) for each in sessions))
            print(f"all stopped after {time.perf_counter() - began:.1f} s", end="")
            print(f", {(await count_running(server))[1]} left", flush=True)
        finally:
            await host.call(StopHost(sessions=True))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel")
    parser.add_argument("--kernels", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cx-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "run").mkdir(mode=0o700)
        # Beside the state: each session watches its folder.
        (folder / "work").mkdir()
        environ = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
        }
        os.environ.update(environ)  # the token is kept there for both
        asyncio.run(
            work(folder / "work", environ, options.kernel, options.kernels, options.at_once)
        )


if __name__ == "__main__":
    main()
