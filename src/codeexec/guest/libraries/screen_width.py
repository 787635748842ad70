"""Sets the output width of libraries to the width of the screen that shows an execution.

Loaded into each Python kernel that we start; standard library only, Python 3.8 on. An execute
request of a workbench carries the width of its console in its metadata. Requests of other clients
carry none: they restore the defaults. An option is changed only while it holds its default or the
value that it was given here last, so that what the user has set stays.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from codeexec_import_hook import ImportHook  # type: ignore[import-not-found]  # see import_hook.py

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

KEY = "codeexec_columns"
NARROWEST, WIDEST = 20, 1000

NO_SUCH_OPTION = (AttributeError, KeyError, TypeError, ValueError)
"""What a version of a library raises that does not have the option."""


class Option:
    """One option: `default` is its value unless the user has set it."""

    def __init__(
        self, default: Any, read: Callable[[], Any], write: Callable[[Any], object]
    ) -> None:
        self.default = self.last = default
        self.read, self.write = read, write

    def show(self, columns: int) -> None:
        """Set it for so many columns; 0 puts the default back."""
        try:
            value = self.read()
            if value not in (self.default, self.last):
                return
            new_value = columns or self.default
            if value != new_value:
                self.write(new_value)
            self.last = new_value
        except NO_SUCH_OPTION:
            return


def variable(name: str) -> Option:
    """An environment variable that is not set by default."""

    def write(value: int | None) -> None:
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = str(value)

    def read() -> int | str | None:
        text = os.environ.get(name)
        return int(text) if text is not None and text.isdecimal() else text

    return Option(None, read, write)


def pandas_option(pandas: Any) -> Option:
    return Option(
        80,
        lambda: pandas.get_option("display.width"),
        lambda value: pandas.set_option("display.width", value),
    )


def numpy_option(numpy: Any) -> Option:
    return Option(
        75,
        lambda: numpy.get_printoptions()["linewidth"],
        lambda value: numpy.set_printoptions(linewidth=value),
    )


def torch_option(torch: Any) -> Option:
    return Option(
        80,
        lambda: torch._tensor_str.PRINT_OPTS.linewidth,
        lambda value: torch.set_printoptions(linewidth=value),
    )


def xarray_option(xarray: Any) -> Option:
    return Option(
        80,
        lambda: xarray.get_options()["display_width"],
        lambda value: xarray.set_options(display_width=value),
    )


def formatter_option(shell: Any) -> Option:
    """The width of IPython's own printing of lists and dictionaries."""
    formatter = shell.display_formatter.formatters["text/plain"]
    return Option(
        79, lambda: formatter.max_width, lambda value: setattr(formatter, "max_width", value)
    )


class ColumnsVariable(Option):
    """COLUMNS, which rich, argparse, pytest and programs read; `before` is what it was for the
    execution before."""

    def __init__(self) -> None:
        plain = variable("COLUMNS")
        super().__init__(None, plain.read, plain.write)
        self.before: int | None = None

    def show(self, columns: int) -> None:
        self.before = self.last
        super().show(columns)


columns_variable = ColumnsVariable()


class RichOption(Option):
    """The console of `rich.print`, which reads COLUMNS once, as it is made."""

    def __init__(self, rich: Any) -> None:
        super().__init__(None, self._width, self._set_width)
        self.rich = rich

    def _width(self) -> Any:
        return getattr(getattr(self.rich, "_console", None), "_width", None)

    def _set_width(self, value: Any) -> None:
        if getattr(self.rich, "_console", None) is not None:
            self.rich._console._width = value

    def show(self, columns: int) -> None:
        if self._width() == columns_variable.before:
            self.last = columns_variable.before
        super().show(columns)


LIBRARIES = {
    "pandas": pandas_option,
    "numpy": numpy_option,
    "torch": torch_option,
    "xarray": xarray_option,
    "rich": RichOption,
}


class ScreenWidth:
    """Sets the options of the libraries that are there, and of others as they are imported."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.columns = 0
        self.options: list[Option] = [columns_variable, variable("POLARS_TABLE_WIDTH")]
        if shell is not None:
            self.options.append(formatter_option(shell))
        self.missing = dict(LIBRARIES)

    def begin(self) -> None:
        """Before an execution: take the width from its request."""
        get_parent = getattr(getattr(self.shell, "kernel", None), "get_parent", None)
        parent = get_parent() if get_parent is not None else None
        self.show((parent or {}).get("metadata", {}).get(KEY, 0))

    def show(self, width: object) -> None:
        """Before an execution for a screen of that width; 0 where there is none."""
        columns = 0
        if isinstance(width, int) and not isinstance(width, bool) and width > 0:
            columns = min(max(width, NARROWEST), WIDEST)
        for name in list(self.missing):
            if name in sys.modules:
                self.options.append(self.missing.pop(name)(sys.modules[name]))
        if columns or self.columns:
            self.columns = columns
            for option in self.options:
                option.show(columns)

    def imported(self, name: str, module: ModuleType) -> None:
        if name in self.missing:
            option = self.missing.pop(name)(module)
            self.options.append(option)
            option.show(self.columns)


def register() -> None:
    ipython = sys.modules.get("IPython")  # absent in the runner, which has a hook of its own
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        width = ScreenWidth(shell)
        shell.events.register("pre_execute", width.begin)
        ImportHook(lambda name: bool(width.columns) and name in width.missing, width.imported)


register()
