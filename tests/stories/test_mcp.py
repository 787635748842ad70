"""The mcp package's own client beside a workbench in a real terminal, and the same by commands."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Implementation

from codeexec.cli.group import invoke
from support.programs import run_piped
from support.servers import Apart, poll, user
from support.tty import workbench

DEADLINE = 90.0
F9 = "\x1b[20~"
ALLOW = "\x1b'"
ENDLESS = "import time\nprint('going on', flush=True)\nwhile True:\n    time.sleep(0.01)"


@asynccontextmanager
async def agent(apart: Apart, **options: Any) -> AsyncIterator[Client]:
    """The client of an agent that works in the user's folder."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "codeexec", "mcp"],
        env=apart.environ,
        cwd=apart.work,
    )
    info = Implementation(name="claude-code", title="Claude", version="1")
    async with Client(stdio_client(server), client_info=info, **options) as client:
        yield client


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


@pytest.mark.slow
async def test_the_person_sees_interrupts_and_allows_what_an_agent_runs() -> None:
    with workbench(columns=80, lines=24) as (tty, apart):
        await asyncio.to_thread(tty.shows, "idle")
        async with agent(apart) as client:
            running = asyncio.create_task(client.call_tool("run", {"code": ENDLESS, "wait": 60}))
            await asyncio.to_thread(tty.shows, "✦ Claude (agent)")
            await asyncio.to_thread(tty.shows, "going on")
            tty.press(F9)
            told = await asyncio.wait_for(running, DEADLINE)
            assert "cancelled" in text_of(told) and "ended it, not you" in text_of(told)
            assert "going on" in text_of(told)

            asks = "import os\nos.rename('no', 'such')"
            asking = asyncio.create_task(client.call_tool("run", {"code": asks, "wait": 60}))
            await asyncio.to_thread(tty.shows, "Claude asks to run code.")
            state = text_of(await client.call_tool("state", {}))
            assert "queued (waits for the user) by Claude" in state
            tty.press(ALLOW)
            told = await asyncio.wait_for(asking, DEADLINE)
            assert "FileNotFoundError" in text_of(told)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_without_patience_cancels_nothing(mode: str) -> None:
    with user() as apart:
        async with agent(apart, mode=mode) as client:
            assert len((await client.list_tools()).tools) == 10
            first = await client.call_tool("run", {"code": "x = 1\nx"})
            assert first.content[0].type == "text" and first.content[0].text.endswith("\n1")
            wait = "while not pathlib.Path('go').exists(): time.sleep(0.01)"
            code = f"import pathlib, time\n{wait}\nprint('over')"
            with pytest.raises(MCPError):
                await client.call_tool("run", {"code": code}, read_timeout_seconds=0.3)
            # The session may have got the code after the client has given up.
            told = await poll(
                lambda: client.call_tool("state", {}),
                lambda told: "queue:\n  exec-" in text_of(told),
                "the code in the queue",
            )
            state = text_of(told)
            execution = state.partition("queue:\n  ")[2].split(" ")[0]
            (apart.work / "go").touch()
            over = await client.call_tool("result", {"execution": execution, "wait": 40})
            assert ": ok in " in text_of(over) and text_of(over).endswith("over")
            wrong = await client.call_tool("result", {"execution": "none"})
            assert wrong.is_error and "There is no execution none" in text_of(wrong)
            refused = await client.call_tool("run", {"code": "!ls"})
            assert refused.is_error and "no workbench open" in text_of(refused)


@pytest.mark.slow
def test_the_same_by_commands() -> None:
    with user() as apart:

        def run(*words: str, stdin: str = "", agent: str = "") -> tuple[int, str, str]:
            env = {**apart.environ, **({"CODEEXEC_AGENT": agent} if agent else {})}
            done = run_piped(
                *words, home=apart.folder, cwd=apart.work, stdin=stdin.encode(), env=env
            )
            return done.returncode, done.stdout, done.stderr

        (apart.work / "a.py").write_text("# %% one\ny = 5\n# %% two\nprint(y + 1)\n")
        assert run("run", "--session", ".", "--code", "-", stdin="x = 7\nx")[1].endswith("\n7\n")
        status, out, _ = run("run", "--json", "--session=.", "a.py")
        assert (status, json.loads(out)["rows"]) == (0, ["6"])
        assert run("run", "--session", ".", "--code", "1/0")[0] == 1
        status, out, _ = run("state", "a.py", "--json")
        [document] = json.loads(out)["documents"]
        clash = run("edit-cell", "a.py", "c1", "0", stdin="print(y)")
        assert clash[0] == 2 and "print(y + 1)" in clash[2]
        read = document["cells"][1]["hash"]
        assert run("edit-cell", "a.py", "c1", read, stdin="print(y)")[0] == 0
        assert (apart.work / "a.py").read_text().endswith("print(y)\n")
        assert "x: int  7" in run("variables")[1]
        refused = run("run", "--session", ".", "--code", "!ls", agent="bob")
        assert refused[0] == 2 and "no workbench open" in refused[2]
        run("run", "--session", ".", "--code", "open('out.txt', 'w').write('kept')", agent="bob")
        execution = json.loads(run("state", "--json")[1])["last"][-1]
        assert (execution["origin"], execution["is_agent"]) == ("bob", True)
        assert run("result", execution["execution"])[0] == 0
        assert run("interrupt")[1] == "Nothing runs.\n"
        assert run("restart", "--json")[1] == '{"state": "idle"}\n'
        assert run("table", "nothing")[0] == 2


def test_the_skill_and_the_settings_of_a_client_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["mcp", "--skill"]) == 0
    skill = capsys.readouterr().out
    assert skill.startswith("---\nname: codeexec-tui\n") and "edit-cell" in skill
    assert invoke(["mcp", "--config", "--session", "work"]) == 0
    entry = json.loads(capsys.readouterr().out)["mcpServers"]["codeexec-tui"]
    assert entry == {"command": "codeexec-tui", "args": ["mcp", "--session", "work"]}
    assert invoke(["mcp", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 10


def test_without_the_package_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.startswith(("mcp", "mcp_types"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "codeexec.cli.agents.mcp_server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    monkeypatch.chdir(tmp_path)
    assert invoke(["mcp"]) == 3
    told = capsys.readouterr().err
    assert "The package mcp is not installed." in told
    assert "pip install 'codeexec-tui[mcp]'" in told
