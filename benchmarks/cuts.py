"""A million numbered lines over lines of the network that are cut. One run, some five minutes each:

    python benchmarks/cuts.py server|gateway|ssh|ssh-runner [--lines N] [--long 60] [--short 20]

`server` and `gateway` are a Jupyter Server (with its rate limits on) and a Kernel Gateway of the
tests; `ssh` is a machine without codeexec-tui there (an sshd of the tests) with ipykernel, and
`ssh-runner` the same without ipykernel. A cell prints so many numbered lines, with `flush=True`
every 50; it takes a rest each 20,000 lines, so that every cut meets it at work. The connection is
aborted and refused once for `--long` seconds, and `--short` times for 2 s, at random moments.
Reported: how many lines came, whether they are all lines once in their order (by hash), the cuts,
the seconds until the end and what the longest silence after a cut was.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from codeexec.domain import requests as q
from codeexec.domain.snapshot import Snapshot
from codeexec.session.session import Session
from support.cut_line import CutLine, cut_line
from support.jupyter_servers import TOKEN, jupyter_server, kernel_gateway
from support.servers import short_folder
from support.sessions import open_host, open_session, rows, run, submit, until
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


def goes_on(snapshot: Snapshot, execution: str, seen: int) -> bool:
    """Whether there is more than `seen` rows, or no more will come."""
    view = snapshot.executions[execution]
    return not view.is_open or view.total > seen


@contextmanager
def target_of(over: str, folder: Path) -> Iterator[tuple[int, str]]:
    """The port to be reached, and the name of the kernel with PORT for that of the line."""
    with ExitStack() as stack:
        if over.startswith("ssh"):
            server = stack.enter_context(ssh_server(stack.enter_context(short_folder())))
            (server.folder / "bare-home" / "work").mkdir(parents=True)
            os.environ["CODEEXEC_SSH"] = server.command
            alias = f"[127.0.0.1]:{server.port}"
            server.add_host(
                "cut", Port="PORT", HostKeyAlias=alias, IdentityFile=server.folder / "bare"
            )
            os.environ["CUTS_CONFIG"] = str(server.config)
            python = f"#{sys.executable}" if over == "ssh" else ""
            yield server.port, f"ssh:cut:work{python}"
            return
        opened = jupyter_server if over == "server" else kernel_gateway
        other = stack.enter_context(opened(folder / "server"))
        port = urlsplit(other.url).port
        assert port is not None
        yield port, f"http://127.0.0.1:PORT/?token={TOKEN}#python3"


@asynccontextmanager
async def line_to(port: int, kernel: str) -> AsyncIterator[tuple[CutLine, str]]:
    async with cut_line(port) as line:
        if config := os.environ.get("CUTS_CONFIG"):
            file = Path(config)
            file.write_text(file.read_text().replace("PORT", str(line.port)))
        yield line, kernel.replace("PORT", str(line.port))


async def cut(line: CutLine, session: Session, execution: str, seconds: list[float]) -> float:
    """Cut so often while the code runs; returns the longest silence after a cut, in seconds."""
    chance = random.Random(7)
    longest = 0.0
    for lasts in seconds:
        await asyncio.sleep(chance.uniform(0.3, 2.5))
        if not session.snapshot.executions[execution].is_open:
            print("the code had ended before all cuts", flush=True)
            return longest
        line.is_down = True
        line.cut()
        await asyncio.sleep(lasts)
        line.is_down = False
        back, seen = time.perf_counter(), session.snapshot.executions[execution].total
        await until(session, lambda snapshot, seen=seen: goes_on(snapshot, execution, seen))  # type: ignore[misc]
        longest = max(longest, time.perf_counter() - back)
    return longest


async def work(options: argparse.Namespace, folder: Path) -> bool:
    seconds = [SHORT_CUT] * options.short
    if options.long:
        seconds.insert(len(seconds) // 2, options.long)
    rest = (sum(seconds) + 3 * len(seconds)) / max(options.lines / 20_000, 1)
    code = CODE.replace("LINES", str(options.lines)).replace("REST", f"{rest:.2f}")
    with target_of(options.over, folder) as (port, kernel):
        async with (
            line_to(port, kernel) as (line, name),
            open_host(folder / "state") as host,
        ):
            session = await open_session(host, folder, kernel=name)
            await run(session, "1")
            began = time.perf_counter()
            execution = await submit(session, code)
            longest = await cut(line, session, execution, seconds)
            async with asyncio.timeout(LIMIT):
                async for _ in session.events(session.snapshot.seq, "tail"):
                    if not session.snapshot.executions[execution].is_open:
                        break
            took = time.perf_counter() - began
            view = session.snapshot.executions[execution]
            found = hashlib.sha256()
            for row in await rows(session, view):
                found.update(f"{row.text}\n".encode() if row.text else b"")
            wanted = hashlib.sha256()
            for number in range(options.lines):
                wanted.update(f"line {number}\n".encode())
            is_whole = found.digest() == wanted.digest() and view.status == "ok"
            words = "every line once, in order" if is_whole else f"NOT whole ({view.status})"
            print(
                f"{options.over}: {view.total:,} rows, {words}; {line.cuts} cuts, "
                f"{took:.0f} s, longest silence after a cut {longest:.1f} s",
                flush=True,
            )
            await host.call(q.StopSession(session.session_id))
            return is_whole


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("over", choices=["server", "gateway", "ssh", "ssh-runner"])
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
