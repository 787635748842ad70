"""What the last run has done to the variables: counted in the title, and told by colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codeexec.domain.events import Variable
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.snapshot import ExecutionView, KernelView, Snapshot
from codeexec.tui.panes.variables.last_run import LastRun, VariableChanges
from codeexec.tui.panes.variables.outline import VariableRow
from codeexec.tui.panes.variables.pane import VariablesPane
from codeexec.tui.session.ask import TitleNoted
from codeexec.tui.session.feed import Frame
from support.pane_app import PaneApp, run, session_in, until

OLD = (Variable("a", "int", "1"), Variable("b", "int", "2"), Variable("c", "int", "3"))
NEW = (Variable("a", "int", "1"), Variable("b", "int", "9"), Variable("d", "str"))


def frame(
    number: int, generation: int = 1, *, started_at: float | None = 1.0, waits: bool = False
) -> Frame:
    """In which execution `number` is the newest one; 0: there is none. Each takes a second, and
    each `waits` for the one before, or is queued after that."""
    views = [
        ExecutionView(
            f"run-{each}",
            "",
            number=each,
            generation=generation,
            queued_at=0.0 if waits else each,
            started_at=float(each),
            finished_at=each + 0.5,
        )
        for each in range(1, number + 1)
    ]
    if views:
        views[-1] = structs.replace(views[-1], started_at=started_at and float(number))
    snapshot = Snapshot(
        executions={view.execution_id: view for view in views},
        kernels={DEFAULT_KERNEL: KernelView("idle", generation)},
    )
    return Frame(snapshot, Snapshot(), frozenset([f"run-{number}"] if number else []))


def test_what_a_run_has_made_changed_and_deleted() -> None:
    last_run = LastRun()
    last_run.follow(frame(0), ())
    assert last_run.changes(OLD) == VariableChanges()
    last_run.follow(frame(1, started_at=None), OLD)  # it waits in the queue
    assert last_run.changes(NEW) == VariableChanges()
    last_run.follow(frame(1), OLD)
    last_run.follow(frame(1), NEW)  # its output comes
    expected = VariableChanges(frozenset("d"), frozenset("b"), frozenset("c"))
    assert last_run.changes(NEW) == expected
    last_run.follow(frame(2), NEW)
    assert last_run.changes(NEW) == VariableChanges()


@pytest.mark.parametrize("first", [frame(7), frame(0)])
def test_nothing_is_new_to_who_attaches_or_restarts(first: Frame) -> None:
    last_run = LastRun()
    last_run.follow(first, ())
    assert last_run.changes(OLD) == VariableChanges()
    last_run.follow(frame(8), OLD)
    last_run.follow(frame(8, generation=2), OLD)
    assert last_run.changes(NEW) == VariableChanges()
    last_run.follow(frame(9, generation=2), ())
    assert last_run.changes(OLD).new == frozenset("abc")


def test_all_is_new_that_the_run_has_made_which_started_the_kernel() -> None:
    last_run = LastRun()
    last_run.follow(frame(0, generation=0), ())
    assert last_run.follow(frame(1), ())
    assert not last_run.follow(frame(2, waits=True), ())
    assert last_run.changes(OLD).new == frozenset("abc")


def test_cells_that_wait_for_one_another_are_one_run() -> None:
    last_run = LastRun()
    last_run.follow(frame(0), ())
    assert last_run.follow(frame(1), OLD)
    assert not last_run.follow(frame(2, waits=True), NEW)
    assert last_run.changes(NEW).new == frozenset("d")
    assert last_run.follow(frame(3), NEW)
    assert last_run.changes(NEW) == VariableChanges()


def test_modules_and_variables_of_the_session_do_not_count() -> None:
    last_run = LastRun()
    last_run.follow(frame(0), ())
    last_run.follow(frame(1), ())
    others = (Variable("pd", "module", kind="module"), Variable("x", "session", kind="session"))
    assert last_run.changes(others) == VariableChanges()


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_words_are_in_signs_where_there_is_no_room(new: int, changed: int, gone: int) -> None:
    sets = [frozenset(map(str, range(count))) for count in (new, changed, gone)]
    changes = VariableChanges(*sets)
    assert changes.words(0) == " ".join(
        f"{sign}{count}" for sign, count in zip("+~−", (new, changed, gone), strict=True) if count
    )
    wide = changes.words(80)
    assert wide == changes.words(len(wide))
    assert wide.count(",") == max(sum(map(bool, (new, changed, gone))) - 1, 0)


def test_words() -> None:
    assert VariableChanges(frozenset("abc"), frozenset("d")).words(40) == "3 new, 1 changed"
    assert VariableChanges().words(0) == ""


@pytest.mark.slow
async def test_runs_of_a_real_kernel_are_told_in_the_title(tmp_path: Path) -> None:
    async with session_in(tmp_path) as session:
        pane = VariablesPane(session)
        app = PaneApp(pane, session)

        def is_told(words: str) -> bool:
            told = app.heard_of(TitleNoted)
            return bool(told) and told[-1] == TitleNoted("variables", words)

        async with app.run_test(size=(60, 24)) as pilot:
            await until(pilot, lambda: app.snapshot.kernel.state == "idle")
            await run(session, "a = 1; b = 2")
            await until(pilot, lambda: is_told("2 new"))
            await run(session, "b = 3; c = 4")
            await until(pilot, lambda: is_told("1 new, 1 changed"))
            assert news(pane.rows) == ["b", "c"]
            await run(session, "del a")
            await until(pilot, lambda: is_told("1 deleted"))
            await run(session, "1 + 1")
            await until(pilot, lambda: is_told(""))
            assert news(pane.rows) == []


def news(rows: Sequence[object]) -> list[str]:
    return [row.variable.name for row in rows if isinstance(row, VariableRow) and row.is_news]
