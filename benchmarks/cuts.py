"""A million numbered lines over lines of the network that are cut. One run, some five minutes each:

    python benchmarks/cuts.py OVER [--lines N] [--long 60] [--short 20]

OVER is where the kernel is, and so how much is promised:
`own`: with a session server of ours there, whose client is cut off: everything;
`server`, `gateway`: on a Jupyter Server (with its rate limits on) and a Kernel Gateway of the
tests: everything, by the outbox in the kernel;
`ssh`, `ssh-runner`: on a machine without codeexec-tui (an sshd of the tests) with ipykernel and
without: everything;
`foreign`: on a Jupyter Server (with its rate limits on) as a kernel of somebody else, who is
connected to it: what is missing is said in its place.

A cell prints so many numbered lines, with `flush=True` every 50; it takes a rest each 20,000
lines, so that every cut meets it at work. The connection is aborted and refused once for `--long`
seconds, and `--short` times for 2 s, at random moments. Reported: how many lines came, whether they
are all lines once in their order (by hash), for `foreign` whether a row stands in each place where
lines are missing; the cuts, the seconds until the end and the longest silence after a cut.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from websockets.asyncio.client import connect

from codeexec.client.api import HostClient, SessionClient
from codeexec.client.socket import SocketHost
from codeexec.client.wire import Address
from codeexec.domain import requests as q
from codeexec.domain.fold import apply
from codeexec.domain.outputs import iter_rows
from codeexec.domain.snapshot import Snapshot
from codeexec.session.host import Host
from codeexec.session.session import Session
from support.cut_line import CutLine, cut_line
from support.jupyter_servers import TOKEN, TestServer, jupyter_server, kernel_gateway
from support.servers import serve_here, short_folder
from support.sessions import open_host
from support.ssh_server import ssh_server

CODE = """
import time
for i in range(LINES):
    print('line', i, flush=i % 50 == 0)
    if i % 20_000 == 0:
        time.sleep(REST)
"""
SHORT_CUT = 2.0
LIMIT = 1800.0
"""Seconds after which the run is given up."""
GAP = "[Output is missing here: at most "
GAP_PATTERN = re.compile(r"at most ([0-9,]+) message")
LINE_PATTERN = re.compile(r"line ([0-9]+)")


class Followed:
    """A session of a host, and the snapshot that its events lead to."""

    def __init__(self, session: SessionClient | Session) -> None:
        self.session = session
        self.snapshot = Snapshot()
        self._news = asyncio.Event()
        self._following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for batch in self.session.events(0, "tail"):
            self.snapshot = apply(self.snapshot, batch)
            self._news.set()

    async def until(self, holds: Callable[[Snapshot], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not holds(self.snapshot):
                self._news.clear()
                await self._news.wait()

    async def execute(self, code: str) -> str:
        execution = (await self.session.call(q.Execute(code))).execution_id
        await self.until(lambda snapshot: execution in snapshot.executions)
        return execution

    async def texts(self, execution: str) -> list[str]:
        """Of all rows of an execution that has ended."""
        found: list[str] = []
        while len(found) < self.snapshot.executions[execution].total:
            request = q.ReadRows(execution, len(found), 5000, whole=True)
            found += [row.text for row in iter_rows((await self.session.call(request)).runs)]
        return found

    async def close(self) -> None:
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)


def goes_on(snapshot: Snapshot, execution: str, seen: int) -> bool:
    """Whether there is more than `seen` rows, or no more will come."""
    view = snapshot.executions[execution]
    return not view.is_open or view.total > seen


@contextmanager
def ssh_target(over: str) -> Iterator[tuple[int, str]]:
    """The port to be reached, and the name of the kernel. PORT in the configuration stands for
    that of the line."""
    with short_folder() as folder, ssh_server(folder) as server:
        (server.folder / "bare-home" / "work").mkdir(parents=True)
        os.environ["CODEEXEC_SSH"] = server.command
        alias = f"[127.0.0.1]:{server.port}"
        server.add_host("cut", Port="PORT", HostKeyAlias=alias, IdentityFile=server.folder / "bare")
        os.environ["CUTS_CONFIG"] = str(server.config)
        python = f"#{sys.executable}" if over == "ssh" else ""
        yield server.port, f"ssh:cut:work{python}"


@contextmanager
def target_of(over: str, folder: Path) -> Iterator[tuple[int, str, TestServer | None]]:
    """The port to be reached, the name of the kernel with PORT for that of the line, and the
    Jupyter server."""
    with ExitStack() as stack:
        if over.startswith("ssh"):
            yield (*stack.enter_context(ssh_target(over)), None)
            return
        opened = kernel_gateway if over == "gateway" else jupyter_server
        other = stack.enter_context(opened(folder / "server"))
        port = urlsplit(other.url).port
        assert port is not None
        yield port, f"http://127.0.0.1:PORT/?token={TOKEN}#python3", other


@asynccontextmanager
async def line_to(port: int, kernel: str) -> AsyncIterator[tuple[CutLine, str]]:
    async with cut_line(port) as line:
        if config := os.environ.get("CUTS_CONFIG"):
            file = Path(config)
            file.write_text(file.read_text().replace("PORT", str(line.port)))
        yield line, kernel.replace("PORT", str(line.port))


@asynccontextmanager
async def kernel_of_somebody(server: TestServer, folder: Path) -> AsyncIterator[str]:
    """The id of a kernel whose outbox is another session's, and to which somebody listens."""
    async with open_host(folder / "other", leave_kernels=True) as host:
        kernel = f"{server.url}?token={TOKEN}#python3"
        opened = await host.call(q.OpenSession(cwd=str(folder), kernel=kernel))
        followed = Followed(host.session(opened.session_id))
        execution = await followed.execute("1")
        await followed.until(lambda snapshot: not snapshot.executions[execution].is_open)
        await followed.close()
    [model] = server.kernels()
    channels = f"ws{server.url.removeprefix('http')}api/kernels/{model['id']}/channels"

    async def listen() -> None:
        async with connect(f"{channels}?session_id=other&token={TOKEN}", max_size=None) as socket:
            async for _ in socket:
                pass

    listening = asyncio.create_task(listen())
    try:
        yield str(model["id"])
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def host_and_kernel(
    over: str, folder: Path
) -> AsyncIterator[tuple[HostClient | Host, str, CutLine]]:
    """A host whose line, or whose kernel's line, can be cut."""
    async with AsyncExitStack() as stack:
        if over == "own":
            here = await stack.enter_async_context(serve_here(folder))
            line = await stack.enter_async_context(cut_line(here.port))
            client = SocketHost(Address("", "127.0.0.1", line.port, here.token))
            yield client, "", line
            await client.close()
            return
        port, name, server = stack.enter_context(target_of(over, folder))
        if over == "foreign":
            assert server is not None
            kernel_id = await stack.enter_async_context(kernel_of_somebody(server, folder))
            name = name.replace("#python3", f"#{kernel_id}")
        line, kernel = await stack.enter_async_context(line_to(port, name))
        yield await stack.enter_async_context(open_host(folder / "state")), kernel, line


async def cut(line: CutLine, followed: Followed, execution: str, seconds: list[float]) -> float:
    """Cut so often while the code runs; returns the longest silence after a cut, in seconds."""
    chance = random.Random(7)
    longest = 0.0
    for lasts in seconds:
        await asyncio.sleep(chance.uniform(0.3, 2.5))
        if not followed.snapshot.executions[execution].is_open:
            print("the code had ended before all cuts", flush=True)
            return longest
        line.is_down = True
        line.cut()
        await asyncio.sleep(lasts)
        line.is_down = False
        back, seen = time.perf_counter(), followed.snapshot.executions[execution].total
        await followed.until(lambda snapshot, seen=seen: goes_on(snapshot, execution, seen))  # type: ignore[misc]
        longest = max(longest, time.perf_counter() - back)
    return longest


def whole_words(texts: Sequence[str], lines: int) -> str:
    """Whether these are all lines once, in their order."""
    found, wanted = hashlib.sha256(), hashlib.sha256()
    for text in texts:
        found.update(f"{text}\n".encode() if text else b"")
    for number in range(lines):
        wanted.update(f"line {number}\n".encode())
    return "every line once, in order" if found.digest() == wanted.digest() else "NOT whole"


def gap_words(texts: Sequence[str], lines: int) -> str:
    """Whether a row stands in each place where lines are missing, and none comes twice."""
    expected = silent = gaps = messages = arrived = 0
    is_told = False
    for text in [*texts, f"line {lines}"]:
        if count := GAP_PATTERN.search(text):
            is_told, gaps = True, gaps + 1
            messages += int(count[1].replace(",", ""))
        elif GAP[:24] in text:
            is_told, gaps = True, gaps + 1
        elif number := LINE_PATTERN.fullmatch(text):
            silent += int(number[1]) != expected and not (is_told and int(number[1]) > expected)
            expected, is_told = int(number[1]) + 1, False
            arrived += 1
    words = f"{arrived - 1:,} lines came, {gaps} rows tell at most {messages:,} missing messages"
    return f"{words}, {silent} gaps NOT told" if silent else f"{words}, every gap is told"


async def work(options: argparse.Namespace, folder: Path) -> bool:
    seconds = [SHORT_CUT] * options.short
    if options.long:
        seconds.insert(len(seconds) // 2, options.long)
    rest = (sum(seconds) + 3 * len(seconds)) / max(options.lines / 20_000, 1)
    code = CODE.replace("LINES", str(options.lines)).replace("REST", f"{rest:.2f}")
    async with host_and_kernel(options.over, folder) as (host, kernel, line):
        opened = await host.call(q.OpenSession(cwd=str(folder), kernel=kernel))
        followed = Followed(host.session(opened.session_id))
        first = await followed.execute("1")
        await followed.until(lambda snapshot: not snapshot.executions[first].is_open)
        began = time.perf_counter()
        execution = await followed.execute(code)
        longest = await cut(line, followed, execution, seconds)
        await followed.until(lambda snapshot: not snapshot.executions[execution].is_open)
        took = time.perf_counter() - began
        view = followed.snapshot.executions[execution]
        texts = await followed.texts(execution)
        check = gap_words if options.over == "foreign" else whole_words
        words = check(texts, options.lines)
        print(
            f"{options.over}: {view.total:,} rows, {words} ({view.status}); {line.cuts} cuts, "
            f"{took:.0f} s, longest silence after a cut {longest:.1f} s",
            flush=True,
        )
        await followed.close()
        await host.call(q.StopSession(opened.session_id))
        return "NOT" not in words


def main() -> None:
    parser = argparse.ArgumentParser()
    targets = ["own", "server", "gateway", "ssh", "ssh-runner", "foreign"]
    parser.add_argument("over", choices=targets)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--long", type=float, default=60)
    parser.add_argument("--short", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cx-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ.update(XDG_STATE_HOME=str(folder / "home"), XDG_RUNTIME_DIR=str(folder / "run"))
        (folder / "run").mkdir(mode=0o700)
        sys.exit(not asyncio.run(work(options, folder)))


if __name__ == "__main__":
    main()
