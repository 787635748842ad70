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
from codeexec.domain.requests import OpenSession
from support.programs import COMMAND
from support.servers import Apart, user


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
        revoked = run_page(apart, apart.folder, "sho", "--revoke")
        assert revoked.stdout == "revoked: 4 addresses\n"
        assert status_of(shared["url"]) == 401

        wrong = run_page(apart, apart.work, "--revoke", "--interactive")
        assert wrong.returncode == exits.USAGE
        assert "--revoke gives out no address." in wrong.stderr
        unknown = run_page(apart, apart.work, "nope")
        assert "No open session is called 'nope'." in unknown.stderr
