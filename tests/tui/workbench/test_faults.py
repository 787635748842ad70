"""A fault of the workbench itself: nothing is lost, and one sentence says how to come back."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from pathlib import Path

import pytest
from textual.css.query import NoMatches
from textual.widget import MountError, Widget

from codeexec.documents.swap import SwapStore
from codeexec.tui.app import WorkbenchApp
from codeexec.tui.layout import PaneLayout
from codeexec.tui.messages import Attach
from codeexec.tui.options import OpenOptions
from codeexec.tui.pane_registry import PaneEntry
from codeexec.tui.panes.documents.split.stage import Stage
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.textual_ext.workers import is_of_taking_down
from codeexec.tui.workbench.layout import panes as panes_module
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from support.bench import DEADLINE, open_bench

pytestmark = pytest.mark.slow


async def test_a_fault_keeps_what_is_unsaved_and_says_how_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: LayoutController, layout: PaneLayout) -> None:
        raise ValueError("a fault of ours")

    program: WorkbenchApp | None = None
    with pytest.raises(ValueError, match="a fault of ours"):
        async with open_bench(tmp_path, {"day.py": "x = 1\n"}) as bench:
            program = bench.program
            await bench.is_idle()
            bench.editor.at("x = 1")
            await bench.write("kept ")
            monkeypatch.setattr(LayoutController, "rearranged", fail)
            await bench.press("alt+t")
            await bench.until(lambda: program is not None and program.fault, "the fault")
    assert program is not None
    assert program.fault is not None
    assert program.fault.message == "The workbench has failed: ValueError: a fault of ours"
    assert "codeexec-tui attach work" in program.fault.next_step
    assert "in fail" in (tmp_path / "state" / "fault.txt").read_text()
    [swap] = SwapStore(tmp_path / "state" / "swap").all()
    assert swap.text.startswith("kept ")


async def test_a_worker_that_finds_its_widgets_gone_as_the_workbench_ends_is_no_fault(
    tmp_path: Path,
) -> None:
    was_reached = False
    async with open_bench(tmp_path) as bench:
        program = bench.program

        async def read_late() -> None:
            nonlocal was_reached
            while program.is_running:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
            was_reached = True
            program.workbench.query_one("#gone")

        program.workbench.run_worker(read_late())
    assert was_reached
    assert program.fault is None


async def test_a_timer_that_finds_no_screen_as_the_workbench_ends_is_no_fault(
    tmp_path: Path,
) -> None:
    was_reached = False
    async with open_bench(tmp_path) as bench:
        program = bench.program

        async def read_late() -> None:
            nonlocal was_reached
            while program.screen_stack:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
            was_reached = True
            assert program.workbench

        program.run_worker(read_late())
    assert was_reached
    assert program.fault is None


async def test_a_worker_that_is_ended_before_it_begins_leaves_no_coroutine_behind(
    tmp_path: Path,
) -> None:
    begun: list[str] = []

    async def note(name: str) -> None:
        begun.append(name)

    async with open_bench(tmp_path) as bench:
        works = [note("first"), note("second")]
        for work in works:
            bench.workbench.run_worker(work, group="look", exclusive=True)
        await bench.until(
            lambda: all(inspect.getcoroutinestate(work) == "CORO_CLOSED" for work in works),
            "both coroutines closed",
        )
    assert begun == ["second"]


async def test_a_pane_that_is_chosen_while_it_is_mounted_has_the_keys_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[str] = []
    begins, load = threading.Event(), panes_module.load_late

    def wait_and_load() -> None:
        begins.wait(DEADLINE)
        load()

    monkeypatch.setattr(panes_module, "load_late", wait_and_load)
    async with open_bench(tmp_path) as bench:
        panes, layout = bench.workbench.panes, bench.workbench.pane_layout
        build = panes.build

        def build_and_choose(entry: PaneEntry, context: BuildContext) -> Widget:
            pane = build(entry, context)
            if entry.name == "files":
                layout.choose("files")
                chosen.append("files")
            return pane

        monkeypatch.setattr(panes, "build", build_and_choose)
        begins.set()
        await bench.until(lambda: panes.are_complete, "the panes")
        assert chosen == ["files"]
        await bench.until(lambda: layout.here == "files", "the files have the keys")
    assert bench.program.fault is None


async def test_an_error_of_a_workbench_that_was_left_is_no_fault(tmp_path: Path) -> None:
    async def look() -> None:
        stage.query_one("#nothing")

    async with open_bench(tmp_path, {"a.py": "x = 1\n"}) as bench:
        program, first = bench.program, bench.workbench
        await bench.until(lambda: first.state.is_set_up, "the start")
        stage = first.query_one(Stage)
        with stage._context():
            assert not is_of_taking_down(MountError(), program)
        program.post_message(Attach(OpenOptions(new=True)))
        await bench.until(lambda: first not in program.screen_stack, "another workbench")
        await bench.until(lambda: bench.workbench.state.is_set_up, "the start of that")
        with stage._context():
            assert is_of_taking_down(MountError(), program)
            assert not is_of_taking_down(ValueError(), program)
        worker = stage.run_worker(look())
        await bench.until(lambda: worker.is_finished, "the end of the worker")
        assert isinstance(worker.error, NoMatches)
        assert program.is_running
    assert program.fault is None
