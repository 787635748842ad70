"""Strangers at the server's sockets: half requests, floods of connections, endless heads and
bodies. The owner always gets in, and nobody without the token learns anything."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from codeexec.client.socket import SocketHost
from codeexec.domain import requests as q
from codeexec.domain.errors import Denied, StorageError, Unavailable
from codeexec.server.gate import Authenticator
from codeexec.server.limits import ConnectionLimits, Connections, raise_file_limit
from support.servers import Here, poll, serve_here, short_folder, user, wait_until

DEADLINE = 90.0
HALF_OPEN = 1100


@pytest.fixture
def many_files() -> Iterator[None]:
    """Both ends of every connection are in this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_file_limit()
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@asynccontextmanager
async def serving(limits: ConnectionLimits) -> AsyncIterator[Here]:
    with short_folder() as folder:
        async with serve_here(folder, limits=limits) as here:
            yield here


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    async with serving(ConnectionLimits()) as here:
        yield here


@asynccontextmanager
async def sockets(here: Here, count: int, said: bytes) -> AsyncIterator[list[socket.socket]]:
    loop = asyncio.get_running_loop()
    made: list[socket.socket] = []
    try:
        for _ in range(count):
            made.append(socket.socket())
            made[-1].setblocking(False)
            await loop.sock_connect(made[-1], ("127.0.0.1", here.port))
            made[-1].send(said)
        yield made
    finally:
        for each in made:
            each.close()


async def answer_to(here: Here, said: bytes) -> bytes:
    """All that comes back over TCP until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    try:
        writer.write(said)
        return await asyncio.wait_for(reader.read(), DEADLINE)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def is_served(here: Here) -> None:
    """The owner gets in by both sockets, over a WebSocket and over HTTP."""
    for address in (here.address, here.network):
        async with asyncio.timeout(DEADLINE), SocketHost(address) as host:
            assert (await host.call(q.GetHostInfo())).pid
    headers = {"Authorization": f"Bearer {here.token}"}
    async with httpx.AsyncClient(base_url=here.url, headers=headers, timeout=DEADLINE) as web:
        assert (await web.get("/v1/health")).json() == {"status": "ok"}


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"GET /v1/ws HT", b"GET / HTTP/1.1\r\nHost: x\r\nX: "])
async def test_the_owner_gets_in_past_many_half_open_connections(
    here: Here, said: bytes, many_files: None
) -> None:
    async with sockets(here, HALF_OPEN, said):
        await is_served(here)
        limit = ConnectionLimits().pending
        await wait_until(lambda: here.public.pending <= limit, "the oldest to be dropped")
        assert here.public.pending > limit - 10
        await is_served(here)


@pytest.mark.parametrize(
    "said", [b"", b"GE", b"GET / HTTP/1.1\r\n", b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: webs"]
)
async def test_half_a_request_is_dropped_at_its_deadline(said: bytes) -> None:
    async with serving(ConnectionLimits(head_seconds=0.05)) as here:
        async with sockets(here, 20, said) as half:
            await wait_until(lambda: here.public.pending == 0, "half requests to be dropped")
            loop = asyncio.get_running_loop()
            for each in half:
                with contextlib.suppress(ConnectionError):
                    assert await asyncio.wait_for(loop.sock_recv(each, 1), DEADLINE) == b""
        reader, writer = await asyncio.open_unix_connection(here.socket)
        writer.write(said)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), DEADLINE) == b""
        writer.close()


async def test_a_byte_now_and_then_does_not_extend_the_time_of_a_head() -> None:
    async with serving(ConnectionLimits(head_seconds=0.2)) as here:
        for _ in range(20):  # this process may stand still for all of that time
            sent = await sent_until_dropped(here)
            await wait_until(lambda: here.public.pending == 0, "the connection to be dropped")
            if sent > 1:
                return
        pytest.fail("it was always dropped after one byte")


async def sent_until_dropped(here: Here) -> int:
    """How many bytes of a head could be sent, one now and then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    sent = 0
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(DEADLINE):
            while not reader.at_eof():
                writer.write(b"G")
                sent += 1
                await writer.drain()
                await asyncio.sleep(0.01)
    writer.close()
    return sent


@pytest.mark.parametrize("first", ["/v1/sessions", "/v1/nothing"])
async def test_a_body_that_never_ends_is_dropped(first: str) -> None:
    async with serving(ConnectionLimits(body_seconds=0.05)) as here:
        head = f"POST {first} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        said = f"{head}Authorization: Bearer {here.token}\r\n\r\n{{".encode()
        await answer_to(here, said)
        await wait_until(lambda: here.public.admitted == 0, "the connection to be dropped")


async def test_a_second_head_that_never_ends_is_dropped() -> None:
    async with serving(ConnectionLimits(head_seconds=0.5, idle_seconds=60)) as here:
        head = f"GET /v1/health HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {here.token}\r\n"
        whole = head.replace("Host: x", "Host: localhost") + "\r\n"
        # This process may stand still for the time that the first head has, too.
        await poll(
            lambda: answer_to(here, (whole + "GET /v1/hea").encode()),
            lambda answer: b'{"status":"ok"}' in answer,
            "the answer to the first request",
            DEADLINE,
        )
        await wait_until(lambda: here.public.admitted == 0, "the connection to be dropped")


@pytest.mark.slow
async def test_an_idle_connection_is_closed() -> None:
    async with serving(ConnectionLimits(idle_seconds=1)) as here:
        head = f"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {here.token}"
        assert b"200 OK" in await answer_to(here, f"{head}\r\n\r\n".encode())
        await wait_until(lambda: here.public.admitted == 0, "the connection to be closed")


async def test_a_head_without_end_is_refused(here: Here) -> None:
    for said in (b"GET /" + b"x" * 20_000, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000):
        assert (await answer_to(here, said)).startswith((b"HTTP/1.1 431 ", b""))
    await is_served(here)


async def test_full_of_its_own_connections_the_server_says_so() -> None:
    async with serving(ConnectionLimits(admitted=2)) as here:
        async with SocketHost(here.network) as one, SocketHost(here.network) as two:
            await one.call(q.GetHostInfo())
            await two.call(q.GetHostInfo())
            head = f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {here.token}"
            answer = await answer_to(here, f"{head}\r\n\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "unavailable"
            async with SocketHost(here.address) as local:  # has its own room
                assert (await local.call(q.GetHostInfo())).pid
        await wait_until(lambda: here.public.admitted == 0, "both to be gone")
        await is_served(here)


def test_the_address_with_the_most_connections_loses_its_oldest() -> None:
    class Transport:
        aborted = False

        def abort(self) -> None:
            self.aborted = True

    connections = Connections(ConnectionLimits(pending=3))
    owner, *strangers = [Transport() for _ in range(6)]
    connections.add(owner, "10.0.0.1")  # type: ignore[arg-type]  # all that is used of one
    for each in strangers:
        connections.add(each, "10.0.0.2")  # type: ignore[arg-type]
    assert [each.aborted for each in strangers] == [True, True, True, False, False]
    assert not owner.aborted
    assert connections.pending == 3


def test_limits_fit_into_the_files_that_the_process_may_open() -> None:
    for files in (64, 256, 1024, 4096, 100_000):
        limits = ConnectionLimits().fitting(files)
        assert 0 < limits.pending <= 256
        assert 2 * (limits.pending + limits.admitted) <= files
    assert ConnectionLimits().fitting(16384) == ConnectionLimits()


# -- who has no token learns nothing --------------------------------------------------------


BROKEN_HEADS = [
    b"Host: [::1\r\n",
    b"Host: [\r\n",
    b"Host: \xff\xfe\r\n",
    b"Host: localhost:99999999999999999999\r\n",
    b"Host: localhost\r\nOrigin: http://[\r\n",
    b"Host: localhost\r\nOrigin: http://[::1]:x/\r\n",
    b"Host: localhost\r\nOrigin: \xff\r\n",
    b"Host: localhost\r\nAuthorization: Bearer \xff\xfe\r\n",
    b"Host: localhost\r\nAuthorization: Bearer\r\n",
    b"Host: localhost\r\nHost: localhost\r\n",
    b"Host: localhost\r\nOrigin: null\r\n",
    b"Host: 127.0.0.1@evil.example\r\n",
    b"Host: evil.example\r\n",
    b"Host: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n",
    b"Host: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
    b"Host: localhost\r\nTransfer-Encoding: chunked, chunked\r\n",
    b"",
]


PATHS = [b"/v1/sessions", b"/v1/ws", b"/docs", b"/v1/nothing", b"/?token"]


@pytest.mark.parametrize("headers", BROKEN_HEADS)
async def test_broken_headers_are_refused_before_anything_is_read(
    here: Here, headers: bytes
) -> None:
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    for path in PATHS:
        start = path + b" HTTP/1.1\r\n" + headers
        for said in (
            b"POST " + start + b"\r\n" + b"[" * 1000,
            b"GET " + start + upgrade + b"\r\n",
        ):
            answer = await answer_to(here, said)
            assert answer.startswith(b"HTTP/1.1 401 "), answer[:200]
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "denied"
            assert here.token not in answer.decode("latin-1")


@pytest.mark.slow
@pytest.mark.parametrize("headers", [head for head in BROKEN_HEADS if head])
async def test_broken_headers_with_the_right_token_are_never_a_fault_of_the_server(
    here: Here, headers: bytes
) -> None:
    own = f"Authorization: Bearer {here.token}\r\nConnection: close\r\n".encode()
    for path in PATHS:
        answer = await answer_to(here, b"GET " + path + b" HTTP/1.1\r\n" + own + headers + b"\r\n")
        assert not answer.startswith(b"HTTP/1.1 5"), answer[:200]
    await is_served(here)


NO_HTTP = [b"\x16\x03\r\n\r\n", b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n:\r\n\r\n"]


@pytest.mark.parametrize("said", NO_HTTP)
async def test_what_is_no_http_is_refused_in_words(here: Here, said: bytes) -> None:
    answer = await answer_to(here, said)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "protocol"


async def test_a_refused_request_with_a_long_body_still_gets_its_answer(here: Here) -> None:
    async with httpx.AsyncClient(base_url=here.url, timeout=60) as web:
        answer = await web.put("/v1/sessions/x/files/y", content=b"x" * 500_000)
    assert answer.status_code == 401
    assert answer.json()["code"] == "denied"


def check(gate: Authenticator, query: str = "", **headers: str) -> None:
    gate.check(headers.get, query)


def test_an_empty_token_does_not_skip_the_checks_of_host_and_origin() -> None:
    for gate in (Authenticator(), Authenticator("token-of-the-test")):
        for headers in (
            {"host": "evil.example"},
            {"host": "localhost", "origin": "http://evil.example"},
            {"host": "", "origin": "null"},
            {"host": "localhost", "origin": "null"},
        ):
            with pytest.raises(Denied):
                check(gate, "token=token-of-the-test", **headers)
    for name in ("", "local", "localhost", "x:80", "127.0.0.1", "[::1]:8000"):
        check(Authenticator(), host=name)


def test_an_empty_token_lets_nobody_in_from_a_network() -> None:
    gate = Authenticator("", is_private=False)
    for given in ("", "Bearer ", "Bearer x"):
        with pytest.raises(Denied):
            check(gate, host="localhost", authorization=given)
    with pytest.raises(Denied):
        check(gate, "token=", host="localhost")


async def test_a_service_without_token_refuses_every_network_client(tmp_path: Path) -> None:
    with short_folder() as folder:
        async with serve_here(folder) as here:
            public = socket.create_server(("127.0.0.1", 0))
            public.setblocking(False)
            await here.service.listen(public, Authenticator())
            here.port = public.getsockname()[1]
            answer = await answer_to(here, b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_listener_without_token_lets_programs_in_and_no_page_of_another_server() -> None:
    with short_folder() as folder:
        async with serve_here(folder) as here:
            public = socket.create_server(("127.0.0.1", 0))
            public.setblocking(False)
            await here.service.listen(public, Authenticator(asks_token=False))
            port = public.getsockname()[1]
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as web:
                assert (await web.get("/v1/info")).status_code == 200
                for headers in (
                    {"Origin": "http://evil.example"},
                    {"Origin": "null"},
                    {"Host": "evil.example"},
                    {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
                    {"Sec-Fetch-Site": "cross-site"},
                    {"Sec-Fetch-Site": "same-site"},
                ):
                    answer = await web.post("/v1/sessions", json={"cwd": "/"}, headers=headers)
                    assert answer.status_code == 401, headers
                own = {"Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}
                assert (await web.get("/v1/sessions", headers=own)).status_code == 200
            here.port = port
            nameless = await answer_to(here, b"GET /v1/info HTTP/1.1\r\n\r\n")
            assert nameless.startswith(b"HTTP/1.1 401 ")


async def test_the_page_of_the_documentation_needs_nothing_from_elsewhere(here: Here) -> None:
    headers = {"Authorization": f"Bearer {here.token}"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as web:
        for path in ("/", "/docs"):
            page = await web.get(f"{here.url}{path}")
            assert page.status_code == 200
            assert page.headers["content-type"].startswith("text/html")
            policy = page.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'")
            assert "/v1/sessions/{session}/executions" in page.text
            for outside in ("<script", "src=", "http://", "https://", "cdn"):
                assert outside not in page.text.lower()
            link = page.text.partition('href="')[2].partition('"')[0]
            assert (await web.get(here.url + link)).json()["openapi"].startswith("3.")
    async with httpx.AsyncClient(timeout=60) as web:
        for query in ("", f"?token={here.token}"):
            assert (await web.get(f"{here.url}/{query}")).status_code == 401


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
async def test_a_server_out_of_files_says_so_and_goes_on() -> None:
    with user() as apart:
        async with apart.client() as host:
            pid = (await host.call(q.GetHostInfo())).pid
            before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            used = max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir())
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 2, before[1]))
            crowd: list[socket.socket] = []
            try:
                for _ in range(20):
                    crowd.append(socket.socket(socket.AF_UNIX))
                    crowd[-1].connect(str(apart.paths.socket))
                await host.call(q.GetHostInfo())
                with pytest.raises(Unavailable, match="as many files open as it may"):
                    await host.call(q.ListSessions(ended=True))
                with pytest.raises(StorageError) as refused:
                    await host.call(q.OpenSession(cwd=str(apart.work), start_kernel=False))
                assert "ulimit -n" in refused.value.next_step
            finally:
                for each in crowd:
                    each.close()
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
            async with asyncio.timeout(DEADLINE), apart.client() as other:
                assert (await other.call(q.GetHostInfo())).pid == pid
                assert await other.call(q.ListSessions()) == q.SessionList(())
                await other.call(q.StopHost(sessions=True))
