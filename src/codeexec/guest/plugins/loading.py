"""Plugins in two phases: their module registers a class, and an instance is made of it.

Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import json
import linecache
import sys
import traceback
import types
from typing import TYPE_CHECKING, Any

import codeexec_session as session  # type: ignore[import-not-found]
from codeexec_session_context import CONTEXT  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Callable


LONGEST_TEXT = 10000  # characters of a traceback


class PluginFailed(Exception):
    """A plugin cannot be registered, loaded or tested; the message is for people."""


class RegisteredPlugin:
    """The first phase: its module was run, and has registered one class."""

    def __init__(self, name: str, implementation: str) -> None:
        self.name = name
        self.implementation = implementation
        self.file = "<plugin " + name + ">"
        self.tests: list[tuple[str, str, Callable[[Any], None]]] = []
        self.plugin_class: Any = None
        self.module = self._run()
        if self.plugin_class is None:
            raise PluginFailed("it registers no plugin: decorate its class with @register_plugin")

    def _run(self) -> types.ModuleType:
        try:
            from taskweaver.plugin import register  # type: ignore[import-not-found]
        except Exception as error:
            raise PluginFailed("taskweaver.plugin cannot be imported: " + str(error)) from error
        name = "taskweaver_ext.plugin." + self.name
        module = types.ModuleType(name)
        module.__file__ = self.file
        lines = self.implementation.splitlines(True)
        before = linecache.cache.get(self.file), sys.modules.get(name)
        linecache.cache[self.file] = (len(self.implementation), None, lines, self.file)
        sys.modules[name] = module  # where pickle and dataclasses look for its classes
        hooks = register.register_plugin_inner, register.register_plugin_test_inner
        register.register_plugin_inner = self._take_class
        register.register_plugin_test_inner = lambda *test: self.tests.append(test)
        is_good = False
        try:
            exec(compile(self.implementation, self.file, "exec"), vars(module))
            is_good = True
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise PluginFailed(words_of(error, self.file)) from None
        finally:
            register.register_plugin_inner, register.register_plugin_test_inner = hooks
            if not is_good:
                put_back(linecache.cache, self.file, before[0])
                put_back(sys.modules, name, before[1])
        return module

    def _take_class(self, plugin_class: Any) -> None:
        if self.plugin_class is not None:
            raise PluginFailed(
                "it registers twice: "
                f"{self.plugin_class.__name__} and {plugin_class.__name__}. "
                "One file registers one plugin."
            )
        self.plugin_class = plugin_class

    def make(self, context: Any, config: dict[str, Any]) -> Any:
        """The second phase: an instance with its configuration. PluginFailed."""
        try:
            return self.plugin_class(self.name, context, config)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise PluginFailed(words_of(error, self.file)) from None


class LoadedPlugin:
    """A plugin that code can call."""

    def __init__(self, registered: RegisteredPlugin, config: dict[str, Any]) -> None:
        self.registered = registered
        self.config = config
        self.instance = registered.make(CONTEXT, config)


def put_back(table: Any, key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def words_of(error: BaseException, file: str) -> str:
    """The traceback from the plugin's first line on, without the frames before it."""
    if isinstance(error, PluginFailed):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    numbers = [number for number, frame in enumerate(frames) if frame.filename == file]
    lines = traceback.format_list(frames[numbers[0] :]) if numbers else []
    if lines:
        lines.insert(0, "Traceback (most recent call last):\n")
    try:
        lines += traceback.format_exception_only(type(error), error)
    except Exception:
        lines.append(type(error).__name__)
    return "".join(lines).rstrip()[-LONGEST_TEXT:]


def load(name: str, config: dict[str, Any]) -> LoadedPlugin:
    """Make the instance of a registered plugin and give it its name. PluginFailed."""
    registered = session.SESSION.registered.get(name)
    if registered is None and name in session.SESSION.plugins:
        registered = session.SESSION.plugins[name].registered
    if registered is None:
        raise PluginFailed("it is not registered: %%_taskweaver_plugin_register " + name)
    plugin = LoadedPlugin(registered, config)
    session.SESSION.plugins[name] = plugin
    session.SESSION.registered.pop(name, None)
    session.shell().user_ns[name] = plugin.instance
    # Its configuration may hold passwords: the variables of the user are shown, this is not.
    session.shell().user_ns_hidden[name] = plugin.instance
    return plugin


def register_and_load(name: str, implementation: str, config: dict[str, Any]) -> list[str]:
    """Both phases; on a failure all is as before. The names of its tests. PluginFailed."""
    module = "taskweaver_ext.plugin." + name
    before = sys.modules.get(module), linecache.cache.get("<plugin " + name + ">")
    earlier = session.SESSION.registered.pop(name, None)
    is_good = False
    try:
        session.SESSION.registered[name] = RegisteredPlugin(name, implementation)
        plugin = load(name, config)
        is_good = True
    finally:
        if not is_good:
            put_back(session.SESSION.registered, name, earlier)
            put_back(sys.modules, module, before[0])
            put_back(linecache.cache, "<plugin " + name + ">", before[1])
    return [test[0] for test in plugin.registered.tests]


def test(name: str) -> tuple[list[str], list[str]]:
    """Run the tests of a plugin: the names of those that passed, and a text for each other."""
    plugin = session.SESSION.plugins.get(name)
    registered = plugin.registered if plugin is not None else session.SESSION.registered.get(name)
    if registered is None:
        raise PluginFailed("it is not loaded")
    config = plugin.config if plugin is not None else {}
    from taskweaver.plugin.context import temp_context  # type: ignore[import-not-found]

    passed, failed = [], []
    for test_name, description, function in registered.tests:
        with temp_context() as context:
            try:
                function(registered.make(context, config))
                passed.append(test_name)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                title = test_name + (" (" + description.strip() + ")" if description else "")
                failed.append(title + "\n" + words_of(error, registered.file))
    return passed, failed


def unload(name: str) -> bool:
    """Remove a plugin; false when it was not loaded."""
    plugin = session.SESSION.plugins.pop(name, None)
    session.SESSION.registered.pop(name, None)
    if plugin is None:
        return False
    names = session.shell().user_ns
    if names.get(name) is plugin.instance:
        del names[name]
    session.shell().user_ns_hidden.pop(name, None)
    sys.modules.pop("taskweaver_ext.plugin." + name, None)
    return True


def tested_words(passed: list[str], failed: list[str]) -> str:
    if failed:
        return f"{len(failed)} of {len(passed) + len(failed)} tests failed."
    return f"All {len(passed)} tests passed." if passed else "It has no tests."


def perform(text: str) -> None:
    """A step that the session asks for; how it ended is reported, never raised."""
    step = json.loads(text)
    name, action = step["name"], step["action"]
    ending: dict[str, Any] = {"is_success": True, "message": "", "messages": [], "tests": []}
    try:
        if action == "load":
            ending["tests"] = register_and_load(name, step["implementation"], step["config"])
            ending["message"] = "Plugin " + name + " loaded."
        elif action == "test":
            passed, failed = test(name)
            ending.update(
                is_success=not failed, message=tested_words(passed, failed), messages=failed
            )
        else:
            unload(name)
            ending["message"] = "Plugin " + name + " unloaded."
    except PluginFailed as error:
        ending.update(is_success=False, message=str(error))
    session.publish("plugin", action=action, name=name, **ending)
