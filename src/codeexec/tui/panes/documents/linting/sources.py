"""What of a document ruff is given to read, and where its settings are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from codeexec.documents.model import Cell
from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.text.parsing import load_toml
from codeexec.tui.panes.documents.linting.ruff_server import LintSource

MOST_CHARACTERS = 2_000_000
"""Longest text that is checked."""

_MOST_SETTINGS = 1 << 20
"""Largest settings file that is looked into, in bytes."""

_MAGIC = re.compile(r"(\s*)(?:[%!?].*|([\w.,\s]+=)\s*[%!].*)")
"""Lines of scripts that IPython takes and Python does not."""


def script_source(path: Path, lines: Sequence[str], project: Path | None) -> LintSource:
    """A script as one text. Lines for IPython become statements that do nothing, so that the rest
    can be read."""
    text = "\n".join(_plain(line) for line in lines)
    return LintSource(path, (text,), project=project)


def _plain(line: str) -> str:
    match = _MAGIC.fullmatch(line) if any(sign in line for sign in "%!?") else None
    if match is None or line.lstrip().startswith("#"):
        return line
    return f"{match[1]}{match[2]} None" if match[2] else f"{match[1]}pass"


def notebook_source(path: Path, cells: Sequence[Cell], project: Path | None) -> LintSource:
    """The code cells of a notebook."""
    texts = tuple(cell.source for cell in cells)
    return LintSource(path, texts, is_notebook=True, project=project)


def project_of(path: Path) -> Path | None:
    """The nearest folder above a file that has settings of ruff; reads files."""
    for folder in path.parents:
        if any((folder / name).is_file() for name in ("ruff.toml", ".ruff.toml")):
            return folder
        if _has_table(folder / "pyproject.toml"):
            return folder
    return None


def _has_table(file: Path) -> bool:
    try:
        data = load_toml(read_plain_text(file, _MOST_SETTINGS))
    except (OSError, ValueError):
        return False
    tool = data.get("tool")
    return isinstance(tool, dict) and "ruff" in tool
