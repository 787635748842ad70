"""Kernels of several languages for one contract suite: what each is asked, in its own words."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.kernelspecs import BASH, install

DENO = [str(Path(sys.executable).with_name("deno"))]
ARGV = {
    "bash": BASH,
    "deno": [*DENO, "jupyter", "--kernel", "--conn", "{connection_file}"],
    "xpython": [sys.executable, "-m", "xpython_launcher", "-f", "{connection_file}"],
    "ir": ["R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"],
}


@dataclass(frozen=True, slots=True)
class LanguageCase:
    """One kernel; `kernel` is its name for `KernelChoice`. Code is empty where the language has
    no such thing; what the kernel lacks is in `absent`."""

    kernel: str
    printing: str
    """Writes the line `out` to stdout and the line `err` to stderr."""
    failing: str
    error: str
    """The name of the error of `failing`."""
    message: str
    """In the message of that error, or in the output."""
    sleeping: str
    """Writes the line `on`, then does nothing for SECONDS."""
    counting: str
    """Writes the numbers from 0 to 1999, one a line."""
    asking: str
    """Asks for a name, and writes `hello NAME`."""
    exiting: str
    """Ends its process with status 3."""
    value: str = ""
    """Code that shows 42."""
    setting: str = ""
    """Sets x to 5."""
    getting: str = ""
    """Writes x, a line."""
    completing: tuple[str, str] = ("", "")
    """Code with the cursor at its end, and a completion of it."""
    helping: tuple[str, str] = ("", "")
    """A word, and a part of its help."""
    incomplete: str = ""
    absent: frozenset[str] = frozenset()
    lasts: bool = True
    """Its process and variables last from one execution to the next."""


PYTHON: dict[str, Any] = {
    "printing": "import sys\nprint('out')\nprint('err', file=sys.stderr)",
    "failing": "1 / 0",
    "error": "ZeroDivisionError",
    "message": "division by zero",
    "sleeping": "import time\nprint('on', flush=True)\ntime.sleep(SECONDS)",
    "counting": "for i in range(2000): print(i)",
    "asking": "print('hello ' + input('name? '))",
    "exiting": "import os; os._exit(3)",
    "value": "6 * 7",
    "setting": "x = 5",
    "getting": "print(x)",
    "incomplete": "if True:",
}
PYTHON_WORDS: dict[str, Any] = {
    "completing": ("prin", "print"),
    "helping": ("print", "Prints the values"),
}
SHELL: dict[str, Any] = {
    "printing": "echo out; echo err >&2",
    "sleeping": "echo on; sleep SECONDS",
    "counting": "for ((i = 0; i < 2000; i++)); do echo $i; done",
    "asking": "read -rp 'name? ' name; echo hello $name",
    "exiting": "exit 3",
}
CASES = (
    LanguageCase("", **PYTHON, **PYTHON_WORDS),
    LanguageCase("xpython", **PYTHON, **PYTHON_WORDS, absent=frozenset({"floods"})),
    LanguageCase(
        "bash",
        **SHELL,
        failing="nosuchcommand",
        error="exit status",
        message="command not found",
        setting="x=5",
        getting="echo $x",
        completing=("unse", "unset"),
        helping=("echo", "Write arguments to the standard output"),
        absent=frozenset({"stdin", "stderr", "exit", "recovery", "floods"}),
    ),
    LanguageCase(
        "deno",
        printing="console.log('out'); console.error('err')",
        failing="throw new TypeError('boom')",
        error="TypeError",
        message="boom",
        sleeping="console.log('on'); await new Promise(end => setTimeout(end, SECONDS * 1000))",
        counting="for (let i = 0; i < 2000; i++) console.log(i)",
        asking="console.log('hello ' + prompt('name?'))",
        exiting="Deno.exit(3)",
        value="6 * 7",
        setting="let x = 5",
        getting="console.log(x)",
        completing=("conso", "console"),
        helping=("console", ""),
        incomplete="if (true) {",
        absent=frozenset({"interruption", "inspection", "variables"}),
    ),
    LanguageCase(
        "ir",
        printing="cat('out\\n'); message('err'); cat('err\\n', file = stderr())",
        failing="stop('boom')",
        error="ERROR",
        message="boom",
        sleeping="cat('on\\n'); flush.console(); Sys.sleep(SECONDS)",
        counting="for (i in 0:1999) cat(i, '\\n', sep = '')",
        asking="cat('hello', readline('name? '), '\\n')",
        exiting="quit(status = 3)",
        value="6 * 7",
        setting="x <- 5",
        getting="cat(x, '\\n')",
        completing=("prin", "print"),
        helping=("print", "prints its argument"),
        incomplete="if (TRUE) {",
        absent=frozenset({"stderr", "exit", "floods"}),
    ),
    LanguageCase(
        "programs:bash",
        **SHELL,
        failing="nosuchcommand",
        error="SystemExit",
        message="command not found",
        absent=frozenset({"completion", "inspection", "variables"}),
        lasts=False,
    ),
    LanguageCase(
        "programs:cpp",
        printing='#include <cstdio>\nint main() { puts("out"); fputs("err\\n", stderr); }',
        failing='#include <cstdio>\nint main() { puts("boom"); return 1; }',
        error="SystemExit",
        message="boom",
        sleeping=(
            "#include <cstdio>\n#include <unistd.h>\n"
            'int main() { puts("on"); fflush(stdout); sleep(SECONDS); }'
        ),
        counting=(
            '#include <cstdio>\nint main() { for (int i = 0; i < 2000; i++) printf("%d\\n", i); }'
        ),
        asking=(
            '#include <cstdio>\nint main() { char name[9]; printf("name? "); fflush(stdout);\n'
            'scanf("%8s", name); printf("hello %s\\n", name); }'
        ),
        exiting="int main() { return 3; }",
        absent=frozenset({"completion", "inspection", "variables"}),
        lasts=False,
    ),
)


def install_all(folder: Path) -> None:
    """The kernelspecs of all cases; `folder` belongs into JUPYTER_PATH."""
    for name, argv in ARGV.items():
        package = "r-cran-irkernel" if name == "ir" else "pip install -e '.[dev]'"
        assert shutil.which(argv[0]), f"needed by the contract of kernels: {package}"
        install(folder, name, argv)
