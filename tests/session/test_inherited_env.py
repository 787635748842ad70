"""What code of a session sees of the server's environment: kernels, programs, terminals, builds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from codeexec.client.socket import SocketHost
from codeexec.config.model import KernelSettings
from codeexec.domain import requests as q
from codeexec.domain.env_vars.inherited import RULE, apply_rule, name_patterns, with_rule
from codeexec.domain.env_vars.secret import without_secrets
from codeexec.domain.options import ExecuteOptions
from codeexec.environments.base import run
from codeexec.environments.local import LocalEnvironment
from codeexec.session.settings import HostSettings
from support.servers import Here, output_of, serve_here, short_folder, terminal_output_of

INHERITED = {"PATH": "/bin", "LC_TIME": "C", "AWS_KEY": "1", "HF_TOKEN": "2", "MINE": "3"}
SHOW = """
import os, subprocess
names = ("HF_TOKEN", "HIDDEN_KEY", "OTHER", "GIVEN", "CODEEXEC_INHERIT", "HOME")
print(*(name for name in names if name in os.environ))
print(subprocess.run("env | grep -c -e HF_TOKEN -e INHERIT", shell=True, text=True,
      capture_output=True).stdout.strip())
"""
SHELL = 'echo "${HF_TOKEN:-none}"'
BASH = ExecuteOptions(language="bash")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HIDDEN_KEY", "OTHER"):
        monkeypatch.setenv(name, "of the server")


@pytest.fixture
async def here(environment: None) -> AsyncIterator[Here]:
    with short_folder() as folder:
        settings = HostSettings(hide_env=("HIDDEN_*",))
        async with serve_here(folder, settings=settings) as here:
            yield here


def test_a_rule_leaves_out_what_is_inherited_and_keeps_what_was_set() -> None:
    listed = with_rule({"GIVEN": "4", "AWS_KEY": "1"}, listed_only=True, hidden=())
    assert apply_rule({**INHERITED, **listed, "HF_TOKEN": "set later"}, INHERITED) == {
        "PATH": "/bin",
        "LC_TIME": "C",
        "GIVEN": "4",
        "AWS_KEY": "1",
        "HF_TOKEN": "set later",
    }
    hiding = with_rule({}, listed_only=False, hidden=name_patterns("AWS_*, *_TOKEN"))
    assert set(apply_rule({**INHERITED, **hiding}, INHERITED)) == {"PATH", "LC_TIME", "MINE"}
    assert apply_rule({"MINE": "3", RULE: "none"}, {"MINE": "3"}) == {}
    assert with_rule({RULE: "of a client"}, listed_only=False, hidden=()) == {}
    assert KernelSettings().hide_env == ""


async def test_commands_of_an_environment_follow_the_rule(
    environment: None, tmp_path: Path
) -> None:
    rule = with_rule({}, listed_only=True, hidden=())
    outcome = await run(LocalEnvironment(tmp_path, rule=rule), ["env"])
    assert b"HOME=" in outcome.stdout
    assert b"of the server" not in outcome.stdout
    assert b"of the server" in (await run(LocalEnvironment(tmp_path), ["env"])).stdout
    assert "HF_TOKEN" in without_secrets({"HF_TOKEN": "of the server"})


@pytest.mark.slow
async def test_a_session_of_the_service_sees_listed_names_alone(here: Here) -> None:
    async with SocketHost(here.network) as remote:
        # A client cannot ask for more.
        opening = q.OpenSession(inherit="all", env={"GIVEN": "x", RULE: '{"listed_only": false}'})
        session = (await remote.call(opening)).session_id
        assert await output_of(remote, session, SHOW) == ["GIVEN HOME", "0"]
        assert await output_of(remote, session, SHELL, BASH) == ["none"]
        variables = await terminal_output_of(remote, session, "env")
        assert "GIVEN=x" in variables
        assert not any("of the server" in variable for variable in variables)


async def test_a_session_that_is_opened_over_http_sees_listed_names_alone(here: Here) -> None:
    for url, transport in (
        (here.url, None),
        ("http://local", httpx.AsyncHTTPTransport(uds=here.socket)),
    ):
        async with httpx.AsyncClient(base_url=url, transport=transport, timeout=40) as web:
            web.headers["Authorization"] = f"Bearer {here.token}"
            body = {"cwd": "/tmp", "start_kernel": False, "name": f"by-{url[7:12]}"}
            opened = await web.post("/v1/sessions", json=body)
            assert opened.status_code == 201, opened.text
            session = here.host.session(opened.json()["session_id"])
            assert RULE in session.slots.default.supervisor.choice.env


async def test_an_interactive_session_sees_all_but_hidden_names(here: Here) -> None:
    async with here.client() as local:
        session = (await local.call(q.OpenSession(cwd="/tmp"))).session_id
        assert await output_of(local, session, SHOW) == ["HF_TOKEN OTHER HOME", "1"]
