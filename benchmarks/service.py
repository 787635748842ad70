"""The service under load, beside jupyter-kernel-gateway 3 where that is installed. One run:

    python -m venv gateway && gateway/bin/pip install jupyter-kernel-gateway ipykernel
    python benchmarks/service.py [--sessions 1 10 100] [--seconds 10]
        [--gateway gateway/bin/python] [--polls 1000] [--silent 200] [--posts 10000]

A server process of its own, in a temporary folder, on a loopback address. Reported:

- `1+1`: executions per second, and milliseconds (p50, p99) from the request to the result, with so
  many sessions at once, in two ways: one POST /execute_code that waits for the end; and a POST that
  does not, followed by a waiting GET /execution_status. With `--gateway` (the Python that has it)
  the same code by one exchange on the gateway's WebSocket, and how many times as much ours does.
  Each client keeps its connection. Kernels are started within `--start` seconds. Bound, for one
  POST beside one exchange: level at 1, ahead at 100.
- `--polls N`: N requests wait for one execution; milliseconds (p50, p99) of other answers
  meanwhile, and until all have their answer once it ends. Bound: p99 at most 100.
- `--silent S`: a cell without output for S seconds; its status in the end.
- `--posts N`: N submissions, each a new connection, half of which drop before the answer and are
  sent again with the same id; how often each ran. Bound: once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TOKEN = "token-of-the-benchmark"


class Http:
    """One connection that is kept. A request is written at once, and its answer read whole."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, path: str, body: object = None) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        kind = "Content-Type: application/json\r\n" if data else ""
        self._streams[1].write(f"{head}{kind}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        await self._streams[1].drain()

    async def answer(self) -> tuple[int, Any]:
        assert self._streams is not None
        reader = self._streams[0]
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head.split(b" ", 2)[1])
        length = 0
        for line in head.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        data = await reader.readexactly(length)
        return status, json.loads(data) if data else None

    async def call(self, method: str, path: str, body: object = None) -> Any:
        await self.send(method, path, body)
        status, content = await self.answer()
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {status} {content}")
        return content

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """The port of a server of our own."""
    with tempfile.TemporaryDirectory(prefix="cx-bench-", dir="/tmp") as folder:
        names = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME")
        environ = {**os.environ, "HOME": folder, "CODEEXEC_TOKEN": TOKEN}
        for name in names:
            environ[name] = f"{folder}/{name.lower()}"
            Path(environ[name]).mkdir(mode=0o700)
        command = [sys.executable, "-m", "codeexec.cli.main", "serve", "--json"]
        process = subprocess.Popen(
            [*command, "--bind", "127.0.0.1:0"],
            env=environ,
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # as the gateway: a scheduler may share the cores by session
        )
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            yield urlsplit(url).port or 0
            asyncio.run(stop(urlsplit(url).port or 0))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


async def stop(port: int) -> None:
    """End the sessions, and their kernels with them."""
    web = Http(port)
    for session in (await web.call("GET", "/v1/sessions"))["sessions"]:
        with contextlib.suppress(RuntimeError):  # it has ended before
            await web.call("POST", f"/v1/sessions/{session['session_id']}/stop")
    web.close()


async def post_and_wait(web: Http, kernel: str, code: str) -> Any:
    status = await web.call("POST", "/execute_code?wait=60", {"id": kernel, "code": code})
    assert status["completed_at"] is not None, status
    return status


async def run_once(web: Http, kernel: str, code: str) -> Any:
    execution = await web.call("POST", "/execute_code", {"id": kernel, "code": code})
    path = f"/execution_status/{execution['execution_id']}"
    while True:
        status = await web.call("GET", f"{path}?wait=60")
        if status["completed_at"] is not None:
            return status


async def start_kernels(port: int, count: int) -> list[str]:
    """Ids of kernels that have run something; four are started at a time."""
    gate = asyncio.Semaphore(4)

    async def start() -> str:
        async with gate:
            web = Http(port)
            kernel = (await web.call("POST", "/start_kernel"))["id"]
            await run_once(web, kernel, "0")
            web.close()
            return str(kernel)

    return list(await asyncio.gather(*(start() for _ in range(count))))


def report(name: str, times: list[float], seconds: float) -> float:
    """Print and return how often a second."""
    quantiles = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
    p50, p99 = (1000 * quantiles[at] for at in (49, 98))
    print(
        f"{name}: {len(times) / seconds:8.1f}/s  p50 {p50:7.1f} ms  p99 {p99:7.1f} ms", flush=True
    )
    return len(times) / seconds


Run = Callable[[Http, str, str], Awaitable[Any]]
WAYS: dict[str, Run] = {"1 POST": post_and_wait, "POST, GET": run_once}
"""How one execution is asked for. The first is compared with the gateway's exchange."""


async def repeat(run: Run, port: int, kernel: str, end: float) -> list[float]:
    """Seconds of each execution until `end`."""
    times = []
    web = Http(port)
    while (started := time.perf_counter()) < end:
        status = await run(web, kernel, "1+1")
        assert status["output"]["result"] == "2", status
        times.append(time.perf_counter() - started)
    web.close()
    return times


async def measure_ours(port: int, count: int, seconds: float, start: float) -> dict[str, float]:
    async with asyncio.timeout(start):
        kernels = await start_kernels(port, count)
    rates = {}
    for way, run in WAYS.items():
        began = time.perf_counter()
        loops = (repeat(run, port, kernel, began + seconds) for kernel in kernels)
        times = [took for each in await asyncio.gather(*loops) for took in each]
        name = f"ours    {count:4d} sessions, {way}"
        rates[way] = report(name, times, time.perf_counter() - began)
    await stop(port)
    return rates


@contextlib.contextmanager
def gateway(python: str) -> Iterator[int]:
    """The port of a gateway of this Python."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = [python, "-m", "kernel_gateway", f"--KernelGatewayApp.port={port}"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # with the kernels that it has left
        process.wait(60)


async def gateway_run(socket: Any, code: str) -> None:
    message_id = uuid.uuid4().hex
    header = {"msg_id": message_id, "msg_type": "execute_request", "version": "5.3"}
    header |= {"session": "bench", "username": "", "date": ""}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
    content |= {"allow_stdin": False, "stop_on_error": True}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    await socket.send(json.dumps({**message, "channel": "shell", "buffers": []}))
    pending = {"execute_reply", "idle"}
    while pending:
        answer = json.loads(await socket.recv())
        if answer["parent_header"].get("msg_id") != message_id:
            continue
        pending.discard(answer["msg_type"])
        if answer["msg_type"] == "status":
            pending.discard(answer["content"]["execution_state"])


async def measure_gateway(port: int, count: int, seconds: float, start: float) -> float:
    from websockets.asyncio.client import connect

    gate = asyncio.Semaphore(4)
    times: list[float] = []

    @contextlib.asynccontextmanager
    async def kernel() -> AsyncIterator[Any]:
        async with gate:
            web = Http(port)
            kernel_id = (await web.call("POST", "/api/kernels", {}))["id"]
            web.close()
            address = f"ws://127.0.0.1:{port}/api/kernels/{kernel_id}/channels"
            socket = await connect(address, max_size=None)
            await gateway_run(socket, "0")
        try:
            yield socket
        finally:
            await socket.close()
            await Http(port).send("DELETE", f"/api/kernels/{kernel_id}")

    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(start):
            entering = (stack.enter_async_context(kernel()) for _ in range(count))
            sockets = await asyncio.gather(*entering)
        began = time.perf_counter()
        end = began + seconds

        async def work(socket: Any) -> None:
            while (started := time.perf_counter()) < end:
                await gateway_run(socket, "1+1")
                times.append(time.perf_counter() - started)

        await asyncio.gather(*map(work, sockets))
        return report(
            f"gateway {count:4d} sessions, 1 exchange", times, time.perf_counter() - began
        )


async def measure_polls(port: int, count: int) -> None:
    [kernel] = await start_kernels(port, 1)
    web = Http(port)
    code = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"
    execution = await web.call("POST", "/execute_code", {"id": kernel, "code": code})
    path = f"/execution_status/{execution['execution_id']}"
    while (await web.call("GET", f"{path}?wait=10"))["status"] != "RUNNING":
        pass
    polls = [Http(port) for _ in range(count)]
    for poll in polls:
        await poll.send("GET", f"{path}?wait=120")
    answers = [asyncio.ensure_future(poll.answer()) for poll in polls]
    times = []
    began = time.perf_counter()
    for _ in range(500):
        started = time.perf_counter()
        await web.call("GET", "/v1/info")
        times.append(time.perf_counter() - started)
    held = sum(not answer.done() for answer in answers)
    report(f"{held} long polls, others", times, time.perf_counter() - began)
    began = time.perf_counter()
    await web.call("PUT", f"/v1/sessions/{kernel}/files/go", None)
    results = await asyncio.gather(*answers)
    done = sum(status == 200 and body["completed_at"] is not None for status, body in results)
    print(f"{done} answered in {time.perf_counter() - began:.2f} s", flush=True)
    for each in (*polls, web):
        each.close()
    await stop(port)


async def measure_silence(port: int, seconds: float) -> None:
    [kernel] = await start_kernels(port, 1)
    web = Http(port)
    status = await run_once(web, kernel, f"import time; time.sleep({seconds}); 'done'")
    took = status["completed_at"] - status["started_at"]
    print(f"silent for {took:.1f} s: {status['status']} {status['output']['result']}", flush=True)
    web.close()
    await stop(port)


async def measure_posts(port: int, count: int) -> None:
    [kernel] = await start_kernels(port, 1)
    chance = random.Random(15)
    web = Http(port)
    await run_once(web, kernel, "ran = {}")
    web.close()  # an idle connection is closed by the server
    path = f"/v1/sessions/{kernel}/executions"
    dropped = 0
    for number in range(count):
        body = {
            "code": f"ran[{number}] = ran.get({number}, 0) + 1",
            "execution_id": f"exec-post-{number}",
            "options": {"silent": True},
        }
        while True:
            once = Http(port)
            drops = chance.random() < 0.5
            try:
                await once.send("POST", path, body)
                if drops:
                    dropped += 1
                    continue  # hang up before the answer, and send it again
                status, _ = await once.answer()
                if status < 300:
                    break
                await asyncio.sleep(0.05)  # the queue is full
            finally:
                once.close()
    status = await run_once(web, kernel, "(len(ran), set(ran.values()))")
    print(f"{count} posts, {dropped} drops: {status['output']['result']}", flush=True)
    web.close()
    await stop(port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, nargs="*", default=[1, 10, 100])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--start", type=float, default=400.0)
    parser.add_argument("--gateway", metavar="PYTHON", default="")
    parser.add_argument("--polls", type=int, default=0)
    parser.add_argument("--silent", type=float, default=0.0)
    parser.add_argument("--posts", type=int, default=0)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    for count in options.sessions:
        with serving() as port:
            ours = asyncio.run(measure_ours(port, count, options.seconds, options.start))
        if options.gateway:
            with gateway(options.gateway) as port:
                work = measure_gateway(port, count, options.seconds, options.start)
                theirs = asyncio.run(work)
            for way, rate in ours.items():
                print(f"ratio   {count:4d} sessions, {way}: {rate / theirs:.2f}", flush=True)
    with serving() as port:
        if options.polls:
            asyncio.run(measure_polls(port, options.polls))
        if options.silent:
            asyncio.run(measure_silence(port, options.silent))
        if options.posts:
            asyncio.run(measure_posts(port, options.posts))


if __name__ == "__main__":
    main()
