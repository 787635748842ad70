"""Terminals of the session server beside tmux: the same outer pseudo-terminal size, one run.

    python benchmarks/terminals.py [--mb 100] [--kills 20] [--opens 1000]

CODEEXEC_EMULATOR=bittty before it measures the fallback of systems without pyghostty.

Both sides run the same commands in bash in a screen of 200x50. tmux is attached to a
pseudo-terminal whose output is read and thrown away; on our side a client follows the screen over
the server's socket. Reported:

- `settle`: seconds from Enter to the marker that the client shows after the command (`cat` of a
  file of text, `seq 1000000`). Bound: at most tmux's.
- `interrupt`: milliseconds from Ctrl+C after 3 s of `yes` to the prompt that the client shows.
  Bound: 300.
- `keys`: milliseconds from a key to its echo, p50 and p99 of 200 keys: idle, and while another
  terminal of the session prints a flood. Bound: p99 at most 40 under flood.
- `growth`: MB by which the client has grown. Bound: 16.
- with `--kills`: `seq 3000000` while the server is killed so often; every number once.
- with `--opens`: so many opens and closes; processes and descriptors that are left. Bound: 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import pty
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from support.servers import Apart, user, wait_until
from support.terminals import TerminalClient, open_terminal

COLUMNS, ROWS = 200, 50
KEYS = 200


class Tmux:
    """A tmux server of this run with one attached client."""

    def __init__(self, folder: Path) -> None:
        self._command = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (ROWS, COLUMNS))
        self._master = master
        self._seen = b""

        def lead() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self._client = subprocess.Popen(
            [*self._command, "new-session", "env PS1='ready> ' bash --norc"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color"},
            preexec_fn=lead,
        )
        os.close(slave)
        self.wait_for(b"ready>")

    def type(self, data: bytes) -> None:
        os.write(self._master, data)

    def wait_for(self, text: bytes) -> None:
        while text not in self._seen:
            self._seen = self._seen[-200:] + os.read(self._master, 1 << 16)
        self._seen = b""

    def close(self) -> None:
        subprocess.run([*self._command, "kill-server"], check=False, capture_output=True)
        self._client.wait()
        os.close(self._master)


@contextlib.contextmanager
def text_file(megabytes: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "text")
        line = "".join(f"{number:7d} {'word ' * (number % 17)}end\n" for number in range(20_000))
        with path.open("w") as file:
            for _ in range(megabytes * 2**20 // len(line) + 1):
                file.write(line)
        yield path


def measure_tmux(commands: dict[str, str]) -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        tmux = Tmux(Path(folder))
        for name, command in commands.items():
            began = time.perf_counter()
            tmux.type(f"{command}; echo do''ne-{name}\r".encode())
            tmux.wait_for(f"done-{name}".encode())
            figures[name] = time.perf_counter() - began
        tmux.type(b"yes\r")
        time.sleep(3)
        while len(os.read(tmux._master, 1 << 16)) == 1 << 16:
            continue
        began = time.perf_counter()
        tmux.type(b"\x03")
        tmux.wait_for(b"ready>")
        figures["interrupt"] = time.perf_counter() - began
        tmux.close()
    return figures


@contextlib.asynccontextmanager
async def opened(apart: Apart) -> AsyncIterator[SessionClient]:
    async with apart.client() as host:
        request = q.OpenSession(cwd=str(apart.work), name="bench", start_kernel=False)
        yield host.session((await host.call(request)).session_id)
        await host.call(q.StopHost(sessions=True))


async def shell(session: SessionClient) -> TerminalClient:
    return await open_terminal(
        session, "bash", "--norc", columns=COLUMNS, rows=ROWS, env={"PS1": "ready> "}
    )


async def measure_ours(apart: Apart, commands: dict[str, str]) -> dict[str, float]:
    figures: dict[str, float] = {}
    own = psutil.Process()
    async with opened(apart) as session:
        terminal = await shell(session)
        async with terminal.watch():
            await terminal.sees("ready>")
            before = own.memory_info().rss
            for name, command in commands.items():
                began = time.perf_counter()
                await terminal.type(f"{command}; echo do''ne-{name}\r")
                await terminal.sees(f"done-{name}")
                figures[name] = time.perf_counter() - began
            figures["growth"] = (own.memory_info().rss - before) / 2**20
            await terminal.type("yes\r")
            await asyncio.sleep(3)
            began = time.perf_counter()
            await terminal.type("\x03")
            await terminal.sees("^C")
            await terminal.until(lambda: terminal.screen.text.rstrip().endswith("ready>"))
            figures["interrupt"] = time.perf_counter() - began
            idle = await measure_keys(terminal)
            flood = await shell(session)
            async with flood.watch():
                await flood.type("yes\r")
                await asyncio.sleep(0.5)
                busy = await measure_keys(terminal)
        for name, times in (("keys idle", idle), ("keys flood", busy)):
            figures[f"{name} p50"] = statistics.median(times)
            figures[f"{name} p99"] = sorted(times)[int(len(times) * 0.99) - 1]
    return figures


def has_moved(terminal: TerminalClient, column: int) -> bool:
    return terminal.screen.cursor.column > column


def is_another(apart: Apart, server: int) -> bool:
    """Whether another server than this one runs."""
    return apart.pid not in (None, server)


async def measure_keys(terminal: TerminalClient) -> list[float]:
    times = []
    for number in range(KEYS):
        column = terminal.screen.cursor.column
        began = time.perf_counter()
        await terminal.type("x")
        await terminal.until(partial(has_moved, terminal, column))
        times.append(time.perf_counter() - began)
        if number % 50 == 49:
            await terminal.type("\x15")  # a fresh line
            await terminal.until(lambda: terminal.screen.cursor.column == len("ready> "))
        await asyncio.sleep(0.02)
    return times


async def measure_kills(apart: Apart, kills: int) -> tuple[int, bool]:
    """How often the server was killed, and whether every number is there once."""
    last = 3_000_000
    done = 0
    async with opened(apart) as session:
        terminal = await open_terminal(session, "sh", "-c", f"seq {last}; echo the-end; cat")
        async with terminal.watch():
            while done < kills and "the-end" not in terminal.screen.text:
                server = apart.pid
                if server is None:
                    await asyncio.sleep(0.01)
                    continue
                os.kill(server, signal.SIGKILL)
                done += 1
                await wait_until(partial(is_another, apart, server), "a server")
            await terminal.sees("the-end")
            numbers: list[str] = []
            start, history = 0, terminal.screen.history + ROWS
            while start < history:
                text = await terminal.text(start, start + 200_000)
                numbers += text.split()
                start += 200_000
        expected = [*map(str, range(1, last + 1)), "the-end"]
        return done, numbers == expected


def descriptors(pid: int) -> list[Path]:
    return [file for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()]


async def measure_opens(apart: Apart, opens: int) -> tuple[float, int, int]:
    """Seconds of all, and the processes and descriptors of the server that are left."""
    async with opened(apart) as session:
        await session.call(q.CloseTerminal((await open_terminal(session, "cat")).terminal_id))
        server = psutil.Process(apart.pid)
        # The watch of the session's folder begins a moment after the session.
        for _ in range(200):
            if any("inotify" in str(file.readlink()) for file in descriptors(server.pid)):
                break
            await asyncio.sleep(0.05)
        files, processes = server.num_fds(), len(apart.processes())
        began = time.perf_counter()
        for _ in range(opens):
            terminal = await open_terminal(session, "sh", "-c", "sleep 1000 & cat")
            await session.call(q.CloseTerminal(terminal.terminal_id))
        seconds = time.perf_counter() - began
        return seconds, len(apart.processes()) - processes, server.num_fds() - files


def main() -> int:
    parser = argparse.ArgumentParser(description="Terminals beside tmux.")
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--opens", type=int, default=0)
    options = parser.parse_args()
    with text_file(options.mb) as path:
        commands = {"cat": f"cat {path}", "seq": "seq 1000000"}
        with user() as apart:
            ours = asyncio.run(measure_ours(apart, commands))
        tmux = measure_tmux(commands) if shutil.which("tmux") else {}
    for name, value in ours.items():
        unit = ("MB", 1.0) if name == "growth" else ("ms", 1000.0)
        beside = f"  tmux {tmux[name] * unit[1]:8.1f}" if name in tmux else ""
        print(f"{name:16} {value * unit[1]:8.1f} {unit[0]}{beside}", flush=True)
    is_good = all(ours[name] <= tmux.get(name, 1e9) for name in commands)
    is_good &= ours["keys flood p99"] <= 0.040
    is_good &= ours["interrupt"] <= 0.300
    is_good &= ours["growth"] <= 16
    if options.kills:
        with user(CODEEXEC_SESSIONS_TERMINAL_SCROLLBACK=str(1 << 28)) as apart:
            done, is_exact = asyncio.run(measure_kills(apart, options.kills))
        print(f"kills            {done:8d}    {'exact' if is_exact else 'NOT EXACT'}")
        is_good &= is_exact
    if options.opens:
        with user() as apart:
            seconds, processes, files = asyncio.run(measure_opens(apart, options.opens))
        print(
            f"opens            {seconds:8.1f} s  left: {processes} processes, {files} descriptors"
        )
        is_good &= processes <= 0 and files <= 0
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
