"""Makes plugins possible in a kernel, and loads what they need when they are first used.

Run once inside every ipykernel that we launch: the names of eleven magics, a hook before
executions that looks into the metadata of their request, and a finder behind all others, which is
asked only for modules that nothing else has. So an installed package `taskweaver` comes first;
without it, `from taskweaver.plugin import Plugin, register_plugin, test_plugin` is answered here.
Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

KEY = "codeexec_session"
"""Of the metadata of an execute request, and the name of the module for code."""

MAGICS = (
    "_taskweaver_session_init",
    "_taskweaver_plugin_register",
    "_taskweaver_plugin_load",
    "_taskweaver_exec_pre_check",
    "_taskweaver_exec_post_check",
    "_taskweaver_update_session_var",
    "_taskweaver_check_session_var",
    "_taskweaver_convert_path",
    "_taskweaver_write_and_run",
    "_taskweaver_plugin_test",
    "_taskweaver_plugin_unload",
)

PACKAGES = ("taskweaver", "taskweaver.plugin")
MODULES = (
    *PACKAGES,
    "taskweaver.plugin.base",
    "taskweaver.plugin.context",
    "taskweaver.plugin.register",
)

SOURCES: dict[str, str] = globals().get("SOURCES", {})
"""Guest files by name, for a kernel that cannot read them; set before this code is run."""

FILES = {
    KEY: "plugins/runtime",
    "codeexec_session_context": "plugins/context",
    "codeexec_session_plugins": "plugins/loading",
    "codeexec_session_magics": "plugins/magics",
    "codeexec_plugin_api": "plugins/api",
}
"""Guest files of our modules."""


def source_of(name: str) -> str:
    """The text of a guest file."""
    if name in SOURCES:
        return SOURCES[name]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    with open(path, encoding="utf-8") as file:
        return file.read()


class PluginFinder:
    """Finds and loads our modules; `folder` is that of the session, where artifacts go."""

    def __init__(self) -> None:
        self.folder = os.getcwd()
        self.source_of = source_of

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in FILES and name not in MODULES:
            return None
        loader: Any = self
        return ModuleSpec(name, loader, is_package=name in PACKAGES)

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual module."""

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        if name in FILES:
            vars(module)["FINDER"] = self
            exec(compile(source_of(FILES[name]), f"<{name}>", "exec"), vars(module))
        elif name != "taskweaver":
            import codeexec_plugin_api as api  # type: ignore[import-not-found]

            names = {public: vars(api)[public] for public in api.PUBLIC}
            vars(module).update(names)
            package = sys.modules.get("taskweaver.plugin")
            if package is not None and getattr(package, "__file__", None) is None:
                # A folder of that name without the package's files, as some images have it.
                vars(package).update(names)
            if name == "taskweaver.plugin.register":
                vars(module).update(register_plugin_inner=None, register_plugin_test_inner=None)


FINDER = PluginFinder()


def make_magic(name: str) -> Any:
    def magic(line: str, cell: str | None = None) -> Any:
        import codeexec_session  # type: ignore[import-not-found]

        return codeexec_session.answer_magic(name, line, cell)

    return magic


def begin(shell: Any) -> None:
    """Before an execution: take what its request says."""
    kernel = getattr(shell, "kernel", None)
    parent = kernel.get_parent() if kernel is not None else {}
    request = (parent or {}).get("metadata", {}).get(KEY)
    if request is None and KEY not in sys.modules:
        return
    import codeexec_session

    codeexec_session.begin(request if isinstance(request, dict) else {}, parent or {})


def register() -> None:
    from IPython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        return
    for name in MAGICS:
        shell.register_magic_function(make_magic(name), "line_cell", name)
    shell.events.register("pre_execute", lambda: begin(shell))
    finders: Any = sys.meta_path
    finders.append(FINDER)


def note_folder() -> None:
    """The kernel has entered the folder of the session."""
    FINDER.folder = os.getcwd()


register()
