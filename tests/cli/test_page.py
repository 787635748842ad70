"""`codeexec-tui page`: addresses of a session's page, and their end."""

from __future__ import annotations

import asyncio
import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from codeexec.cli import exit_codes as exits
from codeexec.client.remote import remote_address
from codeexec.client.socket import SocketHost
from codeexec.domain.requests import ClientInfo, OpenSession
from support.jwt_users import serving, token
from support.programs import COMMAND, Desk, run_piped
from support.servers import Apart, short_folder, user
from support.ssh_server import ssh_server


def run_page(apart: Apart, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**apart.environ, "SSH_CONNECTION": "10.0.0.9 50000 10.0.0.1 22"}
    return subprocess.run(
        [*COMMAND, "page", *words],
        cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


async def open_session(apart: Apart) -> None:
    async with apart.client() as host:
        opening = OpenSession(cwd=str(apart.work), name="shown", start_kernel=False)
        await host.call(opening)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.slow
def test_an_address_is_printed_and_revoked() -> None:
    with user() as apart:
        asyncio.run(open_session(apart))
        done = run_page(apart, apart.work)
        assert done.returncode == 0, done.stderr
        url = done.stdout.strip()
        assert url.startswith("http://127.0.0.1:") and "/enter?code=" in url
        assert "good once, until " in done.stderr
        assert "on the machine of the browser: ssh -N -L " in done.stderr
        assert status_of(url) == 200  # after the redirect, without the cookie: the empty page
        assert status_of(url) == 403

        words = ("shown", "--shared", "--interactive", "--json")
        shared = json.loads(run_page(apart, apart.folder, *words).stdout)
        assert shared["interactive"] and not shared["control"]
        assert shared["shared"] and shared["forward"].endswith("@10.0.0.1")
        assert [status_of(shared["url"]) for _ in range(2)] == [200, 200]
        control = run_page(apart, apart.folder, "shown", "--control")
        assert "It operates the session's widgets, which run code." in control.stderr
        lesson = apart.folder / "lesson.md"
        lesson.write_text("# A step\n\n```python\n1 + 1\n```\n")
        given = run_page(apart, apart.folder, "shown", "--lesson", str(lesson))
        assert given.returncode == 0, given.stderr
        lesson.write_text("---\ntypo: 1\n---\n")
        broken = run_page(apart, apart.folder, "shown", "--lesson", str(lesson))
        assert broken.returncode != 0 and "lesson.md:2" in broken.stderr
        script = apart.folder / "cells.py"
        script.write_text("# %% [markdown]\n# Prose\n# %% one\n1 + 1\n")
        document = run_page(apart, apart.folder, "shown", "--document", str(script))
        assert document.returncode == 0, document.stderr
        both = ("--document", str(script), "--lesson", str(lesson))
        assert "A page shows one document." in run_page(apart, apart.folder, *both).stderr
        revoked = run_page(apart, apart.folder, "sho", "--revoke")
        assert revoked.stdout == "revoked: 5 addresses\n"
        assert status_of(shared["url"]) == 401

        wrong = run_page(apart, apart.work, "--revoke", "--interactive")
        assert wrong.returncode == exits.USAGE
        assert "--revoke gives out no address." in wrong.stderr
        unknown = run_page(apart, apart.work, "nope")
        assert "No open session is called 'nope'." in unknown.stderr


@pytest.mark.slow
async def test_a_page_of_another_server_by_its_url(desk: Desk, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.touch(0o600)
    token_file.write_text(token("anna"))
    async with serving() as here:
        where = ("--url", here.url, "--token-file", str(token_file))
        address = remote_address(here.url, token_file)
        async with SocketHost(address, ClientInfo("anna"), must_answer=True) as host:
            await host.call(OpenSession(name="mine", start_kernel=False))

        async def run(*words: str) -> subprocess.CompletedProcess[str]:
            return await asyncio.to_thread(
                run_piped, "page", *words, home=desk.home, cwd=desk.folder
            )

        given = json.loads((await run(*where, "--shared", "--json")).stdout)
        assert given["url"].startswith(f"{here.url}/page/")
        assert given["forward"] == ""
        assert await asyncio.to_thread(status_of, given["url"]) == 200
        again = await run("mine", *where)
        assert f"--revoke --url {here.url} --token-file " in again.stderr
        assert (await run("mine", "--revoke", *where)).stdout == "revoked: 2 addresses\n"
        assert await asyncio.to_thread(status_of, given["url"]) in (401, 403)
        token_file.write_text(token("ben"))
        other = await run("mine", *where)
        assert "No open session is called 'mine'." in other.stderr
        both = await run(*where, "--server", "lab")
        assert both.returncode == exits.USAGE
        assert "codeexec-tui page --url https://HOST:PORT" in both.stderr


@pytest.mark.slow
async def test_a_page_over_ssh_comes_with_its_forward(desk: Desk) -> None:
    with short_folder() as folder, ssh_server(folder) as server:
        env = {"CODEEXEC_SSH": server.command}
        async with server.far.client() as host:
            await host.call(OpenSession(cwd=str(server.far.work), name="far", start_kernel=False))
            await host.call(OpenSession(cwd=str(folder), name="other", start_kernel=False))

            def run(*words: str) -> subprocess.CompletedProcess[str]:
                return run_piped("page", *words, home=desk.home, cwd=desk.folder, env=env)

            done = await asyncio.to_thread(run, "--ssh", "far:work", "--shared", "--json")
            assert done.returncode == 0, done.stderr
            given = json.loads(done.stdout)
            port = given["url"].removeprefix("http://127.0.0.1:").partition("/")[0]
            assert given["forward"] == f"ssh -N -L {port}:127.0.0.1:{port} far"
            assert await asyncio.to_thread(status_of, given["url"]) == 200
            several = await asyncio.to_thread(run, "--ssh", "far")
            assert "Name one of: " in several.stderr
            opened = await asyncio.to_thread(run, "far", "--ssh", "far", "--open")
            assert opened.returncode != 0
            assert f"open the address there: ssh -N -L {port}:" in opened.stderr
            assert "--revoke --ssh far" in opened.stderr
            # Where codeexec-tui is not installed the session is one of this machine.
            bare = await asyncio.to_thread(run, "--ssh", "bare:work")
            assert "codeexec-tui was not found on bare" in bare.stderr
            assert "No session of this folder is open." in bare.stderr
