"""Acts on libraries as soon as they have been imported. Python 3.8 on, standard library only.

Its text is run in the kernel, and leaves the module `codeexec_import_hook` for the other files.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec


class ImportHook:
    """A finder before all others, which is asked for each import. `is_wanted` tells by its name
    whether a library is waited for; `imported` is called with name and module once it is there."""

    def __init__(
        self, is_wanted: Callable[[str], bool], imported: Callable[[str, ModuleType], None]
    ) -> None:
        self.is_wanted = is_wanted
        self.imported = imported
        self.searching: set[str] = set()
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Leave the search to the other finders, and follow what they have found."""
        if name in self.searching or not self.is_wanted(name):
            return None
        self.searching.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.searching.discard(name)
        if spec is not None and hasattr(spec.loader, "__dict__"):
            self.follow(name, spec.loader)
        return spec

    def follow(self, name: str, loader: Any) -> None:
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            self.imported(name, module)

        vars(loader)["exec_module"] = exec_module


def register() -> None:
    module = ModuleType("codeexec_import_hook")
    vars(module)["ImportHook"] = ImportHook
    sys.modules[module.__name__] = module


register()
