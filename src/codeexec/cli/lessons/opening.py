"""Reads a lesson for a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.domain.errors import UsageError

if TYPE_CHECKING:
    from codeexec.documents.files import FileText
    from codeexec.documents.lessons.model import Lesson
    from codeexec.tui.options import OpenOptions


def read_for_command(file: Path) -> tuple[FileText, Lesson]:
    """The file and its lesson. CodeexecError with file and line."""
    from codeexec.documents.lessons.files import open_lesson
    from codeexec.languages.catalog import running_language

    return open_lesson(file, running_language)


def lesson_options(
    lesson: Lesson, file: Path, kernel: str, theme: str, *, new: bool
) -> OpenOptions:
    """How the workbench is opened with the lesson of a file: in its folder, with what its front
    matter names. UsageError as of `check_theme`."""
    from codeexec.tui.options import OpenOptions

    front, path = lesson.front, file.absolute()
    if front.theme and not theme:
        check_theme(lesson)
    return OpenOptions(
        files=(str(path.parent),),
        kernel=front.kernel or kernel,
        new=new,
        theme=theme or front.theme,
        lesson=str(path),
    )


def check_theme(lesson: Lesson) -> None:
    """UsageError with file and line where there is no theme of that name."""
    from codeexec.config.load import user_folder
    from codeexec.config.paths import built_in_themes
    from codeexec.tui.theme.theme import find_theme

    try:
        find_theme(lesson.front.theme, (built_in_themes(), user_folder() / "themes"))
    except UsageError as error:
        raise UsageError(f"{lesson.where('theme')}: {error.message}", error.next_step) from None
