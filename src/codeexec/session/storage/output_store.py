"""Rows of all executions in chunks of text, so that any page of a flood is found at once.

A chunk holds consecutive rows of one kind. Rows that are rewritten belong to later chunks from
then on: the earlier ones are cut short, or, where no event needs them for its replay, deleted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from codeexec.domain.events import DisplayUpdated, OutputChanged
from codeexec.domain.outputs import (
    Display,
    Run,
    Runs,
    clip_row,
    clip_runs,
    compact,
    count_rows,
    plain,
)
from codeexec.domain.requests import RowMatch, RowMatches, Rows, SearchRows
from codeexec.domain.text.patterns import UserPattern

CHUNK = 32 * 1024
"""Characters of a chunk; a single row may be longer."""

MAX_ROWS = 5000
MAX_PAGE = 4 * 2**20
"""Rows, and characters, of a page; one row is always given."""

_OPEN = "-open"
"""Ends the kind of a chunk of text whose last row has no newline yet."""

MAX_MATCHES = 20_000
"""Of one search."""

TABLES = """
CREATE TABLE executions (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    total INTEGER NOT NULL
);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    execution INTEGER NOT NULL,
    seq INTEGER NOT NULL,      -- of the event that carried it
    first INTEGER NOT NULL,    -- number of its first row
    until INTEGER NOT NULL,    -- rows of it that are still current end here
    kind TEXT NOT NULL,        -- of its rows; `stdout-open` and `stderr-open` lack a newline
    needed INTEGER NOT NULL,   -- whether its event is whole only together with it
    display TEXT,              -- display id
    clipped TEXT,              -- the same with long rows clipped, where there are such
    now TEXT,                  -- what a display has been updated to
    body TEXT NOT NULL         -- rows of text, or an object as JSON
);
CREATE INDEX current_chunks ON chunks (execution, first) WHERE until > first;
CREATE INDEX needed_chunks ON chunks (seq) WHERE needed;
CREATE INDEX display_chunks ON chunks (display) WHERE display IS NOT NULL;
"""

_RICH = (
    "kind = 'display' AND until > first"
    """ AND instr(replace(body, '"mime":"text/plain"', ''), '"mime":"') > 0"""
)
"""Displays that have another form than plain text."""

DISPLAY_INDEXES = (
    "CREATE INDEX IF NOT EXISTS shown_displays ON chunks (id)"
    " WHERE kind = 'display' AND until > first",
    f"CREATE INDEX IF NOT EXISTS rich_displays ON chunks (id) WHERE {_RICH}",
)

_KNOWN = 256
"""Executions whose row is held in memory."""

_run = msgspec.json.Decoder(Run)


class _Execution(Struct):
    id: int
    total: int


class OutputStore:
    """Works on the journal's connection, within the journal's transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._known: dict[str, _Execution] = {}

    def forget(self) -> None:
        """A transaction was rolled back: what was known of it is read anew."""
        self._known.clear()

    def _find(self, execution_id: str) -> _Execution | None:
        execution = self._known.get(execution_id)
        if execution is None:
            row = self._db.execute(
                "SELECT id, total FROM executions WHERE name = ?", (execution_id,)
            ).fetchone()
            if row is None:
                return None
            execution = self._remember(execution_id, _Execution(*row))
        return execution

    def _remember(self, execution_id: str, execution: _Execution) -> _Execution:
        while len(self._known) >= _KNOWN:
            del self._known[next(iter(self._known))]
        self._known[execution_id] = execution
        return execution

    # -- in ----------------------------------------------------------------------------

    def write(self, seq: int, event: OutputChanged, *, needed: bool) -> None:
        """The rows of a complete event. `needed`: the journal keeps less of it than is here."""
        execution = self._find(event.execution_id)
        if execution is None:
            cursor = self._db.execute(
                "INSERT INTO executions (name, total) VALUES (?, 0)", (event.execution_id,)
            )
            assert cursor.lastrowid is not None
            execution = self._remember(event.execution_id, _Execution(cursor.lastrowid, 0))
        if event.start < execution.total:
            self._supersede(execution.id, event.start)
        first = event.total - count_rows(event.runs)
        self._db.executemany(
            "INSERT INTO chunks"
            " (execution, seq, first, until, kind, needed, display, clipped, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _chunks(execution.id, seq, first, event.runs, needed),
        )
        if event.total != execution.total:
            self._db.execute(
                "UPDATE executions SET total = ? WHERE id = ?", (event.total, execution.id)
            )
            execution.total = event.total

    def _supersede(self, execution: int, start: int) -> None:
        where = "WHERE execution = ? AND until > first AND first >= ?"
        self._db.execute(f"DELETE FROM chunks {where} AND NOT needed", (execution, start))
        self._db.execute(f"UPDATE chunks SET until = first {where}", (execution, start))
        self._db.execute(
            "UPDATE chunks SET until = min(until, ?) WHERE id = (SELECT id FROM chunks"
            " WHERE execution = ? AND until > first AND first < ? ORDER BY first DESC LIMIT 1)",
            (start, execution, start),
        )

    def update_display(self, event: DisplayUpdated) -> None:
        chunks = self._db.execute(
            "SELECT id, body FROM chunks WHERE display = ?", (event.display_id,)
        ).fetchall()
        for chunk, body in chunks:
            run = _run.decode(body)
            assert run.display is not None
            updated = replace(run.display, parts=event.parts, metadata=event.metadata)
            self._db.execute(
                "UPDATE chunks SET now = ? WHERE id = ?",
                (_to_json(replace(run, display=updated)), chunk),
            )

    # -- out ---------------------------------------------------------------------------

    def restore(self, seq: int) -> Runs:
        """All rows that an event carried when it was recorded."""
        chunks = self._db.execute(
            "SELECT kind, body FROM chunks WHERE seq = ? AND needed ORDER BY id", (seq,)
        )
        return compact([_to_run(kind, body) for kind, body in chunks])

    def total(self, execution_id: str) -> int:
        execution = self._find(execution_id)
        return execution.total if execution else 0

    def rows(self, execution_id: str, start: int, count: int, whole: bool = False) -> Rows:
        """Rows as they are now. An execution without output has none."""
        execution = self._find(execution_id)
        if execution is None:
            return Rows(0, 0, ())
        start = min(max(start, 0), execution.total)
        stop = min(start + min(max(count, 0), MAX_ROWS), execution.total)
        runs: list[Run] = []
        size = 0
        for first, until, run in self._current(execution.id, start, stop, whole):
            low, high = max(start, first), min(stop, until)
            if run.is_text:
                every = run.text.split("\n")
                lines = every[low - first : high - first]
                held = _fitting(lines, MAX_PAGE - size)
                size += sum(map(len, held)) if len(held) == len(lines) else MAX_PAGE
                if held or not runs:
                    page = held or lines[:1]
                    is_open = run.open and low - first + len(page) == len(every)
                    runs.append(Run(run.kind, "\n".join(page), open=is_open))
            else:
                runs.append(run)
                size += len(_to_json(run))
            if size >= MAX_PAGE:
                break
        return Rows(start, execution.total, compact(runs))

    def _current(
        self, execution: int, start: int, stop: int, whole: bool
    ) -> Iterator[tuple[int, int, Run]]:
        """Chunks that hold rows from `start` to `stop`, each with its first row and its end."""
        if start >= stop:
            return
        (first,) = self._db.execute(
            "SELECT ifnull(max(first), 0) FROM chunks"
            " WHERE execution = ? AND until > first AND first <= ?",
            (execution, start),
        ).fetchone()
        body = "ifnull(now, body)" if whole else "coalesce(now, clipped, body)"
        chunks = self._db.execute(
            f"SELECT first, until, kind, {body} FROM chunks"
            " WHERE execution = ? AND until > first AND first >= ? AND first < ? ORDER BY first",
            (execution, first, stop),
        )
        for first, until, kind, text in chunks:
            yield first, until, _to_run(kind, text)

    def last_displays(self, execution_id: str, count: int) -> tuple[Display, ...]:
        """The last displays that an execution shows, in order, as they are now."""
        execution = self._find(execution_id)
        if execution is None:
            return ()
        bodies = self._db.execute(
            "SELECT ifnull(now, body) FROM chunks WHERE execution = ? AND until > first"
            " AND kind = 'display' ORDER BY first DESC LIMIT ?",
            (execution.id, count),
        ).fetchall()
        runs = (_run.decode(body) for (body,) in reversed(bodies))
        return tuple(run.display for run in runs if run.display is not None)

    def display_of_blob(self, digest: str) -> Display | None:
        """A display that is shown now and names this content."""
        row = self._db.execute(
            "SELECT ifnull(now, body) FROM chunks WHERE kind = 'display' AND until > first"
            " AND instr(ifnull(now, body), ?) > 0 LIMIT 1",
            (digest,),
        ).fetchone()
        return _run.decode(row[0]).display if row is not None else None

    def displays_before(self, before: int, limit: int) -> list[tuple[int, str, int, Display]]:
        """Displays shown now that are more than plain text, newest first: position, execution
        id, row and display."""
        chunks = self._db.execute(
            "SELECT chunks.id, name, first, ifnull(now, body) FROM chunks"
            " JOIN executions ON executions.id = execution"
            f" WHERE {_RICH} AND chunks.id < ? ORDER BY chunks.id DESC LIMIT ?",
            (before or 2**62, limit),
        ).fetchall()
        rows = ((position, name, row, _run.decode(body)) for position, name, row, body in chunks)
        return [
            (position, name, row, run.display)
            for position, name, row, run in rows
            if run.display is not None
        ]

    def iter_rows(self, execution_id: str) -> Iterator[Run]:
        """All rows, whole, a chunk at a time."""
        execution = self._find(execution_id)
        at = 0
        while execution is not None and at < execution.total:
            page = self.rows(execution_id, at, MAX_ROWS, whole=True)
            if not page.runs:
                return
            yield from page.runs
            at += count_rows(page.runs)

    def search(self, request: SearchRows, check: Callable[[], None] = lambda: None) -> RowMatches:
        """May take a while over large output: to be called in a thread of its own. `check` is
        called for each chunk, and may raise to give up. At most `MAX_MATCHES` are found."""
        limit = min(request.limit, MAX_MATCHES)
        matches = matcher(request)
        executions = self._db.execute(
            "SELECT id, name, total FROM executions WHERE ? IN ('', name) ORDER BY id",
            (request.execution_id,),
        ).fetchall()
        start = request.start if request.execution_id else 0
        row_matches: list[RowMatch] = []
        for execution, name, total in executions:
            for first, until, run in self._current(execution, start, total, True):
                check()
                text = plain(run.text) if run.is_text else _object_text(run)
                if not matches(text):
                    continue
                lines = text.split("\n")[: until - first] if run.is_text else text.split("\n")
                for number, line in enumerate(lines, first):
                    row = number if run.is_text else first
                    if row >= start and matches(line):
                        if len(row_matches) >= limit:
                            return RowMatches(tuple(row_matches), complete=False)
                        row_matches.append(RowMatch(name, row, clip_row(line)))
                        if not run.is_text:
                            break
        return RowMatches(tuple(row_matches))


_Chunk = tuple[int, int, int, int, str, bool, str | None, str | None, str]


def _chunks(execution: int, seq: int, first: int, runs: Runs, needed: bool) -> Iterator[_Chunk]:
    for run in runs:
        if not run.is_text:
            display_id = run.display.display_id if run.display else None
            yield (
                execution,
                seq,
                first,
                first + 1,
                run.kind,
                needed,
                display_id,
                None,
                _to_json(run),
            )
            first += 1
            continue
        for text, is_last in _pieces(run.text):
            kind = f"{run.kind}{_OPEN}" if run.open and is_last else run.kind
            piece = (Run(run.kind, text),)
            clipped = clip_runs(piece)
            short = None if clipped is piece else clipped[0].text
            until = first + text.count("\n") + 1
            yield execution, seq, first, until, kind, needed, None, short, text
            first = until


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Cut between rows, into pieces of about a chunk, each with whether it is the last."""
    at = 0
    while len(text) - at > CHUNK:
        end = text.rfind("\n", at, at + CHUNK)
        if end < 0:
            end = text.find("\n", at + CHUNK)
            if end < 0:
                break
        yield text[at:end], False
        at = end + 1
    yield text[at:] if at else text, True


def _fitting(lines: list[str], room: int) -> list[str]:
    if sum(map(len, lines)) <= room:
        return lines
    for number, line in enumerate(lines):
        room -= len(line)
        if room < 0:
            return lines[:number]
    return lines


def _to_json(run: Run) -> str:
    return msgspec.json.encode(run).decode()


def _to_run(kind: str, body: str) -> Run:
    match name := kind.removesuffix(_OPEN):
        case "stdout" | "stderr" | "stdin":
            return Run(name, body, open=name != kind)
        case _:
            return _run.decode(body)


def _object_text(run: Run) -> str:
    if run.error is not None:
        lines = run.error.traceback or (f"{run.error.name}: {run.error.value}",)
        return plain("\n".join(lines))
    part = run.display.part("text/plain") if run.display else None
    return (part.text or "") if part else ""


def matcher(request: SearchRows) -> Callable[[str], bool]:
    """Whether a text has the pattern of a request; raises UsageError for one that is invalid."""
    if request.regex:
        pattern = UserPattern(request.pattern, ignore_case=request.ignore_case, multiline=True)
        return lambda text: pattern.search(text) is not None
    if request.ignore_case:
        needle = request.pattern.lower()
        return lambda text: needle in text.lower()
    return lambda text: request.pattern in text
