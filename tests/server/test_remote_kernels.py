"""Sessions and commands over kernels of a real Jupyter server: no output and no token is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codeexec.client.api import HostClient, SessionClient
from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, NotFound
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.fold import apply
from codeexec.domain.outputs import iter_rows
from codeexec.domain.snapshot import Snapshot
from support.jupyter_servers import TOKEN, TestServer
from support.servers import Apart, short_folder, user, wait_until
from support.ssh_server import ssh_server
from support.terminals import open_terminal

pytestmark = pytest.mark.slow

LINES = 300
CODE = f"""
import time
for i in range({LINES}):
    print('line', i, flush=True)
    time.sleep(0.01)
"""


async def snapshot_at_end(session: SessionClient, execution_id: str) -> Snapshot:
    snapshot = Snapshot()
    async with asyncio.timeout(120):
        async for batch in session.events(0, "full"):
            snapshot = apply(snapshot, batch)
            ended = [r.event for r in batch if isinstance(r.event, ExecutionFinished)]
            if any(event.execution_id == execution_id for event in ended):
                return snapshot
    raise AssertionError("the events ended before the execution")


async def until_printed(
    session: SessionClient, execution_id: str, holds: Callable[[list[str]], bool]
) -> None:
    """Wait until that is so of its lines, which are read after each batch of events."""
    async with asyncio.timeout(120):
        async for _ in session.events():
            if holds(await lines_of(session, execution_id)):
                return


async def lines_of(session: SessionClient, execution_id: str) -> list[str]:
    page = await session.call(q.ReadRows(execution_id, 0, 5000))
    return [row.text for row in iter_rows(page.runs) if row.text]


def files_with(folder: Path, text: str) -> list[str]:
    """The names of files below the folder that have the text in them."""
    names = []
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # the server removes files of its own
            is_plain = path.is_file() and not path.is_symlink()
            if is_plain and text.encode() in path.read_bytes():
                names.append(path.name)
    return names


def arguments_with(text: str) -> list[list[str]]:
    """The words of processes that have the text in them."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if any(text in word for word in words):
            found.append(words)
    return found


async def open_far(host: HostClient, folder: Path, server: TestServer) -> SessionClient:
    """The session `far`, whose kernel is one of the Jupyter server."""
    name = f"{server.address}#python3"
    opened = await host.call(q.OpenSession(cwd=str(folder), name="far", kernel=name))
    return host.session(opened.session_id)


async def test_a_killed_session_server_takes_the_remote_kernel_up_again(
    jupyter_server: TestServer,
) -> None:
    with user() as apart:
        async with apart.client() as host:
            session = await open_far(host, apart.work, jupyter_server)
            await session.call(q.Execute(CODE, execution_id="flood"))
            await until_printed(session, "flood", lambda lines: len(lines) >= 30)
            [kernel] = jupyter_server.kernels()
            server = apart.pid
            assert server is not None
            os.kill(server, signal.SIGKILL)
            snapshot = await snapshot_at_end(session, "flood")
            assert apart.pid != server
            assert snapshot.executions["flood"].status == "ok"
            assert await lines_of(session, "flood") == [f"line {i}" for i in range(LINES)]
            assert [model["id"] for model in jupyter_server.kernels()] == [kernel["id"]]
            assert files_with(apart.folder, TOKEN) == ["remote-tokens.json"]
            assert arguments_with(TOKEN) == []
            await host.call(q.StopSession("far"))
            assert jupyter_server.kernels() == []


async def test_a_killed_session_server_finds_its_kernel_in_the_same_job() -> None:
    with short_folder() as folder, ssh_server(folder) as server:
        (folder / "bare-home" / "work").mkdir(parents=True)
        starts = folder / "starts"
        batch = folder / "srun"
        batch.write_text(f'#!/bin/sh\necho started >> {starts}\n"$@"\n')
        batch.chmod(0o700)
        with user(CODEEXEC_SSH=server.command) as near:
            settings = Path(near.environ["XDG_CONFIG_HOME"], "codeexec-tui", "config.toml")
            settings.parent.mkdir(parents=True)
            settings.write_text(f'[remote.bare]\nlaunch = "{batch} {{command}}"\n')
            async with near.client() as host:
                kernel = f"ssh:bare:work#{sys.executable}"
                opened = await host.call(q.OpenSession(cwd=str(near.work), kernel=kernel))
                session = host.session(opened.session_id)
                await session.call(q.Execute("import time; kept = 'as before'", "first"))
                await snapshot_at_end(session, "first")
                shell = q.OpenTerminal(argv=("sh", "-c", "echo ready; sleep 1000"))
                await session.call(shell)
                await session.call(q.Execute(CODE, "flood"))
                await until_printed(session, "flood", lambda lines: len(lines) >= 30)
                killed = near.pid
                assert killed is not None
                os.kill(killed, signal.SIGKILL)
                snapshot = await snapshot_at_end(session, "flood")
                assert near.pid != killed
                assert snapshot.executions["flood"].status == "ok"
                assert await lines_of(session, "flood") == [f"line {i}" for i in range(LINES)]
                await session.call(q.Execute("print(kept)\ntime.sleep(600)", "last"))
                await until_printed(session, "last", lambda lines: lines == ["as before"])
                await session.call(q.Interrupt())
                snapshot = await snapshot_at_end(session, "last")
                assert snapshot.executions["last"].status == "cancelled"
                assert starts.read_text() == "started\n"
                await host.call(q.StopSession(opened.session_id))
            await wait_until(lambda: not server.left(), "the end of all there")


async def test_a_login_that_expired_while_no_session_server_ran_is_asked_for(
    jupyter_server: TestServer,
) -> None:
    with user() as apart:
        async with apart.client() as host:
            session = await open_far(host, apart.work, jupyter_server)
            await session.call(q.Execute("kept = 'as before'", execution_id="first"))
            await snapshot_at_end(session, "first")
            await session.call(q.Execute(CODE, execution_id="flood"))
            [tokens] = apart.folder.rglob("remote-tokens.json")
            tokens.write_text(tokens.read_text().replace(TOKEN, "expired"))
            server = apart.pid
            assert server is not None
            os.kill(server, signal.SIGKILL)
            answered = asyncio.create_task(answer_login(session, TOKEN))
            snapshot = await snapshot_at_end(session, "flood")
            assert "Token or password of" in await answered
            assert snapshot.executions["flood"].status == "ok"
            assert await lines_of(session, "flood") == [f"line {i}" for i in range(LINES)]
            await session.call(q.Execute("print(kept)", execution_id="last"))
            await snapshot_at_end(session, "last")
            assert await lines_of(session, "last") == ["as before"]
            files = await session.call(q.ListFiles())  # by the new token as well
            assert files.entries
            await host.call(q.StopSession("far"))
            assert jupyter_server.kernels() == []


async def answer_login(session: SessionClient, text: str) -> str:
    """Answer the next question of a login; returns it."""
    snapshot = Snapshot()
    async with asyncio.timeout(120):
        async for batch in session.events():
            snapshot = apply(snapshot, batch)
            for asked in snapshot.login_questions:
                await session.call(q.AnswerLogin(asked.question_id, text))
                return asked.prompt.text
    raise AssertionError("the events ended before the question")


async def test_a_terminal_of_the_server_goes_on_without_a_session_server(
    jupyter_server: TestServer,
) -> None:
    with user() as apart:
        async with apart.client() as host:
            session = await open_far(host, apart.work, jupyter_server)
            terminal = await open_terminal(session, columns=80, rows=20)
            async with terminal.watch():
                await terminal.until(lambda: terminal.screen.text.strip(), "a prompt")
                await terminal.run("pwd; word=kept", 1)
                await terminal.sees(str(jupyter_server.folder))
                assert terminal.view is not None
                assert terminal.view.commands[0].text == "pwd; word=kept"
                server = apart.pid
                assert server is not None
                os.kill(server, signal.SIGKILL)
                await wait_until(lambda: apart.pid not in (None, server), "another server")
                await terminal.run("echo $word.$((6*7))", 2)
                await terminal.sees("kept.42")
            assert (await terminal.text()).count("pwd; word=kept") == 1
            assert len(terminals_of(jupyter_server)) == 1
            await host.call(q.StopSession("far"))
            assert terminals_of(jupyter_server) == []


async def test_a_terminal_of_others_is_joined_and_stays_theirs(jupyter_server: TestServer) -> None:
    made = jupyter_server.ask("POST", "api/terminals")
    assert isinstance(made, dict)
    name = made["name"]
    with user() as apart:
        async with apart.client() as host:
            kernel = f"{jupyter_server.address}#python3"
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="far", kernel=kernel))
            session = host.session(opened.session_id)
            own = await open_terminal(session, "sleep", "1000")
            listed = await session.call(q.ListJoinableTerminals())
            assert [(each.name, each.terminal_id) for each in listed.terminals] == [(name, "")]
            terminal = await open_terminal(session, join=name)
            async with terminal.watch():
                # Whoever joins next gets this question once more, and does not answer it again.
                await terminal.type(
                    "stty -icanon -echo; printf '\\033[5n'; dd bs=1 count=4 2>/dev/null | od -c;"
                    " stty icanon; echo first.$((6*7))\r"
                )
                await terminal.sees("033   [   0   n")
                await terminal.sees("first.42")
                assert terminal.view is not None
                assert (terminal.view.joined, terminal.view.pid) == (name, None)
                with pytest.raises(Conflict, match="has joined"):
                    await open_terminal(session, join=name)
                server = apart.pid
                assert server is not None
                os.kill(server, signal.SIGKILL)
                await wait_until(lambda: apart.pid not in (None, server), "another server")
                await terminal.type("echo again.$((6*7))\r")
                await terminal.sees("again.42")
            [each] = (await session.call(q.ListJoinableTerminals())).terminals
            assert each.terminal_id == terminal.terminal_id
            await session.call(q.CloseTerminal(terminal.terminal_id))
            assert name in [each["name"] for each in terminals_of(jupyter_server)]
            terminal = await open_terminal(session, join=name)
            async with terminal.watch():
                await terminal.sees("again.42")
                await terminal.type("echo third.$((6*7))\r")
                await terminal.sees("third.42")
                assert "not found" not in await terminal.text()
                jupyter_server.ask("DELETE", f"api/terminals/{name}")
                await terminal.until(
                    lambda: terminal.view is not None and terminal.view.state == "lost", "its end"
                )
            with pytest.raises(NotFound, match="There is no terminal"):
                await session.call(q.RestartTerminal(terminal.terminal_id))
            await session.call(q.CloseTerminal(own.terminal_id))
            await host.call(q.StopSession("far"))
    assert terminals_of(jupyter_server) == []


def terminals_of(server: TestServer) -> list[dict[str, object]]:
    models = server.get("api/terminals")
    assert isinstance(models, list)
    return models


def kernels_of(server: TestServer) -> set[object]:
    return {kernel["id"] for kernel in server.kernels()}


async def command(apart: Apart, *words: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "codeexec.cli.main", *words],
        env=apart.environ,
        cwd=apart.work,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


async def test_commands_name_the_server_and_leave_no_token_behind(
    jupyter_server: TestServer,
) -> None:
    with user() as apart:
        (apart.work / "far.py").write_text("import sys\nprint('far', input())\nsys.exit(4)\n")
        before = kernels_of(jupyter_server)
        words = ("run", "--server", jupyter_server.address, "far.py")
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codeexec.cli.main", *words),
            env=apart.environ,
            cwd=apart.work,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        await wait_until(lambda: kernels_of(jupyter_server) - before, "a kernel on the server")
        assert arguments_with(TOKEN) == []
        told, _ = await running.communicate(b"away\n")
        assert (told, running.returncode) == (b"far away\n", 4)
        assert kernels_of(jupyter_server) == before

        config = Path(apart.environ["XDG_CONFIG_HOME"]) / "codeexec-tui" / "config.toml"
        config.parent.mkdir(parents=True)
        token_file = apart.folder / "token"
        token_file.write_text(TOKEN)
        token_file.chmod(0o600)
        config.write_text(
            f'[remote.lab]\nurl = "{jupyter_server.url}"\ntoken_file = "{token_file}"\n'
        )
        answer = await command(apart, "run", "--server", "lab", "--kernel", "python3", "far.py")
        assert answer.returncode == 1
        assert "standard input has ended" in answer.stderr
        answer = await command(apart, "kernels", "list", "--server", "lab", "--json")
        listed = [json.loads(line) for line in answer.stdout.splitlines()]
        assert "remote:lab#python3" in [kernel["name"] for kernel in listed]
        answer = await command(apart, "doctor", "--server", "lab")
        assert "was ready after" in answer.stdout
        assert answer.returncode == 0
        answer = await command(apart, "kernels", "stop", "abc", "--server", "lab")
        assert "has no kernel abc" in answer.stderr
        answer = await command(apart, "run", "--server", "nowhere", "far.py")
        assert "codeexec-tui config edit" in answer.stderr
        wrong = f"{jupyter_server.url}?token=wrong"
        answer = await command(apart, "doctor", "--server", wrong)
        assert answer.returncode == 1
        assert "refuses" in answer.stdout
        assert "wrong" not in answer.stdout.replace("the token is wrong", "")
        assert kernels_of(jupyter_server) == before
