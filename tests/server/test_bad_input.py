"""Bad input to a server as users start it: each is answered in words, and it serves on. Nothing of
it is a warning in the log, and nothing forges a line there."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from codeexec.domain.wire.frames import MAX_REQUEST
from support.servers import user

DEADLINE = 90.0
TOKEN = "the-token-of-this-test"
IDLE = 200


@dataclass
class Served:
    """The address of a server process, and a client with the token."""

    url: str
    web: httpx.Client

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    command = [sys.executable, "-m", "codeexec.cli.main", "serve", "--json", "--log-format", "json"]
    with user() as apart:
        process = subprocess.Popen(
            [*command, "--bind", "127.0.0.1:0"],
            env={**apart.environ, "CODEEXEC_TOKEN": TOKEN},
            cwd=apart.work,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            headers = {"Authorization": f"Bearer {TOKEN}"}
            with httpx.Client(base_url=url, headers=headers, timeout=DEADLINE) as web:
                yield Served(url, web)
            text = apart.paths.log.read_text()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(DEADLINE)
            if process.stdout is not None:
                process.stdout.close()
    lines = [json.loads(line) for line in text.splitlines()]  # each line is one object
    assert {line["level"] for line in lines} == {"INFO"}, text
    assert TOKEN not in text


def is_in_words(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text[:300]
    problem = answer.json()
    assert problem["message"]
    assert problem["title"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/v1/sessions", "/execute_code", "/v1/sessions/execute/python"])
@pytest.mark.parametrize(
    "body", [b"{", b'{"id": }', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"nul", b"NaN"]
)
def test_malformed_and_deep_json(served: Served, path: str, body: bytes) -> None:
    answer = served.web.post(path, content=body)
    is_in_words(answer, answer.status_code)
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize("path", ["/v1/sessions", "/execute_code", "/v1/sessions/files/read"])
def test_a_wrong_content_type(served: Served, path: str, kind: str) -> None:
    body = json.dumps({"session_id": "session-1", "path": "/a"}).encode()
    is_in_words(served.web.post(path, content=body, headers={"Content-Type": kind}), 415)
    assert served.web.get("/v1/sessions").json()["sessions"] == []


SIZE = 64 * 2**20


def test_a_body_of_64_mb_is_refused_before_it_comes(served: Served) -> None:
    assert SIZE > MAX_REQUEST
    head = f"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SIZE}\r\n"
    with served.connection() as connection:
        connection.sendall(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_of_64_mb_in_chunks_is_read_no_further_than_the_limit(served: Served) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(SIZE // 2**20):
            yield b" " * 2**20
            sent += 2**20

    status = 413
    with contextlib.suppress(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        # The server closes the connection after its answer, which may be while we send.
        status = served.web.post("/v1/sessions", content=pieces()).status_code
    assert status == 413
    assert sent >= MAX_REQUEST // 2
    assert served.web.get("/v1/sessions").json()["sessions"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost@evil.example"},
    ],
    ids=str,
)
def test_a_foreign_origin_and_a_rebinding_host(served: Served, headers: dict[str, str]) -> None:
    is_in_words(served.web.get("/v1/info", headers=headers), 401)


@pytest.mark.slow
def test_slow_heads_and_idle_sockets_keep_nobody_out(served: Served) -> None:
    slow = (b"", b"G", b"GET / HTTP/1.1\r\nHost: ")
    with contextlib.ExitStack() as stack:
        for number in range(IDLE):
            idle = stack.enter_context(served.connection())
            idle.sendall(slow[number % len(slow)])
        with httpx.Client(headers=served.web.headers, timeout=DEADLINE) as fresh:
            assert fresh.get(f"{served.url}/v1/health").json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/ws", "/v1/nothing", "/socket.io/?EIO=4&transport=websocket"])
def test_a_socket_to_an_unknown_path(served: Served, path: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    address = served.url.replace("http:", "ws:") + path
    with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=headers):
        pass
    assert refused.value.response.status_code == 404


FORGED = "2026-01-01 00:00:00,000 ERROR codeexec: forged"


@pytest.mark.parametrize(
    "path", [f"/v1/%0a{FORGED}", f"/v1/sessions/%0d%0a{FORGED}", f"/%e2%80%a8{FORGED}%1b[2J"]
)
def test_newlines_in_a_path(served: Served, path: str) -> None:
    is_in_words(served.web.get(path), 404)


def test_newlines_in_headers_names_and_code(served: Served) -> None:
    for said in (
        f"GET /v1/info HTTP/1.1\nHost: x\rX: {FORGED}\r\n\r\n",
        f"GET /\n{FORGED} HTTP/1.1\r\n\r\n",
    ):
        with served.connection() as connection:
            connection.sendall(said.encode())
            refusal = connection.recv(65536)
        assert re.match(rb"HTTP/1\.1 40[01] ", refusal), refusal
    name = f"a\n{FORGED}\n"
    answer = served.web.post("/v1/sessions", json={"name": name, "cwd": f"/{name}"})
    is_in_words(answer, 400)
    answer = served.web.get("/v1/info", headers={"X-Request-Id": f"a {FORGED}"})
    assert re.fullmatch(r"req-[0-9a-f]{16}", answer.headers["X-Request-Id"])


def talk(served: Served, sent: bytes) -> list[bytes]:
    """What is answered on one connection until the server ends it, each answer apart."""
    with served.connection() as connection:
        connection.sendall(sent)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
    return [b"HTTP/1.1 " + answer for answer in received.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    "second",
    [
        b"\x16\x03\x01\x02\x00",
        b"POST /execute_code HTTP/1.1\r\n%sContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /execute_code HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"GET /v1/info HTTP/1.1\r\n%sX-Note: a\0b\r\n\r\n",
    ],
)
def test_what_is_no_request_comes_after_the_answers_before_it(
    served: Served, second: bytes
) -> None:
    fields = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
    first = b"GET /v1/info HTTP/1.1\r\n" + fields + b"\r\n"
    answers = talk(served, first + second.replace(b"%s", fields))
    assert answers[0].startswith(b"HTTP/1.1 200 ")
    assert [answer.split(b" ", 2)[1] for answer in answers[1:]] in ([], [b"400"])


def test_a_head_without_end_on_a_connection_that_was_used(served: Served) -> None:
    fields = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
    with served.connection() as connection:
        connection.sendall(b"GET /v1/info HTTP/1.1\r\n" + fields + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET /v1/info HTTP/1.1\r\nX-Long: ")
            while sent < 2**24:
                connection.sendall(b"a" * 2**16)
                sent += 2**16
        assert sent < 2**24
