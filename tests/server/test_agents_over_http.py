"""Clients of HTTP and of sockets that say that they are agents: the same rules as for MCP."""

from __future__ import annotations

import json
import time

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect

from codeexec.domain import requests as q
from codeexec.domain.errors import Denied
from codeexec.server.access.token_store import TokenStore
from codeexec.server.access.user_limits import UserLimits
from codeexec.session.settings import AgentSettings, HostSettings
from support.jwt_users import SECRET, client, finished, serving, token, web
from support.servers import Here, poll

RISKY = "import shutil; shutil.rmtree('nothing', ignore_errors=True); 'ran'"


def agent_token(user: str, name: object = "claude") -> str:
    claims = {"sub": user, "exp": time.time() + 600, "agent": name}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def agents(here: Here) -> list[httpx.AsyncClient]:
    """One that says so by a header, one by its token."""
    by_header = web(here, token("anna"))
    by_header.headers.encoding = "latin-1"
    by_header.headers["X-Agent"] = "claude\x85"
    return [by_header, web(here, agent_token("anna"))]


@pytest.mark.slow
async def test_code_of_an_agent_is_marked_and_risky_code_waits_for_the_user() -> None:
    async with serving() as here, web(here, token("anna")) as anna:
        session = (await anna.post("/start_kernel")).json()["id"]
        for agent in agents(here):
            async with agent:
                submission = {"id": session, "code": "1 + 1"}
                execution = (await agent.post("/execute_code", json=submission)).json()
                status = await finished(agent, execution["execution_id"])
                assert status["output"]["result"] == "2"
                view = here.host.session(session).recorder.find(execution["execution_id"])
                assert view is not None
                assert (view.is_agent, view.origin) == (True, "claude")

                risky = {"code": RISKY}
                path = f"/v1/sessions/{session}/executions"
                refused = await agent.post(path, json=risky)
                assert refused.status_code == 403, refused.text
                assert "workbench" in refused.json()["message"]
                workbench = q.ClientInfo("workbench", can_confirm=True)
                with here.host.session(session).join(workbench):
                    waiting = (await agent.post(path, json=risky)).json()["execution_id"]
                    state = (await agent.get(f"{path}/{waiting}")).json()["execution"]
                    assert state["confirm"]
                    confirm = f"{path}/{waiting}/confirm"
                    assert (await agent.post(confirm, json={"allow": True})).status_code == 403
                    assert (await anna.post(confirm, json={"allow": True})).status_code == 200
                    assert (await finished(agent, waiting))["output"]["result"] == "'ran'"


@pytest.mark.slow
async def test_an_agent_gets_no_terminal_and_no_program_that_cannot_be_confirmed() -> None:
    async with serving() as here, web(here, token("anna")) as anna:
        session = (await anna.post("/start_kernel")).json()["id"]
        for agent in agents(here):
            async with agent:
                opened = await agent.post(f"/v1/sessions/{session}/terminals", json={})
                assert opened.status_code == 403, opened.text
                for address, fields in (
                    ("/v1/sessions/execute/python", {"code": "1"}),
                    ("/v1/sessions/execute/binary", {"binary_path": "x"}),
                    ("/v1/sessions/build/cpp", {"source_files": ["x.c"], "output_binary": "x"}),
                ):
                    refused = await agent.post(address, json={"session_id": session, **fields})
                    assert refused.status_code == 403, (address, refused.text)
                    assert "agent" in refused.json()["message"]
        address = f"ws://127.0.0.1:{here.port}/v1/sessions/{session}/terminal"
        async with connect(f"{address}?token={agent_token('anna')}") as socket:
            assert "no terminals" in json.loads(await socket.recv())["message"]
        async with client(here, agent_token("anna")) as host:
            # Its token says so, whatever the client says.
            with pytest.raises(Denied, match="no terminals"):
                await host.session(session).call(q.OpenTerminal())
    settings = HostSettings(agents=lambda: AgentSettings(confirm="never"))
    async with serving(settings=settings) as here:
        for agent in agents(here):
            async with agent:
                code = {"session_id": "work", "code": "print('hello')"}
                started = await agent.post("/v1/sessions/execute/python", json=code)
                assert started.status_code == 200, started.text


async def test_a_token_may_be_made_for_an_agent() -> None:
    async with serving() as here:
        text, _ = TokenStore(here.host.state).create("anna", "run", 600.0, "claude")
        async with web(here, text) as agent:
            session = (await agent.post("/start_kernel")).json()["id"]
            path = f"/v1/sessions/{session}/executions"
            assert (await agent.post(path, json={"code": RISKY})).status_code == 403
        async with web(here, agent_token("anna", name={"odd": True})) as agent:
            assert (await agent.post(path, json={"code": RISKY})).status_code == 403


@pytest.mark.slow
async def test_the_docs_take_a_login_of_a_browser_and_nothing_else_does() -> None:
    async with serving() as here, httpx.AsyncClient(base_url=here.url, timeout=60) as browser:
        for path in ("/", "/docs", "/openapi.json"):
            asked = await browser.get(path)
            assert asked.status_code == 401
            bearer, asking = asked.headers.get_list("www-authenticate")
            assert bearer == "Bearer"
            assert asking.startswith('Basic realm="codeexec-tui')
            for password in (here.token, token("anna")):
                shown = await browser.get(path, auth=("anyone", password))
                assert shown.status_code == 200
            for password in ("", "wrong", token("anna", seconds=-1)):
                assert (await browser.get(path, auth=("", password))).status_code == 401
        for method, path in (("GET", "/v1/sessions"), ("POST", "/docs"), ("POST", "/start_kernel")):
            refused = await browser.request(method, path, auth=("anyone", here.token))
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
        async with web(here, here.token) as api:
            # One connection, which has shown another token before.
            await api.get("/v1/info")
            login = httpx.BasicAuth("anyone", here.token)
            assert (await api.get("/v1/info", auth=login)).status_code == 401
            assert (await api.get("/docs", auth=login)).status_code == 200


async def test_a_user_has_so_many_connections() -> None:
    async with serving(UserLimits(connections=2)) as here:
        async with web(here, token("anna")) as anna, web(here, token("ben")) as ben:
            session = (await anna.post("/v1/sessions", json={"start_kernel": False})).json()
            address = f"/v1/sessions/{session['session_id']}/events?follow=1"
            async with client(here, token("anna")) as host:
                await host.call(q.ListSessions())
                async with anna.stream("GET", address) as events:
                    await anext(events.aiter_lines())
                    refused = await anna.get("/v1/sessions")
                    assert refused.status_code == 429
                    assert refused.json()["limit"] == "connections"
                    url = f"ws://127.0.0.1:{here.port}/v1/ws?token={token('anna')}"
                    async with connect(url) as socket:
                        await socket.wait_closed()
                        assert socket.close_code == 1013
                    assert (await ben.get("/v1/sessions")).status_code == 200
            await poll(
                lambda: anna.get("/v1/sessions"),
                lambda answer: answer.status_code == 200,
                "the connections to end",
            )
