"""The magics of a session; each answers `{is_success, message, data}`.

Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import codeexec_session as session  # type: ignore[import-not-found]
import codeexec_session_plugins as plugins  # type: ignore[import-not-found]
from codeexec_session_context import CONTEXT  # type: ignore[import-not-found]

PREFIX = "_taskweaver_"


def response(is_success: bool, message: str, data: Any = None) -> dict[str, Any]:
    return {"is_success": is_success, "message": message, "data": data}


def answer(magic: str, line: str, cell: str | None) -> dict[str, Any]:
    """The answer of a magic; what goes wrong is said in it."""
    try:
        given = ACTIONS[magic[len(PREFIX) :]](line.strip(), cell)
    except (plugins.PluginFailed, ValueError, TypeError, OSError) as error:
        given = response(False, str(error))
    LAST[:] = [given]
    return given


LAST: list[Any] = []
"""The last answer: it is no result of the code between two checks."""


def json_of(text: str, what: str) -> dict[str, Any]:
    """A JSON object. ValueError that says where the text is wrong."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(what + ": this is no valid JSON: " + str(error)) from None
    if type(value) is not dict:
        raise ValueError(what + ': give a JSON object such as {"name": "value"}')
    return value


def plugin_name(line: str) -> str:
    if not line.isidentifier():
        raise ValueError(repr(line) + " is no name of a plugin: give one that Python code can call")
    return line


def session_init(line: str, cell: str | None) -> dict[str, Any]:
    """Take the session's id and import what data code uses, as far as it is installed."""
    if line:
        session.SESSION.session_id = line.split()[0]
    names = session.shell().user_ns
    found, missing = [], []
    for name, module in (("pd", "pandas"), ("np", "numpy"), ("plt", "matplotlib.pyplot")):
        try:
            __import__(module)
            names[name] = sys.modules[module]
            found.append(name)
        except ImportError:
            missing.append(module)
            CONTEXT.log("warning", "Engine", "recommended package " + module + " not found")
    words = "The session is ready, with " + (", ".join(found) or "no packages") + "."
    return response(True, words + (" Not installed: " + ", ".join(missing) if missing else ""))


def plugin_register(line: str, cell: str | None) -> dict[str, Any]:
    name = plugin_name(line)
    if cell is None:
        plugin = session.SESSION.plugins.get(name)
        if plugin is None:
            raise plugins.PluginFailed("Give its text: %%_taskweaver_plugin_register " + name)
        cell = plugin.registered.implementation
    try:
        session.SESSION.registered[name] = plugins.RegisteredPlugin(name, cell)
    except plugins.PluginFailed as error:
        raise plugins.PluginFailed(
            "Plugin " + name + " failed to register: " + str(error)
        ) from None
    return response(True, "Plugin " + name + " registered.")


def plugin_load(line: str, cell: str | None) -> dict[str, Any]:
    name = plugin_name(line)
    config = json_of(cell, "The configuration") if cell is not None and cell.strip() else {}
    try:
        plugin = plugins.load(name, config)
    except plugins.PluginFailed as error:
        raise plugins.PluginFailed(f"Plugin {name} failed to load: {error}") from None
    session.publish(
        "plugin",
        action="load",
        name=name,
        is_success=True,
        message="Plugin " + name + " loaded.",
        messages=[],
        tests=[each[0] for each in plugin.registered.tests],
        implementation=plugin.registered.implementation,
        config={key: session.text_of(value) for key, value in config.items()},
    )
    return response(True, "Plugin " + name + " loaded.")


def plugin_test(line: str, cell: str | None) -> dict[str, Any]:
    name = plugin_name(line)
    passed, failed = plugins.test(name)
    words = plugins.tested_words(passed, failed)
    return response(not failed, "Plugin " + name + ": " + "\n".join([words, *failed]), passed)


def plugin_unload(line: str, cell: str | None) -> dict[str, Any]:
    name = plugin_name(line)
    if not plugins.unload(name):
        return response(True, "Plugin " + name + " not loaded, skipping unloading.")
    message = "Plugin " + name + " unloaded."
    session.publish(
        "plugin",
        action="unload",
        name=name,
        is_success=True,
        message=message,
        messages=[],
        tests=[],
    )
    return response(True, message)


def update_session_var(line: str, cell: str | None) -> dict[str, Any]:
    variables = json_of(cell if cell is not None else line, "The session variables")
    session.SESSION.variables = {
        str(key): session.text_of(value) for key, value in variables.items()
    }
    session.publish("session_variables", variables=session.SESSION.variables)
    return response(True, "PluginSession var updated.", dict(session.SESSION.variables))


def check_session_var(line: str, cell: str | None) -> dict[str, Any]:
    return response(True, "PluginSession variables.", dict(session.SESSION.variables))


def convert_path(line: str, cell: str | None) -> dict[str, Any]:
    path = (line if cell is None else cell).strip()
    return response(True, "Path converted.", os.path.abspath(path))


def exec_pre_check(line: str, cell: str | None) -> dict[str, Any]:
    words = line.split()
    if len(words) != 2 or not words[0].isdigit():
        raise ValueError("Give a number and an id: %_taskweaver_exec_pre_check 1 exec-1")
    session.SESSION.begin(int(words[0]), words[1])
    session.SESSION.is_marked = True
    return response(True, "")


def exec_post_check(line: str, cell: str | None) -> dict[str, Any]:
    value = session.shell().user_ns.get("_", "")
    is_result = not (LAST and value is LAST[0]) and not (type(value) is str and not value)
    state = {
        "artifact": list(session.SESSION.artifacts),
        "log": [list(entry) for entry in session.SESSION.log],
        "output": session.normalized(value) if is_result else [],
        "variables": session.visible_variables(),
    }
    session.SESSION.is_marked = False
    return response(True, "", state)


def write_and_run(line: str, cell: str | None) -> dict[str, Any]:
    """Write the cell into the file of the line, and run it in the session."""
    if cell is None or not line:
        raise ValueError("Name a file, and give its text: %%_taskweaver_write_and_run FILE")
    path = os.path.join(session.SESSION.folder, os.path.basename(line))
    if os.path.basename(line) != line:
        raise ValueError(repr(line) + " is no name of a file in the session's folder")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8") as file:
        file.write(cell)
    try:
        code = compile(session.shell().transform_cell(cell), path, "exec")
        exec(code, session.shell().user_ns)
    except Exception as error:
        return response(False, plugins.words_of(error, path), path)
    return response(True, "Written and run.", path)


ACTIONS = {
    action.__name__: action
    for action in (
        session_init,
        plugin_register,
        plugin_load,
        plugin_test,
        plugin_unload,
        update_session_var,
        check_session_var,
        convert_path,
        exec_pre_check,
        exec_post_check,
        write_and_run,
    )
}
