"""Sets up the libraries of a session of `codeexec.ces`: preloads, sizes of figures and tables.

Its text is run in the kernel with SETTINGS in its namespace; standard library only, Python 3.8 on.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from typing import TYPE_CHECKING, Any

from codeexec_import_hook import ImportHook  # type: ignore[import-not-found]  # see import_hook.py

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

SETTINGS: dict[str, Any] = globals()["SETTINGS"]
NO_SUCH_OPTION = (AttributeError, KeyError, TypeError, ValueError)


def set_up_pandas(pandas: Any) -> None:
    pandas.set_option("display.max_rows", SETTINGS["max_rows"])


def set_up_matplotlib(matplotlib: Any) -> None:
    matplotlib.rcParams["figure.figsize"] = SETTINGS["figure_size"]
    matplotlib.rcParams["figure.dpi"] = SETTINGS["figure_dpi"]
    matplotlib.rcParams["savefig.dpi"] = SETTINGS["figure_dpi"]


class LibraryDefaults:
    """Sets a library's options as soon as it has been imported, and imports preloaded modules
    before the first code that names them: a session whose code needs none starts no slower."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.preloads: dict[str, str] = dict(SETTINGS["preloads"])
        self.missing: dict[str, Callable[[Any], None]] = {
            "pandas": set_up_pandas,
            "matplotlib": set_up_matplotlib,
        }

    def set_up(self, name: str, module: Any) -> None:
        try:
            self.missing.pop(name)(module)
        except NO_SUCH_OPTION:
            return  # of a version that has none

    def before_code(self, info: Any) -> None:
        for name in list(self.missing):
            if name in sys.modules:
                self.set_up(name, sys.modules[name])
        for name, module in list(self.preloads.items()):
            if name in self.shell.user_ns:
                del self.preloads[name]  # the code has a variable of this name
            elif re.search(rf"\b{re.escape(name)}\b", info.raw_cell or ""):
                del self.preloads[name]
                self.preload(name, module)

    def preload(self, name: str, module: str) -> None:
        try:
            if importlib.util.find_spec(module.partition(".")[0]) is not None:
                self.shell.user_ns[name] = importlib.import_module(module)
        except Exception as error:
            # The code that names it then fails with a NameError; this says why.
            print(f"{module} cannot be imported: {error}", file=sys.stderr)

    def imported(self, name: str, module: ModuleType) -> None:
        if name in self.missing:
            self.set_up(name, module)


def register() -> None:
    from IPython import get_ipython

    shell: Any = get_ipython()
    if shell is not None:
        defaults = LibraryDefaults(shell)
        shell.events.register("pre_run_cell", defaults.before_code)
        ImportHook(defaults.missing.__contains__, defaults.imported)


register()
