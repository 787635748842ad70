"""The magics of a console by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codeexec.guest.runner import commands
from codeexec.guest.runner.cell_magics import CellMagics
from codeexec.guest.runner.errors import UsageError
from codeexec.guest.runner.line_magics import LineMagics

if TYPE_CHECKING:
    from codeexec.guest.runner.console import CellConsole

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


class Magics:
    """`documentation` has the help of each by its name with its signs."""

    def __init__(self, console: CellConsole) -> None:
        self._user = console.user
        self._lines = LineMagics(console)
        self._cells = CellMagics(console)
        self.documentation = documentation_of(self._lines, "line_", "%")
        self.documentation.update(documentation_of(self._cells, "cell_", "%%"))

    def line(self, name: str, rest: str) -> Any:
        if name in QUIET:
            return None
        function = getattr(self._lines, "line_" + name, None)
        if function is None:
            if hasattr(self._cells, "cell_" + name):
                raise UsageError(f"%%{name} is for a whole cell: write it in the first line.")
            raise UsageError(f"There is no line magic %{name}. %lsmagic lists those there are.")
        return function(commands.expand(rest, self._user) if "{" in rest or "$" in rest else rest)

    def cell(self, name: str, rest: str, body: str) -> Any:
        function = getattr(self._cells, "cell_" + name, None)
        if function is None:
            raise UsageError(f"There is no cell magic %%{name}. %lsmagic lists those there are.")
        return function(rest, body)


def documentation_of(group: object, prefix: str, sign: str) -> dict[str, str]:
    names = [name for name in dir(group) if name.startswith(prefix)]
    return {sign + name[len(prefix) :]: getattr(group, name).__doc__ or "" for name in names}
