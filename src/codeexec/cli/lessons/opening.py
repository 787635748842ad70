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

    text, lesson = open_lesson(file, running_language)
    if lesson.front.screen == "workbench":
        _check_tour(lesson)
    return text, lesson


def lesson_options(
    lesson: Lesson, file: Path, kernel: str, theme: str, *, new: bool
) -> OpenOptions:
    """How the workbench is opened with the lesson of a file: in its folder, with what its front
    matter names. UsageError as of `check_theme`."""
    from codeexec.tui.options import OpenOptions

    front, path = lesson.front, file.absolute()
    if front.theme and not theme:
        check_theme(lesson)
    if front.screen == "workbench":
        options = tour_options(lesson, file, front.kernel or kernel, path.parent)
        return options._replace(new=new, theme=theme or front.theme)
    return OpenOptions(
        files=(str(path.parent),),
        kernel=front.kernel or kernel,
        new=new,
        theme=theme or front.theme,
        lesson=str(path),
    )


def tour_options(lesson: Lesson, file: Path, kernel: str, folder: Path) -> OpenOptions:
    """How the workbench is opened with a tour: its code is written afresh into a script below the
    state folder. The session works in `folder`, which is made. StorageError."""
    from codeexec.config.paths import find_paths, make_private
    from codeexec.documents.files import write_atomic
    from codeexec.documents.lessons.to_script import script_of_tour
    from codeexec.tui.options import OpenOptions
    from codeexec.tui.session.lessons.tour_steps import tour_folder

    path, state = file.absolute(), find_paths().state
    if folder.is_relative_to(state):
        script = make_private(folder) / f"{path.stem}.py"
    else:
        script = make_private(tour_folder(state, str(path))) / f"{path.stem}.py"
    write_atomic(script, script_of_tour(lesson).encode())
    files = (str(folder), str(script))
    return OpenOptions(files=files, kernel=kernel, lesson=str(path), is_tour=True)


def _check_tour(lesson: Lesson) -> None:
    """UsageError with file and line where a task goes to a pane that there is not."""
    from codeexec.tui.pane_registry import pane_names

    for step in lesson.steps:
        for deed in step.task.deeds if step.task is not None else ():
            if deed.kind == "go" and deed.target not in pane_names():
                raise UsageError(
                    f"{lesson.name}:{deed.line}: There is no pane {deed.target[:40]}.",
                    f"The panes are {', '.join(sorted(pane_names()))}.",
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
