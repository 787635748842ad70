"""Terminals of a session whose kernel is in a container under the policy `locked`."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.client.embedded import EmbeddedSession
from codeexec.domain import requests as q
from support.sessions import open_host, open_session
from support.terminals import open_terminal

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def in_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.sessions.BACKEND", "docker")


async def test_a_shell_has_pipes_jobs_and_integration_in_the_container(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        opened = await open_session(host, workspace, policy="locked")
        session = EmbeddedSession(opened, q.ClientInfo("test"))
        terminal = await open_terminal(session, env={"NAME": "value"}, columns=120)
        async with terminal.watch():
            await terminal.until(lambda: terminal.screen.cursor.column, "a prompt")
            assert terminal.view is not None
            assert terminal.view.place == "docker"

            async def run(line: str, count: int) -> str:
                await terminal.run(line, count)
                assert terminal.view is not None
                command = terminal.view.commands[count - 1]
                return await terminal.text(command.output_row, command.end_row or 0)

            assert await run("echo $NAME | tr a-z A-Z; stty size; pwd", 1) == (
                f"VALUE\n24 120\n{workspace}\n"
            )
            # It says so once it has the terminal: before that Ctrl+Z is for the shell, which
            # ignores it.
            await terminal.type("sh -c 'echo be''gun; exec sleep 100'\r")
            await terminal.sees("begun")
            await terminal.type("\x1a")
            await terminal.sees("Stopped")
            assert "sleep 100" in await run("jobs", 3)
            assert await run("kill %1; wait; touch /etc/x 2>/dev/null; echo $?", 4) != ""
            assert terminal.view.commands[2].exit_code == 0
            await terminal.type("exit 4\r")
            await terminal.until(lambda: terminal.view and terminal.view.state == "exited")
            assert terminal.view.exit_code == 4
