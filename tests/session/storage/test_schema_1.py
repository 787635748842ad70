"""A session that the last version of schema 1 (commit 7364a56) wrote, with a kernel of its own,
and left open as its server was killed: `journal_schema_1.db.gz`."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest

from codeexec.domain.events import CellRef, ExecutionQueued, KernelStarting, Recorded
from codeexec.domain.fold import apply
from codeexec.domain.options import DEFAULT_KERNEL, ExecuteOptions
from codeexec.domain.outputs import iter_rows
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.wire.codec import SCHEMA
from codeexec.session.storage.journal import Journal
from support.sessions import finished, open_host

WRITTEN = Path(__file__).with_name("journal_schema_1.db.gz")
SESSION = "session-ca4bac1bc1da"
DOCUMENT = "/tmp/schema1/project/a.py"
STATUS = {
    "plain": "ok",
    "long": "ok",
    "silent": "ok",
    "late": "timed_out",
    "asked": "ok",
    "no-stdin": "error",
    "shown": "ok",
    "failed": "error",
    "after": "ok",
    "running": "running",
    "waiting": "queued",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    path.write_bytes(gzip.decompress(WRITTEN.read_bytes()))
    return path


def schema_of(path: Path) -> int:
    with sqlite3.connect(path) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def check_views(views: dict[str, ExecutionView]) -> None:
    assert {name: view.status for name, view in views.items()} == STATUS
    assert {name: view.options for name, view in views.items() if view.options.timeout} == {
        "late": ExecuteOptions(timeout=0.4)
    }
    assert views["silent"].options == ExecuteOptions(silent=True, store_history=False)
    assert views["no-stdin"].options == ExecuteOptions(allow_stdin=False, stop_on_error=False)
    assert views["running"].options == ExecuteOptions(stop_on_error=False)
    assert views["long"].cell == CellRef(DOCUMENT, "c1", 3, "load")
    assert {view.kernel for view in views.values()} == {DEFAULT_KERNEL}
    generations = {name: view.generation for name, view in views.items()}
    assert generations["plain"] == generations["shown"] == 1
    assert generations["failed"] == generations["running"] == 2
    assert [view.number for view in views.values()] == list(range(1, len(views) + 1))
    assert views["asked"].answers == (("name?", "forty-two"),)


@pytest.mark.parametrize("read_only", [True, False])
def test_everything_in_it_is_shown(path: Path, read_only: bool) -> None:
    journal = Journal.open(path, read_only=read_only)
    snapshot = journal.restore()
    assert (snapshot.name, snapshot.default_kernel) == ("first", DEFAULT_KERNEL)
    assert list(snapshot.kernels) == [DEFAULT_KERNEL]
    assert snapshot.kernel.state == "busy"
    assert snapshot.kernel.generation == 2
    assert snapshot.kernel.kernel is not None
    assert snapshot.kernel.kernel.display_name == "Python 3.11 (venv)"
    assert {v.name: v.preview for v in snapshot.kernel.variables} == {
        "time": "module time",
        "y": "5",
    }
    check_views(snapshot.executions)
    check_views({view.execution_id: view for view in journal.runs.iter_views(silent=True)})
    (cell,) = (v for v in journal.runs.of_cells(DOCUMENT).executions if v.execution_id == "late")
    assert cell.options.timeout == 0.4
    rows = journal.rows("long", 0, 1000)
    assert [row.text for row in iter_rows(rows.runs)] == [f"row {n}" for n in range(500)]
    assert snapshot.executions["shown"].displays[0].part("text/html") is not None
    assert [row.display.display_id for row in journal.runs.displays(0, 10).displays if row.row == 0]
    journal.close()
    assert schema_of(path) == (1 if read_only else SCHEMA)


def test_its_events_are_read_as_those_of_schema_2(path: Path) -> None:
    journal = Journal.open(path, read_only=True)
    records: list[Recorded] = journal.read(0, 1000, "full")
    assert [record.seq for record in records] == list(range(1, journal.last_seq + 1))
    assert apply(Snapshot(), records).executions.keys() == STATUS.keys()
    starts = [r.event for r in records if isinstance(r.event, KernelStarting)]
    assert [(start.ref.language, start.kernel) for start in starts] == [("python", "python")] * 2
    queued = {
        r.event.execution_id: r.event for r in records if isinstance(r.event, ExecutionQueued)
    }
    assert queued["late"].options.timeout == 0.4
    journal.close()


async def test_the_next_server_takes_it_up_and_ends_what_was_open(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "sessions" / SESSION
    folder.mkdir(parents=True)
    (folder / "open").touch()
    (folder / "journal.db").write_bytes(gzip.decompress(WRITTEN.read_bytes()))
    async with open_host(tmp_path / "state") as host:
        (session,) = host.sessions
        for name in ("running", "waiting"):
            assert (await finished(session, name)).status == "lost"
        assert session.snapshot.kernel.state == "dead"
        rows = session.recorder.journal.rows("plain", 0, 10)
        assert next(iter_rows(rows.runs)).text == "hello"
    assert schema_of(folder / "journal.db") == SCHEMA
