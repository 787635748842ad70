"""Requests of somebody who has the token, made to break the server: wrong, deep, huge, negative.

Each is answered in words with a 4xx status (or an error frame), and the server serves on.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import unix_connect

from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, NotFound, UsageError
from codeexec.server.rest.routes import ROUTES
from support.servers import Here

DEADLINE = 90.0

DEEP = "[" * 100_000
DIGITS = "9" * 5000
BAD_STRINGS = ["", "\0", "a\0b", "../..", "/etc/passwd", "~nobody-of-this-name", "x" * 100_000]
BAD_VALUES: list[Any] = [
    *(None, True, -1, 2**53, 2**63, 2**64, 10**300, 1.5, -0.0, [], {}, [[]], {"a": {}}),
    *BAD_STRINGS,
    "nan",
    "inf",
    "-1",
    DIGITS,
    "\u202e\x1b[2J\x07",
]
BAD_BODIES = [
    DEEP.encode(),
    b'{"a":' * 50_000,
    b'{"cwd": ' + DEEP.encode() + b"}",
    b'{"cwd": "/", "start_kernel": false, "env": {"a": ' + DIGITS.encode() + b"}}",
    DIGITS.encode(),
    b"NaN",
    b'{"timeout": NaN, "code": "1"}',
    b'{"timeout": 1e999, "code": "1"}',
    b'{"timeout": "nan", "code": "1"}',
    b'{"code": "\\ud800", "execution_id": "x"}',
    b'{"code": "1", "execution_id": "\\ud800"}',
    b'{"code": "1", "execution_id": "\\u0000"}',
    b'{"code": "1", "execution_id": "\\u001b[2J"}',
    b'{"code": "1", "execution_id": "' + b"x" * 10_000 + b'"}',
    b"\xff\xfe{}",
    b'{"code": "\xff"}',
    b'"text"',
    b"null",
    b"{}{}",
    b'{"code": "1", "code": 2}',
    b'{"type": "stop_host", "code": "1"}',
]


@pytest.fixture
async def session(web: httpx.AsyncClient, tmp_path: Path) -> str:
    opening = {"cwd": str(tmp_path), "name": "work", "start_kernel": False}
    answer = await web.post("/v1/sessions", json=opening)
    assert answer.status_code == 201, answer.text
    return f"/v1/sessions/{answer.json()['session_id']}"


def is_in_words(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    problem = answer.json()
    assert problem["message"] and problem["title"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:40]))
async def test_a_body_that_cannot_be_meant_is_refused_in_words(
    web: httpx.AsyncClient, session: str, body: bytes
) -> None:
    for path in ("/v1/sessions", f"{session}/executions", f"{session}/complete"):
        is_in_words(await web.post(path, content=body))
    assert (await web.get(session)).json()["executions"] == {}


def fields_of(route: Any) -> Iterator[tuple[str, Any]]:
    names = [name for name in route.request.__struct_fields__ if f"{{{name}}}" not in route.path]
    yield from itertools.product([*names, "unknown"], BAD_VALUES)


@pytest.mark.slow
async def test_no_value_of_any_field_is_a_fault_of_the_server(
    web: httpx.AsyncClient, session: str
) -> None:
    # Each field of each route with each value would take 6 s: some, always the same ones.
    chance = random.Random(8)
    asked = 0
    for route in ROUTES:
        if route.request in (q.StopHost, q.OpenSession, q.ListKernels):
            continue  # these act on valid values
        path = route.path.replace("{session}", session.rpartition("/")[2])
        path = path.replace("{execution_id}", "none").replace("{name}", "x")
        path = path.replace("{artifact_id}", "none")
        for name, value in fields_of(route):
            if chance.random() > 0.4:
                continue
            if route.has_body:
                valid = {"code": "1", "cursor": 0, "request_id": "none", "text": "", "name": "n"}
                known = set(route.request.__struct_fields__)
                body = {key: each for key, each in valid.items() if key in known} | {name: value}
                answer = await web.request(route.method, path, json=body)
            else:
                text = value if isinstance(value, str) else json.dumps(value)
                if len(text) > 4000:
                    text = text[:4000]
                answer = await web.request(route.method, path, params={name: text})
            asked += 1
            assert answer.status_code < 500 or answer.json()["code"] != "error", (
                route.path,
                name,
                str(value)[:40],
                answer.text[:300],
            )
    assert asked > 500
    assert (await web.get("/v1/health")).status_code == 200


@pytest.mark.parametrize("cwd", BAD_STRINGS)
async def test_a_folder_that_cannot_be_is_refused(web: httpx.AsyncClient, cwd: str) -> None:
    is_in_words(await web.post("/v1/sessions", json={"cwd": cwd, "start_kernel": False}))


@pytest.mark.parametrize(
    "query",
    [
        *("start=-1", "count=-1", f"start={2**63}", f"count={2**70}", f"start={DIGITS}"),
        *("start=nan", "start=1.5", "count=", "start=%ff", "start=0&start=%00"),
    ],
)
async def test_numbers_out_of_range_are_refused(
    web: httpx.AsyncClient, session: str, query: str
) -> None:
    for path in (f"{session}/executions/x?", f"{session}/executions/x/rows?"):
        is_in_words(await web.get(path + query))


@pytest.mark.parametrize("query", ["after=-1", f"after={2**70}", "after=x", f"after={DIGITS}"])
async def test_events_after_no_number_are_refused(
    web: httpx.AsyncClient, session: str, query: str
) -> None:
    is_in_words(await web.get(f"{session}/events?{query}"))


@pytest.mark.parametrize(
    "path", ["%00", "a%00b", "%2e%2e/%2e%2e/etc/passwd", "%ff%fe", "x" * 5000, "a/" * 2000]
)
async def test_paths_that_cannot_be_are_refused(
    web: httpx.AsyncClient, session: str, path: str
) -> None:
    is_in_words(await web.get(f"{session}/files/{path}"))
    is_in_words(await web.get(f"{session}/blobs/{path}"))
    is_in_words(await web.post(f"{session}/artifacts", json={"path": path}))


@pytest.mark.parametrize(
    "frame",
    [
        DEEP,
        '{"id": 7, "request": ' + DEEP + "}",
        '{"id": 7, "request": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"id": ' + DIGITS + "}",
        '{"id": 7, "listen": "work", "after": -1}',
        '{"id": 7, "listen": "work", "after": ' + str(2**70) + "}",
        '{"id": 7, "session": "work", "request": {"type": "read_rows", "execution_id": "x", '
        '"start": ' + str(2**70) + "}}",
        '{"id": 7, "session": "work", "request": {"type": "read_file", "path": "\\u0000"}}',
        '{"id": 7, "session": "work", "request": {"type": "execute", "code": "1", '
        '"execution_id": "\\ud800"}}',
        '{"id": 7, "session": "work", "request": {"type": "execute", "code": "1", '
        '"timeout": 1e999}}',
        '{"id": 7, "session": "\\u0000", "request": {"type": "get_usage"}}',
        '{"id": 7, "request": {"type": "open_session", "cwd": "/\\u0000"}}',
        '{"id": 7, "request": {"type": "list_kernels", "cwd": "/\\u0000"}}',
    ],
    ids=lambda frame: repr(frame[:80]),
)
async def test_a_hostile_frame_is_answered_and_the_connection_stays(
    here: Here, session: str, frame: str
) -> None:
    async with (
        asyncio.timeout(DEADLINE),
        unix_connect(here.socket, "ws://local/v1/ws", max_size=None) as connection,
    ):
        await connection.recv()
        await connection.send(frame)
        answer = json.loads(await connection.recv())
        assert answer["error"]["code"] in ("protocol", "usage", "not_found", "denied"), answer
        await connection.send('{"id": 8, "request": {"type": "get_host_info"}}')
        assert json.loads(await connection.recv())["id"] == 8


async def test_random_bytes_and_mutated_frames_do_no_harm(here: Here, session: str) -> None:
    chance = random.Random(8)
    good = b'{"id": 3, "session": "work", "request": {"type": "search_rows", "pattern": "x"}}'
    async with (
        asyncio.timeout(DEADLINE),
        unix_connect(here.socket, "ws://local/v1/ws", max_size=None) as connection,
    ):
        await connection.recv()
        for _ in range(400):
            frame = bytearray(good)
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(frame))
                frame[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
            await connection.send(bytes(frame), text=None)
            answer = json.loads(await connection.recv())
            assert answer.get("error", {}).get("code", "") != "error", (bytes(frame), answer)


# -- ids of executions ----------------------------------------------------------------------


async def test_the_same_id_with_other_code_is_a_conflict(
    web: httpx.AsyncClient, session: str
) -> None:
    async def submit(code: str) -> httpx.Response:
        return await web.post(f"{session}/executions", json={"code": code, "execution_id": "one"})

    first = await submit("x = 1")
    again = await submit("x = 1")
    assert first.status_code == again.status_code == 202
    assert again.json()["execution_id"] == "one"
    other = await submit("x = 2")
    assert other.status_code == 409
    assert other.json()["code"] == "conflict"
    assert list((await web.get(session)).json()["executions"]) == ["one"]


@pytest.mark.parametrize("wrong", ["\ud800", "a\udfffb", "\0", "\x1b]0;t\x07", "\n", "x" * 201])
async def test_a_wrong_id_is_refused_and_the_session_goes_on(tmp_path: Path, wrong: str) -> None:
    async with EmbeddedHost(tmp_path / "state") as host:
        summary = await host.call(q.OpenSession(cwd=str(tmp_path), start_kernel=False))
        session = host.session(summary.session_id)
        with pytest.raises(UsageError):
            await session.call(q.Execute("1", execution_id=wrong))
        with pytest.raises((UsageError, NotFound)):
            await session.call(q.ReadRows(wrong))
        with pytest.raises((UsageError, NotFound)):
            await session.call(q.CancelExecution(wrong))
        with pytest.raises((UsageError, NotFound)):
            await session.call(q.SearchRows("x", wrong))
        with pytest.raises((UsageError, Conflict)):
            await session.call(q.AnswerStdin(wrong, "x"))
        accepted = await session.call(q.Execute("1", execution_id="schön 1"))
        assert accepted.execution_id == "schön 1"


async def test_code_that_is_no_unicode_may_be_sent_again(tmp_path: Path) -> None:
    async with EmbeddedHost(tmp_path / "state") as host:
        summary = await host.call(q.OpenSession(cwd=str(tmp_path), start_kernel=False))
        session = host.session(summary.session_id)
        for _ in range(2):
            await session.call(q.Execute("x = '\ud800'", execution_id="one"))
        with pytest.raises(Conflict):
            await session.call(q.Execute("x = '\ud800 '", execution_id="one"))
