"""Parameters of a notebook, as papermill has them: read from words or a file, written as a cell.

https://papermill.readthedocs.io/en/latest/usage-parameterize.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from codeexec.documents.model import CellKind
from codeexec.documents.notebook import Notebook, cell_tags, new_cell
from codeexec.documents.notebook_outputs import split_lines
from codeexec.domain.errors import UsageError
from codeexec.domain.parsing import TOO_DEEP, check_depth, load_json, load_toml
from codeexec.domain.plain_files import read_plain_text

INJECTED = "injected-parameters"
"""The tag of the cell that we write; the cell that it follows is tagged `parameters`."""


def value_of_word(text: str) -> object:
    """What a word of the command line stands for: a truth value, None, a number, else text."""
    words: dict[str, object] = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def read_parameters(path: Path) -> dict[str, object]:
    """The parameters in a file of YAML, JSON or TOML. UsageError where it cannot be read."""
    try:
        text = read_plain_text(path)
        if path.suffix.lower() == ".json":
            found = load_json(text)
        elif path.suffix.lower() == ".toml":
            found = load_toml(text)
        else:
            found = _load_yaml(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"The parameters in {path} cannot be read: {reason}.",
            "Write them as YAML, one `name: value` a line.",
        ) from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise UsageError(
            f"{path} holds no names with values.", "Write it as YAML, one `name: value` a line."
        )
    return found


def _load_yaml(text: str) -> object:
    import yaml  # not before there is such a file

    try:
        value: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    check_depth(value)
    return value


def inject(notebook: Notebook, parameters: Mapping[str, object]) -> Notebook:
    """The notebook with a cell that sets the parameters: in place of one that was injected
    before, else after the cell tagged `parameters`, else at the top. UsageError for names and
    languages that cannot be written."""
    if notebook.language not in ("", "python"):
        raise UsageError(
            f"The notebook is in {notebook.language}, and parameters are written in Python.",
            "Set them in a cell of the notebook.",
        )
    for name in parameters:
        if not name.isidentifier():
            raise UsageError(f"{name!r} is no name of a variable.", "Write it as -p NAME VALUE.")
    lines = [f"{name} = {as_python(value)}" for name, value in parameters.items()]
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
    return Notebook({**notebook.data, "cells": cells}, notebook.layout)


def as_python(value: object) -> str:
    """The value as Python source."""
    match value:
        case bool() | int() | None:
            return str(value)
        case float():
            return str(value) if math.isfinite(value) else f"float('{value}')"
        case dict():
            pairs = (f"{_quoted(key)}: {as_python(each)}" for key, each in value.items())
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(map(as_python, value)) + "]"
        case _:
            return _quoted(value)


def _quoted(value: object) -> str:
    text = str(value).encode("unicode_escape").decode().replace('"', r"\"")
    return f'"{text}"'
