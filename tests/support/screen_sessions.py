"""Scripted sessions of programs that use the whole screen, or lines that they edit."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from support.twin_screens import Key, Step

ENTER, ESCAPE = Key("enter"), Key("escape")

_CODE = "".join(
    f"def function_{number}(a, b={number}):\n    # line of number {number}\n    return a + b\n\n"
    for number in range(1, 40)
)
_WORDS = "".join(f"line {number} of the file, naïve 日本 e\u0301\n" for number in range(1, 201))
_C = """#include <stdio.h>

int add(int a, int b) {
    return a + b;
}

int main(void) {
    int sum = add(20, 22);
    printf("%d\\n", sum);
    return 0;
}
"""


def _nothing(_: Path) -> None:
    pass


def _compile(folder: Path) -> None:
    (folder / "sum.c").write_text(_C)
    command = ("gcc", "-g", "-O0", "-o", "sum", "sum.c")
    subprocess.run(command, cwd=folder, check=True)


def _repository(folder: Path) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")
        subprocess.run(("git", *who, *arguments), cwd=folder, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    (folder / "words.txt").write_text("one\ntwo\nthree\n" + "same\n" * 20 + "last\n")
    git("add", "words.txt")
    git("commit", "-q", "-m", "first")
    (folder / "words.txt").write_text("one\n2\nthree\n" + "same\n" * 20 + "the last\n")


@dataclass(frozen=True)
class ScreenSession:
    """A program, and steps at whose ends the screens are compared."""

    argv: tuple[str, ...]
    steps: tuple[Step, ...]
    env: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], None] = _nothing
    shares_folder: bool = False
    """It writes nothing, and shows the path of its folder: both run in the same one."""

    @property
    def is_here(self) -> bool:
        """Whether the program is installed."""
        return shutil.which(self.argv[0]) is not None


def prepare(program: ScreenSession, place: Path) -> tuple[Path, Path]:
    """Folders for both, with the files that a session opens."""
    ours, tmux = place / "ours", place / "tmux"
    folders = (ours, ours if program.shares_folder else tmux)
    for folder in set(folders):
        folder.mkdir(parents=True)
        (folder / "code.py").write_text(_CODE)
        (folder / "words.txt").write_text(_WORDS)
        program.prepare(folder)
    return folders


SESSIONS: dict[str, ScreenSession] = {
    "vim": ScreenSession(
        (
            *("vim", "-u", "NONE", "-N", "-n"),
            "--cmd",
            "syntax on",
            "--cmd",
            "set nu hls",
            "code.py",
        ),
        (
            Step((), "function_5"),
            Step(("3jA # changed",), "# changed"),
            Step((ESCAPE, ":split words.txt", ENTER), "line 5 of the file"),
            Step(("/line 40", ENTER), "line 42 of the file"),
            Step((":only", ENTER, "Vjjd"), "fewer lines"),
            Step(("u",), "more lines", is_steady=False),  # it tells how many seconds ago
            Step((":set nu! list", ENTER), "file, naïve 日本 e\u0301$"),
        ),
        {"VIMINIT": "", "LANG": "C.UTF-8"},
    ),
    "less": ScreenSession(
        ("less", "-N", "-R", "words.txt"),
        (
            Step((), "line 20 of the file"),
            Step((" ",), "line 40 of the file"),
            Step(("/line 9.", ENTER), "line 99 of the file"),
            Step(("nG",), "(END)"),
            Step(("g",), "line 1 of the file"),
        ),
        {"LESS": "", "LESSCHARSET": "utf-8", "LANG": "C.UTF-8"},
    ),
    "git add -p": ScreenSession(
        ("git", "-c", "color.ui=always", "-c", "core.pager=cat", "add", "-p"),
        (
            Step((), "[y,n,q,a,d,j,J,g,/,e,?]?"),
            Step(("?", ENTER), "print help"),
            Step(("y", ENTER), "(2/2)"),
        ),
        {"LANG": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null"},
        _repository,
    ),
    "python -i": ScreenSession(
        ("/usr/bin/python3", "-q", "-i", "-S", "-E"),
        (
            Step((), ">>>"),
            Step(("for n in range(3):", ENTER, "    print('naïve', n)", ENTER, ENTER), "naïve 2"),
            Step(("1/0", ENTER), "ZeroDivisionError"),
            Step((Key("up"), Key("up"), Key("home"), "# ", ENTER), "# "),
        ),
        {"LANG": "C.UTF-8", "PYTHON_HISTORY": "/dev/null", "HOME": "/nonexistent"},
    ),
    "gdb": ScreenSession(
        ("gdb", "-q", "-nx", "./sum"),
        (
            Step((), "(gdb)"),
            Step(("break add", ENTER), "Breakpoint 1"),
            Step(("run", ENTER), "return a + b"),
            Step(("layout src", ENTER), "sum.c"),
            Step(("finish", ENTER), "Value returned is"),
        ),
        {"LANG": "C.UTF-8", "HOME": "/nonexistent", "DEBUGINFOD_URLS": ""},
        _compile,
        shares_folder=True,
    ),
    "htop": ScreenSession(
        ("htop", "-d", "600"),
        (
            Step((), "F1Help", is_steady=False),
            Step(("h",), "trace syscalls"),
        ),
        {"LANG": "C.UTF-8", "HTOPRC": "/nonexistent"},
    ),
    "fzf": ScreenSession(
        ("sh", "-c", "cat words.txt | fzf --no-sort"),
        (
            Step((), "200/200"),
            Step(("line 19",), "line 199 of the file"),
            Step((Key("up"), Key("up")), "line 192 of the file"),
        ),
        {"LANG": "C.UTF-8", "FZF_DEFAULT_OPTS": ""},
    ),
}
