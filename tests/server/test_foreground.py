"""`serve --bind` as a process: its own token, its address, and one server a user."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codeexec.client import spawn
from codeexec.client.socket import SocketHost
from codeexec.client.wire import parse_address
from codeexec.domain import requests as q
from codeexec.domain.env_vars.secret import drop_secrets
from codeexec.domain.events import ExecutionFinished
from codeexec.environments.base import run
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.jupyter.launch import kernel_env
from support.servers import Apart, user


def serve(apart: Apart, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "codeexec.cli.main", "serve", "--json", *arguments],
        env={**apart.environ, "CODEEXEC_TOKEN": "the-token"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(apart: Apart) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with serve(apart, "--bind", "127.0.0.1:0") as process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())["url"]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def get(url: str, token: str) -> dict[str, object]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return dict(json.load(answer))


@pytest.mark.slow
async def test_it_serves_the_network_and_the_private_socket() -> None:
    with user() as apart, serving(apart) as (process, url):
        async with SocketHost(parse_address(url, "the-token")) as host, apart.client() as local:
            assert (await host.call(q.GetHostInfo())).pid == process.pid
            assert (await local.call(q.GetHostInfo())).pid == process.pid
        assert get(f"{url}/v1/info", "the-token")["pid"] == process.pid
        with pytest.raises(urllib.error.HTTPError, match="401"):
            get(f"{url}/v1/info", "another")
        assert "the-token" not in apart.paths.log.read_text()


@pytest.mark.slow
def test_a_second_one_and_a_taken_port_are_told_in_words() -> None:
    with user() as apart, user() as other, serving(apart) as (_, url):
        with serve(apart) as second:
            assert second.stderr is not None
            assert "runs already" in second.stderr.read()
        with serve(other, "--bind", url.removeprefix("http://")) as third:
            assert third.stderr is not None
            assert "cannot be bound" in third.stderr.read()
        assert spawn.find(other.paths) is None
        assert other.pid is None


@pytest.mark.slow
async def test_the_token_is_not_in_the_environment_of_kernels() -> None:
    with user() as apart, serving(apart):
        async with apart.client() as host:
            opening = q.OpenSession(cwd=str(apart.work), env={"CODEEXEC_TOKEN": "x", "MINE": "y"})
            session = host.session((await host.call(opening)).session_id)
            code = "import os\nprint(os.environ.get('CODEEXEC_TOKEN'), os.environ['MINE'])"
            accepted = await session.call(q.Execute(code))
            async for batch in session.events():
                if any(isinstance(record.event, ExecutionFinished) for record in batch):
                    break
            rows = await session.call(q.ReadRows(accepted.execution_id))
            assert rows.runs[0].text == "None y"
            await host.call(q.StopHost(sessions=True))


def test_secrets_of_ours_are_passed_on_to_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEEXEC_TOKEN", "the-token")
    monkeypatch.setenv("CODEEXEC_RUN_COLOR", "never")
    passed_on = kernel_env({"CODEEXEC_TOKEN": "another", "HF_TOKEN": "the user's own"})
    assert "CODEEXEC_TOKEN" not in passed_on
    assert passed_on["HF_TOKEN"] == "the user's own"
    assert passed_on["CODEEXEC_RUN_COLOR"] == "never"
    environ = {"CODEEXEC_TOKEN": "x", "CODEEXEC_SOME_PASSWORD": "y", "HOME": "/"}
    drop_secrets(environ)
    assert environ == {"HOME": "/"}


async def test_a_command_in_the_folder_does_not_get_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CODEEXEC_TOKEN", "the-token")
    outcome = await run(LocalEnvironment(tmp_path), ["env"])
    assert b"HOME=" in outcome.stdout
    assert b"the-token" not in outcome.stdout


@pytest.mark.slow
def test_without_a_token_it_serves_this_machine_alone() -> None:
    with user() as apart:
        with serve(apart, "--bind", "0.0.0.0:0", "--no-auth") as refused:
            assert refused.stderr is not None
            assert "this machine alone" in refused.stderr.read()
        assert refused.returncode
        with serve(apart, "--bind", ":0", "--no-auth") as process:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            assert "token" not in url
            with urllib.request.urlopen(f"{url}/health") as answer:
                assert json.load(answer) == {"status": "ok"}
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
