"""Limits of each user: what is too much is refused with the limit's name and number."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import LimitReached, UsageError
from codeexec.domain.options import ExecuteOptions
from codeexec.server.access import usage_meter
from codeexec.server.access.user_limits import UserLimits, user_limits
from codeexec.session.resources import watch
from support.jwt_users import client, finished, serving, token, web
from support.servers import poll


def is_limit(answer: httpx.Response, status: int, limit: str, number: int) -> None:
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert (problem["code"], problem["limit"], problem["number"]) == ("limit", limit, number)
    assert int(answer.headers["Retry-After"]) >= 1
    assert limit in problem["message"]
    assert problem["next_step"]


@pytest.mark.slow
async def test_a_burst_of_requests_is_cut_for_its_user_alone() -> None:
    async with serving(UserLimits(requests_per_second=2)) as here:
        async with web(here, token("anna")) as anna, web(here, token("ben")) as ben:
            answers = [await anna.get("/v1/limits") for _ in range(25)]
            refused = [answer for answer in answers if answer.status_code != 200]
            assert refused
            assert len(answers) - len(refused) >= 2
            is_limit(refused[0], 429, "requests_per_second", 2)
            assert (await ben.get("/v1/sessions")).status_code == 200
            again = await poll(
                lambda: anna.get("/v1/sessions"), lambda a: a.status_code == 200, "the next second"
            )
            assert again.json() == {"sessions": []}
        async with client(here, token("cleo")) as cleo:
            calls = (cleo.call(q.ListSessions()) for _ in range(25))
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert any(isinstance(result, LimitReached) for result in results)
            listeners = (anext(aiter(cleo.session("none").events())) for _ in range(25))
            batches = await asyncio.gather(*listeners, return_exceptions=True)
            assert any(isinstance(batch, LimitReached) for batch in batches)
        async with web(here, here.token) as operator:
            answers = [await operator.get("/v1/sessions") for _ in range(25)]
            assert {answer.status_code for answer in answers} == {200}


@pytest.mark.slow
async def test_sessions_are_counted_as_long_as_they_are_open() -> None:
    async with serving(UserLimits(sessions=2)) as here:
        async with web(here, token("anna")) as anna, web(here, token("ben")) as ben:
            first = {"name": "first", "start_kernel": False}
            opened = [await anna.post("/v1/sessions", json=first) for _ in range(3)]
            assert {answer.status_code for answer in opened} == {201}
            burst = (anna.post("/v1/sessions", json={"start_kernel": False}) for _ in range(4))
            answers = await asyncio.gather(*burst)
            assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403]
            is_limit(await anna.post("/start_kernel"), 403, "sessions", 2)
            leased = {**first, "lease": "mine"}  # another session, with a number in its name
            is_limit(await anna.post("/v1/sessions", json=leased), 403, "sessions", 2)
            named = {"session_id": "third", "path": "x", "content": ""}
            is_limit(await anna.post("/v1/sessions/files/write", json=named), 403, "sessions", 2)
            assert len((await anna.get("/v1/sessions")).json()["sessions"]) == 2
            assert (await ben.post("/v1/sessions", json=first)).status_code == 201
            assert (await anna.post("/v1/sessions/first/stop")).status_code == 200
            assert (await anna.post("/v1/sessions", json=first)).status_code == 201


@pytest.mark.slow
async def test_executions_run_on_so_many_kernels_at_a_time() -> None:
    waits = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"
    async with serving(UserLimits(running=1)) as here, web(here, token("anna")) as anna:
        kernels = [(await anna.post("/start_kernel")).json()["id"] for _ in range(2)]
        waiting = {"id": kernels[0], "code": waits}
        running = (await anna.post("/execute_code", json=waiting)).json()["execution_id"]
        queued = await anna.post("/execute_code", json={"id": kernels[0], "code": "1"})
        assert queued.status_code == 200  # waits for the kernel that runs
        other = {"id": kernels[1], "code": "1"}
        is_limit(await anna.post("/execute_code", json=other), 429, "running", 1)
        with pytest.raises(LimitReached):
            async with client(here, token("anna")) as host:
                await host.session(kernels[1]).call(q.Execute("1", "e"))
        await anna.put(f"/v1/sessions/{kernels[0]}/files/go", content=b"")
        for execution_id in (running, queued.json()["execution_id"]):
            assert (await finished(anna, execution_id))["status"] == "COMPLETED"
        await poll(
            lambda: anna.post("/execute_code", json=other),
            lambda answer: answer.status_code == 200,
            "the first kernel to be idle",
        )


@pytest.mark.slow
async def test_executions_run_for_so_long() -> None:
    async with serving(UserLimits(runtime=1)) as here, web(here, token("anna")) as anna:
        kernel = (await anna.post("/start_kernel")).json()["id"]
        recorder = here.host.session(kernel).recorder
        endless = {"id": kernel, "code": "while True: pass"}
        running = (await anna.post("/execute_code", json=endless)).json()["execution_id"]
        assert (await finished(anna, running))["status"] == "FAILED"
        view = recorder.find(running)
        assert view is not None
        assert (view.status, view.options.timeout) == ("timed_out", 1.0)
        long = {"code": "1", "options": {"timeout": 100.0}}
        accepted = await anna.post(f"/v1/sessions/{kernel}/executions", json=long)
        assert accepted.status_code == 202, accepted.text
        view = recorder.find(accepted.json()["execution_id"])
        assert view is not None
        assert view.options == ExecuteOptions(kernel="python", timeout=1.0)


async def test_streams_of_events_are_counted_while_they_are_open() -> None:
    async with serving(UserLimits(streams=1)) as here:
        async with web(here, token("anna")) as anna, client(here, token("anna")) as host:
            opened = await anna.post("/v1/sessions", json={"start_kernel": False})
            session = opened.json()["session_id"]
            address = f"/v1/sessions/{session}/events?follow=1"
            async with anna.stream("GET", address) as first:
                await anext(first.aiter_lines())
                is_limit(await anna.get(address), 429, "streams", 1)
                with pytest.raises(LimitReached):
                    await anext(aiter(host.session(session).events()))
            finite = await poll(
                lambda: anna.get(f"/v1/sessions/{session}/events"),
                lambda answer: answer.status_code == 200,
                "the stream to end",
            )
            assert "session_opened" in finite.text
            listener = aiter(host.session(session).events())
            assert await anext(listener)
            is_limit(await anna.get(address), 429, "streams", 1)


async def test_files_take_so_much_of_the_disk() -> None:
    async with serving(UserLimits(disk=10_000_000)) as here:
        async with web(here, token("anna")) as anna, web(here, token("ben")) as ben:
            for user in (anna, ben):
                opened = await user.post("/v1/sessions", json={"start_kernel": False})
                address = f"/v1/sessions/{opened.json()['session_id']}/files/big"
                (await user.get("/v1/limits")).raise_for_status()  # measured once
                assert (await user.put(address, content=bytes(4_000_000))).status_code == 200
                refused = await user.put(address, content=bytes(9_000_000))
                is_limit(refused, 403, "disk", 10_000_000)


@pytest.mark.slow
async def test_kernels_take_so_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_meter, "FRESH_SECONDS", 0.1)
    monkeypatch.setattr(watch, "PAUSE", 1000.0)  # it would end the kernel before
    async with serving(UserLimits(memory=1)) as here:
        async with web(here, token("anna")) as anna:
            session = (await anna.post("/start_kernel")).json()["id"]

            async def run() -> httpx.Response:
                code = {"code": "1"}
                return await anna.post(f"/v1/sessions/{session}/executions", json=code)

            refused = await poll(run, lambda a: a.status_code == 403, "memory to be measured")
            is_limit(refused, 403, "memory", 1)
            plugin = {"name": "runs", "implementation": "code = 1"}
            answer = await anna.post(f"/v1/sessions/{session}/plugins", json=plugin)
            is_limit(answer, 403, "memory", 1)


async def test_users_see_their_limits_and_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_meter, "FRESH_SECONDS", 0.1)
    async with serving(UserLimits(sessions=7, memory=0, disk=10**9)) as here:
        async with web(here, token("anna")) as anna, web(here, here.token) as operator:
            await anna.post("/v1/sessions", json={"start_kernel": False})

            async def look() -> dict[str, dict[str, Any]]:
                return by_name((await anna.get("/v1/limits")).json())

            limits = await poll(look, lambda limits: limits["disk"]["used"], "a measurement")
            assert (limits["sessions"]["limit"], limits["sessions"]["used"]) == (7, 1)
            assert limits["memory"]["limit"] is None
            assert limits["disk"]["used"] < 10**9
            assert set(limits) == {*UserLimits.__struct_fields__}
            unlimited = by_name((await operator.get("/v1/limits")).json())
            assert all(limit["limit"] is None for limit in unlimited.values())


def by_name(listed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {limit["name"]: limit for limit in listed["limits"]}


def test_limits_are_read_from_the_environment() -> None:
    assert user_limits({}) == UserLimits()
    assert user_limits(
        {"USER_MAX_SESSIONS": "3", "USER_MAX_DISK": "2Gi", "USER_MAX_RUNTIME": "300s"}
    ) == UserLimits(sessions=3, disk=2 * 2**30, runtime=300)
    assert user_limits({"USER_MAX_MEMORY": "500MB"}).memory == 500_000_000
    for text in ("", "many", "-1", "1.5", "2Xi"):
        with pytest.raises(UsageError, match="USER_MAX_RUNNING"):
            user_limits({"USER_MAX_RUNNING": text})
