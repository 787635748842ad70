"""`codeexec-tui lesson`: Markdown whose code runs step by step, and that checks itself."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_session, complete_theme
from codeexec.cli.lessons.learning import class_list, learn
from codeexec.cli.lessons.opening import lesson_options, read_for_command
from codeexec.domain.errors import CodeexecError, UsageError

if TYPE_CHECKING:
    from codeexec.cli.lessons.verify import LessonReport, StepReport
    from codeexec.documents.files import FileText
    from codeexec.documents.lessons.model import Lesson

_SUFFIXES = (".md", ".markdown")
_MALFORMED = 2
_MOST_TYPING = 10_000


class LessonGroup(click.Group):
    """Group in which the name of a lesson's file stands for `show` and that file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            is_lesson = args[0].lower().endswith(_SUFFIXES) or Path(args[0]).is_file()
            if is_lesson:
                args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=LessonGroup)
def lesson() -> None:
    """Lessons: Markdown whose code runs step by step, and that checks itself."""


lesson.add_command(learn)
lesson.add_command(class_list)


@lesson.command("show")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--speaker", is_flag=True, help="Notes, next step and clock, in a second terminal.")
@click.option("--new", is_flag=True, help="Begin it anew, even if it is being given.")
@click.option("--typing", default="", metavar="HOW", help="Characters a second, keys, or once.")
@click.option("--kernel", default="", metavar="NAME", help="For a lesson that names no kernel.")
@click.option(
    "--theme",
    default="",
    metavar="NAME",
    shell_complete=complete_theme,
    help="Colour theme for this run.",
)
def show(file: Path, speaker: bool, new: bool, typing: str, kernel: str, theme: str) -> int:
    """Give the lesson FILE in this terminal; `lesson FILE` is short for it.

    The next key types the code, runs it and goes on; `?` shows all keys. The session goes on when
    you leave: the same command comes back to the same step, with the same state.
    """
    from codeexec.cli.launch import open_workbench

    _, read = read_for_command(file)
    if read.front.screen == "workbench" and (speaker or typing):
        raise UsageError(
            f"{file} is a tour: its reader works in the workbench.",
            "Leave out --speaker and --typing; codeexec-tui attach --watch follows it.",
        )
    options = lesson_options(read, file, kernel, theme, new=new)
    return open_workbench(options._replace(watch=speaker, speaker=speaker, typing=_typing(typing)))


def _typing(words: str) -> int | Literal["keys", "once", ""]:
    match words:
        case "" | "keys" | "once":
            return words
    if words.isascii() and words.isdigit() and 1 <= int(words) <= _MOST_TYPING:
        return int(words)
    raise UsageError(
        f"--typing {words} is no speed.",
        f"Give characters a second (1 to {_MOST_TYPING}), keys, or once.",
    )


@lesson.command("verify")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--update", is_flag=True, help="Write what the code puts out into the lesson.")
@click.option("--kernel", default="", metavar="NAME", help="For lessons that name no kernel.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto")
def verify(
    files: tuple[Path, ...],
    update: bool,
    kernel: str,
    junit: Path | None,
    as_json: bool,
    color: str,
) -> int:
    """Run every step of each lesson from nothing, and compare its output.

    A fence with a language is code; the fence `output` after it says what it puts out. The
    status is 0 if all is as expected, 1 if a step fails, 2 if a file is no lesson.
    """
    from codeexec.cli.lessons import report as told
    from codeexec.documents.files import write_atomic

    painted = style.wants_color(sys.stdout, color)
    reports: list[LessonReport] = []
    is_malformed = False
    for file in files:
        try:
            text, read = read_for_command(file)
        except CodeexecError as error:
            style.show_error(error, as_json)
            is_malformed = True
            continue
        numbers = {id(step): number for number, step in enumerate(read.steps, 1)}
        if not as_json:
            style.say(f"{file}  {read.front.title}".rstrip())

        def show(step: StepReport, name: str = str(file), at: dict[int, int] = numbers) -> None:
            if not as_json:
                told.say_step(at[id(step.step)], step, name, painted)

        report = _run(read, file, kernel, show)
        reports.append(report)
        if report.problem and not as_json:
            style.say(report.problem, file=sys.stderr)
        if update:
            _update(text, report, file, as_json=as_json)
    if junit is not None:
        write_atomic(junit.absolute(), told.as_junit(reports))
    if as_json:
        style.say_json(told.as_json(reports))
    elif reports:
        style.say(told.summary(reports))
    if is_malformed:
        return _MALFORMED
    return 0 if all(report.has_passed for report in reports) else 1


@lesson.command("new")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def new(file: Path, as_json: bool) -> None:
    """Write a short lesson to FILE, to begin with."""
    from codeexec.documents.files import write_atomic

    if file.suffix.lower() not in _SUFFIXES:
        raise _bad_name(file)
    if file.exists():
        raise UsageError(f"{file} exists already.", "Give another name.")
    write_atomic(file.absolute(), _SKELETON.encode())
    if as_json:
        style.say_json({"written": str(file)})
        return
    style.say(f"written: {file}")
    style.say(f"verify it: codeexec-tui lesson verify {file}")


@lesson.command("from")
@click.argument("source", shell_complete=complete_session)
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path, dir_okay=False), help="The lesson."
)
@click.option("--no-outputs", is_flag=True, help="Expect nothing of what the code has put out.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def from_source(
    source: str, out: Path | None, no_outputs: bool, force: bool, as_json: bool
) -> None:
    """Write a lesson of SOURCE: a notebook, a script, Markdown, or the name of a session.

    Nothing is run. What the code has put out is what the lesson expects; `lesson verify --update`
    writes what it puts out now. Without -o the lesson has the name of SOURCE, with .md.
    """
    from codeexec.cli.lessons.converting import notebook_of_source
    from codeexec.documents.files import write_atomic
    from codeexec.documents.lessons.from_notebook import lesson_of
    from codeexec.languages.catalog import running_language

    notebook, name = notebook_of_source(source)
    target = out or Path(f"{name}.md")
    if target.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"{target} is no name of a lesson.", f"Name it {target.with_suffix('.md')}."
        )
    _check_target(target, Path(source), force=force)
    text = lesson_of(notebook, name, running_language, has_outputs=not no_outputs)
    write_atomic(target.absolute(), text.encode("utf-8", "replace"))
    if as_json:
        style.say_json({"written": str(target)})
        return
    style.say(f"written: {target}")
    style.say(f"verify it: codeexec-tui lesson verify {target}")


@lesson.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--to",
    "form",
    default="",
    metavar="FORMAT",
    help="html, ipynb, md, py or pdf; without it, the type of OUT.",
)
@click.option("-o", "--output", "out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--run", "runs", is_flag=True, help="Run it, for the outputs that it has now.")
@click.option("--kernel", default="", metavar="NAME", help="For a lesson that names no kernel.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def export(
    file: Path,
    form: str,
    out: Path | None,
    runs: bool,
    kernel: str,
    force: bool,
    as_json: bool,
) -> None:
    """Write the lesson FILE as a page, a notebook, Markdown, a script, or a PDF of slides.

    It has the outputs that the lesson expects; with --run those of a run, in which each step must
    go well. A notebook also has what is hidden, and the notes for the speaker.
    """
    from codeexec.cli.lessons.converting import exported_lesson
    from codeexec.documents.files import write_atomic

    form = (form or (out.suffix if out is not None else "")).lower().removeprefix(".")
    if not form:
        raise UsageError("The format is missing.", "Add --to html, ipynb, md, py or pdf.")
    # A lesson is Markdown itself: its export must not take its place.
    own = file.with_suffix(f".{form}") if form != "md" else file.with_suffix(".export.md")
    target = out or own
    _check_target(target, file, force=force)
    _, read = read_for_command(file)
    content = exported_lesson(read, file, form, kernel, runs=runs)
    write_atomic(target.absolute(), content)
    if as_json:
        style.say_json({"exported": str(target)})
    else:
        style.say(f"written: {target}")


def _bad_name(file: Path) -> UsageError:
    return UsageError(f"{file} is no name of a lesson.", f"Name it {file.with_suffix('.md')}.")


def _check_target(target: Path, source: Path, *, force: bool) -> None:
    if target.exists() and (not force or target.resolve() == source.resolve()):
        raise UsageError(f"{target} exists already.", "Give another name with -o, or --force.")


@lesson.command("schema")
@click.option("--json", "as_json", is_flag=True, help="In one line, for programs.")
def schema(as_json: bool) -> None:
    """Print the JSON schema of a lesson's front matter."""
    from codeexec.documents.lessons.schema import front_matter_schema

    content = front_matter_schema()
    if as_json:
        style.say_json(content)
    else:
        style.say_lines(json.dumps(content, indent=2))


def _run(
    lesson: Lesson, file: Path, kernel: str, show: Callable[[StepReport], None]
) -> LessonReport:
    from codeexec.cli.lessons.verify import verify as run
    from codeexec.environments.trust.store import RunTrust

    folder = file.absolute().parent
    return asyncio.run(run(lesson, folder, kernel, RunTrust(str(file)), show))


def _update(text: FileText, report: LessonReport, file: Path, *, as_json: bool) -> None:
    from codeexec.cli.lessons.correcting import update

    count = update(text, report, file.absolute().parent)
    if count and not as_json:
        style.say(f"written: {count} output{'s' * (count != 1)} in {file}")


_SKELETON = """\
---
title: A first lesson
---

# Numbers

<!-- Notes for the speaker stand in comments. -->

Code is in fences that name a language. It runs when the step is shown.

```python
total = sum(range(10))
print("The sum is", total)
```

What it puts out follows. `...` stands for anything.

```output
The sum is 45
```

# Names live on

All steps share one kernel.

```python
total / 0
```

```output raises
ZeroDivisionError: ...
```
"""
