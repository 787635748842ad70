"""The keys of a presenter in a terminal while a hundred browsers watch: M2busy of `ttybench`.

    python benchmarks/watchers_keys.py [--watchers 0 100] [--rounds 2] [--keys 200] [--browser]

From the folder of `ttybench` (see README.md), so that it can be imported. For each number of
watchers a codeexec-tui of its own in a pseudo-terminal, a session server and a kernel of their own;
a cell prints a line each 5 ms. Keys are typed at the prompt meanwhile. The watchers are connections
that read the stream of the page, as its JavaScript does; with `--browser` the last of them is
headless Chromium, which draws the page on the same cores. Reported: milliseconds from a key to its
character in the terminal (p50, p99, the slowest, keys that never showed), CPU in cores of the
server and of the watchers' process, and kB a second that each watcher got.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from ttybench import metrics
from ttybench.driver import Session, Workspace, on_screen
from websockets.sync.client import connect

from codeexec.client.browser import page_url
from codeexec.client.socket import SocketHost
from codeexec.client.spawn import Starting
from codeexec.config.paths import find_paths
from codeexec.domain.requests import GetHostInfo, ListSessions, OpenPage, StopHost

watchers = importlib.import_module("watchers")  # the scripts beside this one
ours = importlib.import_module("ttybench_driver")

_PATIENCE = 60.0


@contextlib.contextmanager
def chromium(url: str) -> Iterator[None]:
    """Headless Chromium that shows the page, once the page says that it is live."""
    with tempfile.TemporaryDirectory(prefix="cx-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        command = ["chromium", *options, f"--user-data-dir={folder}", url]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        try:
            deadline = time.monotonic() + _PATIENCE
            while not is_live(folder):
                assert time.monotonic() < deadline, "Chromium does not show the page"
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def is_live(folder: Path) -> bool:
    """Whether the tab of the Chromium with this folder has the stream of a session."""
    with contextlib.suppress(OSError, LookupError, ValueError):  # it may be loading
        port = int((folder / "DevToolsActivePort").read_text().split()[0])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            pages = [tab for tab in json.load(answer) if tab["type"] == "page"]
        with connect(pages[0]["webSocketDebuggerUrl"], max_size=None) as socket:
            state = "document.getElementById('connection')?.dataset.state"
            call = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": state}}
            socket.send(json.dumps(call))
            result = json.loads(socket.recv(_PATIENCE))["result"]["result"]
            return bool(result.get("value") == "live")
    return False


def busy_keys(session: Session, count: int) -> tuple[list[float], int]:
    """Seconds of each key, typed as M2busy does, and how many never showed."""
    _, mark = session.run(f"bw.tick({count * 0.045 + 4:.0f})")
    assert session.term.wait(on_screen(r"000000[1-9]\d"), _PATIENCE, mark), "nothing is printed"
    session.to_editor()
    time.sleep(0.3)
    rng = random.Random(2)
    times: list[float] = []
    lost = 0
    for _ in range(count // 50):
        some, missed = metrics._echoes(session, rng, 50)
        times += some
        lost += missed
    session.next_prompt(count * 0.045 + _PATIENCE, mark)
    return times, lost


def used(process: psutil.Process) -> float:
    """Seconds of CPU."""
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(count: int, keys: int, *, has_browser: bool) -> str:
    driver = next(driver for driver in ours.DRIVERS if driver.name == "codeexec-tui")
    program = Path(sys.executable).with_name("codeexec-tui")
    space = Workspace({driver.name: str(program), "codeexec-tui": str(program)})
    with contextlib.ExitStack() as stack:
        stack.callback(space.remove)
        session = stack.enter_context(Session(driver, space))
        session.start()
        environ = space.environment(driver, str(program))
        browsers = int(has_browser and count > 0)

        async def ask(*, opens: bool) -> tuple[str, int]:
            """The address for the watchers, if one is asked for, and the server's process."""
            starting = Starting(find_paths(environ), environ=environ)
            async with SocketHost(starting=starting) as host:
                pid = (await host.call(GetHostInfo())).pid
                if not opens:
                    return "", pid
                [summary] = (await host.call(ListSessions())).sessions
                page = await host.call(OpenPage(summary.session_id, shared=True))
                return page_url(page), pid

        url, pid = asyncio.run(ask(opens=count > 0))
        processes = [psutil.Process(pid)]
        pipe: Any = None
        if count:
            process, pipe = watchers.start_watchers(url, count - browsers)
            assert pipe.recv() == "ready"
            processes.append(psutil.Process(process.pid))
        if browsers:
            stack.enter_context(chromium(url))
        before, began = [used(process) for process in processes], time.monotonic()
        times, lost = busy_keys(session, keys)
        took = time.monotonic() - began
        cores = [(used(now) - then) / took for now, then in zip(processes, before, strict=True)]
        received = ""
        if count:
            session.run(f"import time; print({watchers.END!r}, time.time())")
            sizes = [size for size, _ in pipe.recv()]
            assert len(sizes) == count - browsers
            kilobytes = statistics.mean(sizes) / took / 1000
            received = f", watchers {cores[1]:.2f} cores and {kilobytes:.0f} kB/s each"

        async def stop() -> None:
            async with SocketHost(starting=Starting(find_paths(environ), environ=environ)) as host:
                await host.call(StopHost(sessions=True))

        asyncio.run(stop())
    ordered = sorted(1000 * value for value in times)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    words = f"p50 {statistics.median(ordered):.1f} p99 {p99:.1f} most {ordered[-1]:.1f} ms"
    return f"{count:4} watchers: keys {words}, {lost} lost, server {cores[0]:.2f} cores{received}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--watchers", type=int, nargs="+", default=[0, 100])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--browser", action="store_true", help="the last one is Chromium")
    options = parser.parse_args()
    for _ in range(options.rounds):
        for count in options.watchers:
            print(measure(count, options.keys, has_browser=options.browser), flush=True)


if __name__ == "__main__":
    main()
