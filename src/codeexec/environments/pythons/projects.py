"""Finds environments that poetry and hatch keep for a project elsewhere, by files alone.

Both derive an environment's place from the project's name and a hash of its path. Their settings
are read where they say another place. Standard library without pathlib, as `pythons` is.
"""

# ruff: noqa: PTH111, PTH112, PTH113, PTH118, PTH208

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.text.parsing import load_toml
from codeexec.environments.pythons.folders import folders_upward, interpreter_at, pythons_in
from codeexec.hostfiles.state import absolute, home

SETTINGS_LIMIT = 1 << 20
"""Bytes of a settings file; a larger one is taken for none."""

Table = dict[str, object]


def pythons_upward(folder: str, env: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """`(holder, source, interpreter)` of each environment from `folder` upward, nearest first:
    those that lie in a folder, then those that tools keep for it. `source` says which, in words."""
    for holder in folders_upward(folder):
        for name, interpreter in pythons_in(holder):
            yield holder, f"{name} in {holder}", interpreter
        for tool, interpreter in project_pythons(holder, env):
            yield holder, f"{tool} for {holder}", interpreter


def project_pythons(holder: str, env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """`(tool, interpreter)` of each environment that poetry or hatch made for the project whose
    pyproject.toml lies in `holder`, that which the tool would use first."""
    if not os.path.isfile(os.path.join(holder, "pyproject.toml")):
        return
    makers = (("poetry", _poetry_folders), ("hatch", _hatch_folders))
    project = _read(os.path.join(holder, "pyproject.toml"))
    for tool, find_folders in makers:
        for folder in find_folders(holder, project, env):
            if interpreter := interpreter_at(folder):
                yield tool, interpreter


def _poetry_folders(holder: str, project: Table, env: Mapping[str, str]) -> Iterator[str]:
    """Those named NAME-HASH-pyX.Y; the one that `poetry env use` chose is the first."""
    name = _text(project, "tool", "poetry", "name") or _text(project, "project", "name")
    root = _poetry_root(holder, env)
    if not name or not os.path.isdir(root):
        return
    import re

    clean = re.sub(r'[ $`!*@"\\\r\n\t]', "_", _normalized(name))[:42]
    base = f"{clean}-{_hash(os.path.normcase(os.path.realpath(holder)))}"
    chosen = _text(_read(os.path.join(root, "envs.toml")), base, "minor")
    version = re.compile(re.escape(base) + r"-py(\d+)\.(\d+)")
    matches = [match for match in map(version.fullmatch, _names(root)) if match]
    matches.sort(key=lambda match: (int(match[1]), int(match[2])), reverse=True)
    matches.sort(key=lambda match: match[0] != f"{base}-py{chosen}")
    yield from (os.path.join(root, match[0]) for match in matches)


def _poetry_root(holder: str, env: Mapping[str, str]) -> str:
    """The folder of poetry's environments: its variables, the project's poetry.toml, the user's
    config.toml, the default."""
    user_file = os.path.join(
        absolute(env, "POETRY_CONFIG_DIR") or _folder(env, "config", "pypoetry"), "config.toml"
    )
    settings = (_read(os.path.join(holder, "poetry.toml")), _read(user_file))
    cache = env.get("POETRY_CACHE_DIR", "") or next(
        filter(None, (_text(table, "cache-dir") for table in settings)), ""
    )
    cache = os.path.expanduser(cache) if cache else _folder(env, "cache", "pypoetry")
    path = env.get("POETRY_VIRTUALENVS_PATH", "") or next(
        filter(None, (_text(table, "virtualenvs", "path") for table in settings)), ""
    )
    root = os.path.expanduser(path.replace("{cache-dir}", cache)) or f"{cache}/virtualenvs"
    return os.path.join(holder, root)


def _hatch_folders(holder: str, project: Table, env: Mapping[str, str]) -> Iterator[str]:
    """The default environment: where the project says, else DATA/env/virtual/NAME/HASH/NAME."""
    own_file = _read(os.path.join(holder, "hatch.toml"))
    for place in (
        env.get("HATCH_ENV_TYPE_VIRTUAL_PATH", ""),
        _text(own_file, "envs", "default", "path"),
        _text(project, "tool", "hatch", "envs", "default", "path"),
    ):
        if place:
            yield os.path.join(holder, os.path.expanduser(place))
    name = _normalized(_text(project, "project", "name"))
    if not name:
        return
    config = env.get("HATCH_CONFIG", "") or f"{_folder(env, 'config', 'hatch')}/config.toml"
    dirs = _read(config)
    data = env.get("HATCH_DATA_DIR", "") or _text(dirs, "dirs", "data")
    data = os.path.expanduser(data) or _folder(env, "data", "hatch")
    root = os.path.expanduser(_text(dirs, "dirs", "env", "virtual"))
    root = os.path.join(holder, root or os.path.join(data, "env", "virtual"))
    real = os.path.realpath(holder)
    if root == os.path.join(home(env), ".virtualenvs") or f"{root}/".startswith(f"{real}/"):
        yield os.path.join(root, name)
        return
    for spelled in dict.fromkeys((real, holder)):
        yield os.path.join(root, name, _hash(spelled), name)


def _folder(env: Mapping[str, str], kind: str, app: str) -> str:
    """The user's folder of a program, as platformdirs has it."""
    if sys.platform == "darwin":
        library = "Caches" if kind == "cache" else "Application Support"
        return os.path.join(home(env), "Library", library, app)
    variable = {"cache": "XDG_CACHE_HOME", "config": "XDG_CONFIG_HOME", "data": "XDG_DATA_HOME"}
    default = {"cache": ".cache", "config": ".config", "data": ".local/share"}
    base = absolute(env, variable[kind]) or os.path.join(home(env), default[kind])
    return os.path.join(base, app)


def _hash(path: str) -> str:
    from base64 import urlsafe_b64encode
    from hashlib import sha256

    return urlsafe_b64encode(sha256(path.encode("utf-8", "surrogateescape")).digest()).decode()[:8]


def _normalized(name: str) -> str:
    import re

    return re.sub(r"[-_.]+", "-", name).lower()


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(path: str) -> Table:
    """A settings file; empty where there is none, or none that can be read."""
    try:
        return load_toml(read_plain_text(path, SETTINGS_LIMIT))
    except (OSError, ValueError):
        return {}


def _text(table: object, *keys: str) -> str:
    """The text under these keys; empty where there is none."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, str) and "\0" not in table else ""
