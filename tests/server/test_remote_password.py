"""Commands and the workbench at a Jupyter server with a password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.tui.options import OpenOptions
from codeexec.tui.screens.login_question import LoginEntry
from support.bench import open_bench
from support.jupyter_servers import PASSWORD, TestServer, password_server
from support.programs import run_piped
from support.shells import Shell
from support.tty import Tty

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def jupyter_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    with password_server(tmp_path_factory.mktemp("password-server")) as server:
        yield server


def test_commands_take_the_password_from_the_environment_a_file_or_the_terminal(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    (tmp_path / "far.py").write_text("print('far', 6 * 7)\n")
    url, name = jupyter_server.url, "CODEEXEC_REMOTE_PASSWORD"
    homes = [tmp_path / word for word in ("wrong", "right", "file", "terminal")]
    for home in homes:
        home.mkdir()
    wrong, right, file, terminal = homes

    told = run_piped("doctor", "--server", url, home=wrong, cwd=tmp_path, env={name: "no"})
    assert (told.returncode, "refuses the password" in told.stdout) == (1, True)
    told = run_piped("run", "--server", url, "far.py", home=wrong, cwd=tmp_path)
    assert "CODEEXEC_REMOTE_PASSWORD" in told.stderr

    words = ("run", "--server", url, "far.py")
    told = run_piped(*words, home=right, cwd=tmp_path, env={name: PASSWORD})
    assert (told.stdout, told.returncode) == ("far 42\n", 0)
    told = run_piped("doctor", "--server", url, home=right, cwd=tmp_path)
    assert "the password was accepted" in told.stdout
    assert "was ready after" in told.stdout

    settings = file / ".config" / "codeexec-tui" / "config.toml"
    settings.parent.mkdir(parents=True)
    password_file = file / "password"
    password_file.write_text(f"{PASSWORD}\n")
    password_file.chmod(0o600)
    settings.write_text(f'[remote.lab]\nurl = "{url}"\npassword_file = "{password_file}"\n')
    told = run_piped("run", "--server", "lab", "far.py", home=file, cwd=tmp_path)
    assert (told.stdout, told.returncode) == ("far 42\n", 0)

    with Tty(words, home=terminal, cwd=tmp_path, columns=120) as screen:
        screen.shows("Token or password of")
        screen.press("wrong\r")
        # What is typed before a prompt is thrown away.
        screen.until(lambda: screen.text.count("Token or password of") == 2)
        screen.press(f"{PASSWORD}\r")
        screen.shows("far 42")
        assert "refuses the password" in screen.text
        assert screen.ends() == 0
        assert "wrong" not in screen.text
        assert PASSWORD not in screen.text
    assert jupyter_server.kernels() == []
    for home in (right, terminal):
        kept = [path for path in home.rglob("*") if path.is_file()]
        assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]


async def test_the_workbench_asks_in_a_dialog(jupyter_server: TestServer, tmp_path: Path) -> None:
    options = OpenOptions(kernel=f"{jupyter_server.url}#python3")
    async with open_bench(tmp_path, options=options) as bench:
        for answer, said in (("wrong", "Token or password of"), (PASSWORD, "refuses the password")):
            await bench.until(lambda: isinstance(bench.program.screen, LoginEntry))
            await bench.sees(said)
            await bench.write(answer)
            await bench.press("enter")
            await bench.until(lambda: bench.program.screen is bench.workbench, "the workbench")
        await bench.is_idle()
        await bench.console.run("print('far', 6 * 7)")
        await bench.console.card(1).shows("far 42")
        assert PASSWORD not in bench.screen()
        await bench.press("alt+shift+h")
        await bench.sees("on the Jupyter server")
        pane = Shell(bench).pane
        await bench.until(lambda: pane.input.is_inside, "keys go to the shell")
        await bench.write("echo far.$((6 * 7))")
        await bench.press("enter")
        await bench.sees("far.42")
