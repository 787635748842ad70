"""Completion in real shells: words, files beside them, and names out of folders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.programs import Desk, Terminal, environment

PROGRAM = Path(sys.executable).with_name("codeexec-tui")


@pytest.fixture
def shell(desk: Desk) -> Desk:
    """A desk with sessions, a kernelspec, a theme of the user, and files that must not be run."""
    state = desk.home / ".local/state/codeexec-tui/sessions"
    for session_id, name in (("s-0001", "monday"), ("s-0002", "monday work")):
        (state / session_id).mkdir(parents=True)
        (state / session_id / "summary.json").write_text(json.dumps({"name": name}))
        (state / session_id / "open").touch()
    spec = desk.home / ".local/share/jupyter/kernels/other-language"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text("{}")
    themes = desk.home / ".config/codeexec-tui/themes"
    themes.mkdir(parents=True)
    (themes / "dawn.toml").touch()
    (desk.folder / "documents").mkdir()
    desk.file("doc.py", "print(1)")
    for module in ("sitecustomize.py", "click.py", "json.py"):
        desk.file(module, "open('executed', 'w')")
    return desk


def complete(desk: Desk, *words: str) -> list[str]:
    """What our program answers bash for these words, the last of them incomplete."""
    asked = {
        "_CODEEXEC_TUI_COMPLETE": "bash_complete",
        "COMP_WORDS": "\n".join(("codeexec-tui", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [PROGRAM],
        cwd=desk.folder,
        env=environment(desk.home, asked),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("doc",), ["plain,docker", "plain,doctor", "file,doc"]),
        (("attach", "mon"), ["plain,monday", "plain,monday work"]),
        (("sessions", "show", "s-"), ["plain,s-0001", "plain,s-0002"]),
        (("--theme", "da"), ["plain,dawn", "plain,daylight"]),
        (("--theme", "=", "da"), ["plain,dawn", "plain,daylight"]),
        (("run", "--kernel", "oth"), ["plain,other-language"]),
        (("run", "--kernel", "/usr/b"), ["file,/usr/b"]),
        (("config", "get", "editor.tab"), ["plain,editor.tab_size"]),
        (("config", "set", "editor.keymap", "v"), ["plain,vim"]),
        (("sessions", "log"), ["plain,logs"]),
    ],
)
def test_names_complete(shell: Desk, words: tuple[str, ...], answer: list[str]) -> None:
    assert complete(shell, *words) == answer
    assert not (shell.folder / "executed").exists()


@pytest.mark.slow
def test_an_open_session_without_a_summary_completes(shell: Desk) -> None:
    """It is written once a minute; until then the name is in the journal alone."""
    code = (
        "import asyncio, codeexec, subprocess, os\n"
        "async def main():\n"
        "    async with codeexec.open_session('fresh', where='server'):\n"
        f"        print(subprocess.run([{str(PROGRAM)!r}], env=os.environ | {{\n"
        "            '_CODEEXEC_TUI_COMPLETE': 'bash_complete', 'COMP_CWORD': '2',\n"
        "            'COMP_WORDS': 'codeexec-tui\\nattach\\nfre'}, capture_output=True).stdout)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(shell.home),
        capture_output=True,
        text=True,
        timeout=90,
    )
    shell.run("sessions", "stop", "fresh")
    assert done.stdout == "b'plain,fresh\\n'\n", done.stderr


def test_completion_loads_nothing_heavy(shell: Desk) -> None:
    code = (
        "import os, sys\n"
        "os.environ |= {'_CODEEXEC_TUI_COMPLETE': 'bash_complete', 'COMP_CWORD': '2',\n"
        "               'COMP_WORDS': 'codeexec-tui\\n--theme\\nda'}\n"
        "from codeexec.cli.main import main\n"
        "try: main([])\n"
        "except SystemExit: pass\n"
        "print([n for n in ('textual', 'rich', 'zmq', 'websockets') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(shell.home),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.stdout.splitlines()[-1] == "[]"


STARTS = {
    "bash": ("bash", "--norc", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
LOADS = {
    "bash": 'eval "$(codeexec-tui completion bash)"',
    "zsh": 'autoload -Uz compinit; compinit -u; eval "$(codeexec-tui completion zsh)"',
    "fish": "codeexec-tui completion fish | source",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in STARTS if shutil.which(name)])
def test_a_real_shell_completes_commands_and_files(shell: Desk, name: str) -> None:
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    with Terminal(
        STARTS[name][1:],
        home=shell.home,
        cwd=shell.folder,
        env={"PATH": path, "SHELL": f"/bin/{name}"},
        command=STARTS[name][:1],
    ) as terminal:
        terminal.press(f"{LOADS[name]}; echo loa''ded\r")
        terminal.shows("loaded")
        terminal.press("codeexec-tui doc\t\t")
        for word in ("docker", "doctor", "doc.py", "documents"):
            terminal.shows(word)
