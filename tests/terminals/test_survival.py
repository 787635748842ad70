"""A terminal and its program outlive the server, which is killed at any moment."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from codeexec.client.api import HostClient, SessionClient
from codeexec.domain import requests as q
from support.servers import Apart, user, wait_until
from support.terminals import open_terminal

pytestmark = pytest.mark.slow

SCROLLBACK = str(64 << 20)


async def opened(host: HostClient, apart: Apart) -> SessionClient:
    request = q.OpenSession(cwd=str(apart.work), name="work", start_kernel=False)
    return host.session((await host.call(request)).session_id)


async def kill_server(apart: Apart) -> None:
    server = apart.pid
    assert server is not None
    os.kill(server, signal.SIGKILL)
    await wait_until(lambda: apart.pid not in (None, server), "another server")


async def test_a_shell_goes_on_with_its_screen_when_the_server_is_killed() -> None:
    with user() as apart:
        async with apart.client() as host:
            session = await opened(host, apart)
            terminal = await open_terminal(session, shell="/bin/bash", env={"PS1": "> "})
            async with terminal.watch():
                await terminal.until(lambda: terminal.view and terminal.view.pid)
                assert terminal.view is not None
                shell = terminal.view.pid
                await terminal.until(lambda: terminal.screen.cursor.column, "a prompt")
                await terminal.type("NAME=kept; seq 300; printf '\\033[31mred'; ec\"\"ho -done\r")
                await terminal.sees("red-done")
                await kill_server(apart)
                await terminal.type("echo $NAME-$$\r")
                await terminal.sees(f"kept-{shell}")
                text = await terminal.text()
                assert text.count("\n299\n300\nred-done") == 1
                assert text.count("kept-") == 1
                await terminal.until(lambda: terminal.view and len(terminal.view.commands) == 2)
                first, second = terminal.view.commands
                assert (first.output_row, first.end_row, first.exit_code) == (1, 302, 0)
                assert (second.text, second.row, second.output_row) == ("echo $NAME-$$", 302, 303)
                assert second.folder == first.folder == str(apart.work)


async def test_numbers_are_exact_over_kills_of_the_server() -> None:
    count = 300_000
    with user(CODEEXEC_SESSIONS_TERMINAL_SCROLLBACK=SCROLLBACK) as apart:
        async with apart.client() as host:
            session = await opened(host, apart)
            loop = f"seq $(((n - 1) * {count // 3} + 1)) $((n * {count // 3}))"
            command = f"stty -echo; for n in 1 2 3; do read x; {loop}; done; echo the-end; cat"
            terminal = await open_terminal(session, "sh", "-c", command)
            async with terminal.watch():
                for _ in range(3):
                    await terminal.type("\r")
                    await kill_server(apart)
                await terminal.sees("the-end")
                numbers = [line for line in (await terminal.text()).split("\n") if line.strip()]
                assert numbers == [*map(str, range(1, count + 1)), "the-end"]


async def test_what_ended_while_no_server_was_there_is_told() -> None:
    with user() as apart:
        async with apart.client() as host:
            session = await opened(host, apart)
            terminal = await open_terminal(session, "sh", "-c", "read x; echo last; exit 7")
            async with terminal.watch():
                await terminal.until(lambda: terminal.view and terminal.view.pid)
                assert terminal.view is not None
                program = psutil.Process(terminal.view.pid)
                server = apart.pid
                assert server is not None
                os.kill(server, signal.SIGSTOP)
                terminal._number += 1
                os.kill(server, signal.SIGKILL)
                program.terminate()
                await terminal.until(lambda: terminal.view and terminal.view.state == "exited")
                assert terminal.view.exit_code == 128 + signal.SIGTERM


async def test_the_end_of_a_session_leaves_no_process() -> None:
    with user() as apart:
        async with apart.client() as host:
            session = await opened(host, apart)
            terminal = await open_terminal(session, "sh", "-c", "sleep 1000 & trap '' HUP; cat")
            async with terminal.watch():
                await terminal.until(lambda: terminal.view and terminal.view.pid)
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")
