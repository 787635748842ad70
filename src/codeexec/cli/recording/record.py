"""`codeexec-tui record`: writes a session, a lesson or an asciicast as a recording."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_session, complete_theme
from codeexec.cli.options import SERVER
from codeexec.cli.recording.formats import (
    MOST_COLUMNS,
    MOST_ROWS,
    SCREEN_FORMATS,
    TEXT_FORMATS,
    format_of,
    writer_of,
)
from codeexec.documents.recordings.timing import pause_of
from codeexec.domain.errors import CodeexecError, UsageError

if TYPE_CHECKING:
    from codeexec.cli.recording.stored_source import StoredSource
    from codeexec.tui.recording.stage import LessonSteps
    from codeexec.tui.theme.theme import Theme

_SIZE = re.compile(r"([1-9]\d{0,3})x([1-9]\d{0,3})")
_EXECUTION = re.compile(r"\[?#?(\d{1,9})\]")
_LEAST_COLUMNS, _LEAST_ROWS = 20, 5
_FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What the command line says. `begin` and `end` are times, or prompts such as `[3]`."""

    form: str
    columns: int
    rows: int
    theme: str
    idle: float | None
    hold: float
    begin: str
    end: str


@click.command("record")
@click.argument("source", metavar="SESSION|FILE", shell_complete=complete_session)
@click.option("-o", "--output", "out", required=True, metavar="OUT", help="The file to write.")
@click.option(
    "--format",
    "form",
    default="",
    metavar="FORMAT",
    help="cast, v3, html, svg, gif, mp4, webm, txt, ipynb.",
)
@click.option("--size", default="", metavar="WxH", help="Columns and rows of the screen (100x30).")
@click.option(
    "--theme", default="", metavar="NAME", shell_complete=complete_theme, help="Colour theme."
)
@click.option(
    "--idle", default="2", metavar="SECONDS", help="Longest pause (2); `none` keeps all pauses."
)
@click.option("--hold", default=2.0, metavar="SECONDS", help="Pause after a step of a lesson (2).")
@click.option("--from", "begin", default="", metavar="TIME", help="Leave out what comes before.")
@click.option("--to", "end", default="", metavar="TIME", help="Leave out what comes after.")
@click.option("--kernel", default="", metavar="NAME", help="For a lesson that names no kernel.")
@SERVER
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def record(
    source: str,
    out: str,
    form: str,
    size: str,
    theme: str,
    idle: str,
    hold: float,
    begin: str,
    end: str,
    kernel: str,
    server: str,
    force: bool,
    as_json: bool,
) -> None:
    """Write a session, a lesson or an asciicast as a recording, with the times of its journal.

    SESSION is a name or id, running or ended; FILE is a lesson (.md), which is run for this, a
    journal (journal.db, .journal) or an asciicast (.cast). TIME is seconds, M:SS or H:MM:SS since
    the beginning, or a prompt such as [3]. What was typed into a password prompt is in no journal.
    """
    from codeexec.documents.files import write_atomic

    if server:
        from codeexec.cli.servers.local import use_server
        from codeexec.cli.servers.remote import named_target

        use_server(named_target(server).address)
    target = Path(out)
    options = RecordOptions(
        format_of(form, out), *_size(size), theme, pause_of(idle, "--idle"), _hold(hold), begin, end
    )
    if target.exists() and not force:
        raise UsageError(f"{target} exists already.", "Give another name, or --force.")
    progress = _Progress(is_shown=not as_json and sys.stderr.isatty())
    try:
        content = _recorded(source, options, kernel, has_size=bool(size), on_progress=progress.show)
    finally:
        progress.end()
    write_atomic(target.absolute(), content)
    if as_json:
        style.say_json({"recorded": str(target), "bytes": len(content)})
    else:
        style.say(f"written: {target}")


class _Progress:
    """One line on stderr, removed at the end."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown
        self._percent = -1

    def show(self, share: float) -> None:
        percent = int(share * 100)
        if self._is_shown and percent != self._percent:
            self._percent = percent
            sys.stderr.write(f"\rrecording … {percent:3} %")
            sys.stderr.flush()

    def end(self) -> None:
        if self._percent >= 0:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _size(size: str) -> tuple[int, int]:
    if not size:
        return 100, 30
    match = _SIZE.fullmatch(size)
    columns, rows = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (_LEAST_COLUMNS <= columns <= MOST_COLUMNS and _LEAST_ROWS <= rows <= MOST_ROWS):
        raise UsageError(
            f"--size {size} is no size of a recording.",
            f"Give columns x rows from {_LEAST_COLUMNS}x{_LEAST_ROWS} to "
            f"{MOST_COLUMNS}x{MOST_ROWS}, such as 100x30.",
        )
    return columns, rows


def _hold(seconds: float) -> float:
    if not 0 <= seconds <= 3600:
        raise UsageError(f"--hold {seconds:g} is no pause.", "Give seconds from 0 to 3600.")
    return seconds


def _recorded(
    source: str,
    options: RecordOptions,
    kernel: str,
    *,
    has_size: bool,
    on_progress: Callable[[float], None],
) -> bytes:
    file = Path(source)
    suffix = file.suffix.lower()
    if suffix in (".md", ".markdown"):
        return _of_lesson(file, options, kernel, on_progress)
    if suffix == ".cast":
        return _of_cast(file, options, has_size=has_size)
    from codeexec.cli.recording.stored_source import StoredSource, open_journal
    from codeexec.cli.servers.stored_session import open_stored

    if suffix in (".journal", ".db") or file.is_dir():
        stored = open_journal(file)
    else:
        session = open_stored(source, with_output=True)
        stored = StoredSource(session.journal, session.blobs)
    try:
        return asyncio.run(_of_journal(stored, options, on_progress))
    finally:
        stored.journal.close()


async def _of_journal(
    stored: StoredSource,
    options: RecordOptions,
    on_progress: Callable[[float], None],
    lesson: LessonSteps | None = None,
) -> bytes:
    if options.form in TEXT_FORMATS:
        return _as_text(stored, options)
    from codeexec.documents.recordings.model import RecordingInfo
    from codeexec.tui.recording.cells import color_scheme
    from codeexec.tui.recording.stage import RecordingPlan
    from codeexec.tui.recording.stage import record as recorded

    first, last = stored.span()
    first = lesson.steps[0].at if lesson is not None else first
    begin = _moment(options.begin, "--from", stored, first, first)
    end = _moment(options.end, "--to", stored, first, last)
    if begin > end:
        raise UsageError("--from is after --to, or after the end.", "Give an earlier time.")
    theme = _theme(options.theme)
    name = stored.journal.restore().name
    info = RecordingInfo(options.columns, options.rows, name, begin, color_scheme(theme))
    writer = writer_of(options.form, info)
    plan = RecordingPlan(
        options.columns,
        options.rows,
        theme,
        begin,
        end,
        options.idle,
        lesson,
        options.hold,
        stored.first_client(),
    )
    return await recorded(stored, plan, writer, on_progress)


def _moment(text: str, option: str, stored: StoredSource, first: float, default: float) -> float:
    from codeexec.documents.recordings.timing import seconds_of

    if not text:
        return default
    if match := _EXECUTION.fullmatch(text):
        return stored.start_of(int(match[1]))
    return first + seconds_of(text, option)


def _as_text(stored: StoredSource, options: RecordOptions) -> bytes:
    from codeexec.session.output.export import export

    if options.begin or options.end:
        raise UsageError(
            f"A recording as {options.form} has the whole session.", "Leave out --from and --to."
        )
    snapshot = stored.journal.restore()
    return b"".join(export(options.form, stored.journal, snapshot, stored.blobs))


def _of_lesson(
    file: Path, options: RecordOptions, kernel: str, on_progress: Callable[[float], None]
) -> bytes:
    """Run a lesson from nothing, and record its journal before that is removed."""
    from codeexec.cli.recording.lesson_run import record_lesson
    from codeexec.documents.lessons.files import open_lesson
    from codeexec.environments.trust.store import RunTrust
    from codeexec.languages.catalog import running_language

    _, lesson = open_lesson(file, running_language)

    async def render(stored: StoredSource, steps: LessonSteps) -> bytes:
        chosen = _with_front(options, lesson.front.theme)
        return await _of_journal(stored, chosen, on_progress, steps)

    return asyncio.run(record_lesson(lesson, file, kernel, RunTrust(str(file)), render))


def _with_front(options: RecordOptions, theme: str) -> RecordOptions:
    from dataclasses import replace

    return options if options.theme or not theme else replace(options, theme=theme)


def _of_cast(file: Path, options: RecordOptions, *, has_size: bool) -> bytes:
    from codeexec.cli.recording.cast_screen import cast_info, convert
    from codeexec.documents.recordings.reading import read_cast
    from codeexec.documents.recordings.timing import seconds_of

    if options.form not in SCREEN_FORMATS:
        raise UsageError(f"An asciicast has no {options.form}.", "Record the session as that.")
    if has_size or options.theme:
        raise UsageError(
            "An asciicast keeps its size and its colours.", "Leave out --size and --theme."
        )
    cast = read_cast(file)
    begin = seconds_of(options.begin, "--from") if options.begin else 0.0
    end = seconds_of(options.end, "--to") if options.end else _FOREVER
    if begin > min(end, cast.seconds):
        raise UsageError("--from is after --to, or after the end.", "Give an earlier time.")
    return convert(cast, writer_of(options.form, cast_info(cast)), options.idle, begin, end)


def _theme(name: str) -> Theme:
    import os

    from codeexec.config.load import load, user_folder
    from codeexec.config.paths import built_in_themes
    from codeexec.tui.theme.theme import Themes, preferred_theme

    themes = Themes([built_in_themes(), user_folder() / "themes"])
    if name:
        return themes.find(name)
    try:
        chosen = load().settings.appearance.theme
    except CodeexecError:
        chosen = ""
    return themes.find(preferred_theme({**os.environ, "NO_COLOR": ""}, chosen or None))
