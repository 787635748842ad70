"""The list of learners: from sessions, from files that were handed in, as a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import msgspec

from codeexec.cli.servers.local import is_running, session_summaries
from codeexec.cli.servers.stored_session import open_stored
from codeexec.domain.errors import CodeexecError, DocumentError
from codeexec.domain.learning import ExerciseRecord, LearnerRecord, check_record
from codeexec.domain.plain_files import SMALL, read_plain
from codeexec.domain.requests import SessionSummary
from codeexec.tui.session.attach import LEARNERS_SESSION

Table = tuple[list[tuple[str, ...]], tuple[str, ...]]
"""Rows, and the names of their columns."""

_FIELDS = (
    *("learner", "lesson", "step", "title", "tries", "done", "solution_seen", "last_activity"),
    "user",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run a cell that begins so: https://owasp.org/www-community/attacks/CSV_Injection"""


class Learner(NamedTuple):
    """A learner with what is done of one lesson. `user` is the user of the service whose session it
    is; empty for sessions of the operator, also for those of this machine."""

    record: LearnerRecord
    user: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """The same for the same learner of the same lesson, in the order of a list."""
        return lesson_name(self.record), self.record.learner, self.user


def learners_in(sessions: Iterable[SessionSummary]) -> list[Learner]:
    """The learners of sessions as the server tells them."""
    return [
        Learner(session.learner, session.owner)
        for session in sessions
        if session.learner is not None
    ]


def learners_of_sessions() -> list[Learner]:
    """Those of all sessions of the server that the caller may see, open and closed.
    CodeexecError."""
    learners = []
    is_served = is_running()
    for session in session_summaries(ended=True):
        record = session.learner
        may_be_old = not is_served and session.state != "closed"
        if may_be_old and (record is not None or session.name.startswith(LEARNERS_SESSION)):
            record = _journaled(session.session_id)
        if record is not None:
            learners.append(Learner(record, session.owner))
    return learners


def _journaled(session_id: str) -> LearnerRecord | None:
    """The record in the journal of a session whose server was killed."""
    try:
        journal = open_stored(session_id, with_output=False).journal
    except CodeexecError:
        return None
    try:
        record = journal.restore().learner
    finally:
        journal.close()
    return record.without_code() if record is not None else None


def handed_in(folder: Path) -> list[Learner]:
    """The learners in the JSON files of a folder. DocumentError for a file that has none."""
    handed: list[Learner] = []
    for file in sorted(folder.glob("*.json")):
        try:
            learners = msgspec.json.decode(
                read_plain(str(file), SMALL), type=tuple[LearnerRecord, ...]
            )
            for record in learners:
                check_record(record)
        except OSError as error:
            raise DocumentError(
                f"{file}: {error.strerror}.", "Remove it from the folder."
            ) from None
        except (msgspec.DecodeError, CodeexecError) as error:
            reason = error.message if isinstance(error, CodeexecError) else f"{error}."
            raise DocumentError(
                f"{file}: It is no list of learners: {reason}",
                "Learners make it so: codeexec-tui lesson class --json > NAME.json",
            ) from None
        handed += map(Learner, learners)
    return handed


def newest(learners: Iterable[Learner], name: str = "") -> list[Learner]:
    """Of each learner and lesson the record that was changed last, in the order of lessons and
    names. `name` is a part of the name of a lesson, a learner or a user."""
    by_time = sorted(learners, key=lambda learner: learner.record.at)
    latest = {learner.key: learner for learner in by_time}
    part = name.casefold()
    return [
        learner
        for key, learner in sorted(latest.items())
        if any(part in text.casefold() for text in (*key, learner.record.title))
    ]


def lesson_name(record: LearnerRecord) -> str:
    """The name of the lesson's file: its folder is another for each learner."""
    return PurePath(record.lesson).name


def _with_users(table: Table, users: Sequence[str]) -> Table:
    """A table whose rows have these users, with a column for them where there are any."""
    rows, head = table
    if not any(users):
        return table
    return [(user or "-", *row) for user, row in zip(users, rows, strict=True)], ("USER", *head)


def learner_rows(learners: Sequence[Learner]) -> Table:
    """A row for each learner."""
    rows: list[tuple[str, ...]] = []
    for record, _ in learners:
        titles = [exercise.title for exercise in record.exercises if exercise.step == record.step]
        tries = sum(exercise.tries for exercise in record.exercises)
        rows.append(
            (
                record.learner,
                lesson_name(record),
                f"{record.step}/{record.steps} {titles[0] if titles else ''}".rstrip(),
                f"{record.done}/{len(record.exercises)}",
                str(tries),
                _moment(record.at),
            )
        )
    table = rows, ("LEARNER", "LESSON", "STEP", "DONE", "TRIES", "LAST")
    return _with_users(table, [user for _, user in learners])


def exercise_rows(learners: Sequence[Learner]) -> Table:
    """A row for each exercise of each learner."""
    rows: list[tuple[str, ...]] = [
        (
            record.learner,
            lesson_name(record),
            f"{exercise.step} {exercise.title}",
            _state(exercise),
            str(exercise.tries),
            _moment(exercise.at),
            exercise.verdict,
        )
        for record, _ in learners
        for exercise in record.exercises
    ]
    table = rows, ("LEARNER", "LESSON", "STEP", "DONE", "TRIES", "LAST", "MISSING")
    return _with_users(table, [user for record, user in learners for _ in record.exercises])


def _state(exercise: ExerciseRecord) -> str:
    state = "yes" if exercise.is_done else "no"
    return f"{state}, solution seen" if exercise.has_seen_solution else state


def as_csv(learners: Iterable[Learner]) -> str:
    """A row for each exercise of each learner. Times are those of this machine, as ISO 8601."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_FIELDS)
    for record, user in learners:
        for exercise in record.exercises:
            writer.writerow(
                (
                    _cell(record.learner),
                    _cell(lesson_name(record)),
                    exercise.step,
                    _cell(exercise.title),
                    exercise.tries,
                    "yes" if exercise.is_done else "no",
                    "yes" if exercise.has_seen_solution else "no",
                    _iso(exercise.at),
                    _cell(user),
                )
            )
    return text.getvalue()


def to_json(learners: Iterable[Learner]) -> list[dict[str, object]]:
    """The records as `handed_in` reads them, without the code of the learners; those of users of a
    service with `user`."""
    return [
        {**msgspec.to_builtins(record.without_code()), **({"user": user} if user else {})}
        for record, user in learners
    ]


def _cell(text: str) -> str:
    """Text that a spreadsheet shows and does not run."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) if at else "-"


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(at)) if at else ""
