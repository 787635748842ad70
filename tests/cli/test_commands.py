"""The other commands: help, versions, settings, kernels, sessions, doctor, completion."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import codeexec
from codeexec.cli import exit_codes as exits
from codeexec.cli.command_table import COMMANDS
from codeexec.cli.commands.serve import parse_bind, read_token
from codeexec.cli.commands.sessions import kernels_to_pause, kernels_to_unpause
from codeexec.cli.group import invoke
from codeexec.cli.main import main
from codeexec.cli.options import settle_docker
from codeexec.cli.run.prestart import guess
from codeexec.cli.servers.local import pick_open
from codeexec.cli.text_width import width_of
from codeexec.cli.typos import mistyped_command
from codeexec.domain.errors import Conflict, NotFound, UsageError
from codeexec.domain.events import KernelRef
from codeexec.domain.requests import SessionSummary
from codeexec.domain.snapshot import KernelView, Snapshot
from codeexec.tui.boot import entry as app
from codeexec.tui.options import OpenOptions
from support.programs import Desk, Terminal

HEAVY = ("click", "msgspec", "asyncio", "textual", "rich", "zmq", "sqlite3")


def test_all_containers_of_a_session_are_paused_and_those_that_are_paused_go_on() -> None:
    container = KernelRef("docker:a", "Python 3 in a", "python", "a", "docker", engine="docker")
    local = KernelRef("python3", "Python 3")
    kernels = {
        "python": KernelView("idle", 1, local),
        "one": KernelView("busy", 1, container),
        "two": KernelView("idle", 1, container),
        "still": KernelView("idle", 1, container, paused=True),
        "off": KernelView("dead", 1, container),
    }
    snapshot = Snapshot(kernels=kernels, default_kernel="python")
    assert kernels_to_pause(snapshot) == ("one", "two")
    assert kernels_to_unpause(snapshot) == ("still",)
    paused = Snapshot(kernels={"still": kernels["still"]}, default_kernel="still")
    assert kernels_to_pause(paused) == ()
    without = Snapshot(kernels={"python": kernels["python"]}, default_kernel="python")
    assert kernels_to_pause(without) == ("python",)
    assert kernels_to_unpause(without) == ()


def test_the_version_needs_nothing_heavy(desk: Desk) -> None:
    code = (
        "import sys\nfrom codeexec.cli.main import main\nmain(['--version'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=90
    )
    assert done.stdout == f"codeexec-tui {codeexec.__version__}\n[]\n"


def test_an_interrupt_before_a_command_listens_ends_with_its_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("codeexec.cli.main._dispatch", interrupted)
    with pytest.raises(SystemExit) as end:
        main(["run", "a.py"])
    assert end.value.code == 130


def test_the_help_has_every_command_and_exit_code(desk: Desk) -> None:
    done = desk.run("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    for code in (0, 1, 2, 3, 124, 130):
        assert f" {code}  " in done.stdout
    assert max(map(width_of, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_json(
    desk: Desk, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    done = desk.run(name, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 3
    if "Commands:" in done.stdout:
        listed = done.stdout.partition("Commands:")[2].split("\n")[1:]
        inner = [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "]
        assert inner
        for each in inner:
            assert invoke([name, each, "--help"]) == 0
            words = capsys.readouterr().out
            opens_a_screen = each == "attach" or (name == "lesson" and each in ("show", "learn"))
            assert "--json" in words or opens_a_screen
    elif name not in ("attach", "demo", "play"):  # these open a screen
        assert "--json" in done.stdout


@pytest.mark.slow
def test_an_option_that_is_not_there(desk: Desk) -> None:
    done = desk.run("sessions", "list", "--nope")
    assert done.returncode == 2
    assert "--nope" in done.stderr


@pytest.mark.slow
def test_settings_are_shown_with_who_said_them(desk: Desk) -> None:
    desk.file(".codeexec.toml", "[editor]\ntab_size = 2\n")
    done = desk.run("config", "show", "--changed")
    assert "tab_size = 2  # project " in done.stdout
    said = json.loads(desk.run("config", "show", "--json").stdout)
    assert said["settings"]["editor.tab_size"]["value"] == 2
    assert said["settings"]["editor.tab_size"]["origin"] == "project"
    assert said["settings"]["editor.soft_wrap"]["origin"] == "default"


def test_a_wrong_setting_stops_a_run(desk: Desk) -> None:
    desk.file(".codeexec.toml", "[kernel]\nbackend = 'moon'\n")
    desk.file("a.py", "print(1)\n")
    done = desk.run("run", "a.py")
    assert done.returncode == 2
    assert ".codeexec.toml: kernel.backend: 'moon' is not one of local, docker" in done.stderr


@pytest.mark.slow
def test_editing_begins_with_the_manual(desk: Desk) -> None:
    done = desk.run("config", "edit", "--json", env={"EDITOR": "true"})
    path = Path(json.loads(done.stdout)["path"])
    assert path == desk.home / ".config/codeexec-tui/config.toml"
    assert "# tab_size = 0" in path.read_text()
    assert desk.run("config", "edit", env={"EDITOR": "no-such-editor"}).returncode == 2


@pytest.mark.slow
def test_kernels_are_listed_with_what_they_lack(desk: Desk) -> None:
    venv = desk.folder / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to(sys.executable)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.0\n")
    desk.run("trust")
    done = desk.run("kernels", "--json", env={"VIRTUAL_ENV": ""})
    found = [json.loads(line) for line in done.stdout.splitlines()]
    bare = next(each for each in found if each["path"].startswith(str(venv)))
    assert "ipykernel" in bare["remark"]
    assert not bare.get("problem")
    assert "pip install" in bare["fix"]
    assert any(not each.get("problem") for each in found)
    told = desk.run("kernels", "list", env={"VIRTUAL_ENV": ""}).stdout
    assert "→" in told
    # A limit of all program runners is said once.
    assert "programs:bash" in told and "programs:cpp" in told
    assert told.count("variables do not last from one run to the next") == 1


@pytest.mark.slow
def test_doctor_tells_the_fix_and_fails_when_something_is_broken(desk: Desk) -> None:
    assert desk.run("doctor").returncode == 0
    desk.file(".codeexec.toml", "[editor]\ntab_sise = 2\n")
    done = desk.run("doctor", "--json")
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    broken = [each for each in checks if each["grade"] == "fail"]
    assert [each["name"] for each in broken] == ["settings"]
    assert "editor.tab_size?" in broken[0]["fix"]
    assert done.returncode == 1


@pytest.mark.slow
def test_doctor_sees_a_state_folder_that_is_none(desk: Desk) -> None:
    blocked = desk.folder / "blocked"
    blocked.write_text("")
    done = desk.run("doctor", env={"XDG_STATE_HOME": str(blocked)})
    assert "✗ state folder" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(desk: Desk, shell: str) -> None:
    script = desk.run("completion", shell).stdout
    assert "_CODEEXEC_TUI_COMPLETE" in script
    if found := shutil.which(shell):
        subprocess.run([found, "-n", "-c", script], check=True, timeout=90)


def test_words_are_completed(desk: Desk) -> None:
    done = desk.run(
        env={
            "_CODEEXEC_TUI_COMPLETE": "bash_complete",
            "COMP_WORDS": "codeexec-tui ses",
            "COMP_CWORD": "1",
        }
    )
    assert "plain,sessions" in done.stdout


@pytest.mark.slow
def test_no_sessions_are_no_failure(desk: Desk) -> None:
    done = desk.run("sessions", "list")
    assert (done.returncode, "No sessions" in done.stdout) == (0, True)
    assert desk.run("sessions", "show", "nobody").returncode == 2
    assert desk.run("sessions", "stop", "nobody").returncode == 2
    assert desk.run("sessions", "rm", "nobody").returncode == 2


def test_where_to_bind() -> None:
    assert parse_bind("0.0.0.0:80") == ("0.0.0.0", 80)
    assert parse_bind(":0") == ("127.0.0.1", 0)
    assert parse_bind("[::1]:8890") == ("::1", 8890)
    for wrong in ("8890", "host:", "host:99999", "host:-1"):
        with pytest.raises(UsageError):
            parse_bind(wrong)


def test_a_token_file_is_made_for_us_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    token = read_token(file)
    assert len(token) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_token(file) == token
    file.write_text("")
    with pytest.raises(UsageError):
        read_token(file)


def test_the_early_kernel_is_what_run_will_ask_for(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text("")
    words = [
        "--timeout",
        "3",
        "--env",
        "A=1",
        "--kernel=/x",
        "--cells",
        str(script),
        "--lr",
        "3",
        "--",
        "--cwd",
        "/",
    ]
    assert guess(words, "/w") == {
        "cwd": "/w",
        "env": {"A": "1"},
        "kernel": "/x",
        "file": str(script),
    }
    assert guess(["-"], "/w") is None  # a program needs no kernel
    assert guess([str(script)], "/w") is None
    assert guess(["--cells", "--docker", str(script)], "/w") is None
    assert guess(["--cells", str(script), "--docker"], "/w") is None
    assert guess(["--cells", "missing.py"], "/w") is None
    assert guess(["--nope", str(script)], "/w") is None
    assert guess([], "/w") is None


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], OpenOptions()),
        (["a.py", "b.py"], OpenOptions(files=("a.py", "b.py"))),
        (["a.py", "--kernel", "k", "--new"], OpenOptions(files=("a.py",), kernel="k", new=True)),
        (["--session", "s", "--theme", "ink"], OpenOptions(session="s", theme="ink")),
        (["--docker", "a.py"], OpenOptions(files=("a.py",), docker="")),
        (["--docker=image:1", "a.py"], OpenOptions(files=("a.py",), docker="image:1")),
        (["attach"], OpenOptions(attach=True)),
        (["attach", "work", "--watch"], OpenOptions(session="work", attach=True, watch=True)),
    ],
)
def test_words_open_the_workbench(
    words: list[str], options: OpenOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[OpenOptions] = []

    def run(options: OpenOptions) -> int:
        opened.append(options)
        return 7

    monkeypatch.setattr(app, "run", run)
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(SystemExit) as left:
        main(words)
    assert opened == [options]
    assert left.value.code == 7


def test_the_tour_is_laid_out_afresh_and_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[OpenOptions] = []

    def run(options: OpenOptions) -> int:
        opened.append(options)
        return 0

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(app, "run", run)
    monkeypatch.setenv("TERM", "xterm")
    for _ in range(2):
        with pytest.raises(SystemExit):
            main(["demo"])
        folder, script = (Path(name) for name in opened[-1].files)
        assert opened[-1].is_tour
        assert script.parent == folder
        compile(script.read_text(), str(script), "exec")
        script.write_text("what the last visitor left")


def test_an_image_is_told_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text("")
    assert settle_docker(["--docker", "python:3.12", "a.py"]) == ["--docker=python:3.12", "a.py"]
    assert settle_docker(["--docker", "missing.py"]) == ["--docker=", "missing.py"]
    assert settle_docker(["--docker", str(file)]) == ["--docker=", str(file)]
    assert settle_docker(["--docker", "-"]) == ["--docker=", "-"]
    assert settle_docker(["a.py", "--docker"]) == ["a.py", "--docker="]
    assert settle_docker(["--docker=x", "a.py"]) == ["--docker=x", "a.py"]
    assert settle_docker(["a.py", "--", "--docker", "x"]) == ["a.py", "--", "--docker", "x"]


@pytest.mark.parametrize("words", [("run", "--policy", "locked", "a.py"), ("--policy", "locked")])
def test_a_policy_without_a_container_is_refused_before_anything_runs(
    desk: Desk, words: tuple[str, ...]
) -> None:
    desk.file("a.py", "print('ran')")
    done = desk.run(*words)
    assert done.returncode == 2
    assert "this code would run in none" in done.stderr
    assert "--docker" in done.stderr
    assert "ran" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--cells", "a.py"),
        ("run", "a.py"),
        ("doctor",),
        ("kernels",),
        ("config", "show"),
        ("--help",),
        (),
        ("a.py",),
        ("attach",),
    ],
)
def test_a_dumb_terminal_gets_no_escape_sequence(desk: Desk, words: tuple[str, ...]) -> None:
    desk.file("a.py", "print('\\rone', end='')\nprint('\\rtwo')\nraise ValueError('no')\n")
    with Terminal(words, home=desk.home, cwd=desk.folder, env={"TERM": "dumb"}) as terminal:
        status = terminal.ends()
    assert b"\x1b" not in terminal.raw
    assert terminal.raw
    if words in ((), ("a.py",), ("attach",)):
        assert status == 2
        assert b"TERM=dumb" in terminal.raw


@pytest.mark.slow
def test_doctor_says_that_no_engine_answers(desk: Desk) -> None:
    programs = desk.folder / "bin"
    programs.mkdir()
    engine = programs / "docker"
    engine.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    engine.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def check(**env: str) -> dict[str, str]:
        done = desk.run("doctor", "--json", env={"PATH": path, **env})
        checks = [json.loads(line) for line in done.stdout.splitlines()]
        (found,) = [each for each in checks if each["name"] == "docker"]
        return dict(found)

    found = check()
    assert (found["grade"], found["told"]) == ("warn", "docker: No engine answers.")
    assert "DOCKER_HOST" in found["fix"]
    assert check(CODEEXEC_KERNEL_BACKEND="docker")["grade"] == "fail"


@pytest.mark.parametrize(
    "words", [("atach",), ("atach", "--watch"), ("sesions", "list"), ("Doctor",)]
)
def test_a_mistyped_command_opens_no_file(desk: Desk, words: tuple[str, ...]) -> None:
    done = desk.run(*words)
    assert done.returncode == 2
    assert f"There is no command {words[0]}. Did you mean " in done.stderr


def test_a_word_like_a_command_may_be_a_file(desk: Desk) -> None:
    desk.file("demos", "")
    assert mistyped_command("analysis.py") == mistyped_command("./atach") == ""
    assert mistyped_command("atach") == "attach"
    assert mistyped_command("help") == "--help"
    assert mistyped_command(str(desk.folder / "demos")) == ""


def open_session(session_id: str, name: str) -> SessionSummary:
    return SessionSummary(session_id, name, "/work", "idle")


def test_stopping_by_name_means_an_open_session() -> None:
    sessions = [
        open_session("s1", "new-2"), open_session("s2", "analysis"), open_session("s3", "anal")
    ]  # fmt: skip
    assert pick_open(sessions, "new").name == "new-2"
    assert pick_open(sessions, "anal").session_id == "s3"
    assert pick_open(sessions, "s2").name == "analysis"
    with pytest.raises(NotFound, match="No open session is called 'old'"):
        pick_open(sessions, "old")
    with pytest.raises(Conflict, match="'an' may be analysis"):
        pick_open(sessions, "an")


# -- config get and set -------------------------------------------------------------------

USER_FILE = ".config/codeexec-tui/config.toml"


@pytest.mark.slow
def test_a_setting_is_written_and_the_rest_of_the_file_stays(desk: Desk) -> None:
    file = desk.home / USER_FILE
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n[editor]  # look\n# narrow\ntab_size = 2  # two\nsoft_wrap = true\n")
    assert desk.run("config", "set", "editor.tab_size", "4").returncode == 0
    assert file.read_text() == (
        "# mine\n[editor]  # look\n# narrow\ntab_size = 4  # two\nsoft_wrap = true\n"
    )
    done = desk.run("config", "get", "editor.tab_size")
    assert (done.stdout, done.stderr) == ("4\n", f"# user {file}\n")
    desk.run("config", "set", "kernel.name", 'a "b"')
    said = json.loads(desk.run("config", "get", "kernel.name", "--json").stdout)
    assert (said["value"], said["origin"], said["place"]) == ('a "b"', "user", str(file))
    desk.run("config", "unset", "editor.tab_size")
    assert desk.run("config", "get", "editor.tab_size").stderr == "# default\n"
    assert "soft_wrap = true" in file.read_text()


@pytest.mark.slow
def test_the_projects_file_is_written_only_when_that_is_said(desk: Desk) -> None:
    file = desk.folder / ".codeexec.toml"
    file.write_text("[editor]\ntab_size = 3\n")
    done = desk.run("config", "set", "editor.tab_size", "4")
    assert file.read_text() == "[editor]\ntab_size = 3\n"
    assert f"Another value counts here: that of project {file}" in done.stderr
    assert desk.run("config", "set", "--project", "editor.tab_size", "5").returncode == 0
    assert file.read_text() == "[editor]\ntab_size = 5\n"
    refused = desk.run("config", "set", "--project", "docker.policy", "open")
    assert refused.returncode == 2
    assert "docker" not in file.read_text()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("editor.tab_sise", "4", "Did you mean editor.tab_size?"),
        ("editor.tab_size", "four", "a whole number"),
        ("editor.tab_size", "-1", "a whole number"),
        ("editor.soft_wrap", "perhaps", "true or false"),
        ("editor.keymap", "nano", "one of default, vim, emacs"),
    ],
)
def test_a_value_that_is_none_is_not_written(desk: Desk, key: str, value: str, words: str) -> None:
    done = desk.run("config", "set", key, "--", value)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (desk.home / USER_FILE).exists()


def test_a_file_that_is_no_toml_is_left_alone(desk: Desk) -> None:
    file = desk.home / USER_FILE
    file.parent.mkdir(parents=True)
    file.write_text("[editor\n")
    done = desk.run("config", "set", "editor.tab_size", "4")
    assert done.returncode == 2
    assert "is no TOML" in done.stderr
    assert file.read_text() == "[editor\n"


UNBUFFERED = {"buffered": "", "unbuffered": "1"}
"""PYTHONUNBUFFERED: stdout fails in the write itself, not in the last flush."""


def _write_to(stdout: int, command: str, unbuffered: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "codeexec", *command.split()],
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", UNBUFFERED.values(), ids=UNBUFFERED)
@pytest.mark.parametrize("command", ["--help", "--version", "config show", "kernels --json"])
def test_a_reader_that_goes_away_ends_a_command_as_it_ends_others(
    command: str, unbuffered: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = _write_to(writing, command, unbuffered)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (exits.PIPE_CLOSED, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is full")
@pytest.mark.parametrize("unbuffered", UNBUFFERED.values(), ids=UNBUFFERED)
@pytest.mark.parametrize(
    "command",
    ["--help", "--version", "config path", "config show", "export {notebook} -o - --to html"],
)
def test_output_that_cannot_be_written_is_told(
    command: str, unbuffered: str, tmp_path: Path
) -> None:
    notebook = tmp_path / "n.ipynb"
    notebook.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with Path("/dev/full").open("w") as full:
        ended = _write_to(full.fileno(), command.format(notebook=notebook), unbuffered)
    assert ended.returncode == exits.FAILED
    assert ended.stderr == (
        "Cannot write.\nThe output cannot be written: No space left on device.\n"
        "→ Free some space, or write to another place.\n"
    )
