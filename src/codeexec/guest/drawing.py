"""Lets programs that draw with rich find a terminal: our rows are one.

rich takes every Jupyter kernel for a notebook page, where its progress bars need ipywidgets and
are not shown without. Our output is terminal text as state, so its terminal mode is the right
one. Nothing is imported before the user does.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

os.environ.setdefault("COLORTERM", "truecolor")


class RichHook:
    """A finder that is asked once, for `rich.console`."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "rich.console":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                vars(module)["_is_jupyter"] = lambda: False

            vars(spec.loader)["exec_module"] = exec_module
        return spec


sys.meta_path.insert(0, RichHook())
