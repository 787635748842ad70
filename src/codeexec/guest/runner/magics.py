"""Magics: `%name` for a line, `%%name` for a cell. The docstring of each method is its help."""

from __future__ import annotations

import importlib
import io
import os
import shlex
import subprocess
import sys
import time
import timeit
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from . import commands

if TYPE_CHECKING:
    from .console import Console

QUIET = (
    "matplotlib",
    "config",
    "load_ext",
    "reload_ext",
    "autoreload",
    "pylab",
    "colors",
    "precision",
)
"""Magics of IPython that have nothing to do here: figures and colours are as they set them."""
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


class UsageError(Exception):
    """A magic that was not used as it is meant, or that there is none of."""


class CapturedOutput:
    """What `%%capture NAME` keeps."""

    def __init__(self, stdout: str, stderr: str, outputs: list[dict[str, Any]]) -> None:
        self.stdout, self.stderr, self.outputs = stdout, stderr, outputs

    def __str__(self) -> str:
        return self.stdout

    def __repr__(self) -> str:
        return f"<CapturedOutput: {len(self.stdout)} characters, {len(self.outputs)} displays>"


class Magics:
    """The magics of one console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._user = console.user
        self._folders: list[str] = []
        names = [name for name in dir(type(self)) if name.startswith(("line_", "cell_"))]
        self.documentation = {
            ("%" if name.startswith("line_") else "%%") + name[5:]: getattr(self, name).__doc__
            or ""
            for name in names
        }

    def line(self, name: str, rest: str) -> Any:
        if name in QUIET:
            return None
        function = getattr(self, "line_" + name, None)
        if function is None:
            if hasattr(self, "cell_" + name):
                raise UsageError(f"%%{name} is for a whole cell: write it in the first line.")
            raise UsageError(f"There is no line magic %{name}. %lsmagic lists those there are.")
        return function(commands.expand(rest, self._user) if "{" in rest or "$" in rest else rest)

    def cell(self, name: str, rest: str, body: str) -> Any:
        function = getattr(self, "cell_" + name, None)
        if function is None:
            raise UsageError(f"There is no cell magic %%{name}. %lsmagic lists those there are.")
        return function(rest, body)

    # -- folders and variables -------------------------------------------------------------

    def line_lsmagic(self, _rest: str) -> None:
        """%lsmagic  Lists the magics."""
        print("\n".join(text.split("\n")[0] for _, text in sorted(self.documentation.items())))

    def line_cd(self, rest: str) -> None:
        """%cd FOLDER  Changes the working folder; `%cd -` goes back."""
        here = os.getcwd()
        folder = (shlex.split(rest) or ["~"])[0]
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

    def line_ls(self, rest: str) -> None:
        """%ls [OPTIONS] [FILES]  Lists files, as `ls` does."""
        self._console.system("ls -C " + rest)

    def line_env(self, rest: str) -> Any:
        """%env [NAME[=VALUE]]  Shows or sets environment variables."""
        name, has_value, value = rest.partition("=")
        if not has_value:
            name, has_value, value = rest.partition(" ")
        if has_value:
            return self.line_set_env(f"{name.strip()}={value.strip()}")
        if not name:
            return dict(os.environ)
        if name not in os.environ:
            raise UsageError(f"The environment has no variable {name}.")
        return os.environ[name]

    def line_set_env(self, rest: str) -> None:
        """%set_env NAME=VALUE  Sets an environment variable."""
        name, has_value, value = rest.partition("=")
        if not has_value:
            name, has_value, value = rest.partition(" ")
        if not has_value or not name.strip():
            raise UsageError("Name a variable and its value: %set_env NAME=VALUE")
        os.environ[name.strip()] = value.strip()
        print(f"env: {name.strip()}={value.strip()}")

    def line_who(self, _rest: str) -> None:
        """%who  The names of your variables."""
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

    def line_reset(self, rest: str) -> None:
        """%reset [-f]  Deletes all variables; asks before, unless `-f` is given."""
        if "-f" not in rest.split():
            answer = input("Once deleted, variables cannot be recovered. Proceed (y/[n])? ")
            if answer.strip().lower() not in ("y", "yes"):
                print("Nothing done.")
                return
        self._console.reset()

    # -- code ------------------------------------------------------------------------------

    def line_pip(self, rest: str) -> None:
        """%pip ARGUMENTS  Runs pip of this interpreter."""
        command = [sys.executable, "-m", "pip", *shlex.split(rest)]
        status = self._console.child(lambda: commands.finish(subprocess.Popen(command)))
        importlib.invalidate_caches()
        if status:
            raise UsageError(f"pip ended with exit status {status}.")

    def line_run(self, rest: str) -> None:
        """%run FILE [ARGUMENTS]  Runs a Python file, and takes over its variables."""
        arguments = shlex.split(rest)
        if not arguments:
            raise UsageError("Name a file: %run FILE [ARGUMENTS]")
        path = os.path.expanduser(arguments[0])
        if not os.path.exists(path) and os.path.exists(path + ".py"):
            path += ".py"
        self._console.run_file(path, arguments)

    def line_load(self, rest: str) -> None:
        """%load FILE  Puts the text of a file in place of the cell."""
        if not rest:
            raise UsageError("Name a file: %load FILE")
        with open(os.path.expanduser(rest), encoding="utf-8") as file:
            self._console.set_next_input(file.read())

    def line_time(self, rest: str) -> Any:
        """%time STATEMENT  Runs a statement and prints how long it took."""
        return self._timed(rest)

    def cell_time(self, rest: str, body: str) -> Any:
        """%%time  Runs the cell and prints how long it took."""
        return self._timed(body)

    def _timed(self, code: str) -> Any:
        before, start = os.times(), time.perf_counter()
        try:
            return self._console.run_source(code)
        finally:
            wall, after = time.perf_counter() - start, os.times()
            user, system = after[0] - before[0], after[1] - before[1]
            print(f"CPU times: user {seconds(user)}, sys: {seconds(system)}, "
                  f"total: {seconds(user + system)}\nWall time: {seconds(wall)}")  # fmt: skip

    def line_timeit(self, rest: str) -> Any:
        """%timeit [-n LOOPS] [-r RUNS] [-q] [-o] STATEMENT  Measures a statement many times."""
        return self._timeit(rest, "pass")

    def cell_timeit(self, rest: str, body: str) -> Any:
        """%%timeit [-n LOOPS] [-r RUNS] [-q] [-o] [SETUP]  Measures the cell many times."""
        return self._timeit(rest, body)

    def _timeit(self, rest: str, body: str) -> Any:
        loops, runs, flags, code = timeit_options(rest)
        statement, setup = (code, "pass") if body == "pass" else (body, code or "pass")
        timer = timeit.Timer(statement, setup, globals=self._user)
        if not loops:
            loops = timer.autorange()[0]
        times = [each / loops for each in timer.repeat(runs, loops)]
        mean = sum(times) / len(times)
        spread = (sum((each - mean) ** 2 for each in times) / len(times)) ** 0.5
        if "q" not in flags:
            counts = f"{plural(runs, 'run')}, {plural(loops, 'loop')} each"
            per_loop = f"{seconds(mean)} ± {seconds(spread)} per loop"
            print(f"{per_loop} (mean ± std. dev. of {counts})")
        return times if "o" in flags else None

    # -- cells -----------------------------------------------------------------------------

    def cell_bash(self, rest: str, body: str) -> None:
        """%%bash  Runs the cell with bash."""
        self._script(["bash", *shlex.split(rest)], body)

    def cell_sh(self, rest: str, body: str) -> None:
        """%%sh  Runs the cell with sh."""
        self._script(["sh", *shlex.split(rest)], body)

    def _script(self, program: list[str], body: str) -> None:
        status = self._console.child(lambda: commands.run_script(program, body))
        if status:
            raise subprocess.CalledProcessError(status, program[0])

    def cell_capture(self, rest: str, body: str) -> Any:
        """%%capture [--no-stdout] [--no-stderr] [--no-display] [NAME]  Keeps the output of the cell
        under a name in place of showing it."""
        arguments = rest.split()
        stdout, stderr = io.StringIO(), io.StringIO()
        outputs: list[dict[str, Any]] = []
        displays = self._console.displays
        with ExitStack() as stack:
            if "--no-stdout" not in arguments:
                stack.enter_context(redirect_stdout(stdout))
            if "--no-stderr" not in arguments:
                stack.enter_context(redirect_stderr(stderr))
            if "--no-display" not in arguments:
                stack.callback(setattr, displays, "captured", displays.captured)
                displays.captured = outputs
            value = self._console.run_source(body)
            if value is not None:
                displays.display(value)
            displays.show_figures()
        for name in arguments:
            if not name.startswith("-"):
                kept = CapturedOutput(stdout.getvalue(), stderr.getvalue(), outputs)
                self._user[name] = kept

    def cell_writefile(self, rest: str, body: str) -> None:
        """%%writefile [-a] FILE  Writes the cell to a file; `-a` adds it to the end."""
        arguments = shlex.split(rest)
        names = [argument for argument in arguments if argument not in ("-a", "--append")]
        if len(names) != 1:
            raise UsageError("Name one file: %%writefile [-a] FILE")
        path = os.path.expanduser(names[0])
        is_there, adds = os.path.exists(path), len(arguments) > 1
        with open(path, "a" if adds else "w", encoding="utf-8") as file:
            file.write(body)
        done = "Appending to" if adds else "Overwriting" if is_there else "Writing"
        print(f"{done} {names[0]}")


def timeit_options(rest: str) -> tuple[int, int, str, str]:
    """Loops (0: as many as it takes), runs, flags, and the code behind them."""
    loops, runs, flags = 0, 7, ""
    words = rest.split(" ")
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option[1:2] in ("n", "r"):
            number = option[2:] or (words.pop(0) if words else "")
            if not number.isdigit() or not int(number):
                raise UsageError(f"{option} needs a number above 0.")
            if option[1] == "n":
                loops = int(number)
            else:
                runs = int(number)
        else:
            flags += option[1:]
    return loops, runs, flags, " ".join(words)


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def seconds(value: float) -> str:
    for unit, name in UNITS:
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value * 1e9:.3g} ns"
