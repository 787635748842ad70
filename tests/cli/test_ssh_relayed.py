"""`--ssh` where codeexec-tui is not installed: a real sshd, and our relay there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.programs import Desk, run_piped
from support.servers import DEADLINE, short_folder, user, wait_for
from support.ssh_server import PASSPHRASE, SshServer, ssh_server
from support.tty import Tty

pytestmark = pytest.mark.slow

PROGRAM = """
import os, sys
print(os.getcwd(), sys.argv[1], sep="\\n")
print("got", input("? "))
sys.exit(4)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with short_folder() as folder, ssh_server(folder) as server:
        (folder / "bare-home" / "work").mkdir(parents=True)
        yield server


def test_without_codeexec_tui_there_a_relay_runs_the_code(server: SshServer, desk: Desk) -> None:
    desk.file("far.py", PROGRAM)
    env = {"CODEEXEC_SSH": server.command}
    done = desk.run("run", "--ssh", "bare:work", "far.py", "word", env=env, stdin=b"answer\n")
    lines = [
        str(server.folder / "bare-home" / "work"),
        "word",
        "? got answer",
    ]
    assert done.stdout.splitlines() == lines, done.stderr
    assert done.returncode == 4
    assert "codeexec-tui was not found on bare, so a relay runs the kernel there." in done.stderr
    missing = desk.run("run", "--kernel", "ssh:bare:nowhere", "far.py", "word", env=env)
    assert missing.returncode == 125
    assert "There is no folder" in missing.stderr
    wait_for(lambda: not server.left(), "the end of all there")


def test_the_workbench_shows_a_cut_line_of_the_relay_with_the_next_attempt(
    server: SshServer,
) -> None:
    with user() as near:
        env = {**near.environ, "CODEEXEC_SSH": server.command}
        with Tty(("--ssh", "bare:work"), home=near.folder, cwd=near.work, env=env) as tty:
            tty.shows("idle  Python on bare", deadline=DEADLINE)
            config = server.config.rename(server.config.with_suffix(".off"))
            try:
                for line in psutil.process_iter():
                    if _is_line_with(line, server.config):
                        line.kill()
                tty.until(lambda: b"next try in" in tty.raw, DEADLINE)
            finally:
                config.rename(server.config)
            tty.until(lambda: b"idle" in tty.raw.rpartition(b"next try in")[2], DEADLINE)
            tty.press("\x11")
            assert tty.ends(DEADLINE) == 0
        assert server.left()  # the session goes on
        stopped = run_piped("sessions", "stop", "work", home=near.folder, cwd=near.work, env=env)
        assert stopped.returncode == 0
    wait_for(lambda: not server.left(), "the end of all there")


def test_to_attach_without_codeexec_tui_there_leads_to_the_sessions_of_this_machine(
    server: SshServer,
) -> None:
    with user() as near:
        env = {**near.environ, "CODEEXEC_SSH": server.command}
        words = ("attach", "--ssh", "bare:work")
        with Tty(words, home=near.folder, cwd=near.work, env=env, columns=250) as tty:
            tty.shows("codeexec-tui was not found on bare")
            tty.shows("`codeexec-tui attach NAME` comes back to one")
            tty.shows("codeexec-tui install bare")
            assert tty.ends(DEADLINE) != 0


def _is_line_with(process: psutil.Process, config: Path) -> bool:
    try:
        return process.name() == "ssh" and str(config) in process.cmdline()
    except psutil.Error:
        return False


def test_a_run_asks_on_its_terminal_what_the_login_of_its_kernel_asks(
    server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with user() as near:
        env = {**near.environ, "CODEEXEC_SSH": server.command}
        (near.work / "far.py").write_text("print('ran', 'there')\n")
        words = ("run", "--kernel", "ssh:bare-sealed:work", "far.py")
        with Tty(words, home=near.folder, cwd=near.work, env=env) as tty:
            tty.shows("Enter passphrase for key", deadline=DEADLINE)
            tty.press(f"{PASSPHRASE}\r")
            tty.shows("ran there", deadline=DEADLINE)
            assert tty.ends(DEADLINE) == 0
            assert PASSPHRASE.encode() not in tty.raw
        # Without a terminal nobody can answer.
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        server.end_masters()
        done = run_piped(*words, home=near.folder, cwd=near.work, env=env)
        assert done.returncode == 125
        assert "The login to bare-sealed was given up." in done.stderr
    wait_for(lambda: not server.left(), "the end of all there")
