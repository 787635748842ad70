"""The executions of a journal by id, number and cell, with the events that each is folded from.

Derived from the events and kept beside them in the same transaction, so that executions which a
snapshot no longer holds are found without reading the journal from its beginning.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from codeexec.domain.events import (
    AnyEvent,
    ExecutionConfirmed,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    FullScreenUsed,
    InputCounted,
    KernelStarting,
    Recorded,
    StdinAnswered,
    StdinRequested,
    StepEnded,
)
from codeexec.domain.events.plugins import ResultReported
from codeexec.domain.fold import apply
from codeexec.domain.outputs import TAIL_ROWS, Run, clip_row, clip_runs, compact
from codeexec.domain.requests import (
    DisplayPage,
    DisplayRow,
    ExecutionPage,
    RowMatch,
    RowMatches,
    SearchRows,
)
from codeexec.domain.snapshot import (
    KEPT_ANSWERS,
    KEPT_DISPLAYS,
    ExecutionView,
    KernelView,
    Snapshot,
)
from codeexec.domain.wire.codec import decode_event
from codeexec.session.storage.output_store import MAX_MATCHES, OutputStore, matcher

MAX_VIEWS = 200
MAX_CELLS = 5000
MAX_PAGE = 4 * 2**20
"""Executions, executions of cells, and characters of a page; one execution is always given."""

_FIRST_EVENTS = 8
_LAST_EVENTS = 2 * KEPT_ANSWERS + 4
"""Events of an execution that are folded: a program may ask for input a million times."""

_TABLES = """
CREATE TABLE {place}.runs (
    number INTEGER PRIMARY KEY,    -- counts executions from 1, in the order of queueing
    name TEXT NOT NULL UNIQUE,
    silent INTEGER NOT NULL,
    document TEXT NOT NULL,
    cell TEXT NOT NULL
);
CREATE INDEX {place}.cell_runs ON runs (document, cell, number) WHERE cell != '';
CREATE TABLE {place}.run_events (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE {place}.kernel_starts (seq INTEGER PRIMARY KEY);
CREATE TABLE {place}.run_index (id INTEGER PRIMARY KEY CHECK (id = 0), upto INTEGER NOT NULL);
INSERT INTO {place}.run_index VALUES (0, 0);
"""

_OUTPUT = b'{"type":"output_changed"'
_OF_EXECUTIONS = (
    ExecutionQueued,
    ExecutionConfirmed,
    ExecutionStarted,
    InputCounted,
    StdinRequested,
    StdinAnswered,
    StepEnded,
    FullScreenUsed,
    ResultReported,
    ExecutionFinished,
)


class RunIndex:
    """Works on the journal's connection, within the journal's transactions."""

    def __init__(self, connection: sqlite3.Connection, output: OutputStore) -> None:
        self._db = connection
        self._output = output
        self._silent: list[int] = []
        """Numbers of silent executions, in order, up to number `_counted`."""
        self._counted = 0

    # -- in ----------------------------------------------------------------------------

    def prepare(self, *, read_only: bool) -> None:
        """Make the index where there is none, and bring it up to the last event: a journal of
        an earlier version has none, or one that stands still. Beside a reader that may not
        write, it is built in a temporary database."""
        exists = self._exists()
        upto, last = self._progress() if exists else (0, -1)
        if exists and upto == last:
            return
        self._db.execute("BEGIN" if read_only else "BEGIN IMMEDIATE")
        try:
            if read_only or not exists:
                place, upto = "temp" if read_only else "main", 0
                for statement in _TABLES.format(place=place).split(";\n"):
                    self._db.execute(statement)
            self._catch_up(upto)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _exists(self) -> bool:
        row = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'run_index'").fetchone()
        return row is not None

    def _progress(self) -> tuple[int, int]:
        upto, last = self._db.execute(
            "SELECT (SELECT upto FROM run_index), (SELECT ifnull(max(seq), 0) FROM events)"
        ).fetchone()
        return upto, last

    def _catch_up(self, upto: int) -> None:
        events = self._db.execute(
            "SELECT seq, body FROM events WHERE seq > ? AND substr(body, 1, ?) != ? ORDER BY seq",
            (upto, len(_OUTPUT), _OUTPUT),
        )
        for seq, body in events:
            self.add(seq, decode_event(body))
        self._db.execute("UPDATE run_index SET upto = (SELECT ifnull(max(seq), 0) FROM events)")

    def add(self, seq: int, event: AnyEvent) -> None:
        """An event that is being written."""
        match event:
            case KernelStarting():
                self._db.execute("INSERT OR IGNORE INTO kernel_starts VALUES (?)", (seq,))
                return
            case ExecutionQueued():
                cell = event.cell
                self._db.execute(
                    "INSERT OR IGNORE INTO runs (name, silent, document, cell) VALUES (?, ?, ?, ?)",
                    (
                        event.execution_id,
                        event.options.silent,
                        cell.document if cell else "",
                        cell.cell if cell else "",
                    ),
                )
        if isinstance(event, _OF_EXECUTIONS):
            self._db.execute(
                "INSERT OR IGNORE INTO run_events SELECT number, ? FROM runs WHERE name = ?",
                (seq, event.execution_id),
            )

    def advance(self, seq: int) -> None:
        """All events up to this one are in the index."""
        self._db.execute("UPDATE run_index SET upto = ?", (seq,))

    # -- out ---------------------------------------------------------------------------

    def has(self, execution_id: str) -> bool:
        return self._number(execution_id) is not None

    def _number(self, execution_id: str) -> int | None:
        try:
            row = self._db.execute(
                "SELECT number FROM runs WHERE name = ?", (execution_id,)
            ).fetchone()
        except UnicodeEncodeError:
            return None  # half a surrogate pair is in no id
        return row[0] if row is not None else None

    def view(self, execution_id: str) -> ExecutionView | None:
        """An execution as the fold of all events would have it."""
        number = self._number(execution_id)
        return self._view(number, execution_id) if number is not None else None

    def _view(self, number: int, name: str, *, with_output: bool = True) -> ExecutionView:
        view = self._fold(number, name)
        total = self._output.total(name)
        if not with_output or not total:
            return replace(view, total=total)
        return replace(
            view,
            total=total,
            tail=clip_runs(compact(self._tail(name, total))),
            displays=self._output.last_displays(name, KEPT_DISPLAYS),
        )

    def _tail(self, name: str, total: int) -> Iterator[Run]:
        at = max(total - TAIL_ROWS, 0)
        while at < total:
            page = self._output.rows(name, at, total - at)
            if not page.runs:
                return
            yield from page.runs
            at += sum(run.rows for run in page.runs)

    def _fold(self, number: int, name: str) -> ExecutionView:
        records = self._db.execute(
            "SELECT seq, at, body FROM events WHERE seq IN ("
            " SELECT * FROM (SELECT seq FROM run_events WHERE run = ?1 ORDER BY seq LIMIT ?2)"
            " UNION SELECT * FROM"
            " (SELECT seq FROM run_events WHERE run = ?1 ORDER BY seq DESC LIMIT ?3)"
            ") ORDER BY seq",
            (number, _FIRST_EVENTS, _LAST_EVENTS),
        )
        snapshot = Snapshot()
        for seq, at, body in records.fetchall():
            record = Recorded(seq, at, decode_event(body))
            if isinstance(record.event, ExecutionStarted) and not record.event.generation:
                snapshot = self._with_kernel(snapshot, snapshot.executions[name].kernel, seq)
            snapshot = apply(snapshot, [record])
        view = snapshot.executions[name]
        return replace(view, number=number, index=self._index(number, view))

    def _index(self, number: int, view: ExecutionView) -> int:
        """The number of an execution among those that are not silent; 0 for a silent one."""
        if number > self._counted:
            rows = self._db.execute(
                "SELECT number FROM runs WHERE number > ? AND number <= ? AND silent"
                " ORDER BY number",
                (self._counted, number),
            )
            self._silent += [silent for (silent,) in rows]
            self._counted = number
        if view.options.silent:
            return 0
        return number - bisect_right(self._silent, number)

    def _with_kernel(self, snapshot: Snapshot, kernel: str, before: int) -> Snapshot:
        """With the kernel of this name as it was at an event of schema 1, which does not tell its
        generation."""
        starts = self._db.execute(
            "SELECT body FROM events WHERE seq IN"
            " (SELECT seq FROM kernel_starts WHERE seq < ?) ORDER BY seq DESC",
            (before,),
        )
        for (body,) in starts:
            event = decode_event(body)
            if isinstance(event, KernelStarting) and event.kernel == kernel:
                return replace(snapshot, kernels={kernel: KernelView(generation=event.generation)})
        return snapshot

    def views(self, before: int = 0, limit: int = MAX_VIEWS) -> ExecutionPage:
        """See `ListExecutions`."""
        limit = min(max(limit, 1), MAX_VIEWS)
        runs = self._db.execute(
            "SELECT number, name FROM runs WHERE NOT silent AND (?1 = 0 OR number < ?1)"
            " ORDER BY number DESC LIMIT ?2",
            (before, limit + 1),
        ).fetchall()
        views: list[ExecutionView] = []
        size = 0
        for number, name in runs[:limit]:
            view = self._view(number, name)
            size += len(view.code) + sum(len(run.text) for run in view.tail)
            if views and size > MAX_PAGE:
                break
            views.append(view)
        return ExecutionPage(tuple(reversed(views)), more=len(views) < len(runs))

    def iter_views(self, upto: int = 0, *, silent: bool = False) -> Iterator[ExecutionView]:
        """All executions in order, without their output: the first `upto`, or all; silent ones
        only where that is asked for."""
        at = 0
        while True:
            runs = self._db.execute(
                "SELECT number, name FROM runs WHERE silent <= ?3 AND number > ?1"
                " AND (?2 = 0 OR number <= ?2) ORDER BY number LIMIT 500",
                (at, upto, silent),
            ).fetchall()
            if not runs:
                return
            for number, name in runs:
                yield self._view(number, name, with_output=False)
            at = runs[-1][0]

    def of_cells(self, document: str) -> ExecutionPage:
        """The last execution of each cell of a document, without output."""
        document = document.encode("utf-8", "replace").decode()
        runs = self._db.execute(
            "SELECT max(number), name FROM runs WHERE document = ? AND cell != ''"
            " GROUP BY cell ORDER BY 1 DESC LIMIT ?",
            (document, MAX_CELLS + 1),
        ).fetchall()
        views: list[ExecutionView] = []
        size = 0
        for number, name in runs[:MAX_CELLS]:
            view = self._view(number, name, with_output=False)
            size += len(view.code)
            if views and size > MAX_PAGE:
                break
            views.append(view)
        return ExecutionPage(tuple(reversed(views)), more=len(views) < len(runs))

    def with_code(
        self, request: SearchRows, row_matches: RowMatches, check: Callable[[], None]
    ) -> RowMatches:
        """Matching rows with the matching lines of code, in the order of queueing; `check` is
        called for each execution, and may raise to give up."""
        matches = matcher(request)
        rows: dict[str, list[RowMatch]] = {}
        for row_match in row_matches.matches:
            rows.setdefault(row_match.execution_id, []).append(row_match)
        all_matches: list[RowMatch] = []
        for name, code in self._codes(request.execution_id):
            check()
            if matches(code):
                lines = enumerate(code.split("\n"))
                all_matches += [
                    RowMatch(name, number, clip_row(line), "code")
                    for number, line in lines
                    if matches(line)
                ]
            all_matches += rows.pop(name, ())
        limit = min(request.limit, MAX_MATCHES)
        is_complete = row_matches.complete and len(all_matches) <= limit
        return RowMatches(tuple(all_matches[:limit]), is_complete)

    def _codes(self, execution_id: str) -> Iterator[tuple[str, str]]:
        """Names and code of executions in the order of queueing; that of silent ones is empty."""
        cursor = self._db.execute(
            "SELECT name, silent, (SELECT body FROM events WHERE seq ="
            " (SELECT min(seq) FROM run_events WHERE run = number))"
            " FROM runs WHERE ?1 IN ('', name) ORDER BY number",
            (execution_id,),
        )
        for name, silent, body in cursor:
            event = decode_event(body) if body and not silent else None
            yield name, event.code if isinstance(event, ExecutionQueued) else ""

    def displays(self, before: int, limit: int) -> DisplayPage:
        """See `ListDisplays`."""
        limit = min(max(limit, 1), MAX_VIEWS)
        displays = self._output.displays_before(before, limit + 1)
        views: dict[str, ExecutionView] = {}
        rows: list[DisplayRow] = []
        for position, name, row, display in displays[:limit]:
            view = views.get(name)
            if view is None:
                number = self._number(name)
                if number is None:
                    continue
                view = views[name] = self._view(number, name, with_output=False)
            rows.append(DisplayRow(position, row, display, view))
        return DisplayPage(tuple(rows), more=len(displays) > limit)
