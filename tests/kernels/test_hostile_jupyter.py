"""A server that does harm in place of a Jupyter server: each answer of it is a sentence."""

from __future__ import annotations

import asyncio
import gzip
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha1
from itertools import count

import pytest

from codeexec.domain.errors import CodeexecError, ProtocolError
from codeexec.domain.text.printable import printable
from codeexec.environments.base import TerminalSize
from codeexec.kernels.jupyter.messages.codec import decode_message
from codeexec.kernels.jupyter.remote import rest_client, web_socket
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.address import parse_address
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.files.contents import ServedContents
from codeexec.kernels.jupyter.remote.frames import decode_json, decode_v1
from codeexec.kernels.jupyter.remote.login import password
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from codeexec.kernels.jupyter.remote.terminals.opening import ServedTerminals
from codeexec.kernels.jupyter.remote.web_socket import open_channels

ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202e../../etc\r\n"
Ask = Callable[[], Awaitable[object]]
Answer = Callable[[str], AsyncIterator[bytes]]
"""Of the request with this first line, in pieces."""


@asynccontextmanager
async def hostile(answer: Answer) -> AsyncIterator[str]:
    """The URL of a server that gives this answer to all that is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            async for piece in answer(head):
                writer.write(piece)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


def whole(
    body: bytes, kind: str = "application/json", status: str = "200 OK", *more: str
) -> Answer:
    async def answer(_: str) -> AsyncIterator[bytes]:
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close", *more]
        yield "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    return answer


def as_json(content: object, status: str = "200 OK") -> Answer:
    return whole(json.dumps(content).encode(), "application/json", status)


async def endless(_: str) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n["
    while True:
        yield b'"x",' * 50_000


def dripping(begin: bytes) -> Answer:
    async def answer(_: str) -> AsyncIterator[bytes]:
        yield begin
        while True:
            yield b"x"
            await asyncio.sleep(0.02)

    return answer


REDIRECTS = [
    whole(b"", "text/html", "302 Found", f"Location: {location}")
    for location in ("file:///etc/passwd", "/api", "http://[::1", "http://127.0.0.1:1/")
]
JUNK = [
    whole(b"<html>\x1b[2J</html>", "text/html"),
    whole(b"\xff\xfe{\x00", "application/json"),
    whole(b"[" * 500_000),
    whole(b'{"version": 1e999}'),
    whole(b'{"version": "2.0"', "application/json", "200 OK", "Content-Length: 9999"),
    whole(
        gzip.compress(b"[" + b" " * (40 << 20)),
        "application/json",
        "200 OK",
        "Content-Encoding: gzip",
    ),
    whole(b"not gzip", "application/json", "200 OK", "Content-Encoding: gzip"),
    whole(b"", "application/json", "999999999 \x1b[2J"),
    as_json({"message": ESCAPES * 5000}, "500 \x1b]0;owned\x07"),
    as_json({"version": ESCAPES * 5000, "kernelspecs": [], "default": {}}),
    as_json({"version": "0.0.1" + ESCAPES}),
    as_json([]),
    as_json(None),
    endless,
    *REDIRECTS,
]


def check_sentence(error: CodeexecError) -> None:
    assert error.message
    for text in (error.message, error.next_step):
        assert text == printable(text)
        assert len(text) <= 1000


@pytest.mark.parametrize("answer", JUNK)
async def test_all_requests_end_in_a_sentence(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_client, "LARGEST", 1 << 20)
    monkeypatch.setattr(web_socket, "OPEN_WAIT", 1.0)
    async with hostile(answer) as url, asyncio.timeout(60):
        server = JupyterServer(Access(parse_address(url), "token"))
        contents = ServedContents(server)
        asked: list[Ask] = [
            server.version,
            server.specs,
            server.kernels,
            lambda: server.kernel("../../x"),
            lambda: server.start("python3", "key"),
            lambda: server.restart("some"),
            lambda: server.delete("some"),
            contents.is_there,
            lambda: contents.folder(()),
            lambda: contents.read(("some",)),
            lambda: contents.write(("some",), b"x"),
            lambda: ServedTerminals(server).open(["sh"], TerminalSize(), None, None),
            lambda: password.log_in(server.access, "secret"),
            lambda: open_channels(server.access, "some", "session"),
        ]
        for ask in asked:
            try:
                await ask()
            except CodeexecError as error:
                check_sentence(error)
        await server.close()


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
    ],
)
async def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((rest_client, "ANSWER_WAIT"), (password, "LOGIN_WAIT")):
        monkeypatch.setattr(module, name, 0.3)
    monkeypatch.setattr(web_socket, "OPEN_WAIT", 0.3)
    async with hostile(dripping(begin)) as url, asyncio.timeout(20):
        server = JupyterServer(Access(parse_address(url), "token"))
        asked: list[Ask] = [
            lambda: server.ask("GET", "api", wait=0.3),
            lambda: server.download("files/x", 1 << 20),
            lambda: password.log_in(server.access, "secret"),
            lambda: open_channels(server.access, "some", "session"),
        ]
        for ask in asked:
            with pytest.raises(ServerFailure) as raised:
                await ask()
            check_sentence(raised.value)
        await server.close()


async def test_a_slow_line_has_the_time_that_its_bytes_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rest_client, "ANSWER_WAIT", 1.0)
    content = json.dumps(["x" * 400] * 60).encode()

    async def slowly(_: str) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        for start in range(0, len(content), 500):
            yield content[start : start + 500]
            await asyncio.sleep(0.05)

    async with hostile(slowly) as url:
        server = JupyterServer(Access(parse_address(url), "token"))
        answer = await server.ask("GET", "api", wait=1.0)  # it takes longer than that
        assert answer.content == ["x" * 400] * 60
        assert (await server.download("files/x", 1 << 20)).content == content
        await server.close()


async def test_an_upload_over_a_slow_line_arrives() -> None:
    body, arrived = {"content": "x" * 300_000}, bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: 300014" in head
        while len(arrived) < 300_014:
            arrived.extend(await reader.read(10_000))
            await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n")
        writer.write(b"Content-Type: application/json\r\n\r\n{}")
        writer.close()

    slow = await asyncio.start_server(serve, "127.0.0.1", 0, limit=10_000)
    url = f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}/"
    server = JupyterServer(Access(parse_address(url), "token"))
    answer = await server.ask("PUT", "api/contents/x", body, wait=0.5)
    assert answer.content == {}
    assert json.loads(bytes(arrived)) == body
    await server.close()
    slow.close()


async def test_names_of_the_server_are_names_or_left_out() -> None:
    spec = {"spec": {"display_name": ESCAPES, "language": ESCAPES, "metadata": ESCAPES}}
    names = ["python3", "../../etc", "a/b", f"x{ESCAPES}", "", "..", "a#b?c"]
    models = {
        "default": "python3",
        "kernelspecs": dict.fromkeys(names, spec) | {"odd": 3},
    }
    async with hostile(as_json(models)) as url:
        server = JupyterServer(Access(parse_address(url)))
        specs = await server.specs()
        await server.close()
    assert [spec.name for spec in specs] == ["python3", "odd"]
    assert all(
        text == printable(text) for each in specs for text in (each.display_name, each.language)
    )
    kernels = [
        {"id": kernel_id, "name": ESCAPES, "execution_state": ESCAPES, "connections": "many"}
        for kernel_id in ("good-1", "../x", ESCAPES, "", 7, None, "x" * 5000)
    ]
    async with hostile(as_json(kernels)) as url:
        server = JupyterServer(Access(parse_address(url)))
        (kernel,) = await server.kernels()
        await server.close()
    terminals = [{"name": model["id"], "last_activity": ESCAPES} for model in kernels]
    async with hostile(as_json([*terminals, 3, None])) as url:
        server = JupyterServer(Access(parse_address(url)))
        (terminal,) = await ServedTerminals(server).joinable()
        await server.close()
    assert terminal.name == "good-1"
    assert terminal.last_activity == printable(terminal.last_activity)
    assert kernel.id == "good-1"
    assert kernel.state == printable(kernel.state)


async def test_entries_of_a_folder_have_names_and_numbers_that_are_some() -> None:
    entry = {"type": "file", "size": 10**30, "last_modified": "9999-12-31T23:59:59Z"}
    names = ["good", "../up", "a/b", "", ".", "..", "nul\0", 7]
    folder = {"content": [*({**entry, "name": name} for name in names), None, 3, [ESCAPES]]}
    async with hostile(as_json(folder)) as url:
        server = JupyterServer(Access(parse_address(url)))
        entries = await ServedContents(server).folder(())
        await server.close()
    assert entries is not None
    assert [entry.name for entry in entries] == ["good", "7"]
    for found in entries:
        assert (found.size, found.modified) == (0, 0)


async def test_a_web_socket_is_not_led_elsewhere() -> None:
    asked = count()

    async def elsewhere(_: str) -> AsyncIterator[bytes]:
        next(asked)
        yield b"HTTP/1.1 200 OK\r\n\r\n"

    async with hostile(elsewhere) as other:
        answer = whole(b"", "text/html", "302 Found", f"Location: {other}")
        async with hostile(answer) as url:
            with pytest.raises(ServerFailure) as raised:
                await open_channels(Access(parse_address(url), "token"), "some", "session")
    assert raised.value.kind == "login"
    assert next(asked) == 0


async def test_a_message_that_would_fill_the_memory_closes_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(web_socket, "LARGEST_MESSAGE", 1 << 20)

    async def answer(head: str) -> AsyncIterator[bytes]:
        key = next(line for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
        salted = f"{key.partition(': ')[2]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()
        accept = b64encode(sha1(salted).digest()).decode()
        yield (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
        ).encode()
        yield b"\x82\x7f" + (1 << 30).to_bytes(8, "big")
        while True:
            yield b"x" * 65536

    from websockets.exceptions import ConnectionClosed

    async with hostile(answer) as url, asyncio.timeout(10):
        line = await open_channels(Access(parse_address(url)), "some", "session")
        with pytest.raises(ConnectionClosed) as raised:
            await line.recv()
    assert raised.value.sent is not None
    assert raised.value.sent.code == 1009


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


@pytest.mark.parametrize(
    "header", [DEEP, b'{"msg_type":3}', b"\xff", b'{"msg_type":"x","a":' + DEEP + b"}"]
)
@pytest.mark.parametrize("content", [DEEP, b"[]", b"\xff"])
def test_messages_that_are_none(header: bytes, content: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_message(header, DEEP, content, ())


@pytest.mark.parametrize("frame", [DEEP, DEEP.decode(), "[" * 100_000, "\0"])
def test_frames_that_are_none(frame: bytes | str) -> None:
    with pytest.raises(ProtocolError):
        decode_json(frame)
    if isinstance(frame, bytes):
        with pytest.raises(ProtocolError):
            decode_v1(frame)
