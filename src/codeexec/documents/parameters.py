"""Parameters of a notebook, as in papermill: read from arguments or files, written as a cell.

https://papermill.readthedocs.io/en/latest/usage-parameterize.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from codeexec.documents.model import CellKind
from codeexec.documents.notebook.convert import Notebook, cell_tags, new_cell
from codeexec.documents.notebook.outputs import split_lines
from codeexec.documents.parameter_code import LANGUAGES
from codeexec.domain.content.mime import decode_base64
from codeexec.domain.errors import UsageError
from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.text.parsing import TOO_DEEP, check_depth, load_json, load_toml

INJECTED = "injected-parameters"
"""Tag of the cell that is written, after the cell tagged `parameters`."""


def value_of_word(text: str) -> object:
    """The value of a command line argument: a bool, None, a number, else text."""
    constants: dict[str, object] = {"True": True, "False": False, "None": None}
    if text in constants:
        return constants[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def read_parameters(path: Path) -> dict[str, object]:
    """The parameters in a YAML, JSON or TOML file. UsageError if it cannot be read."""
    try:
        text = read_plain_text(path)
        if path.suffix.lower() == ".json":
            value = load_json(text)
        elif path.suffix.lower() == ".toml":
            value = load_toml(text)
        else:
            value = _load_yaml(text)
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), error) from error
    return _checked(value, str(path))


def parse_parameters(text: str, where: str) -> dict[str, object]:
    """Parameters in YAML text, which is empty or maps names to values. UsageError, which names
    the source `where`, for anything else."""
    try:
        return _checked(_load_yaml(text), where)
    except ValueError as error:
        raise _unreadable(where, error) from error


def decode_parameters(word: str, where: str) -> dict[str, object]:
    """The same from YAML in base64. UsageError."""
    data = decode_base64(word)
    if data is None:
        raise _unreadable(where, ValueError("it is no base64"))
    try:
        text = data.decode()
    except ValueError as error:
        raise _unreadable(where, error) from error
    return parse_parameters(text, where)


def _checked(value: object, where: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise UsageError(
            f"{where} holds no names with values.", "Write it as YAML, one `name: value` a line."
        )
    return value


def _unreadable(where: str, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or error
    return UsageError(
        f"The parameters in {where} cannot be read: {reason}.",
        "Write them as YAML, one `name: value` a line.",
    )


def _load_yaml(text: str) -> object:
    import yaml  # imported only if needed

    # Dates stay text, as in papermill.
    resolvers = {
        first: [resolver for resolver in kinds if resolver[0] != "tag:yaml.org,2002:timestamp"]
        for first, kinds in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    loader = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": resolvers})
    try:
        value: object = yaml.load(text, loader)  # a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    check_depth(value)
    return value


def inject(notebook: Notebook, parameters: Mapping[str, object]) -> Notebook:
    """A copy with a cell that sets the parameters. It replaces an injected cell, else follows the
    cell tagged `parameters`, else comes first. UsageError for invalid names and for languages
    without a syntax here."""
    language = LANGUAGES.get(notebook.language.lower() or "python")
    if language is None:
        raise UsageError(
            f"The notebook is in {notebook.language}, and parameters are written in Python, R, "
            "Julia and Bash.",
            "Set them in a cell of the notebook.",
        )
    lines = [language.line(name, value) for name, value in parameters.items()]
    cell = {
        **new_cell(CellKind.CODE, notebook.minor),
        "metadata": {"tags": [INJECTED]},
        "source": split_lines("\n".join(["# Parameters", *lines]) + "\n"),
    }
    cells = list(notebook.data["cells"])
    places = {tag: at for at in reversed(range(len(cells))) for tag in cell_tags(cells[at])}
    if INJECTED in places:
        cells[places[INJECTED]] = cell
    else:
        cells.insert(places.get("parameters", -1) + 1, cell)
    return replace(notebook, data={**notebook.data, "cells": cells})
