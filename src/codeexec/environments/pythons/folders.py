"""Pythons of folders, found by looking at files alone; nothing is executed.

Standard library without pathlib: the server looks for the first kernel before all else.
"""

# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH119, PTH120

from __future__ import annotations

import os
from collections.abc import Iterator

NAMES = (".venv", "venv")
"""Environments that belong to the folder they lie in."""


def folders_upward(folder: str) -> Iterator[str]:
    """The folder and all above it, nearest first."""
    folder = os.path.abspath(folder)
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def pythons_in(holder: str) -> Iterator[tuple[str, str]]:
    """`(name, interpreter)` of each environment that lies in the folder."""
    for name in NAMES:
        if interpreter := interpreter_at(os.path.join(holder, name)):
            yield name, interpreter


def interpreter_at(path: str) -> str:
    """The interpreter that a path means, itself or of the environment there; else empty."""
    path = os.path.abspath(path)
    if os.path.isdir(path):
        for name in ("python", "python3"):
            inside = os.path.join(path, "bin", name)
            if os.path.isfile(inside) and os.access(inside, os.X_OK):
                return inside
        return ""
    is_python = os.path.basename(path).startswith(("python", "pypy"))
    return path if is_python and os.path.isfile(path) and os.access(path, os.X_OK) else ""


def looks_like_path(name: str) -> bool:
    """Whether the name of a kernel is a path rather than the name of a kernelspec."""
    return os.sep in name or name.startswith(("~", ".")) or name in NAMES


def owner_folder(interpreter: str) -> str:
    """The folder that the environment of an interpreter lies in."""
    folder = os.path.dirname(interpreter)
    prefix = os.path.dirname(folder) if os.path.basename(folder) == "bin" else folder
    return os.path.dirname(prefix)
