"""A fault of the workbench itself: nothing is lost, and one sentence says how to come back."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from codeexec.documents.swap import SwapStore
from codeexec.tui.app import WorkbenchApp
from codeexec.tui.layout import PaneLayout
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from support.bench import open_bench

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
