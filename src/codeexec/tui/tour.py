"""The tour of `codeexec-tui demo`: a script that is put into a folder of its own, and run."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from codeexec.config.paths import make_private
from codeexec.documents.files import write_atomic

NAME = "tour.py"


def lay_out(state: Path) -> Path:
    """Write the tour afresh below the state folder; returns its path. StorageError."""
    folder = state / "tour"
    make_private(folder)
    path = folder / NAME
    write_atomic(path, files("codeexec.tui").joinpath("tour.txt").read_bytes())
    return path
