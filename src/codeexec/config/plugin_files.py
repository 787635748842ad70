"""Reads files and folders of plugins, as settings, commands and the workbench name them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codeexec.domain.errors import CodeexecError, DocumentError, UsageError
from codeexec.domain.plugins import MAX_IMPLEMENTATION, check_plugin_name
from codeexec.domain.text.parsing import load_json
from codeexec.hostfiles.files import read
from codeexec.hostfiles.place import locate

MOST_FILES = 200
"""Plugins of one folder."""


@dataclass(frozen=True, slots=True)
class PluginFile:
    """A plugin as it is on disk. `config` is what a file of the same name with the suffix `.json`
    says, an object of texts."""

    name: str
    path: Path
    text: str
    config: dict[str, str] = field(default_factory=dict)


def plugin_paths(words: str, folder: Path) -> list[Path]:
    """The paths that the setting `session.plugins` names, below `folder`. UsageError."""
    try:
        names = shlex.split(words)
    except ValueError as error:
        raise UsageError(f"session.plugins cannot be read: {error}.", "Close the quotes.") from None
    return [folder / Path(name).expanduser() for name in names]


def read_plugins(paths: Sequence[Path]) -> tuple[list[PluginFile], list[CodeexecError]]:
    """The plugins of these files and folders, and why others cannot be read. Of a folder those
    files `*.py` whose names do not begin with an underscore."""
    plugins: list[PluginFile] = []
    problems: list[CodeexecError] = []
    for path in paths:
        try:
            files = list(_files_of(path))
        except CodeexecError as error:
            problems.append(error)
            continue
        for file in files:
            try:
                plugins.append(read_plugin(file))
            except CodeexecError as error:
                problems.append(error)
    return plugins, problems


def _files_of(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    try:
        names = sorted(entry.name for entry in os.scandir(path))
    except OSError as error:
        raise _unreadable(path, error) from error
    names = [name for name in names if name.endswith(".py") and not name.startswith("_")]
    if len(names) > MOST_FILES:
        raise UsageError(
            f"{path} has {len(names):,} Python files; at most {MOST_FILES} are taken as plugins.",
            "Name the files that are plugins.",
        )
    yield from (path / name for name in names)


def read_plugin(path: Path, name: str = "") -> PluginFile:
    """One plugin; `name` is that of the file where it is empty. UsageError, DocumentError."""
    name = check_plugin_name(name or path.stem)
    text = _text_of(path)
    beside = path.with_suffix(".json")
    config = _config_of(beside) if beside.is_file() else {}
    return PluginFile(name, path, text, config)


def _text_of(path: Path) -> str:
    try:
        data, _ = read(locate(path), MAX_IMPLEMENTATION + 1)
        if len(data) > MAX_IMPLEMENTATION:
            raise UsageError(
                f"{path} has more than {MAX_IMPLEMENTATION:,} bytes.",
                "Let the plugin import what is long from a module.",
            )
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path} is not UTF-8.", "Save the file as UTF-8.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _config_of(path: Path) -> dict[str, str]:
    try:
        value = load_json(_text_of(path))
    except ValueError as error:
        raise DocumentError(f"{path}: {error}.", "Correct it, or remove the file.") from error
    if not isinstance(value, dict):
        raise DocumentError(
            f"{path} is no JSON object.", 'Write the plugin\'s settings as {"name": "value"}.'
        )
    return {str(key): text if isinstance(text, str) else str(text) for key, text in value.items()}


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be read: {error.strerror or error}.", "Check the path.")
