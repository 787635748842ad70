"""The HTTP client, as curl and programs use it: a real server, a real kernel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest

from codeexec.server.gate import new_token
from codeexec.session.kernels import variables
from support.servers import Here, poll

DEADLINE = 90.0

PROBLEM = {"request_id", "code", "title", "message", "next_step"}


@pytest.fixture
async def session(web: httpx.AsyncClient, tmp_path: Path) -> str:
    answer = await web.post("/v1/sessions", json={"cwd": str(tmp_path), "name": "work"})
    assert answer.status_code == 201, answer.text
    return f"/v1/sessions/{answer.json()['session_id']}"


async def run(web: httpx.AsyncClient, session: str, code: str, **fields: Any) -> dict[str, Any]:
    """Submit and ask until it is over."""
    accepted = await web.post(f"{session}/executions", json={"code": code, **fields})
    assert accepted.status_code == 202, accepted.text
    return await ended(web, session, accepted.json()["execution_id"])


async def ended(web: httpx.AsyncClient, session: str, execution_id: str) -> dict[str, Any]:
    return await state_once(
        web,
        f"{session}/executions/{execution_id}",
        lambda s: s["execution"].get("status", "queued") not in ("queued", "running"),
    )


async def state_once(
    web: httpx.AsyncClient, path: str, holds: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    """Over HTTP one asks again: that is how programs without a WebSocket do it."""

    async def look() -> dict[str, Any]:
        return dict((await web.get(path)).json())

    return await poll(look, holds, f"{path} to change", DEADLINE)


async def test_is_up_and_says_who_it_is(web: httpx.AsyncClient, here: Here) -> None:
    assert (await web.get("/v1/health")).json() == {"status": "ok"}
    assert (await web.get("/v1/info")).json()["socket"] == here.socket


async def test_code_is_submitted_and_its_output_grows(web: httpx.AsyncClient, session: str) -> None:
    code = "print('first', flush=True)\ninput()\nprint('second')"
    accepted = await web.post(f"{session}/executions", json={"code": code})
    path = f"{session}/executions/{accepted.json()['execution_id']}"
    state = await state_once(web, path, lambda s: s["execution"].get("stdin"))
    assert state["execution"]["status"] == "running"
    assert "first" in json.dumps(state["rows"])
    assert "second" not in json.dumps(state["rows"])
    asked = state["execution"]["stdin"]["request_id"]
    answered = await web.post(f"{session}/stdin", json={"request_id": asked, "text": ""})
    assert answered.status_code == 200
    state = await ended(web, session, accepted.json()["execution_id"])
    assert state["execution"]["status"] == "ok"
    assert "second" in json.dumps(state["rows"])


async def test_output_comes_in_pages(web: httpx.AsyncClient, session: str) -> None:
    state = await run(web, session, "for i in range(9000): print('row', i)")
    execution_id = state["execution"]["execution_id"]
    assert state["rows"]["total"] >= 9000
    rows = (await web.get(f"{session}/executions/{execution_id}/rows?start=8000&count=2")).json()
    assert rows["runs"] == [{"kind": "stdout", "text": "row 8000\nrow 8001"}]
    found = (await web.get(f"{session}/search", params={"pattern": "row 8765"})).json()
    assert [match["row"] for match in found["matches"]] == [8765]


async def test_interrupt_and_cancel(web: httpx.AsyncClient, session: str) -> None:
    code = "print('on', flush=True)\nimport time\nwhile True: time.sleep(0.01)"
    first = (await web.post(f"{session}/executions", json={"code": code})).json()["execution_id"]
    second = (await web.post(f"{session}/executions", json={"code": "1"})).json()["execution_id"]
    await state_once(web, f"{session}/executions/{first}", lambda s: s["rows"]["total"])
    assert (await web.post(f"{session}/executions/{second}/cancel")).status_code == 202
    assert (await ended(web, session, second))["execution"]["status"] == "cancelled"
    assert (await web.post(f"{session}/interrupt")).status_code == 202
    state = await ended(web, session, first)
    assert state["execution"]["error"]["name"] == "KeyboardInterrupt"


@pytest.mark.slow
async def test_options_stand_in_options_or_beside_the_code(
    web: httpx.AsyncClient, session: str
) -> None:
    endless = "while True: pass"
    for body in (
        {"code": endless, "timeout": 0.2},
        {"code": endless, "options": {"timeout": 0.2}},
    ):
        accepted = await web.post(f"{session}/executions", json=body)
        state = await ended(web, session, accepted.json()["execution_id"])
        assert state["execution"]["status"] == "timed_out"
        assert state["execution"]["options"]["timeout"] == 0.2
    wrong = await web.post(f"{session}/executions", json={"code": "1", "options": {"silent": 3}})
    assert wrong.status_code == 400


async def test_a_snapshot_has_the_variables_of_the_last_run(
    web: httpx.AsyncClient, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long the kernel is kept from its processor.
    monkeypatch.setattr(variables, "CATCH_UP_SECONDS", DEADLINE)
    monkeypatch.setattr(variables, "DEADLINE", DEADLINE)
    for value in ("1", "2"):
        await run(web, session, f"x = {value}")
        kernels = (await web.get(session)).json()["kernels"]
        assert [each["preview"] for each in kernels["python"]["variables"]] == [value]
    await run(web, session, "x = 3")
    events = (await web.get(f"{session}/events")).text.splitlines()
    taken = [event for event in map(json.loads, events) if "variables" in event["event"]]
    assert [each["preview"] for each in taken[-1]["event"]["variables"]] == ["3"]


async def test_memory_of_variables(
    web: httpx.AsyncClient, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variables, "DEADLINE", DEADLINE)
    await run(web, session, "held, small = ['x' * 1_000_000], 1")
    reply = await web.post(f"{session}/variable-sizes", json={})
    sizes = {each["name"]: each for each in reply.json()["sizes"]}
    assert 1_000_000 < sizes["held"]["size"] < 1_001_000
    reply = await web.post(f"{session}/variable-sizes", json={"names": ["small"]})
    assert [each["name"] for each in reply.json()["sizes"]] == ["small"]


@pytest.mark.slow
async def test_kernels_of_a_session(web: httpx.AsyncClient, session: str) -> None:
    await run(web, session, "x = 1")
    started = await web.post(f"{session}/kernels", json={"kernel": "python-2"})
    assert started.status_code == 202
    state = await run(web, session, "x = 2", kernel="python-2")
    assert state["execution"]["options"]["kernel"] == "python-2"
    assert [
        (await web.get(f"{session}/variables", params={"kernel": name})).json()["variables"][0][
            "preview"
        ]
        for name in ("", "python-2")
    ] == ["1", "2"]
    kernels = (await web.get(session)).json()["kernels"]
    assert [(name, view["state"]) for name, view in kernels.items()] == [
        ("python", "idle"),
        ("python-2", "idle"),
    ]
    assert (await web.post(f"{session}/kernels/python-2/default")).status_code == 200
    assert (await web.get(session)).json()["default_kernel"] == "python-2"
    assert (await web.delete(f"{session}/kernels/python-2")).status_code == 409
    assert (await web.delete(f"{session}/kernels/none")).status_code == 404
    assert (await web.post(f"{session}/kernels/python/default")).status_code == 200
    assert (await web.delete(f"{session}/kernels/python-2")).status_code == 200
    assert list((await web.get(session)).json()["kernels"]) == ["python"]


@pytest.mark.slow
async def test_the_life_of_a_session(web: httpx.AsyncClient, session: str) -> None:
    assert (await web.patch(session, json={"name": "other"})).status_code == 200
    assert (await web.get("/v1/sessions/other")).json()["name"] == "other"
    await run(web, session, "x = 1")
    assert (await web.post(f"{session}/kernel/restart", json={})).status_code == 200
    assert (await run(web, session, "x"))["execution"]["error"]["name"] == "NameError"
    assert (await web.delete(session)).status_code == 409
    assert (await web.post(f"{session}/stop")).status_code == 200
    assert (await web.delete(session)).status_code == 200
    assert (await web.get(session)).status_code == 404
    assert (await web.get("/v1/sessions")).json()["sessions"] == []


async def test_a_closed_session_can_be_read_and_no_more(
    web: httpx.AsyncClient, session: str
) -> None:
    state = await run(web, session, "print('kept')\n'and shown'")
    execution = f"{session}/executions/{state['execution']['execution_id']}"
    before = (await web.get(session)).json()
    assert (await web.post(f"{session}/stop")).status_code == 200
    for _ in range(2):  # read from disk, and from what is kept at hand
        after = (await web.get(session)).json()
        assert after["closed"] and after["executions"] == before["executions"]
    rows = (await web.get(f"{execution}/rows", params={"start": 0, "count": 5})).json()
    assert rows["runs"][0]["text"] == "kept"
    assert "and shown" in (await web.get(f"{session}/export")).text
    refused = await web.post(f"{session}/executions", json={"code": "1"})
    assert refused.status_code == 409
    assert (await web.post(f"{session}/stop")).status_code == 404
    listed = (await web.get("/v1/sessions", params={"ended": True})).json()
    assert [each["state"] for each in listed["sessions"]] == ["closed"]


async def test_kernels_usage_history_and_completion(web: httpx.AsyncClient, session: str) -> None:
    await run(web, session, "import os")
    assert (await web.get("/v1/kernels")).json()["kernels"]
    assert (await web.get(f"{session}/kernel/usage")).json()["rss"] > 1_000_000
    history = (await web.get(f"{session}/history?pattern=import")).json()["entries"]
    assert history[0]["code"] == "import os"
    completed = await web.post(f"{session}/complete", json={"code": "os.path.jo", "cursor": 10})
    assert any("join" in match["text"] for match in completed.json()["matches"])


async def test_files_stay_in_the_working_folder(
    web: httpx.AsyncClient, session: str, tmp_path: Path
) -> None:
    content = bytes(range(256))
    assert (await web.put(f"{session}/files/a/b.bin", content=content)).status_code == 200
    assert (tmp_path / "a/b.bin").read_bytes() == content
    read = await web.get(f"{session}/files/a/b.bin")
    assert read.content == content
    assert read.headers["x-content-type-options"] == "nosniff"
    again = await web.get(
        f"{session}/files/a/b.bin", headers={"If-None-Match": read.headers["etag"]}
    )
    assert again.status_code == 304
    listed = (await web.get(f"{session}/files?path=a")).json()["entries"]
    assert [entry["path"] for entry in listed] == ["a/b.bin"]
    (tmp_path.parent / "outside.txt").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path.parent / "outside.txt")
    for path in ("..%2foutside.txt", "link", "%2fetc%2fpasswd", "a/..%2f..%2foutside.txt"):
        answer = await web.get(f"{session}/files/{path}")
        assert answer.status_code in (400, 403, 404), (path, answer.text)
        assert "secret" not in answer.text
        # Writing to a link may put a file in its place; what it pointed to stays as it was.
        written = await web.put(f"{session}/files/{path}", content=b"overwritten")
        assert written.status_code in (400, 403, 404) or path == "link", (path, written.text)
    assert (tmp_path.parent / "outside.txt").read_text() == "secret"


async def test_artifacts_and_displays_are_bytes_with_their_type(
    web: httpx.AsyncClient, session: str, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("<script>alert(1)</script>")
    assert (await web.post(f"{session}/artifacts", json={"path": "page.html"})).status_code == 201
    artifact = (await web.get(f"{session}/artifacts")).json()["artifacts"][0]
    got = await web.get(f"{session}/artifacts/{artifact['id']}")
    assert got.text == "<script>alert(1)</script>"
    assert got.headers["content-type"].startswith("text/html")
    assert got.headers["content-disposition"] == "attachment"
    assert "sandbox" in got.headers["content-security-policy"]
    state = await run(
        web,
        session,
        "import zlib, struct\nfrom IPython.display import Image\n"
        "def chunk(t, d): return (struct.pack('>I', len(d)) + t + d + "
        "struct.pack('>I', zlib.crc32(t + d)))\n"
        "rows = b''.join(b'\\0' + __import__('os').urandom(3 * 200) for _ in range(200))\n"
        "head = struct.pack('>2I5B', 200, 200, 8, 2, 0, 0, 0)\n"
        "Image(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', head)"
        " + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))",
    )
    parts = {p["mime"]: p for d in state["execution"]["displays"] for p in d["parts"]}
    image = await web.get(f"{session}/blobs/{parts['image/png']['blob']}")
    assert image.headers["content-type"] == "image/png"
    assert image.content.startswith(b"\x89PNG")


async def test_a_session_is_exported(web: httpx.AsyncClient, session: str) -> None:
    await run(web, session, "print('out')\nprint('two')\n6 * 7")
    await run(web, session, "1 / 0")
    exported = await web.get(f"{session}/export?format=ipynb")
    notebook = nbformat.reads(exported.text, 4)  # type: ignore[no-untyped-call]  # it has no types
    nbformat.validate(notebook)
    first, second = notebook.cells
    assert first.outputs[0].text == "out\ntwo\n"
    assert first.outputs[1].data["text/plain"] == "42"
    assert second.outputs[0].ename == "ZeroDivisionError"
    text = (await web.get(f"{session}/export?format=txt")).text
    assert "In [1]: print('out')" in text
    assert "ZeroDivisionError" in text
    events = (await web.get(f"{session}/export?format=jsonl")).text.splitlines()
    numbers = [json.loads(line)["seq"] for line in events]
    assert numbers == list(range(1, len(numbers) + 1))
    assert (await web.get(f"{session}/export?format=pdf")).status_code == 400


async def test_events_come_as_lines_and_can_be_followed(
    web: httpx.AsyncClient, session: str
) -> None:
    await run(web, session, "1")
    lines = (await web.get(f"{session}/events?after=0")).text.splitlines()
    last = json.loads(lines[-1])["seq"]
    await web.post(f"{session}/executions", json={"code": "print('later')"})
    async with (
        asyncio.timeout(DEADLINE),
        web.stream("GET", f"{session}/events?after={last}&follow=true") as stream,
    ):
        async for line in stream.aiter_lines():
            assert json.loads(line)["seq"] > last
            if "execution_finished" in line:
                break


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/nothing", None, 404, "not_found"),
        ("DELETE", "/v1/health", None, 405, "usage"),
        ("GET", "/v1/sessions/nobody", None, 404, "not_found"),
        ("POST", "/v1/sessions", "{", 400, "usage"),
        ("POST", "/v1/sessions", "[]", 400, "usage"),
        ("POST", "/v1/sessions", "{}", 400, "usage"),
        ("POST", "/v1/sessions", '{"cwd": "/", "colour": 1}', 400, "usage"),
        ("POST", "/v1/sessions", '{"cwd": 1}', 400, "usage"),
        ("POST", "/v1/sessions", '{"cwd": "/not/there"}', 400, "usage"),
        ("POST", "SESSION/executions", "{}", 400, "usage"),
        ("GET", "SESSION/executions/none", None, 404, "not_found"),
        ("GET", "SESSION/executions/none/rows?start=x&count=1", None, 400, "usage"),
        ("GET", "SESSION/executions/none?start=x", None, 400, "usage"),
        ("GET", "SESSION/artifacts/none", None, 404, "not_found"),
        ("GET", "SESSION/blobs/none", None, 404, "not_found"),
        ("POST", "SESSION/interrupt", None, 409, "conflict"),
        ("GET", "SESSION/events?output=half", None, 400, "usage"),
    ],
)
async def test_every_error_is_the_same_problem(
    web: httpx.AsyncClient,
    session: str,
    method: str,
    path: str,
    body: str | None,
    status: int,
    code: str,
) -> None:
    answer = await web.request(method, path.replace("SESSION", session), content=body)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert set(problem) == PROBLEM
    assert problem["code"] == code
    assert problem["message"]


async def test_a_request_that_is_too_long_is_refused(web: httpx.AsyncClient, session: str) -> None:
    answer = await web.put(f"{session}/files/big", content=b"x" * (17 * 2**20))
    assert answer.status_code == 413
    assert set(answer.json()) == PROBLEM

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * 2**20

    answer = await web.put(f"{session}/files/big", content=pieces())
    assert answer.status_code == 413


# -- on a network ------------------------------------------------------------------------


async def test_the_network_asks_for_the_token(here: Here) -> None:
    async with httpx.AsyncClient(base_url=here.url, timeout=60) as web:
        right = {"Authorization": f"Bearer {here.token}"}
        assert (await web.get("/v1/health", headers=right)).status_code == 200
        # Addresses are kept in logs and histories.
        assert (await web.get(f"/v1/health?token={here.token}")).status_code == 401
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
            answer = await web.get("/v1/health", headers=headers)
            assert answer.status_code == 401
            assert set(answer.json()) == PROBLEM
            assert here.token not in answer.text
        for path in ("/docs", "/openapi.json", "/v1/nothing"):
            assert (await web.get(path)).status_code == 401


@pytest.mark.slow
async def test_each_path_asks_for_the_token_and_its_own_name(here: Here) -> None:
    right = {"Authorization": f"Bearer {here.token}"}
    async with httpx.AsyncClient(base_url=here.url, timeout=60) as web:
        document = (await web.get("/openapi.json", headers=right)).json()
        doors = [(method, path) for path, each in document["paths"].items() for method in each]
        doors += [("post", "/api/v1/sessions/execute/python"), ("get", "/v1/v1/info")]
        assert len(doors) > 60
        strangers: tuple[dict[str, str], ...] = (
            {},
            {**right, "Host": "evil.example"},
            {**right, "Origin": "http://evil.example"},
        )
        for method, path in doors:
            for headers in strangers:
                answer = await web.request(method, path, headers=headers)
                assert answer.status_code == 401, (method, path, headers)
    assert not here.host.sessions
    assert not (here.host.state / "workspaces").exists()


async def test_names_that_are_not_ours_and_pages_of_others_are_refused(here: Here) -> None:
    async with httpx.AsyncClient(base_url=here.url, timeout=60) as web:
        right = {"Authorization": f"Bearer {here.token}"}
        for bad in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            assert (await web.get("/v1/health", headers={**right, **bad})).status_code == 401
        own = {"Origin": here.url}
        assert (await web.get("/v1/health", headers={**right, **own})).status_code == 200


async def test_the_token_is_never_logged(here: Here, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for name in ("uvicorn", "codeexec"):
        caplog.set_level("DEBUG", name)
    async with httpx.AsyncClient(base_url=here.url, timeout=60) as web:
        await web.get(f"/v1/health?token={here.token}")
        await web.get(f"/v1/health?token={here.token}x")
    ours = [r for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    assert all(here.token not in record.getMessage() for record in ours)


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 40


@pytest.mark.slow
async def test_a_terminal_by_http(web: httpx.AsyncClient, session: str) -> None:
    opened = await web.post(
        f"{session}/terminals", json={"argv": ["sh", "-c", "read line; echo got $line"]}
    )
    assert opened.status_code == 201, opened.text
    terminal = f"{session}/terminals/{opened.json()['terminal']['terminal_id']}"
    typed = {"items": [{"type": "text", "text": "six"}, {"type": "key", "key": "enter"}]}
    answer = await web.post(f"{terminal}/input", json=typed)
    assert answer.status_code == 200, answer.text
    await state_once(web, f"{terminal}/text", lambda s: "got six" in s["text"])
    found = (await web.get(f"{terminal}/search", params={"pattern": "got"})).json()
    assert len(found["matches"]) == 1
    assert (await web.get(f"{terminal}/rows")).json()["total"] >= 2
    assert (await web.post(f"{terminal}/size", json={"columns": 60, "rows": 20})).status_code == 200
    assert (await web.delete(terminal)).status_code == 200
    assert (await web.get(f"{terminal}/text")).status_code == 404
