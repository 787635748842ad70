"""A kernel of a Jupyter server: ours beside a bare WebSocket client and another client. One run:

    python benchmarks/remote.py JUPYTER_SERVER [--delay MS]… [--rounds 40] [--peer PYTHON] [--trips]

JUPYTER_SERVER is the program of an environment that has `jupyter_server` and `ipykernel`; it is
started on a port of its own. PYTHON is one that has `jupyter_kernel_client`. With a delay (0 and
40 where none is given) each connection passes a proxy that delivers bytes so many milliseconds of
round trip later, and keeps their order. Each client has a kernel of its own, and they take turns.
`--trips` leaves out all but the round trips.

Reported for each: `ready`, seconds from nothing to the first result; the round trip of `1+1`, p50
and p95 in milliseconds; 100,000 lines printed plainly, and with `flush=True`: seconds to the end
and how many came (the server's own limits are on); seconds from an interrupt of an endless loop to
its end.
The bare client offers the server's binary sub-protocol and acknowledges at once (TCP_QUICKACK); it
does nothing with what comes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from codeexec.client.api import SessionClient
from codeexec.client.executing import run_to_end
from codeexec.client.socket import SocketHost
from codeexec.client.spawn import Starting
from codeexec.config.paths import find_paths
from codeexec.domain import requests as q
from codeexec.domain.ids import new_id

LINES = 100_000
PLAIN = f"for n in range({LINES}): print(n)"
FLUSHED = f"for n in range({LINES}): print(n, flush=True)"
ENDLESS = "while True: print('x' * 60)"
REST = 0.2
"""Seconds between two round trips: a client may ask more after its code has ended."""
RUNS_FOR = 2.0
"""Seconds before the endless loop is interrupted."""


class Client(Protocol):
    """`run` returns the lines that came by the end of the code. All times are taken outside."""

    name: str

    async def ready(self) -> None: ...
    async def run(self, code: str) -> int: ...
    async def interrupt(self) -> None: ...
    async def close(self) -> None: ...


class QuickConnection(ClientConnection):
    """Acknowledges at once. The server waits for that before it sends the rest of an answer."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class BareClient:
    """The least that runs code on a kernel of the server."""

    name = "bare WebSocket"

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._session = secrets.token_hex(8)
        self._kernel_id = ""
        self._socket: ClientConnection | None = None

    async def ready(self) -> None:
        made = await self._ask("POST", "api/kernels", {"name": "python3"})
        self._kernel_id = made["id"]
        channels = f"api/kernels/{self._kernel_id}/channels?session_id={self._session}"
        self._socket = await connect(
            f"ws{self._url.removeprefix('http')}{channels}",
            subprotocols=[Subprotocol("v1.kernel.websocket.jupyter.org")],
            additional_headers={"Authorization": f"token {self._token}"},
            compression=None,
            max_size=None,
            create_connection=QuickConnection,
        )
        await self.run("1+1")

    async def run(self, code: str) -> int:
        assert self._socket is not None
        message_id = secrets.token_hex(8)
        header = {
            "msg_id": message_id, "session": self._session, "username": "", "date": "",
            "msg_type": "execute_request", "version": "5.3",
        }  # fmt: skip
        content = {
            "code": code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True,
        }  # fmt: skip
        parts = [b"shell", json.dumps(header).encode(), b"{}", b"{}", json.dumps(content).encode()]
        offset = 8 * (len(parts) + 2)
        offsets = [offset]
        for part in parts:
            offset += len(part)
            offsets.append(offset)
        frame = struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)
        await self._socket.send(frame)
        lines, waits_for = 0, {"execute_reply", "idle"}
        while waits_for:
            received = await self._socket.recv()
            assert isinstance(received, bytes)
            (count,) = struct.unpack_from("<Q", received)
            places = struct.unpack_from(f"<{count}Q", received, 8)
            _, kind, parent, _, body = (received[start:end] for start, end in pairwise(places[:6]))
            if message_id.encode() not in parent:
                continue
            if b'"stream"' in kind:
                lines += json.loads(body)["text"].count("\n")
            elif b'"execute_reply"' in kind:
                waits_for.discard("execute_reply")
            elif b'"status"' in kind and b'"idle"' in body:
                waits_for.discard("idle")
        return lines

    async def interrupt(self) -> None:
        await self._ask("POST", f"api/kernels/{self._kernel_id}/interrupt")

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        await self._ask("DELETE", f"api/kernels/{self._kernel_id}")

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        return await asyncio.to_thread(ask, self._url, self._token, method, path, body)


class OurClient:
    """A session of a session server, which has the kernel."""

    name = "codeexec-tui"

    def __init__(self, url: str, token: str, host: SocketHost, folder: Path) -> None:
        self._kernel = f"{url}?token={token}"
        self._host, self._folder = host, folder
        self._session: SessionClient | None = None
        self._session_id = ""

    async def ready(self) -> None:
        request = q.OpenSession(cwd=str(self._folder), name=new_id("s"), kernel=self._kernel)
        self._session_id = (await self._host.call(request)).session_id
        self._session = self._host.session(self._session_id)
        await self.run("1+1")

    async def run(self, code: str) -> int:
        assert self._session is not None
        execution_id = new_id("run")
        await run_to_end(self._session, q.Execute(code, execution_id))
        if code == "1+1":
            return 0
        return (await self._session.call(q.ReadRows(execution_id, 0, 1))).total

    async def interrupt(self) -> None:
        assert self._session is not None
        await self._session.call(q.Interrupt())

    async def close(self) -> None:
        await self._host.call(q.StopSession(self._session_id))


class PeerClient:
    """`jupyter_kernel_client` in a process of its own, which is asked by lines of JSON."""

    name = "jupyter_kernel_client"

    def __init__(self, python: str, url: str, token: str) -> None:
        self._command = (python, str(Path(__file__).with_name("remote_peer.py")), url)
        self._environ = {**os.environ, "JUPYTER_TOKEN": token}
        self._process: asyncio.subprocess.Process | None = None

    async def ready(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        await self.run("1+1")

    async def run(self, code: str) -> int:
        assert self._process is not None and self._process.stdout is not None
        await self._send(code)
        answer = await self._process.stdout.readline()
        if not answer:
            raise EOFError("the peer has ended")
        return int(json.loads(answer))

    async def interrupt(self) -> None:
        await self._send(None)

    async def close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    async def _send(self, code: str | None) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(code).encode() + b"\n")
        await self._process.stdin.drain()


def ask(url: str, token: str, method: str, path: str, body: object = None) -> Any:
    request = urllib.request.Request(
        f"{url}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"token {token}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


@contextmanager
def jupyter_server(program: str, folder: Path, token: str) -> Iterator[int]:
    """The port of a server that is ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    names = ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
    environ = {**os.environ, **{name: str(folder / name) for name in names}, "JUPYTER_TOKEN": token}
    environ["PATH"] = f"{Path(program).parent}:{environ['PATH']}"
    process = subprocess.Popen(
        [program, "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
         "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"],
        env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while True:
            assert process.poll() is None, "the server has ended"
            try:
                ask(f"http://127.0.0.1:{port}/", token, "GET", "api/kernelspecs")
                break
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@asynccontextmanager
async def slow_line(target: int, delay_ms: float) -> AsyncIterator[int]:
    """The port of a proxy in a process of its own."""
    words = (sys.executable, __file__, "--as-proxy", str(target), str(delay_ms))
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


async def be_proxy(target: int, delay_ms: float) -> None:
    """Pass bytes on half the delay later, in both directions; print the port."""
    one_way = delay_ms / 2000

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, chunk = await late.get()
                await asyncio.sleep(due - time.perf_counter())
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
            writer.close()

        delivering = asyncio.create_task(deliver())
        while chunk := await reader.read(1 << 16):
            late.put_nowait((time.perf_counter() + one_way, chunk))
        late.put_nowait((time.perf_counter() + one_way, b""))
        await delivering

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target)
        for each in (writer, there_writer):
            raw = each.get_extra_info("socket")
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Either end may vanish.
        await asyncio.gather(
            pass_on(reader, there_writer), pass_on(there_reader, writer), return_exceptions=True
        )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


async def seconds_of(client: Client, code: str) -> tuple[float, int]:
    began = time.perf_counter()
    lines = await client.run(code)
    return time.perf_counter() - began, lines


async def seconds_of_interrupt(client: Client) -> float:
    running = asyncio.create_task(client.run(ENDLESS))
    await asyncio.sleep(RUNS_FOR)
    began = time.perf_counter()
    await client.interrupt()
    await running
    return time.perf_counter() - began


async def compare(clients: Sequence[Client], rounds: int, *, trips_only: bool) -> None:
    def note(client: Client, figure: str) -> None:
        print(f"  {client.name}: {figure}", flush=True)

    trips: dict[str, list[float]] = {client.name: [] for client in clients}
    for client in clients:
        began = time.perf_counter()
        await client.ready()
        note(client, f"ready {time.perf_counter() - began:.2f} s")
    for number in range(rounds + 3):
        for client in clients:
            seconds, _ = await seconds_of(client, "1+1")
            if number >= 3:  # what is loaded once
                trips[client.name].append(1000 * seconds)
            await asyncio.sleep(REST)
    for client in clients:
        times = trips[client.name]
        p95 = statistics.quantiles(times, n=20)[18]
        note(client, f"1+1 p50 {statistics.median(times):.2f} p95 {p95:.1f} ms")
    ours, bare = (statistics.median(trips[each.name]) for each in (clients[1], clients[0]))
    print(f"  round trip: {ours / bare:.2f} of the bare client's (1.1 is wanted)", flush=True)
    for words, code in () if trips_only else (("plain", PLAIN), ("flushed", FLUSHED)):
        for client in clients:
            seconds, lines = await seconds_of(client, code)
            note(client, f"{words} {seconds:.2f} s ({lines:,} lines)")
    for client in clients:
        note(client, f"interrupt {await seconds_of_interrupt(client):.2f} s")
        await client.close()


async def work(options: argparse.Namespace, folder: Path) -> None:
    token = secrets.token_hex(16)
    environ = {
        **os.environ,
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_RUNTIME_DIR": str(folder / "run"),
    }
    os.environ.update(environ)  # the token is kept there for both
    delays = options.delay or [0.0, 40.0]
    with jupyter_server(options.program, folder / "server", token) as port:
        for delay in delays:
            async with AsyncExitStack() as stack:
                if delay:
                    near = await stack.enter_async_context(slow_line(port, delay))
                else:
                    near = port
                url = f"http://127.0.0.1:{near}/"
                host = await stack.enter_async_context(
                    SocketHost(starting=Starting(find_paths(environ), environ=environ))
                )
                try:
                    await host.call(q.GetHostInfo())  # starts the session server
                    clients: list[Client] = [
                        BareClient(url, token),
                        OurClient(url, token, host, folder / "work"),
                    ]
                    if options.peer:
                        clients.append(PeerClient(options.peer, url, token))
                    print(f"{delay:.0f} ms of delay:", flush=True)
                    await compare(clients, options.rounds, trips_only=options.trips)
                finally:
                    await host.call(q.StopHost(sessions=True))


def main() -> None:
    if sys.argv[1:2] == ["--as-proxy"]:
        asyncio.run(be_proxy(int(sys.argv[2]), float(sys.argv[3])))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--delay", type=float, action="append")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--peer", default="")
    parser.add_argument("--trips", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cx-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "run").mkdir(mode=0o700)
        for part in ("work", "server"):  # beside the state: each session watches its folder
            (folder / part).mkdir()
        asyncio.run(work(options, folder))


if __name__ == "__main__":
    main()
