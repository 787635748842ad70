"""Reads a lesson from its file, and what it includes from beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath

from codeexec.documents.files import FileText, read_file
from codeexec.documents.lessons.model import Lesson
from codeexec.documents.lessons.reading import read_lesson
from codeexec.domain.errors import UsageError


def open_lesson(file: Path, runnable: Callable[[str], str]) -> tuple[FileText, Lesson]:
    """The file and what it says; `runnable` as for `read_lesson`. CodeexecError."""
    text = read_file(file)
    folder = file.absolute().parent
    return text, read_lesson(
        text.text, str(file), lambda name: read_file(inside(folder, name)).text, runnable
    )


def inside(folder: Path, file: str) -> Path:
    """The path of a file that a lesson names. UsageError where it leads out of its folder."""
    path = PurePath(file)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in file:
        raise UsageError(f"{file!r} is not below the lesson.", "Name a file beside the lesson.")
    return folder / path
