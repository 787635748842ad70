"""Servers of other machines: their addresses and tokens, and why one cannot be used."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from codeexec.cli.agents import connection as agents
from codeexec.cli.agents.operations import AgentOperations
from codeexec.cli.agents.tools import call_tool
from codeexec.client.remote import address_of, remote_address
from codeexec.client.socket import SocketHost
from codeexec.client.ssh import logins
from codeexec.client.wire import Address, parse_address, parse_ssh
from codeexec.config.load import load
from codeexec.config.model import RemoteServer
from codeexec.config.servers import find_server
from codeexec.domain import requests as q
from codeexec.domain.errors import (
    CodeexecError,
    Denied,
    NotFound,
    ProtocolError,
    ServerUnavailable,
    UsageError,
)
from codeexec.domain.places.logins import LoginPrompt
from codeexec.domain.wire.codec import SCHEMA, check_server_schema
from codeexec.domain.wire.frames import ServerFrame, ServerHello, encode_frame
from codeexec.environments.ssh.failures import SshFailure
from codeexec.environments.trust.store import FullTrust
from codeexec.tui.options import OpenOptions, ServerTarget
from codeexec.tui.session.attach import find_session
from codeexec.tui.session.servers import connect
from codeexec.tui.session.workspace import workspace_of
from support.servers import Here, serve_here, short_folder


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    with short_folder() as folder:
        async with serve_here(folder) as here:
            yield here


def target(address: Address) -> ServerTarget:
    return ServerTarget(address, "lab", "--server lab")


async def problem_of(address: Address) -> CodeexecError:
    with pytest.raises(CodeexecError) as raised:
        await connect(target(address), q.ClientInfo("test"))
    return raised.value


def write_token(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_the_token_is_of_the_file_of_the_environment_or_of_the_url(tmp_path: Path) -> None:
    file = write_token(tmp_path, "of-the-file\n")
    environ = {"CODEEXEC_TOKEN": "of-the-environment"}
    assert remote_address("https://box", file, environ).token == "of-the-file"
    assert remote_address("https://box:1/?token=a%2Bb", environ=environ).token == "a+b"
    assert remote_address("https://box", environ=environ).token == "of-the-environment"
    named = RemoteServer("lab", "https://box", str(file))
    assert address_of(named) == Address("", "box", 443, "of-the-file", tls=True)
    assert "of-the-file" not in repr(address_of(named))
    write_token(tmp_path, "of-the-file", 0o644)
    with pytest.raises(UsageError, match="Others can read"):
        address_of(named)
    write_token(tmp_path, "two words")
    with pytest.raises(UsageError, match="no token"):
        address_of(named)
    with pytest.raises(UsageError, match="no URL"):
        remote_address("/run/socket")


def test_an_address_has_brackets_for_ipv6_and_the_path_of_a_proxy() -> None:
    assert str(parse_address("http://[::1]:80/lab/")) == "http://[::1]:80/lab"
    assert parse_address("wss://box/lab").prefix == "/lab"
    with pytest.raises(UsageError, match="path"):
        parse_address("http://box/a b")


def test_servers_are_those_of_the_users_own_file(tmp_path: Path) -> None:
    config = tmp_path / "config" / "codeexec-tui"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(
        '[servers.lab]\nurl = "https://lab"\ntoken_file = "t"\n'
        '[servers.bad]\nurl = ""\n[servers.odd]\nurl = "x"\ntoken = "y"\n'
    )
    project = tmp_path / "project"
    project.mkdir()
    (project / ".codeexec.toml").write_text('[servers.lab]\nurl = "https://evil"\n')
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    loaded = load(project, environ=environ, trust=FullTrust())
    assert loaded.settings.servers == (RemoteServer("lab", "https://lab", "t"),)
    assert [problem.key for problem in loaded.problems] == [
        "servers.bad",
        "servers.odd",
        "servers.lab",
    ]
    with pytest.raises(NotFound, match="'box'") as raised:
        find_server(loaded.settings.servers, "box")
    assert "lab" in raised.value.next_step


async def test_a_server_without_sessions_opens_one_in_a_new_folder(
    here: Here, tmp_path: Path
) -> None:
    options = OpenOptions(attach=True, server=target(here.network))
    place = workspace_of((), tmp_path)
    async with SocketHost(here.network, must_answer=True) as host:
        opened = await find_session(host, options, place, lambda: load(tmp_path).settings)
        assert Path(opened.cwd).parent == here.host.state / "workspaces"
        again = await find_session(host, options, place, lambda: load(tmp_path).settings)
        assert again.session_id == opened.session_id
        await host.call(q.StopSession(opened.session_id))
        await host.call(q.RemoveSession(opened.session_id))


async def test_why_a_server_cannot_be_used_is_told_at_once(here: Here) -> None:
    wrong = await problem_of(Address("", "127.0.0.1", here.port, "wrong"))
    assert isinstance(wrong, Denied)
    assert "--token-file" in wrong.next_step
    with socket.socket() as silent:  # bound, so that nobody else listens there
        silent.bind(("127.0.0.1", 0))
        absent = await problem_of(Address("", "127.0.0.1", silent.getsockname()[1], "token"))
    assert isinstance(absent, ServerUnavailable)
    assert "Connection refused" in absent.message
    assert "serve --bind" in absent.next_step
    prefix = await problem_of(Address("", "127.0.0.1", here.port, here.token, prefix="/x"))
    assert "no session server" in prefix.message


@pytest.mark.parametrize(("schema", "age"), [(SCHEMA - 1, "older"), (SCHEMA + 1, "newer")])
async def test_a_server_of_another_version_is_refused_with_a_next_step(
    schema: int, age: str
) -> None:
    async def greet(connection: ServerConnection) -> None:
        hello = ServerHello("9.9", schema, 1)
        await connection.send(encode_frame(ServerFrame(server=hello)), text=True)
        await connection.wait_closed()

    async with serve(greet, "127.0.0.1", 0) as other:
        port = next(iter(other.sockets)).getsockname()[1]
        problem = await problem_of(Address("", "127.0.0.1", port, "token"))
    assert isinstance(problem, ProtocolError)
    assert age in problem.message
    assert "both machines" in problem.next_step
    with pytest.raises(ProtocolError, match="kill 7"):
        check_server_schema(SCHEMA - 1, 7)


async def test_a_file_of_this_machine_runs_in_a_session_of_another(
    here: Here, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text("import os\nprint(os.getcwd())\n")
    async with agents.connect(
        q.ClientInfo("cli"), folder=tmp_path, server=target(here.network)
    ) as connection:
        answer = await call_tool(AgentOperations(connection), "run", {"file": "program.py"})
        assert str(here.host.state / "workspaces") in answer.text
        await connection.host.call(q.StopSession(connection.summary.session_id))


async def test_a_login_of_a_line_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: list[SshFailure | None] = [None, SshFailure("login", "It was given up.")]

    async def log_in(*words: object) -> None:
        if (failure := outcomes.pop(0)) is not None:
            raise failure

    async def ask(_: LoginPrompt) -> str:
        return ""

    monkeypatch.setattr(logins, "log_in", log_in)
    login = logins.LineLogin(parse_ssh("lab"), ask)
    cut, refused = SshFailure("line", "The line broke."), SshFailure("login", "Not let in.")
    assert await login.mend(cut) is cut
    assert await login.mend(refused) is None
    assert await login.mend(refused) is refused  # the login was no help: nobody is asked again
    login.allow()
    given_up = await login.mend(refused)
    assert given_up is not None
    assert given_up.message == "It was given up."
    assert await login.mend(refused) is refused
