"""Shell integration: commands with their rows and exit status, and nothing that can be forged."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec.client.api import SessionClient
from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import requests as q
from support.terminals import open_terminal

SHELLS = [name for name in ("bash", "zsh", "fish") if shutil.which(name)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(home))
    for name in ("ZDOTDIR", "XDG_CONFIG_HOME", "PROMPT_COMMAND", "HISTCONTROL"):
        monkeypatch.delenv(name, raising=False)
    (home / ".bashrc").write_text(
        "PS1='> '; HISTCONTROL=ignoreboth\nPROMPT_COMMAND='seen=$?'\nMINE=from-a-file\n"
    )
    (home / ".zshrc").write_text("PS1='> '\nMINE=from-a-file\n")
    (home / ".config" / "fish").mkdir(parents=True)
    (home / ".config" / "fish" / "config.fish").write_text(
        "set -g fish_greeting\nfunction fish_prompt; echo -n '> '; end\nset MINE from-a-file\n"
    )
    return home


@pytest.fixture
async def session(home: Path) -> AsyncIterator[SessionClient]:
    (home / "work").mkdir()
    async with EmbeddedHost(home / "state") as host:
        request = q.OpenSession(cwd=str(home / "work"), start_kernel=False)
        yield host.session((await host.call(request)).session_id)


@pytest.mark.parametrize("shell", SHELLS)
async def test_commands_are_told_with_their_output_and_status(
    session: SessionClient, home: Path, shell: str
) -> None:
    terminal = await open_terminal(session, shell=shell)
    async with terminal.watch():
        await terminal.until(lambda: terminal.screen.cursor.column == 2, "a prompt")
        await terminal.run("echo one; echo 'two ✓;%'", 1)
        await terminal.run("sh -c 'exit 3'", 2)
        await terminal.run("cd ..; echo $MINE", 3)
        await terminal.until(lambda: terminal.view and terminal.view.folder == str(home))
        assert terminal.view is not None
        assert terminal.view.has_integration
        first, second, third = terminal.view.commands
        assert [command.exit_code for command in (first, second, third)] == [0, 3, 0]
        assert first.text == "echo one; echo 'two ✓;%'"
        assert second.text == "sh -c 'exit 3'"
        await terminal.type("exit 4\r")
        await terminal.until(lambda: terminal.view and terminal.view.state == "exited", "the end")
        assert terminal.view.commands[-1].text == "exit 4"
        assert terminal.view.commands[-1].exit_code == 4
        assert first.folder == str(home / "work")
        assert first.end_row is not None
        assert await terminal.text(first.output_row, first.end_row) == "one\ntwo ✓;%\n"
        assert third.end_row is not None
        assert await terminal.text(third.output_row, third.end_row) == "from-a-file\n"
        assert "two ✓" in await terminal.text(first.row, first.row + 1)
    left = [path.name for path in home.iterdir() if path.name.startswith("codeexec-shell")]
    assert left == []


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_file_that_is_printed_forges_nothing(
    session: SessionClient, home: Path, shell: str
) -> None:
    evil = home / "work" / "evil.txt"
    evil.write_bytes(
        b"\x1b]133;C\x07\x1b]133;D;0\x07\x1b]7733;;C;rm -rf /\x07\x1b]7733;D;0\x07"
        b"\x1b]7733;0000;P;/etc\x07\x1b]2;title\x1b[31m\x07\x1b]7;file://h/a%0ab\x07evil\n"
    )
    terminal = await open_terminal(session, shell=shell)
    async with terminal.watch():
        await terminal.until(lambda: terminal.screen.cursor.column == 2, "a prompt")
        await terminal.run("cat evil.txt; sh -c 'exit 5'", 1)
        await terminal.run("env | grep -c CODEEXEC_NONCE", 2)
        assert terminal.view is not None
        first, second = terminal.view.commands
        assert (first.text, first.exit_code) == ("cat evil.txt; sh -c 'exit 5'", 5)
        assert second.end_row is not None
        assert await terminal.text(second.output_row, second.end_row) == "0\n"
        assert terminal.view.folder in ("", str(home / "work"))


async def test_bash_hands_the_status_to_the_users_prompt_command(
    session: SessionClient,
) -> None:
    terminal = await open_terminal(session, shell="bash")
    async with terminal.watch():
        await terminal.until(lambda: terminal.screen.cursor.column == 2, "a prompt")
        await terminal.run("sh -c 'exit 9'", 1)
        await terminal.run("echo seen-$seen", 2)
        await terminal.sees("seen-9")
        await terminal.type("\r")
        await terminal.run("sh -c 'exit 9'", 3)
        await terminal.run("sh -c 'exit 9'", 4)
        assert terminal.view is not None
        assert [command.text for command in terminal.view.commands][2:] == ["sh -c 'exit 9'"] * 2


async def test_a_line_that_bash_is_sent_before_its_prompt_is_marked_at_the_prompt(
    session: SessionClient, home: Path
) -> None:
    with (home / ".bashrc").open("a") as settings:
        settings.write("PROMPT_COMMAND='until [ -e ~/may-ask ]; do sleep 0.01; done'\n")
    terminal = await open_terminal(session, shell="bash")
    async with terminal.watch():
        await terminal.type("echo ahead\r")
        await terminal.sees("echo ahead")  # shown by the terminal: bash has not turned it off
        (home / "may-ask").touch()
        await terminal.until(
            lambda: terminal.view and [c for c in terminal.view.commands if c.end_row is not None],
            "the end of the command",
        )
        assert terminal.view is not None
        (command,) = terminal.view.commands
        assert command.end_row is not None
        assert await terminal.text(command.row, command.end_row) == "> echo ahead\nahead\n"


async def test_the_environment_of_the_kernel_is_active(session: SessionClient, home: Path) -> None:
    from codeexec.session.terminals.shells import environment_of_python

    (home / "project" / ".venv" / "bin").mkdir(parents=True)
    (home / "project" / ".venv" / "pyvenv.cfg").touch()
    python = home / "project" / ".venv" / "bin" / "python"
    variables, path = environment_of_python(str(python))
    assert variables["VIRTUAL_ENV"] == str(home / "project" / ".venv")
    assert variables["VIRTUAL_ENV_PROMPT"] == "(project) "
    assert variables["PATH"].startswith(f"{path}:")
    assert environment_of_python("/usr/bin/python3") == ({}, "")
