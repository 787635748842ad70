"""The page of a session over HTTP: addresses, cookies, policies, and the stream of events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import Denied, NotFound
from codeexec.server.access import token_watch
from codeexec.server.access.token_store import TokenStore
from codeexec.server.browser.addresses import CODE_SECONDS, PAGE_SECONDS, PageAddresses
from codeexec.server.browser.app import COOKIE
from codeexec.server.browser.frames import LONGEST_CONVERTED, frame
from support.jwt_users import client as user_client
from support.jwt_users import serving, token, web
from support.servers import DEADLINE, Here, output_of, poll, serve_here, short_folder

CODE = """
from IPython.display import HTML, Markdown, Image, display
print("\\x1b[31mred\\x1b[0m")
display(HTML("<b>bold</b><script>alert(1)</script>"))
display(Markdown("# A *heading*<script>alert(1)</script>"))
"""


@asynccontextmanager
async def browser(origin: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=origin, timeout=DEADLINE) as web:
        yield web


async def opened(here: Here, *, shared: bool = False) -> tuple[q.PageAddress, str]:
    """The address of a page of a new session, and the id of that session."""
    async with here.client() as host:
        session = await host.call(
            q.OpenSession(cwd=str(here.host.state), name="shown", start_kernel=False)
        )
        return await host.call(q.OpenPage(session.session_id, shared)), session.session_id


def place_of(address: q.PageAddress) -> str:
    """The path of the page."""
    return address.path.partition("enter")[0]


async def enter(web: httpx.AsyncClient, address: q.PageAddress) -> str:
    """Use the address; the path of the page."""
    assert (await web.get(address.path)).status_code == 303
    return place_of(address)


async def lines_of(web: httpx.AsyncClient, path: str, after: int = 0) -> AsyncGenerator[Any]:
    async with web.stream("GET", f"{path}events", params={"after": after}) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            if line:
                yield json.loads(line)


async def test_an_address_becomes_a_cookie_once(here: Here) -> None:
    address, _ = await opened(here)
    async with browser(address.origin) as web:
        for headers in ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
            assert (await web.get(address.path, headers=headers)).status_code == 503
        assert (await web.head(address.path)).status_code == 503
        entered = await web.get(address.path)
        assert entered.status_code == 303
        assert entered.headers["location"] == "./"
        place = place_of(address)
        cookie = entered.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        assert not {"path", "domain", "secure"} & {
            word.split("=")[0] for word in cookie.split("; ")
        }
        (kept,) = web.cookies.jar
        assert kept.path + "/" == place
        shell = await web.get(place)
        assert shell.status_code == 200
        policy = shell.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "connect-src 'self'" in policy
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert "access-control-allow-origin" not in shell.headers
        assert (await web.get(f"{place}rows?execution=none")).status_code == 404
        web.cookies.clear()
        refused = await web.get(f"{place}rows?execution=none")
        assert (refused.status_code, refused.json()["message"]) == (
            401, "This browser has not opened the address of the page.",
        )  # fmt: skip
        again = await web.get(address.path)
        assert again.status_code == 403
        assert "This address was used already. It opens the page once." in again.text
        assert "set-cookie" not in again.headers


async def test_only_pages_are_served_where_they_are(here: Here) -> None:
    address, session = await opened(here)
    async with browser(address.origin) as web:
        for path in ("/", "/docs", "/v1/sessions", f"/v1/sessions/{session}/events", "/page/x/"):
            assert (await web.get(path)).status_code == 401, path
        unknown = await web.get(f"/page/{'x' * 22}/")
        assert unknown.status_code == 401
        assert "This page is not there" in unknown.json()["message"]
        place = place_of(address)
        for headers in (
            {"Host": "rebound.example:80"},
            {"Origin": "https://elsewhere.example"},
        ):
            assert (await web.get(place, headers=headers)).status_code == 401
            assert (await web.get(address.path, headers=headers)).status_code == 401
        entered = await web.get(address.path)
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert (await web.request(method, f"{place}events")).status_code == 405
        for name in ("static/page.py", "static/../app.py", "nothing", "blobs/" + "0" * 64):
            assert (await web.get(place + name)).status_code == 404, name
        cookie = f"{COOKIE}={entered.cookies[COOKIE]}"
        async with browser(here.url) as other:
            refused = await other.get(f"/v1/sessions/{session}", headers={"Cookie": cookie})
            assert refused.status_code == 401


async def test_a_shared_address_is_good_until_it_is_revoked(here: Here) -> None:
    address, session = await opened(here, shared=True)
    async with browser(address.origin) as one, browser(address.origin) as two:
        for web in (one, two):
            entered = await web.get(address.path)
            assert entered.status_code == 303
        place = place_of(address)
        lines = lines_of(one, place)
        assert (await anext(lines))["state"]["head"]["name"] == "shown"
        async with here.client() as host:
            assert (await host.call(q.ClosePages(session))).count == 1
            assert (await host.call(q.ClosePages(session))).count == 0
        assert [line async for line in lines] == []  # the stream ends
        assert (await two.get(f"{place}events")).status_code == 401
        assert (await two.get(address.path)).status_code == 401


async def test_rows_come_as_they_are_written_and_once(here: Here) -> None:
    address, session = await opened(here)
    async with browser(address.origin) as web:
        place = await enter(web, address)
        lines = lines_of(web, place)
        state = (await anext(lines))["state"]
        assert state["executions"] == []
        async with here.client() as host:
            await output_of(host, session, "print('one')")
            kinds: list[str] = []
            numbers: list[int] = []
            async for line in lines:
                numbers += [record["seq"] for record in line.get("events", ())]
                kinds += [record["event"]["type"] for record in line.get("events", ())]
                if "execution_finished" in kinds:
                    break
            assert numbers == sorted(set(numbers))
            assert {"execution_queued", "execution_started", "output_changed"} <= set(kinds)
            await lines.aclose()
            # What is not at hand any more is sent as a new state.
            await output_of(host, session, "print('two')")
            again = lines_of(web, place, after=numbers[-1])
            line = await anext(again)
            texts = [view["tail"][0]["text"] for view in line["state"]["executions"]]
            assert texts == ["one", "two"]
            await host.call(q.StopSession(session))
            heads = [line["head"] for line in [line async for line in again] if "head" in line]
            assert heads[-1]["closed"]  # and the stream has ended


async def test_a_page_that_connects_again_gets_what_it_lacks(here: Here) -> None:
    address, session = await opened(here)
    async with browser(address.origin) as web, here.client() as host:
        place = await enter(web, address)
        other = lines_of(web, place)  # another tab goes on
        await anext(other)
        lines = lines_of(web, place)
        seq = (await anext(lines))["state"]["seq"]
        await lines.aclose()
        await output_of(host, session, "print('meanwhile')")
        again = lines_of(web, place, after=seq)
        first = await anext(again)
        assert "state" not in first
        assert first["events"][0]["seq"] > seq
        await again.aclose()
        await other.aclose()


async def test_outputs_of_code_stand_in_documents_that_can_reach_nothing(here: Here) -> None:
    address, session = await opened(here)
    async with browser(address.origin) as web, here.client() as host:
        await output_of(host, session, CODE)
        place = await enter(web, address)
        lines = lines_of(web, place)
        (view,) = (await anext(lines))["state"]["executions"]
        await lines.aclose()
        fields = {"execution": view["execution_id"], "start": 1}
        html = await web.get(f"{place}frame", params=fields)
        policy = html.headers["content-security-policy"]
        assert policy.startswith("sandbox allow-scripts allow-popups")
        assert "allow-same-origin" not in policy and "connect-src" not in policy
        assert "default-src 'none'; script-src 'nonce-" in policy
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert html.text.count(f'nonce="{nonce}"') == 1
        assert "<b>bold</b>" in html.text
        markdown = await web.get(f"{place}frame", params={**fields, "start": 2})
        assert "<h1>A <em>heading</em>" in markdown.text and "<script>alert" not in markdown.text
        assert (await web.get(f"{place}frame", params={**fields, "start": 0})).status_code == 404
        assert (await web.get(f"{place}text", params=fields)).status_code == 200
        rows = (await web.get(f"{place}rows", params={**fields, "start": 0, "count": 1})).json()
        assert rows["runs"][0]["text"].startswith("\x1b[")
        for wrong in ("x", "-1", "9" * 30):
            answer = await web.get(f"{place}rows", params={**fields, "start": wrong})
            assert answer.status_code == 400


async def test_earlier_executions_are_asked_for(here: Here) -> None:
    address, session = await opened(here)
    async with browser(address.origin) as web, here.client() as host:
        place = await enter(web, address)
        for number in range(3):
            await output_of(host, session, f"print({number})")
        lines = lines_of(web, place)
        views = (await anext(lines))["state"]["executions"]
        await lines.aclose()
        before = {"before": views[1]["execution_id"]}
        page = (await web.get(f"{place}executions", params=before)).json()
        assert [view["execution_id"] for view in page["executions"]] == [views[0]["execution_id"]]
        assert (await web.get(f"{place}executions?before=none")).status_code == 404


async def test_users_get_addresses_of_their_own_sessions_alone() -> None:
    async with serving() as here:
        async with user_client(here, token("anna")) as anna, user_client(here, token("ben")) as ben:
            session = await anna.call(q.OpenSession(start_kernel=False))
            address = await anna.call(q.OpenPage(session.session_id))
            assert address.origin == ""
            with pytest.raises(NotFound):
                await ben.call(q.OpenPage(session.session_id))
            with pytest.raises(NotFound):
                await ben.call(q.ClosePages(session.session_id))
        async with user_client(here, token("anna", "read")) as reader:
            with pytest.raises(Denied, match="scope"):
                await reader.call(q.OpenPage(session.session_id))
        async with web(here, token("anna")) as anna_web, web(here, token("ben")) as ben_web:
            path = f"/v1/sessions/{session.session_id}/pages"
            answer = await anna_web.post(path, json={"shared": True})
            assert answer.status_code == 201
            assert (await anna_web.post(path)).status_code == 201
            assert (await anna_web.post(path, json={"shared": "of all"})).status_code == 400
            for method in ("POST", "DELETE"):
                assert (await ben_web.request(method, path)).status_code == 404
            async with browser(here.url) as visitor:
                for place in (address.path, answer.json()["path"], answer.json()["path"]):
                    assert (await visitor.get(place)).status_code == 303
                assert (await anna_web.delete(path)).json()["count"] == 3
                assert (await visitor.get(answer.json()["path"])).status_code == 401


async def test_pages_end_with_the_token_that_made_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(token_watch, "RECHECK_SECONDS", 0.02)
    store = TokenStore(tmp_path)
    with short_folder() as folder:
        async with serve_here(folder, verifier=store) as here:
            one, other = (store.create("anna", "run", 600.0) for _ in range(2))
            places = []
            for token, _ in (one, other):
                async with web(here, token) as anna:
                    opened = await anna.post("/v1/sessions", json={"start_kernel": False})
                    session = opened.json()["session_id"]
                    answer = await anna.post(f"/v1/sessions/{session}/pages")
                    places.append(answer.json()["path"])
            # By the other protocol of programs.
            async with user_client(here, one[0]) as client:
                page = await client.call(q.OpenPage(session))
            places.append(page.path)
            async with browser(here.url) as visitor:
                for place in places:
                    assert (await visitor.get(place)).status_code == 303
                lines = lines_of(visitor, places[0].partition("enter")[0])
                assert "state" in await anext(lines)
                store.revoke(one[1].id)
                async for _ in lines:
                    pass  # the stream ends
                for place in (places[0], places[2]):

                    async def look(place: str = place) -> int:
                        return (await visitor.get(place)).status_code

                    await poll(look, lambda status: status == 401, "the page to end")
                rest = places[1].partition("enter")[0]
                assert (await visitor.get(f"{rest}rows?execution=none")).status_code == 404


async def test_who_only_watches_gives_out_no_address(here: Here) -> None:
    _, session = await opened(here)
    async with here.client("watching", watch_only=True) as host:
        with pytest.raises(Denied, match="only watches"):
            await host.call(q.OpenPage(session))


def test_very_long_markdown_is_shown_as_it_is_written() -> None:
    shown = bytes(frame("text/markdown", "# Title").body)
    assert b"<h1>Title</h1>" in shown
    shown = bytes(frame("text/markdown", "# <b>\n" * LONGEST_CONVERTED).body)
    assert b"<h1>" not in shown
    assert shown.count(b"# &lt;b&gt;\n") == LONGEST_CONVERTED


def test_addresses_and_pages_have_an_end() -> None:
    now = 1000.0
    addresses = PageAddresses(lambda: now)
    single = addresses.add("session-a")
    shared = addresses.add("session-a", is_shared=True)
    bounded = addresses.add("session-b", expires=now + 5)
    assert bounded.expires == bounded.code_expires == 1005.0
    with pytest.raises(Denied, match="not there"):
        addresses.enter(single.page_id, shared.code)
    assert not single.is_spent
    now += CODE_SECONDS
    with pytest.raises(Denied, match="ten minutes"):
        addresses.enter(single.page_id, single.code)
    assert addresses.enter(shared.page_id, shared.code) is shared
    assert addresses.find(shared.page_id, shared.cookie) is shared
    with pytest.raises(Denied):
        addresses.find(shared.page_id, single.cookie)
    with pytest.raises(Denied):
        addresses.enter(bounded.page_id, bounded.code)
    closed: list[bool] = []
    shared.on_close.add(lambda: closed.append(True))
    now += PAGE_SECONDS
    assert not addresses.has(shared.page_id)
    addresses.add("session-c")  # forgets what has ended
    assert closed == [True]
    assert addresses.revoke("session-a") == 0
