"""The journal: a total order that survives faults, pages of rows, and what is read back."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.domain.errors import Conflict, NotFound, ProtocolError, StorageError, UsageError
from codeexec.domain.events import (
    AnyEvent,
    DisplayUpdated,
    ExecutionQueued,
    NoticeGiven,
    OutputChanged,
    Recorded,
)
from codeexec.domain.flow import OutputMode, elide
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import Display, ErrorInfo, MimePart, Run, iter_rows
from codeexec.domain.requests import SearchRows
from codeexec.domain.wire.codec import SCHEMA
from codeexec.session.storage.journal import Journal
from support.steps import counted

SRC = Path(__file__).resolve().parents[3] / "src"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal.create(path)
    yield journal
    journal.close()


def text_event(start: int, count: int, name: str = "e", width: int = 0) -> OutputChanged:
    rows = (f"row {number}".ljust(width, ".") for number in range(start, start + count))
    return OutputChanged(name, start, start + count, (Run("stdout", "\n".join(rows)),))


def everything(journal: Journal, output: OutputMode) -> list[Recorded]:
    found: list[Recorded] = []
    while records := journal.read(found[-1].seq if found else 0, 7, output):
        found += records
    return found


def current(journal: Journal, name: str = "e") -> list[str]:
    return [run.text for run in iter_rows(journal.iter_rows(name))]


# -- events -------------------------------------------------------------------------


def test_numbers_have_no_gaps_and_time_may_go_back(journal: Journal) -> None:
    first = journal.append([ExecutionQueued("e", "1"), NoticeGiven("info", "a")], 100.0)
    second = journal.append([NoticeGiven("info", "b")], 50.0)
    assert [(r.seq, r.at) for r in first + second] == [(1, 100.0), (2, 100.0), (3, 50.0)]
    assert journal.last_seq == 3
    assert journal.append([], 0.0) == []


def test_a_flood_is_elided_for_those_who_look_and_whole_for_those_who_read(
    path: Path, journal: Journal
) -> None:
    event = text_event(0, 5000)
    (recorded,) = journal.append([event], 1.0)
    assert recorded.event == elide(event)
    assert recorded.event != event
    journal.append([text_event(4990, 20)], 1.0)
    each = journal
    for _ in ("as it was written", "opened again"):
        assert everything(each, "tail")[0].event == elide(event)
        assert [r.event for r in everything(each, "full")] == [event, text_event(4990, 20)]
        assert current(each) == [f"row {n}" for n in range(5010)]
        each = reopened(each, path)
    each.close()


def reopened(journal: Journal, path: Path) -> Journal:
    journal.close()
    return Journal.open(path)


def test_reading_stops_at_a_size_but_always_gives_one(path: Path, journal: Journal) -> None:
    for number in range(4):
        journal.append([text_event(number * 3, 3, width=1_000_000)], 1.0)
    again = reopened(journal, path)
    assert len(again.read(0, 100, "full")) == 2
    assert [record.seq for record in again.read(0, 100, "tail")] == [1, 2, 3, 4]
    assert [record.seq for record in everything(again, "full")] == [1, 2, 3, 4]
    again.close()


def test_those_who_follow_live_are_served_from_memory(path: Path, journal: Journal) -> None:
    for number in range(5000):
        journal.append([NoticeGiven("info", f"{number}")], 1.0)
    journal._db.execute("ALTER TABLE events RENAME TO hidden")
    assert journal.read(4990, 5) == journal.read(4990, 5, "full")
    assert [record.seq for record in journal.read(4998, 50)] == [4999, 5000]
    assert journal.read(5000, 50) == []
    with pytest.raises(StorageError):
        journal.read(10, 5)


def test_half_a_surrogate_pair_does_not_stop_the_journal(journal: Journal) -> None:
    (recorded,) = journal.append([NoticeGiven("info", "a\ud800b")], 1.0)
    assert recorded.event == NoticeGiven("info", "a?b")


def test_private_values_are_kept_beside_the_facts(path: Path, journal: Journal) -> None:
    journal.put_private("kernel", {"pid": 1, "key": "k"})
    journal.put_private("gone", 1)
    journal.put_private("gone", None)
    again = reopened(journal, path)
    assert again.get_private("kernel") == {"pid": 1, "key": "k"}
    assert again.get_private("gone") is None
    assert again.read(0, 10) == []
    again.close()


# -- rows --------------------------------------------------------------------------


def test_rows_that_are_rewritten_hide_what_they_replace(journal: Journal) -> None:
    journal.append([text_event(0, 300)], 1.0)
    journal.append([OutputChanged("e", 250, 251, (Run("stderr", "bar 1%"),))], 1.0)
    for step in range(2, 50):
        rows = (Run("stderr", f"bar {step}%"), Run("stdout", "after"))
        journal.append([OutputChanged("e", 250, 252, rows)], 1.0)
    page = journal.rows("e", 248, 100)
    assert (page.start, page.total) == (248, 252)
    assert [(run.kind, run.text) for run in page.runs] == [
        ("stdout", "row 248\nrow 249"),
        ("stderr", "bar 49%"),
        ("stdout", "after"),
    ]
    (chunks,) = journal._db.execute("SELECT count(*) FROM chunks").fetchone()
    assert chunks < 10, "superseded rows that no event needs are deleted"
    journal.append([OutputChanged("e", 0, 0, ())], 1.0)
    assert journal.rows("e", 0, 10).runs == ()
    journal.append([text_event(0, 2)], 1.0)
    assert current(journal) == ["row 0", "row 1"]
    assert len(everything(journal, "full")) == 52


def test_pages_lie_within_bounds(journal: Journal) -> None:
    journal.append([text_event(0, 20_000)], 1.0)
    page = journal.rows("e", 19_990, 100)
    assert (page.start, page.total) == (19_990, 20_000)
    assert page.runs[0].rows == 10
    assert journal.rows("e", 0, 10**9).runs[0].rows == 5000
    assert journal.rows("e", 10**9, 5).runs == ()
    assert journal.rows("nobody", 5, 5).runs == ()
    (run,) = journal.rows("e", 12_345, 3).runs
    assert run.text == "row 12345\nrow 12346\nrow 12347"


def test_long_rows_are_clipped_unless_asked_for_whole(journal: Journal) -> None:
    rows = ["a", "x" * 5_000_000, "b"]
    journal.append([OutputChanged("e", 0, 3, (Run("stdout", "\n".join(rows)),))], 1.0)
    clipped = [run.text for run in iter_rows(journal.rows("e", 0, 3).runs)]
    assert [len(row) < 5000 for row in clipped] == [True] * 3
    assert clipped[1].endswith("more characters")
    assert next(iter_rows(journal.rows("e", 1, 2, whole=True).runs)).text == rows[1]
    assert current(journal) == rows
    (record,) = journal.read(0, 1, "full")
    assert isinstance(record.event, OutputChanged)
    assert record.event.runs[0].text == "\n".join(rows)


def test_displays_are_shown_as_they_were_updated(path: Path, journal: Journal) -> None:
    def display(text: str) -> Display:
        return Display("k", (MimePart("text/plain", 1, text),), display_id="id")

    shown = OutputChanged("e", 0, 1, (Run("display", display=display("old")),))
    update = DisplayUpdated("id", display("new").parts, {})
    journal.append([shown, text_event(1, 300), update], 1.0)
    again = reopened(journal, path)
    assert again.rows("e", 0, 1).runs == (Run("display", display=display("new")),)
    assert everything(again, "full")[0].event == shown
    again.close()


def test_search_finds_rows_in_order(journal: Journal) -> None:
    journal.append([text_event(0, 3000), text_event(0, 40, "other")], 1.0)
    error = ErrorInfo("E", "v", ("Traceback", "boom ROW 17"))
    journal.append([OutputChanged("e", 3000, 3001, (Run("error", error=error),))], 1.0)
    found = journal.search(SearchRows("ROW 17", "e", limit=200))
    assert found.complete
    assert [match.row for match in found.matches] == [
        17,
        *range(170, 180),
        *range(1700, 1800),
        3000,
    ]
    assert found.matches[-1].text == "boom ROW 17"
    both = journal.search(SearchRows("row 3$", regex=True))
    assert [(m.execution_id, m.row) for m in both.matches] == [("e", 3), ("other", 3)]
    cut = journal.search(SearchRows("row", "e", start=10, limit=5))
    assert ([m.row for m in cut.matches], cut.complete) == ([10, 11, 12, 13, 14], False)
    assert journal.search(SearchRows("ROW", ignore_case=False, limit=9)).matches[0].row == 3000
    with pytest.raises(UsageError):
        journal.search(SearchRows("(", regex=True))


def test_search_finds_lines_of_code_before_the_rows_of_their_execution(journal: Journal) -> None:
    silent = ExecuteOptions(silent=True)
    rows = (Run("stdout", "a needle\nno"),)
    events: list[AnyEvent] = [
        ExecutionQueued("a", "x = 1\nprint('needle')"),
        OutputChanged("a", 0, 2, rows),
        ExecutionQueued("s", "needle", options=silent),
        ExecutionQueued("b", "NEEDLE"),
    ]
    journal.append(events, 1.0)
    found = journal.search(SearchRows("needle", code=True))
    assert [(match.execution_id, match.part, match.row) for match in found.matches] == [
        ("a", "code", 1),
        ("a", "output", 0),
        ("b", "code", 0),
    ]
    assert found.complete
    only_b = journal.search(SearchRows("needle", "b", code=True))
    assert [match.text for match in only_b.matches] == ["NEEDLE"]
    cut = journal.search(SearchRows("needle", code=True, limit=2))
    assert (len(cut.matches), cut.complete) == (2, False)
    assert [match.part for match in journal.search(SearchRows("needle")).matches] == ["output"]


def test_search_may_run_in_a_thread_while_rows_are_written(journal: Journal) -> None:
    journal.append([text_event(0, 20_000)], 1.0)
    counts: list[int] = []

    def look() -> None:
        request = SearchRows("row 19", limit=10**6)
        counts.extend(len(journal.search(request).matches) for _ in range(5))

    thread = threading.Thread(target=look)
    thread.start()
    for number in range(20):
        journal.append([text_event(20_000 + number * 100, 100)], 1.0)
    thread.join(30)
    assert counts == [1 + 10 + 100 + 1000] * 5


# -- faults ------------------------------------------------------------------------


def test_files_are_for_this_user_alone(path: Path, journal: Journal) -> None:
    journal.append([text_event(0, 10)], 1.0)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert {"journal.db", "journal.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_a_journal_has_one_writer_and_any_readers(path: Path, journal: Journal) -> None:
    journal.append([text_event(0, 10)], 1.0)
    with pytest.raises(Conflict):
        Journal.open(path)
    with pytest.raises(Conflict):
        Journal.create(path)
    reader = Journal.open(path, read_only=True)
    journal.append([text_event(10, 10)], 1.0)
    assert len(everything(reader, "tail")) == 2
    with pytest.raises(StorageError):
        reader.append([NoticeGiven("info", "x")], 1.0)
    reader.close()


def test_what_is_no_journal_is_refused_in_words(path: Path, journal: Journal) -> None:
    with pytest.raises(NotFound):
        Journal.open(path.with_name("nothing.db"))
    journal._db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    journal.close()
    with pytest.raises(ProtocolError, match="newer"):
        Journal.open(path)
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StorageError) as caught:
        Journal.open(path)
    assert caught.value.next_step
    other = path.with_name("other.db")
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(StorageError, match="not a journal"):
        Journal.open(other)


def test_a_folder_that_cannot_be_written_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        Journal.create(tmp_path / "file" / "journal.db")
    assert "XDG_STATE_HOME" in caught.value.next_step


_FULL = """
import resource, sys
from pathlib import Path
from codeexec.domain.errors import StorageError
from codeexec.domain.events import NoticeGiven, OutputChanged
from codeexec.domain.outputs import Run
from codeexec.session.storage.journal import Journal
journal = Journal.create(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
total = failed = 0
while not failed:
    runs = (Run("stdout", chr(10).join(["x" * 99] * 1000)),)
    rows = OutputChanged("e", total, total + 1000, runs)
    try:
        journal.append([rows, NoticeGiven("info", "n")], 1.0)
        total += 1000
    except StorageError as error:
        assert error.next_step and journal.last_seq == 2 * total // 1000
        failed = 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
recorded = journal.append([rows, NoticeGiven("info", "n")], 1.0)
assert recorded[-1].seq == 2 * (total // 1000 + 1)
print(journal.last_seq, total + 1000)
"""


def test_a_failed_write_leaves_nothing_half_done(path: Path) -> None:
    """The file may not grow beyond 2 MB for a while, as on a full disk."""
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(path)],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    last, total = map(int, done.stdout.split())
    journal = Journal.open(path)
    assert [record.seq for record in everything(journal, "tail")] == list(range(1, last + 1))
    assert journal.rows("e", 0, 1).total == total
    assert sum(run.rows for run in journal.iter_rows("e")) == total
    journal.close()


_WRITER = """
import sys
from pathlib import Path
from codeexec.domain.events import NoticeGiven, OutputChanged
from codeexec.domain.outputs import Run
from codeexec.session.storage.journal import Journal
path = Path(sys.argv[1])
journal = Journal.open(path) if path.exists() else Journal.create(path)
at = journal.rows("e", 0, 0).total
while True:
    size = 1 + at % 700
    text = chr(10).join(f"row {n}" for n in range(at, at + size))
    journal.append([OutputChanged("e", at, at + size, (Run("stdout", text),)),
                    NoticeGiven("info", str(at + size))], 1.0)
    at += size
    print(journal.last_seq, at, flush=True)
"""


@pytest.mark.slow
def test_what_was_acknowledged_is_there_after_kill_9(path: Path) -> None:
    chance = random.Random(5)
    for _ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SRC)},
        )
        assert writer.stdout is not None
        for _ in range(chance.randrange(1, 60)):
            writer.stdout.readline()
        threading.Event().wait(chance.random() / 200)
        writer.send_signal(signal.SIGKILL)
        said = writer.stdout.read().splitlines()
        writer.wait()
        journal = Journal.open(path)
        records = everything(journal, "full")
        assert [record.seq for record in records] == list(range(1, len(records) + 1))
        assert len(records) % 2 == 0, "no transaction is half there"
        total = journal.rows("e", 0, 0).total
        whole = [line for line in said if len(line.split()) == 2]
        if whole:
            last, rows = map(int, whole[-1].split())
            assert len(records) >= last
            assert total >= rows
        notice = records[-1].event
        assert isinstance(notice, NoticeGiven)
        assert notice.title == str(total)
        assert current(journal) == [f"row {number}" for number in range(total)]
        replayed: list[str] = []
        for event in (record.event for record in records):
            if isinstance(event, OutputChanged):
                replayed[event.start :] = [run.text for run in iter_rows(event.runs)]
        assert replayed == current(journal)
        journal.close()


@pytest.mark.slow
def test_a_page_of_a_million_rows_is_there_at_once(tmp_path: Path) -> None:
    def worst(total: int) -> tuple[int, int]:
        """Of pages of so many rows the worst: instructions of SQLite, and steps of ours."""
        instructions = 0

        def count() -> None:
            nonlocal instructions
            instructions += 1

        journal = Journal.create(tmp_path / str(total) / "journal.db")
        starts = range(0, total, 10_000)
        journal.append([text_event(at, 10_000, width=66) for at in starts], 1.0)
        journal._db.set_progress_handler(count, 1)
        most_instructions = most_steps = 0
        for start in random.Random(1).sample(range(total), 100):
            instructions = 0
            with counted() as steps:
                page = journal.rows("e", start, 200)
            most_instructions = max(most_instructions, instructions)
            most_steps = max(most_steps, steps.count)
            assert page.runs[0].text.startswith(f"row {page.start}.")
        journal.close()
        return most_instructions, most_steps

    (few, steps), (many, steps_of_many) = worst(20_000), worst(1_000_000)
    assert many < 2 * few
    assert steps_of_many < 2 * steps
