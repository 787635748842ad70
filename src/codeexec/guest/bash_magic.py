"""`%%bash -i NAME` in a kernel: the shell has the variable, as a variable of its environment.

Loaded by `launch.py` in every kernel that we launch. The standard library and IPython.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

SHELLS = ("bash", "sh")


@functools.lru_cache
def shell_commands() -> Any:
    """The module that the kernel without ipykernel has, too."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runner", "commands.py")
    loader = SourceFileLoader("codeexec_shell_commands", path)
    module = ModuleType(loader.name)
    loader.exec_module(module)
    return module


def make_magic(ipython: Any, shell: str) -> Callable[[str, str], Any]:
    """The magic of a shell: `%%script SHELL`, as that of IPython is, with the option `-i`. That is
    not loaded for it, as that would delay the start of a kernel."""

    def run(line: str, cell: str) -> Any:
        __tracebackhide__ = True
        if "-i" in line.split():
            names, line = shell_commands().take_names(line)
            cell = shell_commands().assignments(names, ipython.user_ns, shell) + cell
        script = ipython.find_cell_magic("script")
        paths = getattr(getattr(script, "__self__", None), "script_paths", {})
        return script(f"{paths.get(shell, shell)} {line}", cell)

    run.__name__ = shell
    run.__doc__ = f"""Run the cell with {shell}: `%%{shell} [-i NAME, NAME]`.

    `-i` gives the shell these variables; text and numbers are in its environment, too.
    Other options are those of `%%script`.
    """
    return run


def register() -> None:
    from IPython import get_ipython

    ipython = get_ipython()
    for shell in SHELLS:
        ipython.register_magic_function(make_magic(ipython, shell), "cell", shell)


register()
