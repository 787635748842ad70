"""Users of the service: each sees their own sessions, and nothing of the others'."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast, get_args

import httpx
import jwt
import msgspec
import pytest
from websockets.asyncio.client import connect

from codeexec.client.socket import SocketHost
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Denied, NotFound
from codeexec.domain.learning import LearnerRecord
from codeexec.domain.steering import LessonKey
from support.jwt_users import SECRET, client, finished, serving, token, web
from support.servers import Here, poll, wait_until


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    async with serving() as here:
        yield here


OF_NO_SESSION = {
    ("get", "/v1/info"),
    ("get", "/v1/sessions"),
    ("post", "/v1/sessions"),
    ("get", "/v1/kernels"),
    ("post", "/v1/stop"),
    ("get", "/v1/health"),
    ("get", "/v1/limits"),
    ("post", "/start_kernel"),
    ("get", "/health"),
    ("get", "/ready"),
}
"""Operations that name no session; all others are walked as another user."""


class Belongings:
    """Names of what anna has, as the paths of the OpenAPI document call them."""

    def __init__(self, web: httpx.AsyncClient) -> None:
        self.web = web
        self.ids: dict[str, str] = {}

    async def make(self) -> None:
        session = (await self.web.post("/start_kernel")).json()["id"]
        (
            await self.web.put(f"/v1/sessions/{session}/files/notes.txt", content=b"private")
        ).raise_for_status()
        code = "secret_of_anna = 42\nprint('output of anna')"
        submitted = await self.web.post("/execute_code", json={"id": session, "code": code})
        execution_id = submitted.json()["execution_id"]
        assert (await finished(self.web, execution_id))["status"] == "COMPLETED"
        pinned = await self.web.post(
            f"/v1/sessions/{session}/artifacts", json={"path": "notes.txt"}
        )
        assert pinned.status_code == 201, pinned.text
        (artifact,) = (await self.web.get(f"/v1/sessions/{session}/artifacts")).json()["artifacts"]
        opened = await self.web.post(f"/v1/sessions/{session}/terminals", json={})
        assert opened.status_code == 201, opened.text
        self.ids = {
            "session": session,
            "execution_id": execution_id,
            "artifact_id": artifact["id"],
            "digest": artifact["digest"],
            "terminal_id": opened.json()["terminal"]["terminal_id"],
            "path": "notes.txt",
            "kernel": "python",
            "name": "secret_of_anna",
            "language": "python",
            "comm_id": "comm-of-anna",
            "question_id": "login-of-anna",
        }

    def requests(self, document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, object]]]:
        """Method, path and body of all that names a session of anna."""
        session, execution_id = self.ids["session"], self.ids["execution_id"]
        bodies: dict[str, dict[str, object]] = {
            "/execute_code": {"id": session, "code": "1"},
            "/shutdown_kernel": {"id": session},
            "/v1/sessions/execute/binary": {"session_id": session, "binary_path": "x"},
            "/v1/sessions/execute/{language}": {"session_id": session, "code": "1"},
            "/v1/sessions/build/cpp": {
                "session_id": session, "source_files": ["x.cpp"], "output_binary": "x",
            },
            "/v1/sessions/files/write": {"session_id": session, "path": "x", "content": "x"},
            "/v1/sessions/files/read": {"session_id": session, "path": "notes.txt"},
            "/v1/sessions/files/list": {"session_id": session},
        }  # fmt: skip
        for path, methods in document["paths"].items():
            for method in methods:
                if (method, path) in OF_NO_SESSION:
                    continue
                # A new path names a session in its address, or belongs into one of the lists.
                named = {"session", "execution_id"} & set(_names(path))
                assert named or path in bodies, f"{method} {path}"
                address = re.sub(r"{(\w+)}", lambda name: self.ids[name[1]], path)
                yield method, address, bodies.get(path, {})
        assert execution_id


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


@pytest.mark.slow
async def test_every_path_that_names_a_session_of_another_user_is_not_there(here: Here) -> None:
    async with web(here, token("anna")) as anna, web(here, token("ben")) as ben:
        belongings = Belongings(anna)
        await belongings.make()
        ids = belongings.ids
        document = (await ben.get("/openapi.json")).json()
        count = 0
        for method, path, body in belongings.requests(document):
            for address in (path, f"/api{path}" if path.startswith("/v1/") else path):
                answer = await ben.request(method, address, json=body or None)
                while answer.status_code == 429:  # the walk is faster than the limit of a user
                    await asyncio.sleep(float(answer.headers["Retry-After"]))
                    answer = await ben.request(method, address, json=body or None)
                assert answer.status_code == 404, (method, address, answer.text)
                for private in ("output of anna", "secret_of_anna = 42", ids["session"][:-1] + '"'):
                    assert private not in answer.text
            count += 1
        assert count > 55
        # The walk has changed nothing, and it would have found what is there.
        assert (await ben.get("/v1/sessions")).json() == {"sessions": []}
        (own,) = (await anna.get("/v1/sessions")).json()["sessions"]
        assert (own["session_id"], own["owner"]) == (ids["session"], "anna")
        kept = await anna.get(f"/v1/sessions/{ids['session']}/files/notes.txt")
        assert (kept.status_code, kept.text) == (200, "private")
        async with httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=here.socket), base_url="http://local", timeout=60
        ) as local:
            (seen,) = (await local.get("/v1/sessions")).json()["sessions"]
            assert seen["session_id"] == ids["session"]


_VALUES: dict[object, object] = {
    str: "x", int: 1, bytes: b"x", bool: True, float: 1.0, q.TableQuestion: {"type": "code"},
    LearnerRecord: {"learner": "x", "lesson": "x"}, LessonKey: "next",
    q.CommUpdate | q.CommMessage: {"type": "custom", "content": {}},
}  # fmt: skip


def _request_of(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """A request of this type, with something in each field that has no default."""
    required = {
        field.encode_name: _VALUES.get(field.type, ())
        for field in msgspec.structs.fields(kind)
        if field.required
    }
    return msgspec.convert({"type": kind.__struct_config__.tag, **required}, kind)


async def test_every_request_of_a_socket_to_a_session_of_another_user_is_not_found(
    here: Here,
) -> None:
    async with web(here, token("anna")) as anna, client(here, token("ben")) as ben:
        session = (await anna.post("/start_kernel")).json()["id"]
        name = here.host.session(session).snapshot.name
        target = ben.session(session)
        kinds = get_args(q.SessionRequest | q.TerminalRequest | q.FileRequest)
        assert len(kinds) > 40
        for kind in kinds:
            with pytest.raises(NotFound):
                await target.call(cast("q.Request[q.Reply]", _request_of(kind)))
        with pytest.raises(NotFound):
            async for _ in target.stream("terminal-1"):
                pytest.fail("bytes of another user")
        for named in (session, name, session[:-2]):
            with pytest.raises(NotFound):
                await ben.call(q.StopSession(named))
            with pytest.raises(NotFound):
                await ben.call(q.RemoveSession(named))
            with pytest.raises(NotFound):
                async for _ in ben.session(named).events():
                    pytest.fail("events of another user")
        address = f"ws://127.0.0.1:{here.port}/v1/sessions/{session}/terminal"
        async with connect(f"{address}?token={token('ben')}") as socket:
            message = json.loads(await socket.recv())
            assert (message["type"], "no open session" in message["message"]) == ("error", True)
            await socket.wait_closed()
            assert socket.close_code == 4404
        assert (await ben.call(q.ListSessions())).sessions == ()
        assert not here.host.session(session).snapshot.closed


async def test_an_ended_session_is_found_by_its_owner_alone(here: Here) -> None:
    async with web(here, token("anna")) as anna, web(here, token("ben")) as ben:
        opened = await anna.post("/v1/sessions", json={"name": "work", "start_kernel": False})
        session = opened.json()["session_id"]
        assert (await anna.post(f"/v1/sessions/{session}/stop")).status_code == 200
        for named in (session, "work", session[:-2]):
            for method, path in (("GET", ""), ("GET", "/events"), ("DELETE", "")):
                answer = await ben.request(method, f"/v1/sessions/{named}{path}")
                assert answer.status_code == 404, (named, method, path)
        assert (await ben.get("/v1/sessions")).json() == {"sessions": []}
        assert (await anna.get("/v1/sessions/work")).json()["session_id"] == session
        assert (await anna.delete("/v1/sessions/work")).status_code == 200


async def test_names_and_history_are_those_of_each_user(here: Here) -> None:
    async with web(here, token("anna")) as anna, web(here, token("ben")) as ben:
        sessions = {}
        for user, code in ((anna, "word_of_anna = 1"), (ben, "word_of_ben = 1")):
            body = {"session_id": "session-1", "path": "a.txt", "content": code}
            assert (await user.post("/v1/sessions/files/write", json=body)).status_code == 200
            (own,) = (await user.get("/v1/sessions")).json()["sessions"]
            sessions[code] = own["session_id"]
            executed = await user.post("/v1/sessions/session-1/executions", json={"code": code})
            assert executed.status_code == 202
        assert len(set(sessions.values())) == 2
        for user, own_word in ((anna, "word_of_anna"), (ben, "word_of_ben")):
            body = {"session_id": "session-1", "path": "a.txt"}
            content = (await user.post("/v1/sessions/files/read", json=body)).json()["content"]
            assert content == f"{own_word} = 1"
            history = (await user.get("/v1/sessions/session-1/history")).json()["entries"]
            assert [entry["code"] for entry in history] == [f"{own_word} = 1"]


async def test_a_user_opens_sessions_in_their_own_folder_alone(here: Here) -> None:
    async with web(here, token("anna")) as anna, web(here, token("ben")) as ben:
        own = (await anna.post("/v1/sessions", json={"start_kernel": False})).json()["cwd"]
        again = {"cwd": own, "name": "again", "start_kernel": False}
        assert (await anna.post("/v1/sessions", json=again)).status_code == 201
        (Path(own) / "out").symlink_to("/")
        for cwd in (own + "/out", "/", str(here.host.state), own + "/../.."):
            refused = await anna.post("/v1/sessions", json={"cwd": cwd})
            assert refused.status_code == 403, cwd
        assert (await ben.post("/v1/sessions", json={"cwd": own})).status_code == 403
        attached = {"connection_file": "/tmp/kernel.json"}
        assert (await ben.post("/v1/sessions", json=attached)).status_code == 403
        mounted = {"backend": "docker", "transport": "ports", "classic": {"ces": "/srv/all"}}
        assert (await ben.post("/v1/sessions", json=mounted)).status_code == 403
        unknown = {"backend": "docker", "transport": "pigeon"}
        refused = await ben.post("/v1/sessions", json=unknown)
        assert refused.status_code == 400
        assert "Use relay or ports." in refused.text
        info = (await ben.get("/v1/info")).json()
        assert (info["socket"], info["state_dir"]) == ("", "")
        assert str(here.host.state) not in (await ben.get("/v1/kernels", params={"cwd": own})).text


async def test_a_name_of_another_user_is_a_new_name_for_the_operator(here: Here) -> None:
    async with web(here, token("ben")) as ben, web(here, here.token) as operator:
        for user, content in ((ben, "of ben"), (operator, "of the operator")):
            note = {"session_id": "session-1", "path": "note", "content": content}
            assert (await user.post("/v1/sessions/files/write", json=note)).status_code == 200
        (session,) = here.host.open_sessions("ben")
        for user, name, content in (
            (ben, "session-1", "of ben"),
            (operator, "session-1", "of the operator"),
            (operator, session.session_id, "of ben"),
        ):
            body = {"session_id": name, "path": "note"}
            answer = await user.post("/v1/sessions/files/read", json=body)
            assert answer.json()["content"] == content


async def test_a_scope_allows_what_it_includes(here: Here) -> None:
    async with web(here, token("anna")) as anna:
        session = (await anna.post("/v1/sessions", json={"start_kernel": False})).json()[
            "session_id"
        ]
        assert (await anna.post("/v1/stop")).status_code == 403
    async with web(here, token("anna", "read openid")) as reader:
        assert (await reader.get(f"/v1/sessions/{session}")).status_code == 200
        listing = {"session_id": session}
        assert (await reader.post("/v1/sessions/files/list", json=listing)).status_code == 200
        for method, path, body in (
            ("POST", f"/v1/sessions/{session}/executions", {"code": "1"}),
            ("PUT", f"/v1/sessions/{session}/files/x", {}),
            ("PUT", f"/v1/sessions/{session}/files/v1/sessions/files/read", {}),
            ("DELETE", f"/v1/sessions/{session}", {}),
            ("POST", "/v1/sessions", {}),
            ("POST", "/start_kernel", {}),
            ("POST", "/v1/stop", {}),
            ("POST", "/v1/sessions/files/list", {"session_id": "new"}),
        ):
            refused = await reader.request(method, path, json=body)
            assert refused.status_code == 403, (path, refused.text)
            assert "scope" in refused.json()["message"]
    async with web(here, token("anna", "openid")) as none:
        assert (await none.get("/v1/sessions")).status_code == 403
    async with client(here, token("anna", "read")) as reading:
        assert len((await reading.call(q.ListSessions())).sessions) == 1
        for execution in (q.Execute("1", "e"), q.Execute("2", "f")):
            with pytest.raises(Denied, match="scope"):
                await reading.session(session).call(execution)
        with pytest.raises(Denied, match="scope"):
            await reading.session(session).call(q.OpenTerminal())
        with pytest.raises(Denied, match="scope"):
            await reading.call(q.OpenSession())
    assert not here.host.stop_requested.is_set()
    async with web(here, token("anna", "admin")) as admin:
        assert (await admin.post("/v1/stop")).status_code == 202
    assert here.host.stop_requested.is_set()


@pytest.mark.slow
async def test_a_reader_who_goes_away_interrupts_nothing(here: Here) -> None:
    code = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.02)"
    async with web(here, token("anna")) as anna:
        session = (await anna.post("/start_kernel")).json()["id"]
        body = {"code": code, "options": {"on_disconnect": "interrupt"}}
        queued = await anna.post(f"/v1/sessions/{session}/executions", json=body)
        execution_id = queued.json()["execution_id"]
        path = f"/v1/sessions/{session}/executions/{execution_id}"
        # With its prompt number: nothing changes any more before there is the file.
        await poll(
            lambda: anna.get(path),
            lambda answer: answer.json()["execution"].get("count") is not None,
            "a prompt number",
        )
        watch = here.host.session(session).execution_watch
        async with web(here, token("anna", "read")) as reader:
            waiting = asyncio.create_task(reader.get(path, params={"wait": "30"}))
            await wait_until(lambda: watch.waiting == 1, "the long poll to be held")
            waiting.cancel()
        await wait_until(lambda: watch.waiting == 0, "the server to see that the reader has gone")
        await anna.put(f"/v1/sessions/{session}/files/go", content=b"")
        assert (await finished(anna, execution_id))["status"] == "COMPLETED"


def _wrong_tokens() -> dict[str, str]:
    """By what is wrong with them."""
    later = time.time() + 600
    good = {"sub": "anna", "exp": later}
    return {
        "expired": token("anna", seconds=-1),
        "another secret": token("anna", key="another secret, which has more than 32 characters"),
        "no exp": jwt.encode({"sub": "anna"}, SECRET),
        "no sub": jwt.encode({"exp": later}, SECRET),
        "empty sub": jwt.encode({**good, "sub": ""}, SECRET),
        "line break in sub": jwt.encode({**good, "sub": "anna\n"}, SECRET),
        "infinite exp": jwt.encode({**good, "exp": 1e400}, SECRET),
        "exp in words": jwt.encode({**good, "exp": "soon"}, SECRET),
        "not yet": jwt.encode({**good, "nbf": time.time() + 300}, SECRET),
        "another algorithm": jwt.encode(good, SECRET * 2, algorithm="HS512"),
        "unsigned": jwt.encode(good, algorithm="none", key=""),
        "deep header": "WyJb" + "W1tb" * 1800 + ".e30.x",
        "no JWT": "a.b.c",
        "own, unknown": "cxt_00000000_x",
        "own, empty": "cxt_",
        "long": "x" * 9000,
    }


async def test_a_token_that_is_not_good_is_refused(here: Here) -> None:
    async with httpx.AsyncClient(base_url=here.url, timeout=60) as stranger:
        for wrong, text in _wrong_tokens().items():
            answer = await stranger.get("/v1/sessions", headers={"Authorization": f"Bearer {text}"})
            assert answer.status_code == 401, wrong
            assert text not in answer.text
    for text in (token("anna", seconds=-1), token("anna", key=SECRET[::-1]), "cxt_00000000_x"):
        with pytest.raises(Denied):
            async with client(here, text) as host:
                await host.call(q.GetHostInfo())


@pytest.mark.slow
async def test_a_token_that_expires_ends_what_is_open(here: Here) -> None:
    async with web(here, token("anna")) as anna:
        session = (await anna.post("/v1/sessions", json={"start_kernel": False})).json()[
            "session_id"
        ]
    for seconds in (1.5, 10.0, 60.0):
        # Longer where this process stood still for the whole life of the token before.
        short = token("anna", seconds=seconds)
        async with client(here, short) as host, web(here, short) as reader:
            if not await ends_at_expiry(host, reader, session):
                continue
            assert (await reader.get("/v1/sessions")).status_code == 401
            with pytest.raises(CodeexecError, match="expired"):
                async with asyncio.timeout(90):
                    while True:
                        await host.call(q.ListSessions())
            return
    pytest.fail("each token expired before it was used")


async def ends_at_expiry(host: SocketHost, reader: httpx.AsyncClient, session: str) -> bool:
    """Wait for the end of a stream of events. False: the token had expired before it began."""
    try:
        await host.call(q.ListSessions())
    except CodeexecError:
        return False
    address = f"/v1/sessions/{session}/events?follow=1"
    async with asyncio.timeout(90), reader.stream("GET", address) as streamed:
        if streamed.status_code == 401:
            return False
        assert streamed.status_code == 200
        assert [line async for line in streamed.aiter_lines()]
    return True


@pytest.mark.slow
async def test_a_token_that_expires_ends_the_wait_and_not_what_was_queued(here: Here) -> None:
    code = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.02)"
    async with web(here, token("anna")) as anna:
        session = (await anna.post("/start_kernel")).json()["id"]
        path = f"/v1/sessions/{session}/executions"
        body = {"code": code, "execution_id": "kept"}
        for seconds in (3.0, 10.0, 60.0):
            # Longer where this process stood still for the whole life of the token before.
            async with web(here, token("anna", seconds=seconds)) as short:
                answer = await short.post(path, json=body, headers={"Prefer": "wait=100"})
            assert answer.status_code == 401, answer.text
            if (await anna.get("/execution_status/kept")).status_code == 200:
                break
        await anna.put(f"/v1/sessions/{session}/files/go", content=b"")
        assert (await finished(anna, "kept"))["status"] == "COMPLETED"
