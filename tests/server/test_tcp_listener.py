"""A TCP listener that a client of the private socket opens: it ends with that client alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from codeexec.client.socket import SocketHost
from codeexec.client.wire import parse_address
from codeexec.domain import requests as q
from codeexec.domain.errors import Denied, ServerUnavailable, UsageError
from codeexec.domain.wire.codec import decode_request, encode
from codeexec.server.access.jwt_verifier import JwtSettings
from codeexec.server.access.settings import AccessSettings
from codeexec.server.tcp_listener import ListenerOptions, listener_request, read_options
from support.servers import Apart, Here, user, wait_until

TOKEN = "token-of-the-listener"


REQUEST = q.OpenListener("127.0.0.1", 0, TOKEN)


async def test_a_listener_ends_with_its_client_and_sessions_go_on(here: Here) -> None:
    async with here.client() as local:
        opening = q.OpenSession(cwd="/tmp", name="goes-on", start_kernel=False)
        session = (await local.call(opening)).session_id
        async with here.client("serve") as owner:
            url = (await owner.call(REQUEST)).url
            remote = SocketHost(parse_address(url, TOKEN))
            listed = (await remote.call(q.ListSessions(ended=False))).sessions
            assert [summary.session_id for summary in listed] == [session]
        await wait_until(lambda: remote.link.state == "reconnecting", "the end of its connection")
        await remote.close()
        with pytest.raises(ServerUnavailable, match="closed"):
            await remote.call(q.GetHostInfo())
        await wait_until(lambda: here.service.client_count == 1, "the connections ended")
        assert (await local.call(q.ListSessions(ended=False))).sessions[0].session_id == session


async def test_a_listener_that_cannot_be_opened_is_refused(here: Here) -> None:
    async with here.client() as owner:
        with pytest.raises(UsageError, match="cannot be bound"):
            await owner.call(replace(REQUEST, port=here.port))
        with pytest.raises(UsageError, match="no port"):
            await owner.call(replace(REQUEST, port=70_000))
        with pytest.raises(UsageError, match="cannot be bound"):
            await owner.call(replace(REQUEST, host="no such name."))
        with pytest.raises(UsageError, match="token is always asked for"):
            await owner.call(replace(REQUEST, token=""))
        with pytest.raises(UsageError, match="this machine alone"):
            await owner.call(replace(REQUEST, host="0.0.0.0", token="", asks_token=False))
    async with here.client(watch_only=True) as watcher:
        with pytest.raises(Denied, match="only watches"):
            await watcher.call(REQUEST)


async def test_access_settings_reach_a_server_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jwt = JwtSettings(Path("secrets"), audience="us")
    access = AccessSettings(jwt, frozenset({"box.example"}))
    sent = decode_request(encode(listener_request(ListenerOptions(("::1", 1), "", True, access))))
    assert isinstance(sent, q.OpenListener)
    expected = replace(access, jwt=replace(jwt, secret_file=tmp_path / "secrets"))
    assert read_options(sent) == ListenerOptions(("::1", 1), "", True, expected)
    with pytest.raises(UsageError, match="another version"):
        read_options(replace(sent, access={"jwt": 3}))


async def test_a_client_on_tcp_opens_no_listener(here: Here) -> None:
    async with SocketHost(here.network) as remote:
        with pytest.raises(Denied, match="private socket alone"):
            await remote.call(REQUEST)


@contextmanager
def joined(apart: Apart) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "codeexec.cli.main", "serve", "--json", "--bind", ":0"]
    environ = {**apart.environ, "CODEEXEC_TOKEN": TOKEN}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
async def test_serve_joins_the_server_that_runs() -> None:
    with user() as apart:
        async with apart.client() as local:
            pid = (await local.call(q.GetHostInfo())).pid
            with joined(apart) as process:
                assert process.stdout is not None
                opened = json.loads(process.stdout.readline())
                assert opened["joined"] is True
                assert opened["token"] == TOKEN
                address = parse_address(opened["url"], TOKEN)
                async with SocketHost(address) as remote:
                    assert (await remote.call(q.GetHostInfo())).pid == pid
                process.send_signal(signal.SIGINT)
                assert process.wait(30) == 0
            assert (await local.call(q.GetHostInfo())).pid == pid
            assert TOKEN not in apart.paths.log.read_text()
            await local.call(q.StopHost(sessions=True))
