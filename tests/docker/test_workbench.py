"""The workbench as a process in a terminal, its code in a container: killed, and come back to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from codeexec.domain.events import ExecutionQueued
from codeexec.domain.outputs import iter_rows
from codeexec.session.storage.journal import Journal
from support.containers import ENGINE, IMAGE, containers, give_away
from support.programs import COMMAND, Terminal
from support.servers import Apart, user, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.slow]

F5 = "\x1b[15~"

STEPS = """\
# %% count
import os, time
for i in range(100):
    print('step', i, flush=True)
    while i == 98 and not os.path.exists('go'): time.sleep(0.02)
"""
"""Halts before its end until a file is there."""


@pytest.fixture
def apart() -> Iterator[Apart]:
    with user(CODEEXEC_DOCKER_ENGINE=ENGINE, CODEEXEC_DOCKER_IMAGE=IMAGE) as found:
        (found.work / "day.py").write_text(STEPS)
        give_away(found.work)
        yield found


def open_workbench(apart: Apart, *words: str, columns: int = 80, lines: int = 24) -> Terminal:
    return Terminal(
        words, home=apart.folder, cwd=apart.work, columns=columns, lines=lines, env=apart.environ
    )


def kill(terminal: Terminal) -> None:
    os.killpg(terminal.pid, signal.SIGKILL)
    assert terminal.ends() == -signal.SIGKILL


def told(apart: Apart, *words: str) -> str:
    done = subprocess.run(
        [*COMMAND, *words], env=apart.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sessions(apart: Apart) -> list[dict[str, object]]:
    return [json.loads(line) for line in told(apart, "sessions", "list", "--json").splitlines()]


def lines_of(apart: Apart, session: str) -> dict[str, list[str]]:
    """All that the journal has of each run, once nobody writes it any more."""
    journal = Journal.open(apart.paths.state / "sessions" / session / "journal.db", read_only=True)
    try:
        ids = [
            record.event.execution_id
            for record in journal.read(0, 10_000, "tail")
            if isinstance(record.event, ExecutionQueued)
        ]
        return {
            each: [row.text for row in iter_rows(tuple(journal.iter_rows(each)))] for each in ids
        }
    finally:
        journal.close()


def test_killed_at_every_stage_it_loses_nothing_and_is_come_back_to(apart: Apart) -> None:
    all_steps = [f"step {i}" for i in range(100)]
    with open_workbench(apart, "--docker", "--policy", "locked", "day.py") as terminal:
        terminal.shows("docker codeexec-kernel:1 · locked" if IMAGE.endswith(":1") else "locked")
        kill(terminal)  # while the container starts
    wait_for(lambda: [s["state"] for s in sessions(apart)] == ["idle"], "the kernel, all the same")
    [summary] = sessions(apart)
    session = str(summary["session_id"])
    assert summary["backend"] == "docker"
    before = containers(session)
    assert len(before) == 1

    with open_workbench(apart, "--docker", "day.py") as terminal:
        terminal.shows("● idle")
        terminal.press(F5)
        terminal.shows("▶ busy")
        kill(terminal)  # while code runs
    (apart.work / "go").touch()
    wait_for(lambda: [s["state"] for s in sessions(apart)] == ["idle"], "the end of the run")

    with open_workbench(apart, "attach", columns=100, lines=30) as terminal:
        terminal.shows("step 99")  # what nobody saw is there
        terminal.shows("● idle")
        terminal.press("\x1b2x = 6 * 7\r")
        terminal.shows("[2]")
        told(apart, "sessions", "pause", session)
        terminal.shows("‖ paused")
        kill(terminal)  # while it stands still
    assert containers(session) == before
    told(apart, "sessions", "unpause", session)

    with open_workbench(apart, columns=100, lines=30) as terminal:  # the folder's, as ever
        terminal.shows("step 99")
        terminal.shows("● idle")
        terminal.press("\x1b2print('x is', x)\r")
        terminal.shows("x is 42")
        kill(terminal)
    told(apart, "sessions", "stop", session)
    wait_for(lambda: not containers(session), "the container to end")
    first, *_, last = lines_of(apart, session).values()
    assert first == all_steps
    assert last == ["x is 42"]


def test_a_closed_terminal_leaves_the_session_and_a_stop_ends_it(apart: Apart) -> None:
    with open_workbench(apart, "--docker", "day.py") as terminal:
        terminal.shows("● idle")
        [session] = [str(each["session_id"]) for each in sessions(apart)]
        terminal.press(F5)
        terminal.shows("▶ busy")
        os.killpg(terminal.pid, signal.SIGHUP)
        terminal.ends()
    (apart.work / "go").touch()
    assert len(containers(session)) == 1
    with open_workbench(apart, "attach", columns=100, lines=30) as terminal:
        terminal.shows("step 99")
        terminal.press("\x10")  # all commands
        terminal.shows("what do you want to do?")
        terminal.press("stop the session and quit\r")
        assert terminal.ends() == 0
    wait_for(lambda: not containers(session), "the container to end")
