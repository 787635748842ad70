"""What a long session costs: time to attach, the workbench's first content, the server's memory.

    python benchmarks/long_session.py [--source SRC] [--executions 100000] [--json]

Journals are written by the recorder, without a kernel: 100,000 executions with a line of output
each, 32,000 failed ones with tracebacks, and one execution with 20,000 displays. A server process
is started over each. Prints seconds and megabytes: `recording` what the process grew by that wrote
the journal, `start` until the server lists the session,
`attach` until a client has folded the last event, `workbench` from the making of the program to
the card of the last execution (in `empty`, of the only one), `server` the resident memory after
that. `--source` measures another checkout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

Sizes = dict[str, float]
DEADLINE = 600.0


def executions(count: int) -> Iterator[list[Any]]:
    from codeexec.domain.events import ExecutionFinished, InputCounted, OutputChanged
    from codeexec.domain.outputs import Run

    for number in range(count):
        name = f"execution-{number:08d}"
        yield [
            *queued(name, f"for n in range({number}):\n    total += n\nprint(total)"),
            InputCounted(name, number + 1),
            OutputChanged(name, 0, 1, (Run("stdout", f"the total is {number * number}"),)),
            ExecutionFinished(name, "ok"),
        ]


def failures(count: int) -> Iterator[list[Any]]:
    from codeexec.domain.events import ExecutionFinished, OutputChanged
    from codeexec.domain.outputs import ErrorInfo, Run

    lines = tuple(f"\x1b[31mline {n} of a traceback\x1b[0m" + " and code" * 8 for n in range(25))
    error = ErrorInfo("ValueError", "no", lines)
    for number in range(count):
        name = f"execution-{number:08d}"
        yield [
            *queued(name, "raise ValueError('no')"),
            OutputChanged(name, 0, 1, (Run("error", error=error),)),
            ExecutionFinished(name, "error", error=error),
        ]


def displays(count: int) -> Iterator[list[Any]]:
    from codeexec.domain.events import OutputChanged
    from codeexec.domain.outputs import Display, MimePart, Run

    yield queued("execution-0", "for n in range(20000): display(HTML(...))")
    for start in range(0, count, 50):
        runs = tuple(
            Run(
                "display",
                display=Display(
                    f"key-{n}",
                    (
                        MimePart("text/html", 300, f"<b>{n}</b>" + "x" * 300),
                        MimePart("text/plain", 40, f"<HTML object {n}>"),
                    ),
                ),
            )
            for n in range(start, start + 50)
        )
        yield [OutputChanged("execution-0", start, start + 50, runs)]


def queued(name: str, code: str) -> list[Any]:
    from codeexec.domain.events import ExecutionQueued, ExecutionStarted

    return [ExecutionQueued(name, code), ExecutionStarted(name)]


def write(state: Path, groups: Iterator[list[Any]], work: Path) -> int:
    """A session that its server left open; returns by how many bytes this process grew."""
    from codeexec.domain.clock import SystemClock
    from codeexec.domain.events import SessionOpened
    from codeexec.session.storage.event_log import EventLog
    from codeexec.session.storage.journal import Journal

    before = psutil.Process().memory_info().rss
    folder = state / "sessions" / "session-long"
    folder.mkdir(mode=0o700, parents=True)
    (folder / "open").touch()
    recorder = EventLog(Journal.create(folder / "journal.db"), SystemClock(), lambda records: None)
    recorder.record(SessionOpened("session-long", "long", str(work), 1))
    held: list[Any] = []
    for group in groups:
        held += group
        if len(held) > 500:
            recorder.record(*held)
            held = []
    recorder.record(*held)
    grown = psutil.Process().memory_info().rss - before
    recorder.close()
    return grown


async def attach(socket: str, last: int) -> float:
    """Seconds until a client has folded all events."""
    from typing import get_args

    from codeexec.client.socket import SocketHost
    from codeexec.client.wire import Address
    from codeexec.domain.flow import OutputMode
    from codeexec.domain.fold import apply
    from codeexec.domain.snapshot import Snapshot

    output: Any = "latest" if "latest" in get_args(OutputMode) else "tail"
    began = time.perf_counter()
    snapshot = Snapshot()
    async with SocketHost(Address(socket=socket)) as host:
        async for batch in host.session("session-long").events(0, output):
            snapshot = apply(snapshot, batch)
            if snapshot.seq >= last:
                return time.perf_counter() - began
    raise AssertionError("the events ended early")


async def first_content(socket: str, state: Path, work: Path, last: int) -> float:
    """Seconds until the workbench shows the card of the last execution."""
    from codeexec.client.socket import SocketHost
    from codeexec.client.wire import Address
    from codeexec.config.load import Loaded
    from codeexec.config.model import Settings
    from codeexec.documents.swap import SwapStore
    from codeexec.tui.app import WorkbenchApp
    from codeexec.tui.commands import keymap
    from codeexec.tui.context import AppContext
    from codeexec.tui.options import OpenOptions
    from codeexec.tui.theme import theme

    began = time.perf_counter()
    themes = theme.load_themes([theme.built_in_folder()])
    app_context = AppContext(
        me="bench",
        state=state / "tui",
        loaded=Loaded(Settings(), {}),
        themes=themes,
        theme=themes[theme.DEFAULT],
        keymap=keymap.load("default"),
        swaps=SwapStore(state / "swap"),
    )
    async with SocketHost(Address(socket=socket)) as host:
        options = OpenOptions(session="session-long", attach=True)
        program = WorkbenchApp(host, options, app_context, work)
        async with program.run_test(size=(140, 42)) as pilot:
            while (
                (frame := program.workbench.state.last) is None
                or frame.snapshot.seq < last
                or not program.workbench.console_pane.view.card_list.cards
            ):
                await pilot.pause(0.005)
            return time.perf_counter() - began


async def listed(socket: str) -> None:
    from codeexec.client.socket import SocketHost
    from codeexec.client.wire import Address
    from codeexec.domain.requests import ListSessions

    async with SocketHost(Address(socket=socket)) as host:
        while True:
            found = (await host.call(ListSessions(ended=False))).sessions
            if any(one.session_id == "session-long" for one in found):
                return
            await asyncio.sleep(0.01)


def measure(source: Path, groups: Iterator[list[Any]]) -> Sizes:
    from codeexec.config.paths import accepts, find_paths

    folder = Path(tempfile.mkdtemp(prefix="cx-long-", dir="/tmp"))
    work = folder / "work"
    environ = {**os.environ, "PYTHONPATH": str(source), "HOME": str(folder)}
    for name in ("STATE", "CONFIG", "CACHE", "DATA"):
        environ[f"XDG_{name}_HOME"] = str(folder / name.lower())
    environ.pop("XDG_RUNTIME_DIR", None)
    server = None
    try:
        work.mkdir()
        paths = find_paths(environ)
        paths.state.mkdir(mode=0o700, parents=True)
        grown = write(paths.state, groups, work)
        began = time.perf_counter()
        server = subprocess.Popen(
            [sys.executable, "-m", "codeexec.server"],
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not accepts(str(paths.socket)):
            if server.poll() is not None or time.perf_counter() - began > DEADLINE:
                raise RuntimeError(f"the server did not start; see {paths.log}")
            time.sleep(0.01)
        socket = str(paths.socket)
        asyncio.run(listed(socket))
        start = time.perf_counter() - began
        last = asyncio.run(newest(socket))
        times = [asyncio.run(attach(socket, last)) for _ in range(3)]
        # The second time: the first one imports.
        for _ in range(2):
            content = asyncio.run(first_content(socket, paths.state, work, last))
        return {
            "recording MB": grown / 1e6,
            "start": start,
            "attach": sorted(times)[1],
            "workbench": content,
            "server MB": psutil.Process(server.pid).memory_info().rss / 1e6,
        }
    finally:
        if server is not None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def newest(socket: str) -> int:
    """The number of the last event, once the session is at rest."""
    from codeexec.client.socket import SocketHost
    from codeexec.client.wire import Address
    from codeexec.domain.requests import ListSessions

    async with SocketHost(Address(socket=socket)) as host:
        seen = -1
        while True:
            found = (await host.call(ListSessions(ended=False))).sessions
            now = next(one.seq for one in found if one.session_id == "session-long")
            if now == seen:
                return now
            seen = now
            await asyncio.sleep(0.3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--source", type=Path, default=Path(__file__).resolve().parents[1] / "src")
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.source))
    cases = {
        "empty": executions(1),
        "executions": executions(arguments.executions),
        "failures": failures(arguments.executions * 32 // 100),
        "displays": displays(arguments.executions // 5),
    }
    for name, groups in cases.items():
        figures = measure(arguments.source.resolve(), groups)
        if arguments.json:
            print(json.dumps({"case": name, **figures}), flush=True)
        else:
            words = ", ".join(
                f"{key[:-3]} {value:.0f} MB" if key.endswith(" MB") else f"{key} {value:.3f} s"
                for key, value in figures.items()
            )
            print(f"{name}: {words}", flush=True)


if __name__ == "__main__":
    main()
