"""The tour is a shipped lesson: one step at a time, checked, left and taken up again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codeexec.cli.lessons.opening import read_for_command, tour_options
from codeexec.config.paths import built_in_lessons
from codeexec.documents.lessons.model import Lesson
from codeexec.documents.lessons.tasks import keys_in
from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.options import OpenOptions
from codeexec.tui.session.lessons.progress import LessonProgress
from codeexec.tui.session.lessons.tour_steps import Sign, TourSteps
from codeexec.tui.session.views import LessonView
from support.bench import Bench, engine_in, open_bench

TOUR = built_in_lessons() / "tour.md"


def lesson() -> Lesson:
    return read_for_command(TOUR)[1]


def begun(state: Path) -> tuple[TourSteps, LessonProgress]:
    progress = LessonProgress(lesson(), LessonView(str(TOUR)))
    steps = TourSteps(progress, state)
    steps.begin(is_new_session=True)
    return steps, progress


def test_a_step_is_done_by_its_signs_in_their_order(tmp_path: Path) -> None:
    steps, progress = begun(tmp_path)
    titles = [step.label for step in progress.lesson.steps]
    back: Sign = ("return", "")
    assert not steps.look({back, ("go", "editor")})
    for title in titles[:3]:
        assert steps.cell == title
        assert steps.look({("run", title)})
    assert steps.praise == "Pictures and tables are kept as artifacts."
    assert steps.cell == "Answer a question"
    assert not steps.look({("go", "console"), back, ("open", "picture")})
    assert not steps.look({("go", "artifacts"), back})
    assert not steps.look({("open", "picture")})
    assert steps.look({back, ("go", "artifacts")})
    again, progress = begun(tmp_path)
    assert progress.view.step == 4
    again.go(-1)
    _, progress = begun(tmp_path)
    assert progress.view.step == 2  # a new session has no picture to look at
    again.go(100)
    assert not again.look({back})
    _, progress = begun(tmp_path)
    assert progress.view.step == 0  # a tour that is over begins anew


def test_the_tour_names_the_keys_that_its_commands_have() -> None:
    tasks = [step.task for step in lesson().steps if step.task is not None]
    named = [key for task in tasks for key in keys_in(f"{task.text}\n{task.praise}")]
    assert len(named) > 10
    assert [key for key, command in named if named_keys(f"{{{command}}}", {}) != key] == []


def whole(bench: Bench, words: str) -> bool:
    """Whether the words are on screen, wherever their lines are broken."""
    return words in " ".join(bench.screen().split())


def options(state: Path, monkeypatch: pytest.MonkeyPatch) -> OpenOptions:
    monkeypatch.setenv("XDG_STATE_HOME", str(state.parent))
    return tour_options(lesson(), TOUR, sys.executable, state / "tour")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_the_tour_waits_for_the_user_and_can_be_left_and_resumed(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    state, count = tmp_path / "codeexec-tui", len(lesson().steps)
    opened = options(state, monkeypatch)
    assert [path.name for path in (state / "tour").iterdir()] == ["tour.py"]
    opened = opened._replace(kernel="")
    async with open_bench(tmp_path, options=opened, state=state, size=size) as bench:
        await bench.sees(f"Step 1 of {count}")
        await bench.is_idle()
        assert bench.snapshot.executions == {}
        assert bench.screen().count("Step 1 of") == 1
        assert whole(bench, "Press F6: it runs the cell “Run a cell”, where the cursor is, and")
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
    fresh = opened._replace(new=True)
    async with open_bench(tmp_path, options=fresh, state=state, size=size) as bench:
        await bench.sees("Step 3 of")
        await bench.is_idle()
        await bench.until(lambda: bench.workbench.panes.are_complete, "all panes")


@pytest.mark.slow
async def test_attach_comes_back_to_the_step_of_the_tour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "codeexec-tui"
    opened = options(state, monkeypatch)._replace(kernel="")
    async with engine_in(state) as host:
        async with open_bench(tmp_path, options=opened, state=state, host=host) as bench:
            await bench.sees("Step 1 of")
            await bench.is_idle()
            await bench.press("f6")
            await bench.sees("✓ It ran; its output is in the console. F5 runs a cell")
            await bench.sees("Step 2 of")
            await bench.until(lambda: bench.workbench.sharing.last is not None, "the view")
            name = bench.snapshot.name
        assert name == "lesson-tour"
        attached = OpenOptions(attach=True, session=name)
        async with open_bench(tmp_path, options=attached, state=state, host=host) as bench:
            await bench.sees("Step 2 of")
            await bench.press("alt+shift+e")
            await bench.sees_no_more("Step 2 of")
        watching = attached._replace(watch=True)
        async with open_bench(tmp_path, options=watching, state=state, host=host) as bench:
            await bench.sees("watching only")
            await bench.sees("Output appears as it comes")
            assert "Step 2 of" not in bench.screen()
