"""A long session: what is read and held does not grow with its executions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codeexec.domain.clock import SystemClock
from codeexec.domain.events import (
    AnyEvent,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    OutputChanged,
    Recorded,
    SessionOpened,
    SnapshotTaken,
)
from codeexec.domain.fold import apply
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import Display, ErrorInfo, MimePart, Run
from codeexec.domain.requests import PinArtifact
from codeexec.domain.snapshot import KEPT_EXECUTIONS, Snapshot
from codeexec.domain.wire.codec import encode
from codeexec.environments.local import LocalEnvironment
from codeexec.session.files import files
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.storage import checkpoint
from codeexec.session.storage.event_log import CHECKPOINT_EVENTS, REPLAYED_EVENTS, EventLog
from codeexec.session.storage.journal import Journal
from codeexec.session.tasks import Tasks
from support.long_sessions import as_first_written, fail_runs, ran

RUNS = 1200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session" / "journal.db"


@pytest.fixture
def long_path(path: Path) -> Path:
    """A journal of a session with `RUNS` executions, closed as its server was."""
    recorder = opened(Journal.create(path))
    recorder.record(SessionOpened("s", "name", "/w", 1))
    for number in range(RUNS):
        recorder.record(*ran(f"e{number}"))
    recorder.close()
    return path


def opened(journal: Journal) -> EventLog:
    return EventLog(journal, SystemClock(), lambda records: None)


@pytest.fixture
def events_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """How many events were read from journals."""
    count = 0
    read = Journal.read

    def counted(self: Journal, *args: object, **more: object) -> list[Recorded]:
        nonlocal count
        records = read(self, *args, **more)  # type: ignore[arg-type]
        count += len(records)
        return records

    monkeypatch.setattr(Journal, "read", counted)
    yield lambda: count


def test_a_long_session_is_opened_without_reading_it(
    long_path: Path, events_read: Callable[[], int]
) -> None:
    recorder = opened(Journal.open(long_path))
    assert events_read() == 0
    assert recorder.snapshot.executions_total == RUNS
    assert recorder.snapshot.seq == 3 * RUNS + 1
    assert len(recorder.snapshot.executions) <= KEPT_EXECUTIONS + 1
    recorder.close()


def test_after_a_crash_only_the_events_since_the_checkpoint_are_read(
    path: Path, events_read: Callable[[], int]
) -> None:
    recorder = opened(Journal.create(path))
    for number in range(RUNS):
        recorder.record(*ran(f"e{number}"))
    recorder.journal.close()  # nothing is written at this end
    again = opened(Journal.open(path))
    assert again.snapshot == recorder.snapshot
    assert 0 < events_read() < CHECKPOINT_EVENTS
    again.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE checkpoint SET version = version + 1",
        "UPDATE checkpoint SET state = '{'",
        "UPDATE checkpoint SET seq = seq + 1000000",
        "DELETE FROM checkpoint",
        "DROP TABLE checkpoint",
    ],
)
def test_without_a_usable_checkpoint_all_events_are_folded(long_path: Path, damage: str) -> None:
    whole = apply(Snapshot(), all_events(long_path))
    db = sqlite3.connect(long_path)
    db.execute(damage)
    db.commit()
    db.close()
    recorder = opened(Journal.open(long_path))
    assert recorder.snapshot == whole
    assert recorder.journal.checkpoint_seq == whole.seq
    recorder.close()


def all_events(path: Path) -> list[Recorded]:
    journal = Journal.open(path, read_only=True)
    records = [
        Recorded(seq, at, journal.read(seq - 1, 1)[0].event)
        for seq, at in journal._db.execute("SELECT seq, at FROM events").fetchall()
    ]
    journal.close()
    return records


@pytest.mark.parametrize("read_only", [False, True])
def test_a_journal_of_the_first_version_opens(long_path: Path, read_only: bool) -> None:
    before = Journal.open(long_path, read_only=True)
    page, snapshot = before.runs.views(600, 20), before.restore()
    before.close()
    as_first_written(long_path)
    journal = Journal.open(long_path, read_only=read_only)
    assert journal.runs.views(600, 20) == page
    assert journal.runs.has("e7")
    assert journal.restore() == snapshot
    journal.close()


def test_events_that_an_earlier_version_added_are_found(long_path: Path) -> None:
    db = sqlite3.connect(long_path)
    for event in ran("late"):
        db.execute(
            "INSERT INTO events SELECT max(seq) + 1, 5.0, 1, ? FROM events", (encode(event),)
        )
    db.commit()
    db.close()
    for read_only in (True, False):
        journal = Journal.open(long_path, read_only=read_only)
        view = journal.runs.view("late")
        journal.close()
        assert view is not None
        assert (view.number, view.status) == (RUNS + 1, "ok")


async def attached(recorder: EventLog, after: int = 0) -> list[Recorded]:
    """What a reader of the latest state is sent, up to now."""
    recorder.end_readers()
    return [record async for batch in recorder.events(after, "latest") for record in batch]


async def test_who_attaches_is_sent_one_snapshot(
    long_path: Path, events_read: Callable[[], int]
) -> None:
    recorder = opened(Journal.open(long_path))
    records = await attached(recorder)
    assert [type(record.event) for record in records] == [SnapshotTaken]
    assert apply(Snapshot(), records) == recorder.snapshot
    assert events_read() == 0
    recorder.close()


@pytest.mark.parametrize("behind", [0, 1, REPLAYED_EVENTS, REPLAYED_EVENTS + 1])
async def test_who_comes_back_hears_each_event_once(long_path: Path, behind: int) -> None:
    recorder = opened(Journal.open(long_path))
    last = recorder.snapshot.seq
    seen = apply(Snapshot(), [r for r in all_events(long_path) if r.seq <= last - behind])
    records = await attached(recorder, last - behind)
    if behind > REPLAYED_EVENTS:
        assert [record.seq for record in records] == [last]
    else:
        assert [record.seq for record in records] == list(range(last - behind + 1, last + 1))
    assert apply(seen, records) == recorder.snapshot
    recorder.close()


async def test_a_few_large_events_are_replaced_by_a_snapshot_too(path: Path) -> None:
    recorder = opened(Journal.create(path))
    row = Run("stdout", "\n".join(["x" * 3900] * 100))
    for number in range(40):
        name = f"e{number}"
        recorder.record(ExecutionQueued(name, ""), OutputChanged(name, 0, 100, (row,)))
        recorder.record(ExecutionFinished(name, "ok"))
    records = await attached(recorder)
    assert [type(record.event) for record in records] == [SnapshotTaken]
    recorder.close()


@pytest.mark.slow
def test_twenty_thousand_displays_are_few_objects_and_all_can_be_read(path: Path) -> None:
    recorder = opened(Journal.create(path))
    recorder.record(ExecutionQueued("e", ""), ExecutionStarted("e"))
    many = 20_000
    for start in range(0, many, 1000):
        runs = tuple(
            Run("display", display=Display(f"k{n}", (MimePart("text/html", 1, str(n)),)))
            for n in range(start, start + 1000)
        )
        recorder.record(OutputChanged("e", start, start + 1000, runs))
    view = recorder.snapshot.executions["e"]
    assert view.total == many
    assert [d.key for d in view.displays] == [f"k{n}" for n in range(many - 100, many)]
    assert recorder.journal.runs.view("e") == view
    page = recorder.journal.runs.displays(0, 200)
    older = recorder.journal.runs.displays(page.displays[-1].position, 200)
    keys = [row.display.key for row in (*page.displays, *older.displays)]
    assert keys == [f"k{n}" for n in range(many - 1, many - 401, -1)]
    assert older.more
    recorder.close()


def test_pages_of_displays_leave_plain_text_out_and_use_an_index(path: Path) -> None:
    recorder = opened(Journal.create(path))
    recorder.record(ExecutionQueued("e", ""))
    text = MimePart("text/plain", 1, '1 "mime":"x"')
    for number in range(30):
        parts = (text, MimePart("text/html", 1, "2")) if number % 10 == 0 else (text,)
        shown = Run("display", display=Display(f"k{number}", parts))
        recorder.record(OutputChanged("e", number, number + 1, (shown,)))
    page = recorder.journal.runs.displays(0, 10)
    assert [row.display.key for row in page.displays] == ["k20", "k10", "k0"]
    assert not page.more
    statements: list[str] = []
    recorder.journal._db.set_trace_callback(statements.append)
    recorder.journal.runs.displays(0, 10)
    recorder.journal._db.set_trace_callback(None)
    plan = recorder.journal._db.execute(f"EXPLAIN QUERY PLAN {statements[0]}").fetchall()
    assert any("rich_displays" in step[-1] for step in plan)
    recorder.close()


def test_failed_runs_are_paged_with_their_tracebacks(path: Path) -> None:
    recorder = opened(Journal.create(path))
    error = ErrorInfo("ValueError", "no", tuple(f"line {n}" for n in range(30)))
    recorder.record(*fail_runs(300, error))
    page = recorder.journal.runs.views(before=101, limit=3)
    recorder.close()
    assert [view.execution_id for view in page.executions] == ["e97", "e98", "e99"]
    assert {view.error for view in page.executions} == {error}
    assert {view.tail for view in page.executions} == {(Run("error", error=error),)}
    assert page.more


def test_a_page_of_large_executions_is_short(path: Path) -> None:
    recorder = opened(Journal.create(path))
    for number in range(5):
        recorder.record(*ran(f"e{number}", "#" * 2**21))
    page = recorder.journal.runs.views()
    recorder.close()
    assert [view.execution_id for view in page.executions] == ["e3", "e4"]
    assert page.more


def test_the_last_run_of_each_cell_is_found(path: Path) -> None:
    recorder = opened(Journal.create(path))
    for number in range(300):
        recorder.record(*ran(f"e{number}", cell=f"c{number % 50}"))
    page = recorder.journal.runs.of_cells("/w/a.py")
    assert [view.execution_id for view in page.executions] == [f"e{n}" for n in range(250, 300)]
    assert not recorder.journal.runs.of_cells("/w/b.py").executions
    recorder.close()


def test_silent_executions_are_in_no_page(path: Path) -> None:
    recorder = opened(Journal.create(path))
    events: list[AnyEvent] = [
        ExecutionQueued("hidden", "", options=ExecuteOptions(silent=True)),
        *ran("shown"),
    ]
    recorder.record(*events)
    runs = recorder.journal.runs
    assert [view.execution_id for view in runs.views().executions] == ["shown"]
    assert [view.execution_id for view in runs.iter_views()] == ["shown"]
    assert [view.number for view in runs.iter_views(silent=True)] == [1, 2]
    recorder.close()


async def test_files_that_runs_wrote_are_bounded_and_pinned_ones_stay(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_COLLECTED", 3)
    work = tmp_path / "work"
    work.mkdir()
    recorder = opened(Journal.create(path))
    place = LocalEnvironment(work)
    kept = files.SessionFiles(lambda: place, recorder, BlobStore(tmp_path / "blobs"), Tasks(), True)
    (work / "pinned.csv").write_text("0")
    await kept.answer(PinArtifact("pinned.csv"))
    for number in range(6):
        recorder.record(*ran(f"e{number}"))
        kept._keep(f"plot-{number}.csv", f"{number:064x}", 1, f"e{number}")
    names = [artifact.name for artifact in recorder.snapshot.artifacts]
    assert names == ["pinned.csv", "plot-3.csv", "plot-4.csv", "plot-5.csv"]
    recorder.close()


def test_no_execution_has_half_a_surrogate_pair_in_its_id(path: Path) -> None:
    recorder = opened(Journal.create(path))
    recorder.record(*ran("e"))
    assert recorder.has("e")
    assert not recorder.has("e\ud800")
    assert recorder.find("e\ud800") is None
    assert not recorder.journal.runs.of_cells("\ud800").executions
    recorder.close()


def test_the_version_of_a_checkpoint_belongs_to_its_fields() -> None:
    """Fails when the snapshot changes: raise `checkpoint.VERSION`, then this."""
    fields = Snapshot.__struct_fields__
    assert (checkpoint.VERSION, len(fields), fields[-3:]) == (
        10,
        25,
        ("learner", "login_questions", "steering_keys"),
    )
