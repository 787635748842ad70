"""Magics for a line: `%name`. The docstring of each method is its help."""

from __future__ import annotations

import importlib
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from codeexec.guest.runner import commands
from codeexec.guest.runner.errors import UsageError
from codeexec.guest.runner.timing import measured, timed

if TYPE_CHECKING:
    from codeexec.guest.runner.console import CellConsole


class LineMagics:
    def __init__(self, console: CellConsole) -> None:
        self._console = console
        self._user = console.user
        self._folders: list[str] = []

    def line_lsmagic(self, _rest: str) -> None:
        """%lsmagic  Lists the magics."""
        print(
            "\n".join(
                text.split("\n")[0]
                for _, text in sorted(self._console.magics.documentation.items())
            )
        )

    def line_cd(self, line: str) -> None:
        """%cd FOLDER  Changes the working folder; `%cd -` goes back."""
        here = os.getcwd()
        folder = (shlex.split(line) or ["~"])[0]
        if folder == "-":
            if not self._folders:
                raise UsageError("There is no folder to go back to.")
            folder = self._folders[-1]
        os.chdir(os.path.expanduser(folder))
        self._folders.append(here)
        print(os.getcwd())

    def line_pwd(self, _rest: str) -> str:
        """%pwd  The working folder."""
        return os.getcwd()

    def line_ls(self, line: str) -> None:
        """%ls [OPTIONS] [FILES]  Lists files, as `ls` does."""
        self._console.system("ls -C " + line)

    def line_env(self, line: str) -> Any:
        """%env [NAME[=VALUE]]  Shows or sets environment variables."""
        name, has_value, value = line.partition("=")
        if not has_value:
            name, has_value, value = line.partition(" ")
        if has_value:
            return self.line_set_env(f"{name.strip()}={value.strip()}")
        if not name:
            return dict(os.environ)
        if name not in os.environ:
            raise UsageError(f"The environment has no variable {name}.")
        return os.environ[name]

    def line_set_env(self, line: str) -> None:
        """%set_env NAME=VALUE  Sets an environment variable."""
        name, has_value, value = line.partition("=")
        if not has_value:
            name, has_value, value = line.partition(" ")
        if not has_value or not name.strip():
            raise UsageError("Name a variable and its value: %set_env NAME=VALUE")
        os.environ[name.strip()] = value.strip()
        print(f"env: {name.strip()}={value.strip()}")

    def line_who(self, _rest: str) -> None:
        """%who  List the names of the variables."""
        print("\t".join(self._names()) or "There are no variables.")

    def line_whos(self, _rest: str) -> None:
        """%whos  Your variables with type and value."""
        rows = []
        for name in self._names():
            text = " ".join(repr(self._user[name]).split())
            rows.append(
                (
                    name,
                    type(self._user[name]).__name__,
                    text if len(text) <= 60 else text[:59] + "…",
                )
            )
        if not rows:
            print("There are no variables.")
            return
        widths = [max(len(row[at]) for row in [("Variable", "Type", ""), *rows]) for at in (0, 1)]
        print(f"{'Variable':{widths[0]}}  {'Type':{widths[1]}}  Value")
        for name, kind, text in rows:
            print(f"{name:{widths[0]}}  {kind:{widths[1]}}  {text}")

    def _names(self) -> list[str]:
        names = self._console.names_of_user()
        return sorted(names)

    def line_reset(self, line: str) -> None:
        """%reset [-f]  Deletes all variables; asks before, unless `-f` is given."""
        if "-f" not in line.split():
            answer = input("Once deleted, variables cannot be recovered. Proceed (y/[n])? ")
            if answer.strip().lower() not in ("y", "yes"):
                print("Nothing done.")
                return
        self._console.reset()

    def line_pip(self, line: str) -> None:
        """%pip ARGUMENTS  Runs pip of this interpreter."""
        command = [sys.executable, "-m", "pip", *shlex.split(line)]
        status = self._console.child(lambda: commands.finish(subprocess.Popen(command)))
        importlib.invalidate_caches()
        if status:
            raise UsageError(f"pip ended with exit status {status}.")

    def line_run(self, line: str) -> None:
        """%run FILE [ARGUMENTS]  Runs a Python file, and takes over its variables."""
        arguments = shlex.split(line)
        if not arguments:
            raise UsageError("Name a file: %run FILE [ARGUMENTS]")
        path = os.path.expanduser(arguments[0])
        if not os.path.exists(path) and os.path.exists(path + ".py"):
            path += ".py"
        self._console.run_file(path, arguments)

    def line_load(self, line: str) -> None:
        """%load FILE  Puts the text of a file in place of the cell."""
        if not line:
            raise UsageError("Name a file: %load FILE")
        with open(os.path.expanduser(line), encoding="utf-8") as file:
            self._console.set_next_input(file.read())

    def line_time(self, line: str) -> Any:
        """%time STATEMENT  Runs a statement and prints how long it took."""
        return timed(self._console, line)

    def line_timeit(self, line: str) -> Any:
        """%timeit [-n LOOPS] [-r RUNS] [-q] [-o] STATEMENT  Measures a statement many times."""
        return measured(self._console, line, "pass")
