"""A session's journal has a limit: code that prints for ever ends, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.domain.clock import SystemClock
from codeexec.domain.errors import StorageError
from codeexec.domain.events import (
    AnyEvent,
    ExecutionFinished,
    ExecutionQueued,
    NoticeGiven,
    OutputChanged,
    StdinRequested,
)
from codeexec.domain.outputs import ErrorInfo, iter_rows
from codeexec.domain.requests import SearchRows
from codeexec.kernels import base as says
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.kernels.event_handler import KernelEventHandler
from codeexec.session.kernels.outbox import OpenDocuments
from codeexec.session.settings import HostSettings
from codeexec.session.storage.event_log import EventLog
from codeexec.session.storage.journal import Journal
from codeexec.session.storage.journal_limit import JournalLimit
from support.sessions import finished, open_host, open_session, rows, run, submit, until

SMALL = 2**20


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[EventLog]:
    recorder = EventLog(
        Journal.create(tmp_path / "s" / "journal.db"), SystemClock(), lambda records: None
    )
    recorder.record(ExecutionQueued("e", ""))
    yield recorder
    recorder.close()


def intake_of(recorder: EventLog, tmp_path: Path, limit: int) -> KernelEventHandler:
    def finish(kernel_event: says.Finished) -> list[AnyEvent]:
        return [ExecutionFinished(kernel_event.execution, "error", error=kernel_event.error)]

    blobs = BlobStore(tmp_path / "blobs")
    documents = OpenDocuments(recorder.journal)
    return KernelEventHandler(
        recorder.find, blobs, documents, finish, JournalLimit(recorder.journal, limit)
    )


FLOODS: dict[str, list[says.KernelEvent]] = {
    "lines": [says.StreamWritten("e", "stdout", "x" * 80 + "\n") for _ in range(200)],
    "short rows": [says.StreamWritten("e", "stderr", "x\n" * 8000)],
    "rows of both streams in turns": [
        says.StreamWritten("e", stream, "y\n")
        for _ in range(500)
        for stream in ("stdout", "stderr")
    ],
    "one long line": [says.StreamWritten("e", "stdout", "x" * 300_000)],
    "displays": [
        says.Displayed("e", {"text/html": "<b>" + "z" * 4000}, {}, "display") for _ in range(20)
    ],
    "updates of a display": [
        says.DisplayRefreshed("d", {"text/html": "<i>" + "z" * 4000}, {}) for _ in range(20)
    ],
    "questions": [says.InputRequested("e", "?" * 500, False) for _ in range(40)],
    "notices": [says.Notice("info", "t" * 500, "", "") for _ in range(40)],
    "errors": [says.ErrorRaised("e", ErrorInfo("E", "v", ("t" * 4000,))) for _ in range(20)],
}


@pytest.mark.parametrize("flood", FLOODS)
def test_whatever_floods_the_journal_stays_near_its_limit(
    recorder: EventLog, tmp_path: Path, flood: str
) -> None:
    intake = intake_of(recorder, tmp_path, SMALL)
    for _ in range(400):
        recorder.record(*intake.take(FLOODS[flood]))
        if intake.is_over:
            break
    assert intake.is_over
    full = recorder.journal.used
    assert SMALL <= full < 2 * SMALL
    for _ in range(20):
        assert not [
            event for event in intake.take(FLOODS[flood]) if not isinstance(event, OutputChanged)
        ]
        recorder.record(*intake.take(FLOODS[flood]))
    assert recorder.journal.used <= full + 2**14, "more of it is left out"


@pytest.mark.slow
def test_a_row_says_once_where_output_ends_and_what_was_before_is_whole(
    recorder: EventLog, tmp_path: Path
) -> None:
    intake = intake_of(recorder, tmp_path, SMALL)
    written = 0
    while not intake.is_over:
        kernel_events = [
            says.StreamWritten("e", "stdout", f"row {written + n}\n") for n in range(500)
        ]
        recorder.record(*intake.take(kernel_events))
        written += 500
    for _ in range(3):
        recorder.record(*intake.take([says.StreamWritten("e", "stdout", "lost\n")]))
    found = list(iter_rows(recorder.journal.iter_rows("e")))
    texts = [row.text for row in found if row.text and row.kind == "stdout"]
    assert texts[:-1] == [f"row {n}" for n in range(len(texts) - 1)]
    assert len(texts) > 1000
    notes = [row.text for row in found if row.kind == "stderr" and row.text]
    assert notes == [
        "The journal of the session reached its limit of 1 MiB. Output from here on is not kept."
    ]


def test_the_end_of_a_run_is_journaled_though_there_is_no_room(
    recorder: EventLog, tmp_path: Path
) -> None:
    intake = intake_of(recorder, tmp_path, 1)
    error = ErrorInfo("E", "v" * 10**6, tuple(f"line {n}" + "x" * 10**5 for n in range(100)))
    events = intake.take([says.Finished("e", "error", error)])
    (end,) = events
    assert isinstance(end, ExecutionFinished)
    assert end.error is not None
    assert [line[:7] for line in end.error.traceback] == [f"line {n}" for n in range(80, 100)]
    assert max(map(len, (end.error.value, *end.error.traceback))) < 5000


def test_without_a_limit_there_is_always_room(recorder: EventLog) -> None:
    limit = JournalLimit(recorder.journal, 0)
    assert limit.room is None
    assert not limit.is_reached


@pytest.mark.slow
async def test_endless_output_is_ended_and_the_session_says_what_to_do(tmp_path: Path) -> None:
    settings = HostSettings(journal_limit=SMALL, watch_variables=False)
    async with open_host(tmp_path / "state", settings) as host:
        session = await open_session(host, tmp_path)
        first = await run(session, "print('before')")
        endless = await submit(session, "n = 0\nwhile True:\n    print('line', n); n += 1")
        waiting = await submit(session, "1")
        view = await finished(session, endless)
        assert view.status == "cancelled"
        assert view.reason == "The journal of the session reached its limit of 1 MiB."
        assert (await finished(session, waiting)).status == "cancelled"
        snapshot = await until(session, lambda s: s.kernel.state == "idle")
        (notice,) = [n for n in snapshot.notices if n.title == "The journal is full"]
        assert "Open a new session" in notice.next_step
        with pytest.raises(StorageError, match=r"takes no more executions.*Open a new session"):
            await submit(session, "2")
        # The same request again is answered as before: it was run.
        again = q.Execute("print('before')", first.execution_id)
        assert (await session.call(again)).execution_id == first.execution_id
        printed = [row.text for row in await rows(session, view) if row.kind == "stdout"]
        lines = [text for text in printed if text]
        assert lines[:-1] == [f"line {n}" for n in range(len(lines) - 1)]
        found = await session.call(SearchRows("line 77", endless))
        assert found.matches[0].text == "line 77"
        assert session.recorder.journal.used < 2 * SMALL


@pytest.mark.slow
async def test_a_session_over_its_limit_goes_on_when_the_limit_is_raised(tmp_path: Path) -> None:
    state = tmp_path / "state"
    small = HostSettings(journal_limit=SMALL, watch_variables=False)
    async with open_host(state, small, leave_kernels=True) as host:
        session = await open_session(host, tmp_path, name="work")
        await run(session, "x = 42\nprint('y' * 2_000_000)")
        with pytest.raises(StorageError):
            await submit(session, "x")
    async with open_host(state, HostSettings(watch_variables=False)) as host:
        session = host.session("work")
        await until(session, lambda s: s.kernel.state == "idle")
        assert (await run(session, "assert x == 42")).status == "ok"


def test_questions_are_events_that_are_left_out(recorder: EventLog, tmp_path: Path) -> None:
    intake = intake_of(recorder, tmp_path, 1)
    kernel_events: list[says.KernelEvent] = [
        says.InputRequested("e", "?", False),
        says.Notice("info", "t", "", ""),
    ]
    assert not [
        e for e in intake.take(kernel_events) if isinstance(e, StdinRequested | NoticeGiven)
    ]
