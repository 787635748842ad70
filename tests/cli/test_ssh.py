"""Lines over ssh to a real sshd: what is cut comes again, and each failure is a sentence."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from codeexec import __version__
from codeexec.cli.servers.remote import ssh_target
from codeexec.client.socket import SocketHost
from codeexec.client.wire import parse_address, parse_ssh
from codeexec.config.load import load
from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.fold import apply
from codeexec.domain.outputs import iter_rows
from codeexec.domain.snapshot import Snapshot
from codeexec.environments.ssh.failures import SshFailure, failure_of
from codeexec.tui.options import OpenOptions
from codeexec.tui.session.attach import find_session
from codeexec.tui.session.workspace import Workspace
from support.programs import Desk
from support.servers import DEADLINE, short_folder, user, wait_until
from support.ssh_server import PASSPHRASE, SshServer, ssh_server
from support.tty import Tty

LINES = 2000
CODE = f"""
import os, time
print(os.getcwd())
for i in range({LINES}):
    print('line', i, flush=True)
    time.sleep(0.001)
"""


PROGRAM = """
import os, sys, time
print(os.getcwd(), sys.argv[1], sep="\\n")
for i in range(500):
    print("line", i, flush=True)
    time.sleep(0.004)
print("got", input("? "))
sys.exit(4)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with short_folder() as folder, ssh_server(folder) as server:
        server.add_host("shut", Port=9)
        yield server


@pytest.fixture(autouse=True)
def command(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "server" in request.fixturenames:
        monkeypatch.setenv("CODEEXEC_SSH", request.getfixturevalue("server").command)


def lines_of_ssh(pid: int | None = None) -> list[psutil.Process]:
    """The processes of `ssh` that this one, or `pid`, has started."""
    lines = []
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.name() == "ssh" and child.status() != psutil.STATUS_ZOMBIE:
                lines.append(child)
    return lines


@pytest.mark.slow
async def test_a_line_that_is_cut_again_and_again_loses_nothing(server: SshServer) -> None:
    target = ssh_target("far:work")
    place = Workspace(Path.cwd(), ())
    chance = random.Random(3)
    states: list[str] = []
    note_state = states.append

    async def follow(host: SocketHost) -> None:
        async for link in host.links():
            note_state(link.state)

    async with SocketHost(target.address, q.ClientInfo("near"), must_answer=True) as host:
        following = asyncio.create_task(follow(host))
        options = OpenOptions(server=target)
        opened = await find_session(host, options, place, lambda: load().settings)
        assert opened.cwd == str(server.far.work)
        again = await find_session(host, options, place, lambda: load().settings)
        assert again.session_id == opened.session_id
        session = host.session(opened.session_id)
        await session.call(q.Execute(CODE, execution_id="flood"))
        snapshot, cuts, seen = Snapshot(), 0, 0
        async for batch in session.events(0, "full"):
            snapshot = apply(snapshot, batch)
            view = snapshot.executions.get("flood")
            if view is not None and view.total > seen and cuts < 3:
                [line] = lines_of_ssh()
                line.send_signal(signal.SIGKILL)
                cuts += 1
                seen = view.total + chance.randrange(100, 500)
            if any(isinstance(record.event, ExecutionFinished) for record in batch):
                break
        assert (cuts, snapshot.executions["flood"].status) == (3, "ok")
        page = await session.call(q.ReadRows("flood", 0, LINES + 10))
        rows = [row.text for row in iter_rows(page.runs) if row.text]
        assert rows == [str(server.far.work), *(f"line {i}" for i in range(LINES))]
        assert states.count("connected") >= 2
        assert "reconnecting" in states
        assert server.far.pid is not None
        assert not psutil.Process(server.far.pid).net_connections("tcp")
    await following
    await wait_until(lambda: not lines_of_ssh(), "the end of ssh")


@pytest.mark.slow
async def test_run_prints_what_came_while_the_line_was_cut(server: SshServer, desk: Desk) -> None:
    (desk.folder / "far.py").write_text(PROGRAM)
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "codeexec.cli.main", "run", "--ssh", "far:work", "far.py", "word"),
        env={**os.environ, "HOME": str(desk.home), "CODEEXEC_SSH": server.command},
        cwd=desk.folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert running.stdout is not None
    begin = await running.stdout.readuntil(b"line 50\n")
    [line] = lines_of_ssh(running.pid)
    line.send_signal(signal.SIGKILL)
    rest, remarks = await running.communicate(b"answer\n")
    lines = [str(server.far.work), "word", *(f"line {i}" for i in range(500)), "? got answer"]
    assert (begin + rest).decode().splitlines() == lines
    assert running.returncode == 4, remarks
    assert b"line to far is cut" in remarks
    assert b"line to far is back" in remarks
    async with SocketHost(parse_ssh("far"), q.ClientInfo("near"), must_answer=True) as host:
        listed = await host.call(q.ListSessions())
    assert "far" not in [session.name for session in listed.sessions]


@pytest.mark.slow
def test_a_question_of_ssh_is_asked_on_the_terminal_before_the_workbench(
    server: SshServer,
) -> None:
    with user() as near:
        env = {**near.environ, "CODEEXEC_SSH": server.command}
        words = ("attach", "--ssh", "sealed:work")
        with Tty(words, home=near.folder, cwd=near.work, env=env) as tty:
            tty.shows("Enter passphrase for key", deadline=DEADLINE)
            tty.press(f"{PASSPHRASE}\r")
            tty.shows("on sealed", deadline=DEADLINE)
            tty.shows("idle", deadline=DEADLINE)
            [line] = lines_of_ssh(tty.pid)
            line.send_signal(signal.SIGKILL)
            tty.until(lambda: b"reconnecting" in tty.raw, DEADLINE)
            tty.until(lambda: b"idle" in tty.raw.rpartition(b"reconnecting")[2], DEADLINE)
            # Without the master the next line has to log in again: a dialog asks.
            end_master(near.folder, server)
            tty.until(lambda: b"Login to sealed" in tty.raw, DEADLINE)
            begin = len(tty.raw)
            tty.press(f"{PASSPHRASE}\r")
            tty.until(lambda: b"idle" in tty.raw[begin:], DEADLINE)
            tty.press("\x11")
            assert tty.ends(DEADLINE) == 0
            assert PASSPHRASE.encode() not in tty.raw
        end_master(near.folder, server)


@pytest.mark.slow
def test_a_server_of_the_palette_asks_for_its_login(server: SshServer) -> None:
    with user() as near:
        config = Path(near.environ["XDG_CONFIG_HOME"], "codeexec-tui")
        config.mkdir(parents=True)
        (config / "config.toml").write_text('[servers.box]\nurl = "ssh://sealed/~/work"\n')
        env = {**near.environ, "CODEEXEC_SSH": server.command}
        with Tty((), home=near.folder, cwd=near.work, env=env) as tty:
            tty.shows("idle", deadline=DEADLINE)
            tty.press("\x10")
            tty.shows("Commands", deadline=DEADLINE)
            tty.press("another server\r")
            tty.shows("This machine", deadline=DEADLINE)
            tty.press("box\r")
            tty.shows("Login to sealed", deadline=DEADLINE)
            tty.press(f"{PASSPHRASE}\r")
            tty.shows("on box", deadline=DEADLINE)
            tty.press("\x11")
            assert tty.ends(DEADLINE) == 0
            assert PASSPHRASE.encode() not in tty.raw
        end_master(near.folder, server)


def end_master(folder: Path, server: SshServer) -> None:
    [master] = (folder / "run" / "codeexec-tui").glob("ssh-*")
    end = [*shlex.split(server.command), "-S", str(master), "-O", "exit", "sealed"]
    subprocess.run(end, check=True, capture_output=True)


async def problem_of(place: str) -> SshFailure:
    async with SocketHost(parse_ssh(place), q.ClientInfo("near"), must_answer=True) as host:
        with pytest.raises(SshFailure) as raised:
            await host.call(q.GetHostInfo())
    assert raised.value.message.endswith(".")
    assert raised.value.next_step
    assert raised.value.message.isprintable()
    return raised.value


@pytest.mark.slow
async def test_each_failure_of_a_line_is_a_sentence_with_a_next_step(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add_host("locked", IdentityFile=server.folder / "stranger")
    server.add_host("strange", UserKnownHostsFile=tmp_path / "none")
    changed = tmp_path / "changed"
    key = (server.folder / "stranger.pub").read_text().rsplit(" ", 1)[0]
    changed.write_text(f"[127.0.0.1]:{server.port} {key}\n")
    server.add_host("changed", UserKnownHostsFile=changed)
    assert (await problem_of("no-such-host.invalid")).kind == "name"
    assert (await problem_of("shut")).kind == "refused"
    assert (await problem_of("locked")).kind == "login"
    strange = await problem_of("strange")
    assert (strange.kind, strange.next_step) == (
        "host_key",
        "Compare and accept it once: ssh strange",
    )
    assert "ssh-keygen -R changed" in (await problem_of("changed")).next_step
    missing = await problem_of("bare")
    assert missing.kind == "missing"
    assert "codeexec-tui was not found on bare" in missing.message
    old = await problem_of("old")
    assert old.kind == "version"
    assert "0.0.9␛[2J" in old.message
    monkeypatch.setenv("CODEEXEC_SSH", "no-such-program-of-ssh")
    assert (await problem_of("far")).kind == "ssh"
    await wait_until(lambda: not lines_of_ssh(), "the end of all lines")


@pytest.mark.slow
def test_install_puts_this_version_there_once(server: SshServer, desk: Desk) -> None:
    home = server.folder / "bare-home"
    home.mkdir()
    env = {"CODEEXEC_SSH": server.command}
    done = desk.run("install", "bare", env=env)
    assert done.returncode == 0, done.stderr
    assert "by venv and pip" in done.stdout
    assert f"bare: codeexec-tui {__version__} in {home}" in done.stdout
    program = home / ".local/share/codeexec-tui/venv/bin/codeexec-tui"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"codeexec-tui {__version__}\n"
    again = json.loads(desk.run("install", "--json", "bare", env=env).stdout)
    assert again["tool"] == "it was there already"
    [place] = (home / ".local/share/codeexec-tui/venvs").iterdir()
    assert again["place"] == str(place)
    failed = desk.run("install", "shut", env=env)
    assert failed.returncode == 3


@pytest.mark.parametrize(
    ("place", "host", "port", "folder"),
    [
        ("lab", "lab", 0, ""),
        ("ann@Lab:work/x y", "ann@Lab", 0, "work/x y"),
        ("lab:/srv", "lab", 0, "/srv"),
        ("lab:~/work", "lab", 0, "work"),
        ("[::1]:work", "::1", 0, "work"),
        ("ssh://ann@lab:2222/srv/x", "ann@lab", 2222, "/srv/x"),
        ("ssh://lab/~/work", "lab", 0, "work"),
        ("ssh://lab", "lab", 0, ""),
    ],
)
def test_places_as_scp_and_urls_have_them(place: str, host: str, port: int, folder: str) -> None:
    address = parse_ssh(place)
    assert (address.ssh, address.port, address.folder) == (host, port, folder)
    if host != "::1":
        assert parse_address(str(address)) == address
    assert not address.is_local


@pytest.mark.parametrize(
    "place", ["", "-oProxyCommand=x", "a b", "a;b", ":x", "ssh://h:x/", "h:\x1b"]
)
def test_what_is_no_host_reaches_no_command_line(place: str) -> None:
    with pytest.raises(UsageError):
        parse_ssh(place)


def test_unknown_endings_say_the_last_words() -> None:
    assert "cannot exec: x" in failure_of("lab", 126, "a\ncannot exec: x\n").message
    assert failure_of("lab", 127, "sh: codeexec-tui: not found").kind == "missing"
    assert failure_of("lab", 2, "Error: No such option: --relay").kind == "version"
    assert failure_of("lab", 255, "kex_exchange: reset").kind == "line"
    assert failure_of("lab", None, "").next_step
    stale = "Control socket connect(/run/x): Connection refused\nPermission denied (publickey)."
    assert failure_of("lab", 255, stale).kind == "login"


@pytest.mark.slow
def test_ssh_goes_with_no_other_place(desk: Desk) -> None:
    desk.file("a.py", "1")
    for words in (
        ("run", "--ssh", "lab", "--policy", "locked", "a.py"),
        ("--ssh", "lab", "--trust"),
    ):
        done = desk.run(*words)
        assert done.returncode == 2
        assert "--ssh names" in done.stderr
