"""`sessions` and `serve` on a real server of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.programs import COMMAND, DEADLINE, Desk, environment, read_notebook
from support.servers import has_ended, wait_for

WORK = r'''
import asyncio, codeexec

DISPLAYS = """
from IPython.display import HTML, display
class Long:
    def __repr__(self): return "\x1b[31mred\x1b[0m" + "x" * 20_000 + "end"
display(Long())
display({}, raw=True)
display(HTML("<ul><li>one</ul>" + " " * 10_000))
print("after")
"""

async def main():
    async with codeexec.open_session("work", where="server") as session:
        print(session.session_id)
        await session.run("x = 1\nprint('one')")
        await session.run("x + 1")
        await session.run("1/0")
        await session.run(DISPLAYS)

asyncio.run(main())
'''


@pytest.fixture
def served(desk: Desk) -> Iterator[tuple[Desk, subprocess.Popen[str], dict[str, str]]]:
    """A server in the foreground, on a port of its own, ended with all that it runs."""
    server = subprocess.Popen(
        [*COMMAND, "serve", "--bind", ":0", "--json"],
        cwd=desk.folder,
        env=environment(desk.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    said = json.loads(server.stdout.readline())
    yield desk, server, said
    desk.run("sessions", "stop", "work")
    server.terminate()
    server.communicate(timeout=90)


@pytest.mark.slow
def test_the_life_of_a_session(
    served: tuple[Desk, subprocess.Popen[str], dict[str, str]],
) -> None:
    desk, _, _ = served
    script = desk.file("work.py", WORK)
    done = subprocess.run(
        [sys.executable, script],
        cwd=desk.folder,
        env=environment(desk.home),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    session_id = done.stdout.strip()

    (listed,) = map(json.loads, desk.run("sessions", "list", "--json").stdout.splitlines())
    assert (listed["session_id"], listed["name"], listed["state"]) == (session_id, "work", "idle")
    assert "work" in desk.run("sessions", "list", "--running").stdout

    shown = desk.run("sessions", "show", "work").stdout
    assert session_id in shown
    assert shown.count("✓") == 3
    assert shown.count("✗") == 1
    assert len(json.loads(desk.run("sessions", "show", "work", "--json").stdout)["executions"]) == 4

    logs = desk.run("sessions", "logs", session_id[:12]).stdout
    assert "In [1]: x = 1\n   ...: print('one')\none\n" in logs
    assert "In [2]: x + 1\n2\n" in logs
    assert "ZeroDivisionError: division by zero" in logs
    displays = f"red{'x' * 20_000}end\n[a display without data]\n- one\nafter\n"
    assert displays in logs
    assert desk.run("sessions", "export", "work", "out.txt").returncode == 0
    assert displays in (desk.folder / "out.txt").read_text()

    for name in ("out.ipynb", "out.py", "out.jsonl", "out.html"):
        assert desk.run("sessions", "export", "work", name).returncode == 0
    book = read_notebook(desk.folder / "out.ipynb")
    assert [cell.source for cell in book.cells[:3]] == ["x = 1\nprint('one')", "x + 1", "1/0"]
    assert book.cells[1].outputs[0].data["text/plain"] == "2"
    assert "ZeroDivisionError" in (desk.folder / "out.html").read_text()
    assert "# %%\nx + 1\n" in (desk.folder / "out.py").read_text()
    events = (desk.folder / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in events] == list(range(1, len(events) + 1))
    assert desk.run("sessions", "export", "work", "out.py").returncode == 2
    assert desk.run("sessions", "export", "work", "out.doc").returncode == 2

    assert desk.run("sessions", "rm", "work").returncode == 2
    assert desk.run("sessions", "stop", "work").returncode == 0
    wait_for(lambda: has_ended(listed["pid"]), "the end of the kernel")
    assert desk.run("sessions", "list", "--running", "--json").stdout == ""
    assert desk.run("sessions", "rm", "work").returncode == 0
    assert desk.run("sessions", "list", "--json").stdout == ""


@pytest.mark.slow
def test_serve_says_where_and_wants_its_token(
    served: tuple[Desk, subprocess.Popen[str], dict[str, str]],
) -> None:
    desk, server, said = served
    assert Path(said["socket"]).exists()
    base, token = said["url"], said["token"]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{base}/api/v1/host", timeout=90)
    assert len(token) >= 32
    second = desk.run("serve")
    assert second.returncode == 2
    assert "runs already" in second.stderr
    server.send_signal(signal.SIGINT)
    assert server.wait(DEADLINE) == 0
    assert not Path(said["socket"]).exists()
