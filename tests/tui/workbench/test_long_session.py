"""The workbench on a session whose executions are more than a snapshot holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from codeexec.client.embedded import EmbeddedHost
from codeexec.domain.clock import SystemClock
from codeexec.domain.events import (
    AnyEvent,
    CellRef,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    InputCounted,
    OutputChanged,
    SessionOpened,
)
from codeexec.domain.outputs import Display, MimePart, Run
from codeexec.domain.requests import ReadRows, SearchRows
from codeexec.domain.snapshot import KEPT_EXECUTIONS
from codeexec.session.storage.event_log import EventLog
from codeexec.session.storage.journal import Journal
from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.console.cards.card import Card
from codeexec.tui.panes.editor.marks import CellState
from codeexec.tui.session.ask import SaveRequested
from support.bench import Bench, open_bench
from support.containers import container_kernels

RUNS = 450
SCRIPT = "# %% one\nx = 1\n# %% two\nx = 2\n"


def written(work: Path) -> Iterator[AnyEvent]:
    """Executions of two cells of a script, then many others; every tenth shows a page."""
    yield SessionOpened("long", "long", str(work), 1)
    for number in range(1, RUNS + 1):
        name = f"e{number}"
        cell = None
        if number <= 2:
            key = f"cell-{number}@other"
            title = ("one", "two")[number - 1]
            cell = CellRef(str(work / "a.py"), key, 2 * number - 1, title)
        code = f"x = {number}"
        yield ExecutionQueued(name, code, cell=cell)
        yield ExecutionStarted(name)
        yield InputCounted(name, number)
        if number % 10 == 0:
            part = MimePart("text/html", 20, f"<p>page {number}</p>")
            shown = Run("display", display=Display(f"k{number}", (part,)))
            yield OutputChanged(name, 0, 1, (shown,))
        else:
            yield OutputChanged(name, 0, 1, (Run("stdout", f"value {number}."),))
        yield ExecutionFinished(name, "error" if number == 2 else "ok")


@asynccontextmanager
async def long_bench(folder: Path) -> AsyncIterator[Bench]:
    sessions = folder / "state" / "sessions"
    home = sessions / "sessions" / "long"
    home.mkdir(parents=True, mode=0o700)
    (home / "open").touch()
    recorder = EventLog(Journal.create(home / "journal.db"), SystemClock(), lambda records: None)
    recorder.record(*written(folder / "work"))
    recorder.close()
    async with EmbeddedHost(sessions, container_kernels(), adopts=True) as host:
        options = OpenOptions(files=("a.py",), session="long", attach=True)
        async with open_bench(folder, {"a.py": SCRIPT}, options=options, host=host) as bench:
            await bench.until(lambda: bench.snapshot.executions_total == RUNS, "all are counted")
            yield bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with long_bench(tmp_path) as bench:
        yield bench


def numbers(bench: Bench) -> list[int]:
    return [card.view.number for card in bench.workbench.console_pane.view.card_list]


async def older_than(bench: Bench, number: int) -> None:
    await bench.until(lambda: numbers(bench)[0] < number, "older cards")


def is_on_top(bench: Bench, card: Card) -> bool:
    view = bench.workbench.console_pane.view
    return view.card_list.top(card) == view.scroll_offset.y


async def filled(bench: Bench, card: Card) -> None:
    await bench.until(lambda: not card.gap, "the gap is read")


async def test_the_last_executions_are_shown_and_older_ones_come_by_scrolling(
    bench: Bench,
) -> None:
    view = bench.workbench.console_pane.view
    await bench.until(lambda: numbers(bench)[-1:] == [RUNS], "the last card")
    assert len(view.card_list.cards) == KEPT_EXECUTIONS + 1
    await bench.sees(f"x = {RUNS}")
    while numbers(bench)[0] > 1:
        first = numbers(bench)[0]
        at = view.card_list.cards[0].key
        view.scroll_to(y=0, animate=False, force=True)
        await older_than(bench, first)
        card = view.card_list.get(at)
        assert card is not None
        await bench.until(partial(is_on_top, bench, card), "what was read stays where it was")
    assert numbers(bench) == list(range(1, RUNS + 1))
    assert not any(card.gap for card in view.card_list)
    view.scroll_to(y=0, animate=False, force=True)
    await bench.sees("value 1.")


@pytest.mark.slow
async def test_the_first_execution_is_one_key_away_and_the_gap_fills(bench: Bench) -> None:
    pane = bench.workbench.console_pane
    await bench.until(lambda: numbers(bench)[-1:] == [RUNS], "the last card")
    pane.cards.top()
    await bench.sees("value 1.")
    assert len(numbers(bench)) < RUNS
    for _ in range(40):
        gaps = [card for card in pane.view.card_list if card.gap]
        if not gaps:
            break
        pane.view.scroll_to(y=pane.view.card_list.top(gaps[-1]), animate=False, force=True)
        await filled(bench, gaps[-1])
    assert numbers(bench) == list(range(1, RUNS + 1))


async def test_a_match_in_an_old_execution_is_shown(bench: Bench) -> None:
    pane = bench.workbench.console_pane
    await bench.until(lambda: numbers(bench)[-1:] == [RUNS], "the last card")
    await pane.search.search("value 7.")
    await bench.sees("value 7.")
    assert pane.view.cursor.marked_row == ("e7", 0)


async def test_all_executions_are_exported(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    pane = bench.workbench.console_pane
    await bench.until(lambda: numbers(bench)[-1:] == [RUNS], "the last card")
    posted: list[object] = []
    monkeypatch.setattr(pane, "post_message", posted.append)
    await pane.cards.text.save_all()
    (saved,) = [message for message in posted if isinstance(message, SaveRequested)]
    text = saved.data.decode()
    assert [n for n in range(1, RUNS + 1) if f"\nx = {n}\n" in text] == list(range(1, RUNS + 1))
    assert "value 1." in text


async def test_older_pages_are_in_the_gallery(bench: Bench) -> None:
    await bench.until(lambda: bench.workbench.panes.are_complete, "the panes at the side")
    pane = bench.workbench.panes.artifacts
    assert pane is not None
    await bench.until(lambda: len(pane.artifact_index.items()) >= 20, "the newest")
    assert pane.artifact_index.items()[0].execution_id == "e450"

    def are_all_there() -> bool:
        """Ask for older ones until there are none."""
        if len(pane.artifact_index.items()) < RUNS // 10:
            pane.action_oldest()
        return len(pane.artifact_index.items()) == RUNS // 10

    await bench.until(are_all_there, "all of them")
    keys = [item.key for item in pane.artifact_index.items()]
    assert keys == [f"k{n}" for n in range(RUNS, 0, -10)]


async def test_cells_have_the_marks_of_old_executions(bench: Bench) -> None:
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    await bench.until(lambda: len(sheet.editor.painter.marks) == 2, "both cells are marked")
    states = [mark.state for mark in sheet.editor.painter.marks.values()]
    assert states == [CellState.OK, CellState.FAILED]


async def test_rows_and_search_of_old_executions_are_answered(bench: Bench) -> None:
    session = bench.workbench.state.session
    page = await session.call(ReadRows("e3"))
    assert page.runs == (Run("stdout", "value 3."),)
    found = await session.call(SearchRows("value 3."))
    assert found.matches[0].execution_id == "e3"
