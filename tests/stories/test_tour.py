"""The tour is a lesson: one step at a time, checked, left and taken up again."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.tui.options import OpenOptions
from codeexec.tui.tour import STEPS, Progress, lay_out
from support.bench import Bench, open_bench


def test_a_step_is_done_by_its_signs_in_their_order(tmp_path: Path) -> None:
    path = lay_out(tmp_path)
    progress = Progress(tmp_path)
    assert not progress.look({"workbench", "pane:editor"})
    for sign in ("ran:hello", "ran:progress", "ran:picture"):
        assert progress.look({sign})
    assert progress.praise == STEPS[2].praise
    assert not progress.look({"pane:console", "workbench", "screen:ViewerScreen"})
    assert not progress.look({"pane:artifacts", "workbench"})
    assert not progress.look({"screen:ViewerScreen"})
    assert progress.look({"workbench", "pane:artifacts"})
    assert Progress(tmp_path).at == 4
    assert list(path.parent.iterdir()) == [path]  # nothing but the lesson
    progress.go(100)
    assert not progress.look({"workbench"})
    assert Progress(tmp_path).at == 0  # a tour that is over begins anew


def whole(bench: Bench, words: str) -> bool:
    """Whether the words are on screen, wherever their lines are broken."""
    return words in " ".join(bench.screen().split())


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_the_tour_waits_for_the_user_and_can_be_left_and_resumed(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    state = tmp_path / "state"
    path = lay_out(state)
    options = OpenOptions(files=(str(path.parent), str(path)), new=True, demo=True)
    async with open_bench(tmp_path, options=options, state=state, size=size) as bench:
        await bench.sees(f"Step 1 of {len(STEPS)}")
        await bench.is_idle()
        assert bench.snapshot.executions == {}
        assert bench.screen().count("Step 1 of") == 1
        assert whole(bench, "Press F6: it runs the cell “hello”, where the cursor is, and goes")
        await bench.press("f6")
        await bench.sees("Step 2 of")
        await bench.press("alt+shift+e")
        await bench.sees_no_more("Step 2 of")
        await bench.press("alt+shift+e")
        await bench.sees("Step 2 of")
        await bench.press("f6")
        await bench.sees("Step 3 of")
        assert len(bench.snapshot.executions) == 2
        await bench.press("alt+shift+n")
        await bench.sees("Step 4 of")
        await bench.is_idle()
        await bench.until(lambda: bench.workbench.panes.are_complete, "all panes")
    # In a new session there is no picture to look at: that step comes first.
    async with open_bench(tmp_path, options=options, state=state, size=size) as bench:
        await bench.sees("Step 3 of")
        await bench.is_idle()
        await bench.until(lambda: bench.workbench.panes.are_complete, "all panes")
