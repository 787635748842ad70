"""The fold: live, replayed, merged and elided, it comes to the same snapshot."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeexec.domain.events import (
    AnyEvent,
    DefaultKernelChosen,
    DisplayUpdated,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    InterruptEscalated,
    KernelReady,
    KernelRef,
    KernelRemoved,
    KernelStarting,
    OutputChanged,
    Recorded,
    SessionClosed,
    SessionOpened,
    Variable,
    VariablesTaken,
)
from codeexec.domain.flow import OutputMode, elide, merge
from codeexec.domain.fold import apply
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import TAIL_ROWS, Display, MimePart, Run, count_rows, iter_rows
from codeexec.domain.snapshot import NO_KERNEL, Snapshot
from codeexec.session.storage.journal import Journal
from support.stories import EXECUTIONS, Batches, recorded, stories
from support.terminal_text import rows_of

Change = Callable[[list[Recorded]], list[Recorded]]


def live(records: Iterable[Recorded]) -> Snapshot:
    snapshot = Snapshot()
    for record in records:
        snapshot = apply(snapshot, [record])
    return snapshot


def elided(records: list[Recorded]) -> list[Recorded]:
    return [
        Recorded(record.seq, record.at, elide(record.event))
        if isinstance(record.event, OutputChanged)
        else record
        for record in records
    ]


def untouched(records: list[Recorded]) -> list[Recorded]:
    return records


changes: st.SearchStrategy[list[Change]] = st.lists(
    st.sampled_from([merge, elided, untouched]), max_size=4
)


@pytest.mark.slow
@given(stories, st.lists(st.tuples(st.integers(1, 12), changes), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_mixture_of_batches_merged_and_elided_comes_to_the_same(
    batches: Batches, cuts: list[tuple[int, list[Change]]]
) -> None:
    records = recorded(batches)
    snapshot, at, turn = Snapshot(), 0, 0
    while at < len(records):
        size, chosen = cuts[turn % len(cuts)]
        batch = records[at : at + size]
        at, turn = at + size, turn + 1
        for change in chosen:
            batch = change(batch)
        snapshot = apply(snapshot, batch)
        assert snapshot == live(records[:at])


@pytest.mark.slow
@given(
    stories,
    st.lists(
        st.tuples(st.sampled_from(["full", "tail"]), st.integers(1, 9)), min_size=1, max_size=4
    ),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_a_journal_read_in_any_way_comes_to_what_was_seen_live(
    batches: Batches, reads: list[tuple[OutputMode, int]], merging: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s" / "journal.db"
        journal = Journal.create(path)
        seen = Snapshot()
        for number, batch in enumerate(batches):
            seen = apply(seen, journal.append(batch, 100.0 + number))
        assert seen == live(recorded(batches))
        rows = {name: rows_of(tuple(journal.iter_rows(name))) for name in EXECUTIONS}
        for opened_again in (False, True):
            if opened_again:
                journal.close()
                journal = Journal.open(path)
            replayed, turn = Snapshot(), 0
            while True:
                output, limit = reads[turn % len(reads)]
                records = journal.read(replayed.seq, limit, output)
                if not records:
                    break
                replayed = apply(replayed, merge(records) if merging else records)
                turn += 1
            assert replayed == seen
        assert journal.read(0, 10**6, "full") == recorded(batches)
        for name, view in seen.executions.items():
            assert len(rows.get(name, [])) == view.total
            page = journal.rows(name, max(view.total - TAIL_ROWS, 0), TAIL_ROWS)
            assert list(iter_rows(page.runs))[-count_rows(view.tail) :] == list(
                iter_rows(view.tail)
            )
            displays = [r.display for r in journal.iter_rows(name) if r.display is not None]
            assert displays == list(view.displays)
        journal.close()


@given(stories)
@settings(max_examples=50, deadline=None)
def test_facts_seen_twice_change_nothing(batches: Batches) -> None:
    records = recorded(batches)
    snapshot = live(records)
    assert apply(snapshot, records) is snapshot


@given(stories)
@settings(max_examples=50, deadline=None)
def test_a_snapshot_is_bounded_whatever_was_printed(batches: Batches) -> None:
    for view in live(recorded(batches)).executions.values():
        assert count_rows(view.tail) == min(view.total, TAIL_ROWS)
        assert all(len(row.text) < 5000 for row in iter_rows(view.tail))


def test_a_rewritten_display_stands_once_and_an_updated_one_shows_its_last() -> None:
    old = (MimePart("text/plain", 1, "a"),)
    new = (MimePart("text/plain", 1, "b"),)
    first, last = (Display("k", parts, display_id="d") for parts in (old, new))
    before = (Run("stderr", "1%"), Run("display", display=first))
    after = (Run("stderr", "2%"), Run("display", display=last))
    snapshot = live(
        [
            Recorded(1, 0.0, ExecutionQueued("e", "")),
            Recorded(2, 0.0, OutputChanged("e", 0, 2, before)),
            Recorded(3, 0.0, DisplayUpdated("d", new)),
            Recorded(4, 0.0, OutputChanged("e", 0, 2, after)),
        ]
    )
    view = snapshot.executions["e"]
    assert view.displays == (last,)
    assert view.tail == after


def test_each_kernel_has_its_own_state_and_variables() -> None:
    in_bash = ExecuteOptions(kernel="bash")
    events: list[AnyEvent] = [
        SessionOpened("s", "name", "/w", 2),
        KernelStarting(1, KernelRef("python3")),
        KernelReady(1, 42),
        KernelStarting(1, KernelRef("bash"), "bash"),
        KernelReady(1, 43, kernel="bash"),
        ExecutionQueued("p", "1", options=ExecuteOptions(kernel="python")),
        ExecutionQueued("b", "ls", options=in_bash),
        ExecutionStarted("b", 1),
        KernelStarting(2, KernelRef("python3")),
        KernelReady(2, 44),
        InterruptEscalated("interrupt", "b", 43, kernel="bash"),
        VariablesTaken(2, (Variable("x", "int"),)),
        VariablesTaken(1, (Variable("HOME", "str"),), kernel="bash"),
        DefaultKernelChosen("bash"),
    ]
    snapshot = live([Recorded(seq, float(seq), event) for seq, event in enumerate(events, 1)])
    python, bash = snapshot.kernels["python"], snapshot.kernels["bash"]
    assert (python.state, python.generation, python.pid, python.ladder) == ("idle", 2, 44, None)
    assert (bash.state, bash.generation, bash.pid) == ("busy", 1, 43)
    assert bash.ladder is not None
    assert [v.name for v in python.variables] == ["x"]
    assert [v.name for v in bash.variables] == ["HOME"]
    assert snapshot.kernel is bash
    assert snapshot.kernel_named("python") is python
    assert snapshot.kernel_of(snapshot.executions["p"]) is python
    assert snapshot.running is snapshot.executions["b"]
    assert snapshot.running_on("python") is None
    after = apply(
        snapshot,
        [
            Recorded(20, 20.0, ExecutionFinished("b", "cancelled")),
            Recorded(21, 21.0, DefaultKernelChosen("python")),
            Recorded(22, 22.0, KernelRemoved("bash")),
        ],
    )
    assert list(after.kernels) == ["python"]
    assert list(snapshot.kernels) == ["python", "bash"], "a snapshot never changes"
    assert after.kernel_of(after.executions["b"]) is NO_KERNEL
    closed = apply(snapshot, [Recorded(30, 30.0, SessionClosed())])
    assert {view.state for view in closed.kernels.values()} == {"stopped"}


def test_the_kernel_is_busy_from_start_to_finish() -> None:
    states = []
    snapshot = Snapshot()
    events: list[AnyEvent] = [
        KernelStarting(1, KernelRef("python3")),
        KernelReady(1, 42),
        ExecutionQueued("e", "1"),
        ExecutionStarted("e"),
        ExecutionFinished("e", "ok"),
    ]
    for seq, event in enumerate(events, 1):
        snapshot = apply(snapshot, [Recorded(seq, float(seq), event)])
        states.append(snapshot.kernel.state)
    assert states == ["starting", "idle", "idle", "busy", "idle"]
    assert snapshot.running is None
    view = snapshot.executions["e"]
    assert (view.queued_at, view.started_at, view.finished_at) == (3.0, 4.0, 5.0)
    assert (view.generation, view.status) == (1, "ok")
