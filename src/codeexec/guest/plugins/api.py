"""What plugins import from `taskweaver.plugin`, for kernels that do not have that package.

The names, arguments and behaviour are those of its public documentation. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LogErrorLevel = Literal["info", "warning", "error"]
ArtifactType = Literal["chart", "image", "df", "file", "txt", "svg", "html"]

PUBLIC = (
    "ArtifactType",
    "LogErrorLevel",
    "Plugin",
    "PluginContext",
    "TestPluginContext",
    "register_plugin",
    "temp_context",
    "test_plugin",
)

HOOKS = "taskweaver.plugin.register"
"""The module whose names `register_plugin_inner` and `register_plugin_test_inner` take what a
plugin registers; they are set while its module is being run."""

NO_REGISTRY = "Nothing is registered here: load the module as a plugin of the session."


class PluginContext(ABC):
    """What a plugin may ask of the session in which it runs."""

    @property
    @abstractmethod
    def env_id(self) -> str: ...

    @property
    @abstractmethod
    def session_id(self) -> str: ...

    @property
    @abstractmethod
    def execution_id(self) -> str: ...

    @abstractmethod
    def add_artifact(
        self, name: str, file_name: str, type: str, val: Any, desc: str | None = None
    ) -> str:
        """Write `val` into a file of the session's folder; returns the artifact's id."""

    @abstractmethod
    def create_artifact_path(
        self, name: str, file_name: str, type: str, desc: str = ""
    ) -> tuple[str, str]:
        """The id of an artifact, and the path at which the plugin writes it."""

    @abstractmethod
    def get_session_var(self, variable_name: str, default: str | None = None) -> str | None: ...

    @abstractmethod
    def log(self, level: str, tag: str, message: str) -> None: ...

    @abstractmethod
    def get_env(self, plugin_name: str, variable_name: str) -> str: ...

    def wrap_text_with_delimiter_temporal(self, text: str) -> str:
        """Mark text that is of use for a while only."""
        return "<TEMPORAL>\n" + text + "\n</TEMPORAL>"


class Plugin(ABC):
    """Base class of plugins; an instance is what code calls under the plugin's name."""

    def __init__(self, name: str, ctx: Any, config: dict[str, Any]) -> None:
        super().__init__()
        self.name = name
        self.ctx = ctx
        self.config = config

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What code runs."""

    def log(self, level: str, message: str) -> None:
        self.ctx.log(level, "Plugin-" + self.name, message)

    def get_env(self, variable_name: str) -> str:
        """The environment variable PLUGIN_{name}_{variable_name}."""
        return str(self.ctx.get_env(self.name, variable_name))


def hook(name: str) -> Callable[..., None]:
    taken = getattr(sys.modules.get(HOOKS), name, None)
    if taken is None:
        raise RuntimeError(NO_REGISTRY)
    return taken  # type: ignore[no-any-return]


def register_plugin(func: Any) -> Any:
    """Register a class of `Plugin`, or a function that becomes the call of one."""
    if isinstance(func, type) and issubclass(func, Plugin):
        hook("register_plugin_inner")(func)
    elif callable(func) and not isinstance(func, type):
        hook("register_plugin_inner")(class_of(func))
    else:
        raise TypeError("register_plugin takes a class of Plugin or a function, not " + repr(func))
    return func


def class_of(function: Callable[..., Any]) -> type[Plugin]:
    def call(self: Plugin, *args: Any, **kwargs: Any) -> Any:
        self.log("info", "calling function " + function.__name__)
        return function(*args, **kwargs)

    return type("FuncPlugin_" + function.__name__, (Plugin,), {"__call__": call})


def test_plugin(name: str | None = None, description: str | None = None) -> Any:
    """Register a function that tests the plugin; it is called with an instance."""

    def register(func: Callable[..., Any]) -> Callable[..., Any]:
        words = (func.__doc__ or "") if description is None else description
        hook("register_plugin_test_inner")(name or func.__name__, words, func)
        return func

    return register


class TestPluginContext(PluginContext):
    """The context of tests: it keeps what the plugin makes, and reports nothing."""

    def __init__(self, temp_dir: str) -> None:
        self._temp_dir = temp_dir
        self._logs: list[tuple[str, str, str]] = []
        self._artifacts: list[dict[str, str]] = []
        self._env: dict[str, str] = {}
        self._session_var: dict[str, str] = {}

    env_id = session_id = execution_id = "test"

    def add_artifact(
        self, name: str, file_name: str, type: str, val: Any, desc: str | None = None
    ) -> str:
        return self.create_artifact_path(name, file_name, type, desc or "")[0]

    def create_artifact_path(
        self, name: str, file_name: str, type: str, desc: str = ""
    ) -> tuple[str, str]:
        artifact_id = "test_artifact_id_" + str(len(self._artifacts))
        made = {"id": artifact_id, "name": name, "file_name": file_name, "type": type, "desc": desc}
        self._artifacts.append(made)
        return artifact_id, os.path.join(self._temp_dir, os.path.basename(file_name))

    def get_session_var(self, variable_name: str, default: str | None = None) -> str | None:
        return self._session_var.get(variable_name, default)

    def log(self, level: str, tag: str, message: str) -> None:
        self._logs.append((level, tag, message))

    def get_env(self, plugin_name: str, variable_name: str) -> str:
        return self._env[plugin_name + "_" + variable_name]


@contextlib.contextmanager
def temp_context(workspace_dir: str | None = None) -> Iterator[TestPluginContext]:
    """A context for one test, with a folder that is removed after it."""
    folder = tempfile.mkdtemp(dir=workspace_dir)
    try:
        yield TestPluginContext(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
