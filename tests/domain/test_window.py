"""A snapshot holds a bounded part of a session; the journal has all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from codeexec.domain import fold
from codeexec.domain.events import (
    AnyEvent,
    DisplayUpdated,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    KernelRef,
    KernelStarting,
    OutputChanged,
    Recorded,
    SnapshotTaken,
    StdinAnswered,
    StdinRequested,
    StepEnded,
)
from codeexec.domain.events.plugins import ResultReported
from codeexec.domain.flow import elide, merge
from codeexec.domain.fold import apply
from codeexec.domain.options import DEFAULT_KERNEL, ExecuteOptions
from codeexec.domain.outputs import Display, ErrorInfo, MimePart, Run, compact
from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import (
    KEPT_ANSWERS,
    KEPT_DISPLAYS,
    KEPT_EXECUTIONS,
    KEPT_WEIGHT,
    ExecutionView,
    Snapshot,
)
from codeexec.domain.wire.codec import decode_recorded, encode
from codeexec.session.storage.journal import Journal
from support.stories import Batches, recorded, stories


def run(name: str, text: str = "", status: str = "ok") -> list[AnyEvent]:
    events: list[AnyEvent] = [ExecutionQueued(name, "code"), ExecutionStarted(name)]
    if text:
        events.append(OutputChanged(name, 0, text.count("\n") + 1, (Run("stdout", text),)))
    return [*events, ExecutionFinished(name, status)]  # type: ignore[arg-type]


def folded(events: list[AnyEvent]) -> Snapshot:
    return apply(Snapshot(), recorded([events]))


@contextmanager
def kept(executions: int, displays: int = KEPT_DISPLAYS) -> Iterator[None]:
    """Small bounds, so that short stories reach them."""
    with (
        patch.object(fold, "KEPT_EXECUTIONS", executions),
        patch.object(fold, "KEPT_DISPLAYS", displays),
    ):
        yield


def test_the_oldest_executions_that_are_over_leave_the_snapshot_as_another_is_queued() -> None:
    events: list[AnyEvent] = [ExecutionQueued("open", "")]
    for number in range(KEPT_EXECUTIONS + 10):
        events += run(f"e{number}")
    snapshot = folded(events)
    # Ten more than are held had ended, and the last of them after the last one was queued.
    assert list(snapshot.executions)[:2] == ["open", "e9"]
    assert len(snapshot.executions) == KEPT_EXECUTIONS + 2
    assert snapshot.ended == KEPT_EXECUTIONS + 1
    assert snapshot.executions_total == KEPT_EXECUTIONS + 11
    assert snapshot.executions["e9"].number == 11


def test_large_executions_leave_the_snapshot_earlier() -> None:
    events: list[AnyEvent] = []
    for number in range(50):
        events += [
            ExecutionQueued(f"e{number}", "#" * 2**20),
            ExecutionFinished(f"e{number}", "ok"),
        ]
    snapshot = folded([*events, ExecutionQueued("last", "")])
    assert list(snapshot.executions) == ["e46", "e47", "e48", "e49", "last"]
    assert snapshot.weight <= KEPT_WEIGHT


def test_an_execution_has_its_last_displays_and_answers() -> None:
    shown = [Display(f"k{n}", (MimePart("text/plain", 1, str(n)),)) for n in range(250)]
    events: list[AnyEvent] = [ExecutionQueued("e", "")]
    events += [
        OutputChanged("e", n, n + 1, (Run("display", display=display),))
        for n, display in enumerate(shown)
    ]
    for n in range(30):
        events += [
            StdinRequested(f"r{n}", "e", f"ask {n} "),
            StdinAnswered(f"r{n}", "e", f"say {n}"),
        ]
    events += [StdinRequested("p", "e", "", password=True), StdinAnswered("p", "e")]
    view = folded(events).executions["e"]
    assert view.displays == tuple(shown[-KEPT_DISPLAYS:])
    assert view.total == 250
    assert len(view.answers) == KEPT_ANSWERS
    assert view.answers[-2:] == (("ask 29", "say 29"), ("password", "•••"))


long_stories: st.SearchStrategy[Batches] = st.builds(
    lambda batches, statuses: [
        [
            *batch,
            *run(f"n{number}", f"row {number}", statuses[number % len(statuses)]),
        ]
        for number, batch in enumerate(batches)
    ],
    stories,
    st.lists(st.sampled_from(["ok", "error"]), min_size=1, max_size=3),
)
"""Stories in which executions leave the snapshot."""


@given(long_stories, st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_any_way_of_reading_comes_to_the_same_window(
    batches: Batches, sizes: list[int], kept_executions: int
) -> None:
    records = recorded(batches)
    with kept(kept_executions, displays=2):
        live = Snapshot()
        states = [live]
        for record in records:
            live = apply(live, [record])
            states.append(live)
        at, turn, read = 0, 0, Snapshot()
        while at < len(records):
            size = sizes[turn % len(sizes)]
            part = records[at : at + size]
            at, turn = at + size, turn + 1
            elided = [
                replace(record, event=elide(record.event))
                if isinstance(record.event, OutputChanged)
                else record
                for record in part
            ]
            read = apply(read, merge(elided))
        assert read == live
        cut = sizes[0] % len(records)
        state = SnapshotTaken(Raw(encode(states[cut])))
        taken = decode_recorded(encode(Recorded(cut, 1.0, state)))
        if cut:
            assert apply(Snapshot(), [taken, *records[cut:]]) == live
            assert apply(states[cut // 2], [taken, *records[cut:]]) == live
            assert apply(states[cut], [taken]) is states[cut]


def test_the_journal_finds_the_generation_of_the_kernel_that_ran_it(tmp_path: Path) -> None:
    first, second = (
        KernelStarting(generation, KernelRef("python3"), kernel)
        for generation, kernel in ((3, DEFAULT_KERNEL), (7, "bash"))
    )
    journal = Journal.create(tmp_path / "journal.db")
    journal.append([first, second, ExecutionQueued("e0", "code"), ExecutionStarted("e0")], 1.0)
    view = journal.runs.view("e0")
    journal.close()
    assert view is not None
    assert view.generation == 3


def _alike(view: ExecutionView) -> ExecutionView:
    """An execution but for how its rows are cut into runs."""
    return replace(view, tail=compact(view.tail))


@pytest.mark.slow
@given(long_stories)
@settings(max_examples=40, deadline=None)
def test_the_journal_has_each_execution_as_the_fold_of_all_events_has_it(
    batches: Batches,
) -> None:
    with kept(10**9):
        whole = apply(Snapshot(), recorded(batches))
    with TemporaryDirectory() as folder:
        journal = Journal.create(Path(folder) / "journal.db")
        for number, batch in enumerate(batches):
            journal.append(batch, 100.0 + number)
        for _ in ("as it was written", "opened again"):
            for name, view in whole.executions.items():
                found = journal.runs.view(name)
                assert found is not None
                if view.stdin is not None or found.stdin is not None:
                    found, view = replace(found, stdin=None), replace(view, stdin=None)
                assert _alike(found) == _alike(view)
            page = journal.runs.views()
            assert [v.execution_id for v in page.executions] == list(whole.executions)
            journal.close()
            journal = Journal.open(Path(folder) / "journal.db")
        journal.close()


@pytest.mark.parametrize("generation", [1, 2])
def test_an_execution_from_the_journal_knows_which_kernel_ran_it(
    tmp_path: Path, generation: int
) -> None:
    journal = Journal.create(tmp_path / "journal.db")
    for number in (1, 2):
        journal.append([KernelStarting(number, KernelRef("python3")), *run(f"e{number}")], 1.0)
    found = journal.runs.view(f"e{generation}")
    journal.close()
    assert found is not None
    assert found.generation == generation


def test_steps_report_and_index_of_an_old_execution_are_in_the_journal(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal.db")
    events: list[AnyEvent] = [
        ExecutionQueued("silent", "", options=ExecuteOptions(silent=True)),
        ExecutionQueued("e", "x"),
        StepEnded("e", StepResult("build", ("g++",), 0)),
        StepEnded("e", StepResult("run", ("./a",), 3)),
        ResultReported("e", {"x": "1"}),
        ExecutionFinished("e", "error"),
    ]
    whole = apply(Snapshot(), journal.append(events, 1.0))
    with kept(0):
        snapshot = apply(journal.restore(), journal.append([ExecutionQueued("f", "")], 2.0))
    assert "e" not in snapshot.executions
    views = [journal.runs.view(name) for name in ("silent", "e", "f")]
    journal.close()
    assert views[:2] == [whole.executions["silent"], whole.executions["e"]]
    assert [view.index for view in views if view is not None] == [0, 1, 2]


def test_updates_and_late_rows_of_an_old_execution_are_in_the_journal(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal.db")
    old, new = (MimePart("text/html", 1, "a"),), (MimePart("text/html", 1, "b"),)
    shown = Run("display", display=Display("k", old, display_id="d"))
    failed = ErrorInfo("E", "v", ("line",))
    journal.append(
        [
            ExecutionQueued("e", "x"),
            OutputChanged("e", 0, 1, (shown,)),
            ExecutionFinished("e", "error", error=failed),
        ],
        1.0,
    )
    with kept(0):
        snapshot = apply(journal.restore(), journal.append([ExecutionQueued("f", "")], 2.0))
    assert list(snapshot.executions) == ["f"]
    late = Run("stdout", "late")
    journal.append([DisplayUpdated("d", new), OutputChanged("e", 1, 2, (late,))], 3.0)
    view = journal.runs.view("e")
    page = journal.runs.displays(0, 10)
    journal.close()
    assert view is not None
    assert (view.total, view.error) == (2, failed)
    assert view.displays == (Display("k", new, display_id="d"),)
    assert view.tail == (Run("display", display=view.displays[0]), late)
    assert [(row.row, row.display.parts) for row in page.displays] == [(0, new)]
