"""Long-running operations: the documented requests, against a real server and a real kernel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from codeexec.domain.options import ExecuteOptions
from codeexec.domain.requests import Execute
from support.servers import Here, poll, serve_here, short_folder, wait_until

DEADLINE = 90.0


@pytest.fixture
async def kernel(web: httpx.AsyncClient) -> str:
    started = await web.post("/start_kernel")
    assert started.status_code == 200, started.text
    assert list(started.json()) == ["id"]
    return str(started.json()["id"])


async def submit(web: httpx.AsyncClient, kernel: str, code: str) -> str:
    answer = await web.post("/execute_code", json={"id": kernel, "code": code})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["execution_id"]
    return str(answer.json()["execution_id"])


async def status_once(
    web: httpx.AsyncClient, execution_id: str, holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        answer = await web.get(f"/execution_status/{execution_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return await poll(look, holds, f"{execution_id} to change", DEADLINE)


async def ended(web: httpx.AsyncClient, execution_id: str) -> dict[str, Any]:
    return await status_once(web, execution_id, lambda s: s["status"] in ("COMPLETED", "FAILED"))


async def test_the_counter_of_sixty_lines_is_seen_at_line_eighteen(
    web: httpx.AsyncClient, kernel: str, here: Here
) -> None:
    # The counter waits at line 18 until the test has looked, in place of a second for each line.
    code = (
        "import os, time\n"
        "for i in range(60):\n"
        "    print(f'Count: {i}', flush=True)\n"
        "    while i == 17 and not os.path.exists('go'): time.sleep(0.01)"
    )
    execution_id = await submit(web, kernel, code)
    lines = [f"Count: {i}\n" for i in range(60)]
    status = await status_once(web, execution_id, lambda s: s["output"]["stdout"].count("\n") == 18)
    assert status == {
        "execution_id": execution_id,
        "kernel_id": kernel,
        "status": "RUNNING",
        "created_at": status["created_at"],
        "started_at": status["started_at"],
        "completed_at": None,
        "output": {
            "stdout": "".join(lines[:18]),
            "stderr": "",
            "result": None,
            "error": None,
            "traceback": [],
            "execution_count": None,
            "status": "ok",
        },
        "results": status["output"],
        "error": None,
    }
    assert 0 < status["created_at"] <= status["started_at"]
    written = await web.put(f"/v1/sessions/{kernel}/files/go", content=b"")
    assert written.status_code == 200
    status = await ended(web, execution_id)
    assert status["status"] == "COMPLETED"
    assert status["output"]["stdout"] == "".join(lines)
    assert status["output"]["execution_count"] == 1
    assert status["completed_at"] >= status["started_at"]


async def test_output_has_exactly_the_newlines_that_were_written(
    web: httpx.AsyncClient, kernel: str
) -> None:
    for code, stdout, stderr, result in (
        ("print('a')", "a\n", "", None),
        ("print('a', end='')", "a", "", None),
        ("print('a\\n\\nb\\n')", "a\n\nb\n\n", "", None),
        ("import sys; print('x', end='', file=sys.stderr); 6 * 7", "", "x", "42"),
        ("'text'", "", "", "'text'"),
    ):
        output = (await ended(web, await submit(web, kernel, code)))["output"]
        assert (output["stdout"], output["stderr"], output["result"]) == (stdout, stderr, result)


@pytest.mark.slow
async def test_an_exception_is_failed_and_the_next_execution_runs(
    web: httpx.AsyncClient, kernel: str
) -> None:
    first = await submit(web, kernel, "print('before')\n1 / 0")
    second = await submit(web, kernel, "print('after')")
    # Asking for input cannot be answered here: it fails, and does not wait for ever.
    third = await submit(web, kernel, "input()")
    status = await ended(web, first)
    assert status["status"] == "FAILED"
    assert status["error"] == status["output"]["error"] == "ZeroDivisionError: division by zero"
    assert status["output"]["status"] == "error"
    assert status["output"]["stdout"] == "before\n"
    assert "1 / 0" in "\n".join(status["output"]["traceback"])
    assert "\x1b" not in "".join(status["output"]["traceback"])
    assert (await ended(web, second))["output"]["stdout"] == "after\n"
    assert (await ended(web, third))["status"] == "FAILED"


async def test_what_waits_is_pending(web: httpx.AsyncClient, kernel: str) -> None:
    first = await submit(web, kernel, "while True: pass")
    second = await submit(web, kernel, "1")
    await status_once(web, first, lambda s: s["status"] == "RUNNING")
    status = (await web.get(f"/execution_status/{second}")).json()
    assert (status["status"], status["started_at"]) == ("PENDING", None)
    ending = await web.post("/shutdown_kernel", json={"id": kernel})
    assert ending.json() == {"message": f"Kernel {kernel} shutdown"}
    for execution_id in (first, second):
        status = (await web.get(f"/execution_status/{execution_id}")).json()
        assert status["status"] == "FAILED"
        assert status["error"]


async def test_unknown_ids_and_blank_code(
    web: httpx.AsyncClient, kernel: str, tmp_path: Path
) -> None:
    for path, body, status, detail in (
        ("/execute_code", {"id": "none", "code": "1"}, 404, "Kernel not found"),
        ("/shutdown_kernel", {"id": "none"}, 404, "Kernel not found"),
    ):
        answer = await web.post(path, json=body)
        assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    answer = await web.get("/execution_status/none")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Execution not found")
    bodies: tuple[object, ...] = (
        {"id": kernel, "code": " \n"},
        {"id": kernel},
        {"id": kernel, "code": 1},
        [],
    )
    for each in bodies:
        answer = await web.post("/execute_code", json=each)
        assert answer.status_code == 422, answer.text
        assert answer.json()["detail"][0]["msg"]
    # Nor does the beginning of several ids of sessions name an execution.
    for name in ("one", "two"):
        opening = {"cwd": str(tmp_path), "name": name, "start_kernel": False}
        session = (await web.post("/v1/sessions", json=opening)).json()["session_id"]
        assert (await web.post(f"/v1/sessions/{session}/stop")).status_code == 200
    assert (await web.get("/execution_status/none-")).status_code == 404
    malformed = await web.post("/execute_code", content=b'{"id": ')
    assert malformed.status_code == 400
    # An id is whole: the beginning of one ends no kernel.
    assert (await web.post("/shutdown_kernel", json={"id": kernel[:9]})).status_code == 404
    assert (await web.post("/shutdown_kernel", json={"id": kernel})).status_code == 200
    assert (await web.post("/shutdown_kernel", json={"id": kernel})).status_code == 404
    assert (await web.get("/health")).json() == {"status": "ok"}


async def test_it_tells_whether_kernels_can_be_started(web: httpx.AsyncClient, here: Here) -> None:
    answer = await web.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
    (here.host.state / "sessions").rename(here.host.state / "gone")
    answer = await web.get("/ready")
    assert answer.status_code == 503
    assert "sessions cannot be written" in answer.json()["message"]
    assert (await web.get("/health")).status_code == 200


async def test_two_kernels_run_at_once_in_folders_of_their_own(
    web: httpx.AsyncClient, kernel: str
) -> None:
    other = str((await web.post("/start_kernel", json={})).json()["id"])
    code = "import os\nx = os.getpid()\nopen('mine', 'x').close()\nos.listdir()"
    runs = [await submit(web, each, code) for each in (kernel, other)]
    statuses = [await ended(web, execution_id) for execution_id in runs]
    assert [status["output"]["result"] for status in statuses] == ["['mine']", "['mine']"]


@pytest.mark.slow
async def test_states_are_found_by_the_next_server() -> None:
    with short_folder() as folder:
        async with serve_here(folder) as here, client_of(here) as web:
            kernel = (await web.post("/start_kernel")).json()["id"]
            execution_id = await submit(web, kernel, "print(1)")
            before = await ended(web, execution_id)
        Path(here.socket).unlink()
        async with serve_here(folder) as here, client_of(here) as web:
            assert (await ended(web, execution_id)) == before


def client_of(here: Here) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=here.socket)
    return httpx.AsyncClient(transport=transport, base_url="http://local", timeout=DEADLINE)


# -- long polls --------------------------------------------------------------------------


WAITS = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('went')"


async def running(web: httpx.AsyncClient, kernel: str, **options: Any) -> str:
    """An execution that runs until there is a file `go`; returns its path."""
    body = {"code": WAITS, **options}
    accepted = await web.post(f"/v1/sessions/{kernel}/executions", json=body)
    assert accepted.status_code == 202, accepted.text
    execution_id = accepted.json()["execution_id"]
    path = f"/v1/sessions/{kernel}/executions/{execution_id}"
    # With its prompt number: nothing changes any more before there is the file.
    await poll(
        lambda: web.get(path),
        lambda answer: answer.json()["execution"].get("count") is not None,
        "a prompt number",
        DEADLINE,
    )
    return path


async def test_a_tag_tells_whether_an_execution_has_changed(
    web: httpx.AsyncClient, kernel: str
) -> None:
    path = await running(web, kernel)
    tag = (await web.get(path)).headers["etag"]
    same = await web.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.headers["etag"], same.content) == (304, tag, b"")
    assert (await web.get(path, params={"count": 1})).headers["etag"] != tag
    for wait in ("no", "-1", "nan", "1e9", ""):
        assert (await web.get(path, params={"wait": wait})).status_code == 400
    # The time is over before anything changes.
    short = {"wait": "0.05"}
    assert (await web.get(path, params=short, headers={"If-None-Match": tag})).status_code == 304
    assert (await web.get(path, params=short)).headers["etag"] == tag


@pytest.mark.parametrize("way", ["query", "prefer", "tag", "old path"])
async def test_a_long_poll_answers_at_the_first_change(
    web: httpx.AsyncClient, kernel: str, here: Here, way: str
) -> None:
    path = await running(web, kernel)
    tag = (await web.get(path)).headers["etag"]
    requests: dict[str, Callable[[], Coroutine[Any, Any, httpx.Response]]] = {
        "query": lambda: web.get(path, params={"wait": "30"}),
        "prefer": lambda: web.get(path, headers={"Prefer": "respond-async, wait=30"}),
        "tag": lambda: web.get(path, params={"wait": "30"}, headers={"If-None-Match": tag}),
        "old path": lambda: web.get(
            f"/execution_status/{path.rpartition('/')[2]}", params={"wait": "30"}
        ),
    }
    waiting = asyncio.create_task(requests[way]())
    watch = here.host.session(kernel).execution_watch
    await wait_until(lambda: watch.waiting == 1, "the long poll to be held")
    await web.put(f"/v1/sessions/{kernel}/files/go", content=b"")
    answer = await waiting
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag
    assert watch.waiting == 0
    # What is over is told at once.
    await ended(web, path.rpartition("/")[2])
    over = await web.get(path, params={"wait": "30"})
    assert over.json()["execution"]["status"] == "ok"


@pytest.mark.parametrize("way", ["query", "prefer"])
async def test_one_request_is_a_whole_execution(
    web: httpx.AsyncClient, kernel: str, way: str
) -> None:
    wait: dict[str, Any] = {
        "query": {"params": {"wait": "60"}},
        "prefer": {"headers": {"Prefer": "respond-async, wait=60"}},
    }[way]
    body = {"id": kernel, "code": "print('said')\n6 * 7"}
    answer = await web.post("/execute_code", json=body, **wait)
    assert answer.status_code == 200, answer.text
    status = answer.json()
    assert (status["status"], status["output"]["result"]) == ("COMPLETED", "42")
    assert status["output"]["stdout"] == "said\n"
    place = answer.headers["content-location"]
    assert (await web.get(place)).json() == status

    path = f"/v1/sessions/{kernel}/executions"
    body = {"code": "runs = globals().get('runs', 0) + 1; runs", "execution_id": f"by-{way}"}
    for _ in range(2):  # a lost answer is asked for again
        answer = await web.post(path, json=body, **wait)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-location"] == f"{path}/by-{way}"
        assert answer.json() == (await web.get(f"{path}/by-{way}")).json()
        (run,) = answer.json()["rows"]["runs"]
        assert run["display"]["parts"][0]["text"] == "1"
    failed = await web.post("/execute_code", json={"id": kernel, "code": "1 / 0"}, **wait)
    assert failed.json()["error"] == "ZeroDivisionError: division by zero"


async def test_a_request_that_waits_in_vain_is_answered_with_what_runs(
    web: httpx.AsyncClient, kernel: str, here: Here
) -> None:
    path = f"/v1/sessions/{kernel}/executions"
    short = {"wait": "0.05"}
    answer = await web.post(path, json={"code": WAITS}, params=short)
    assert answer.status_code == 202, answer.text
    assert answer.json()["execution"]["status"] in ("queued", "running")
    answer = await web.post("/execute_code", json={"id": kernel, "code": "1"}, params=short)
    assert (answer.status_code, answer.json()["status"]) == (200, "PENDING")
    changed = asyncio.create_task(
        web.get(
            answer.headers["content-location"],
            params={"wait": "60"},
            headers={"If-None-Match": answer.headers["etag"]},
        )
    )
    watch = here.host.session(kernel).execution_watch
    await wait_until(lambda: watch.waiting == 1, "the long poll to be held")
    queued = len(here.host.session(kernel).snapshot.executions)
    for wrong in ("no", "-1", ""):
        for bad_path, body in (
            (path, {"code": "2"}),
            ("/execute_code", {"id": kernel, "code": "2"}),
        ):
            answer = await web.post(bad_path, json=body, params={"wait": wrong})
            assert answer.status_code == 400, answer.text
    assert len(here.host.session(kernel).snapshot.executions) == queued
    await web.put(f"/v1/sessions/{kernel}/files/go", content=b"")
    assert (await changed).json()["status"] in ("RUNNING", "COMPLETED")


@pytest.mark.parametrize("choice", ["interrupt", "continue"])
async def test_what_happens_when_a_client_goes_away_whose_request_waits_for_the_end(
    web: httpx.AsyncClient, kernel: str, here: Here, choice: str
) -> None:
    watch = here.host.session(kernel).execution_watch
    path = f"/v1/sessions/{kernel}/executions"
    body = {"code": WAITS, "execution_id": "left", "options": {"on_disconnect": choice}}
    async with client_of(here) as other:
        waiting = asyncio.create_task(other.post(path, json=body, params={"wait": "60"}))
        await wait_until(lambda: watch.waiting == 1, "the request to be held")
        await status_once(web, "left", lambda s: s["status"] == "RUNNING")
        waiting.cancel()
    await wait_until(lambda: watch.waiting == 0, "the server to see that the client has gone")
    if choice == "continue":
        await web.put(f"/v1/sessions/{kernel}/files/go", content=b"")
    status = await ended(web, "left")
    assert status["status"] == {"continue": "COMPLETED", "interrupt": "FAILED"}[choice]


@pytest.mark.slow
@pytest.mark.parametrize("choice", ["interrupt", "continue"])
async def test_what_happens_when_a_waiting_client_goes_away(
    web: httpx.AsyncClient, kernel: str, here: Here, choice: str
) -> None:
    path = await running(web, kernel, on_disconnect=choice)
    watch = here.host.session(kernel).execution_watch
    async with client_of(here) as other:
        waiting = asyncio.create_task(other.get(path, params={"wait": "30"}))
        await wait_until(lambda: watch.waiting == 1, "the long poll to be held")
        waiting.cancel()
    await wait_until(lambda: watch.waiting == 0, "the server to see that the client has gone")
    if choice == "continue":
        await web.put(f"/v1/sessions/{kernel}/files/go", content=b"")
    status = await ended(web, path.rpartition("/")[2])
    assert status["status"] == {"continue": "COMPLETED", "interrupt": "FAILED"}[choice]


async def test_an_execution_that_is_tied_to_a_socket_ends_with_it(
    web: httpx.AsyncClient, kernel: str, here: Here
) -> None:
    async with here.client() as client:
        session = client.session(kernel)
        free = await session.call(Execute("1"))
        tied = [
            await session.call(
                Execute("while True: pass", options=ExecuteOptions(on_disconnect="interrupt"))
            )
            for _ in range(2)
        ]
        await status_once(web, tied[0].execution_id, lambda s: s["status"] == "RUNNING")
    statuses = [await ended(web, each.execution_id) for each in (free, *tied)]
    assert [status["status"] for status in statuses] == ["COMPLETED", "FAILED", "FAILED"]


# -- server-sent events ------------------------------------------------------------------


async def test_events_are_sent_as_server_sent_events(
    web: httpx.AsyncClient, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeexec.server.rest.event_stream.KEEP_ALIVE", 0.1)
    await ended(web, await submit(web, kernel, "print('said')"))
    path = f"/v1/sessions/{kernel}/events"
    seen: list[dict[str, Any]] = []
    async with web.stream("GET", path, headers={"Accept": "text/event-stream"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        async for line in lines:
            if line == ": keep-alive" and "execution_finished" in json.dumps(seen):
                break  # all that has happened was sent
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: ")))
            elif line.startswith("id: "):
                numbers = int(line.removeprefix("id: "))
    assert seen[0]["event"]["type"] == "session_opened"
    assert "said" in json.dumps(seen)
    assert seen[-1]["seq"] == numbers
    resumed = {"Accept": "text/event-stream", "Last-Event-ID": str(numbers - 1)}
    async with web.stream("GET", path, headers=resumed) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("id: "):
                break
    assert line == f"id: {numbers}"
    bad = await web.get(path, headers={"Accept": "text/event-stream", "Last-Event-ID": "x"})
    assert bad.status_code == 400
