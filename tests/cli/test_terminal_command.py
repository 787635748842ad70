"""`codeexec-tui terminal` on a real server of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from codeexec.cli.commands.terminal import find_terminal
from codeexec.domain.errors import Conflict, NotFound
from codeexec.domain.terminals import TerminalView
from support.programs import Desk, environment
from support.servers import has_ended, wait_for

OPEN = """
import asyncio, codeexec

async def main():
    async with codeexec.open_session("work", where="server"):
        pass

asyncio.run(main())
"""
VIEWS = tuple(
    TerminalView(terminal_id, ("bash",), name=name)
    for terminal_id, name in (("term-ab1", "logs"), ("term-ab2", ""), ("term-c", "logs"))
)


@pytest.mark.parametrize(
    ("name", "place"), [("1", 0), ("3", 2), ("term-ab2", 1), ("term-c", 2), ("term-ab1", 0)]
)
def test_a_terminal_is_named_by_number_name_or_id(name: str, place: int) -> None:
    assert find_terminal(VIEWS, name) is VIEWS[place]


@pytest.mark.parametrize("name", ["", "0", "4", "x", "²"])
def test_a_name_of_no_terminal_is_refused(name: str) -> None:
    with pytest.raises(NotFound, match="There is no terminal"):
        find_terminal(VIEWS, name)


@pytest.mark.parametrize("name", ["logs", "term-ab"])
def test_a_name_of_several_terminals_is_refused(name: str) -> None:
    with pytest.raises(Conflict, match="names 2 terminals"):
        find_terminal(VIEWS, name)


@pytest.fixture
def session(desk: Desk) -> Iterator[str]:
    opened = subprocess.run(
        [sys.executable, "-c", OPEN],
        cwd=desk.folder,
        env=environment(desk.home),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert opened.returncode == 0, opened.stderr
    yield "work"
    desk.run("sessions", "stop", "work")


@pytest.mark.slow
def test_terminals_are_opened_listed_and_closed(desk: Desk, session: str) -> None:
    listed = desk.run("terminal", "list", session)
    assert listed.stdout.startswith("No terminals.")
    opened = desk.run("terminal", "open", session, "--name", "nap", "--json", "--", "sleep", "600")
    view = json.loads(opened.stdout)
    assert (view["argv"], view["name"]) == (["sleep", "600"], "nap")
    os.kill(view["pid"], 0)
    listed = desk.run("terminal", "list", session)
    row = listed.stdout.splitlines()[1].split()
    assert row[:5] == ["1", "nap", "running", str(view["pid"]), "80x24"]
    (as_json,) = map(
        json.loads, desk.run("terminal", "list", session, "--json").stdout.splitlines()
    )
    assert as_json["terminal_id"] == view["terminal_id"]
    refused = desk.run("terminal", "join", session)
    assert "Only a Jupyter server has terminals of others" in refused.stderr
    refused = desk.run("terminal", "close", session, "other")
    assert refused.returncode == 2
    assert "There is no terminal 'other'" in refused.stderr
    assert (
        desk.run("terminal", "close", session, "nap").stdout == f"Closed {view['terminal_id']}.\n"
    )
    assert desk.run("terminal", "list", session, "--json").stdout == ""
    wait_for(lambda: has_ended(view["pid"]), "the end of the program")
    assert "has no terminal" in desk.run("terminal", "attach", session).stderr
