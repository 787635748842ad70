"""The registry of panes: a pane that only a test knows is added by one folder and one line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from codeexec.tui import pane_registry
from codeexec.tui.commands.keymap import clashes, unreachable
from codeexec.tui.commands.scopes import all_places
from codeexec.tui.commands.table import BY_ID, COMMANDS, menu_of, scope_title
from codeexec.tui.layout import Layouts, PaneLayout, boxes
from codeexec.tui.pane_registry import PaneEntry, pane_names
from codeexec.tui.screens.context_menu import entries
from support.bench import Bench, open_bench

if TYPE_CHECKING:
    from support.clock_pane.pane import ClockPane  # its keys are read when it is imported: later


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> PaneEntry:
    """The line that registers the clock."""
    entry = PaneEntry("clock", "Clock", "left", "support.clock_pane")
    monkeypatch.setattr(pane_registry, "PANES", (*pane_registry.PANES, entry))
    return entry


def test_the_commands_of_a_pane_join_the_table(clock: PaneEntry) -> None:
    assert BY_ID["clock.wind"].keys == "w"
    assert len(BY_ID) == len(COMMANDS)
    assert clashes({}) == [] and unreachable({}) == []
    assert scope_title("clock") == "Clock"
    assert "clock" in all_places(["prompt"])


def test_the_commands_leave_with_the_pane() -> None:
    assert "clock.wind" not in BY_ID


@pytest.mark.parametrize("name", pane_names())
def test_every_pane_has_a_menu_for_the_right_button(name: str) -> None:
    menu = menu_of(name)
    assert menu is not None
    rows = entries(name, menu)
    assert [row.title for row in rows[:3]] == ["Cut", "Copy", "Paste"]
    assert len(rows) > 4


def test_a_pane_without_a_menu_has_the_first_of_its_commands(clock: PaneEntry) -> None:
    menu = menu_of(clock.name)
    assert menu is not None and menu.commands == ("clock.wind",)


def test_three_panes_share_a_column_and_each_can_grow(clock: PaneEntry) -> None:
    layout = PaneLayout(outline=True).showing("clock")
    assert layout.column("left") == ("files", "outline", "clock")
    heights = [boxes(layout, 160, 46)[name].height for name in layout.column("left")]
    assert heights == [14, 14, 14]
    taller = layout.resized("clock", 0, 20, 160)
    assert boxes(taller, 160, 46)["clock"].height == 18
    assert layout.showing("clock", False) == PaneLayout(outline=True)


def test_a_stored_layout_of_a_pane_that_is_gone_is_read(
    clock: PaneEntry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    layouts = Layouts(tmp_path / "layouts")
    layout = PaneLayout().showing("clock").with_share("clock", 30)
    layouts.save(tmp_path, layout, (), {"clock": {"wound": 2}})
    assert layouts.load(tmp_path) == (layout, ())
    assert layouts.load_panes(tmp_path) == {"clock": {"wound": 2}}
    monkeypatch.undo()
    assert layouts.load(tmp_path)[0].column("left") == ("files",)


def _clock(bench: Bench) -> ClockPane:
    return cast("ClockPane", bench.workbench.panes.find("clock"))


async def _wind(bench: Bench) -> ClockPane:
    """Go to the clock by its key, and wind it by its own."""
    await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
    assert not bench.workbench.pane_layout.box("clock").display
    await bench.press("alt+f12")
    pane = _clock(bench)
    await bench.until(lambda: pane.has_focus, "the clock has the keys")
    await bench.sees("Clock")
    await bench.sees("tester in work")
    await bench.press("w")
    return pane


@pytest.mark.slow
@pytest.mark.usefixtures("clock")
async def test_a_new_pane_is_shown_has_keys_and_frames_and_keeps_its_state(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, {"a.py": "x = 1\n"}) as bench:
        pane = await _wind(bench)
        await bench.until(lambda: pane.wound == 2, "wound by its key")
        await bench.until(lambda: pane.seq == bench.snapshot.seq > 0, "the newest frame")
        await bench.choose("hide the cl")
        await bench.until(lambda: not bench.workbench.pane_layout.box("clock").display, "hidden")
        await bench.choose("wind")
        await bench.until(lambda: pane.wound == 4, "shown again, and wound by the palette")
        bench.workbench.layout_store.save()
    async with open_bench(tmp_path) as bench:
        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        assert bench.workbench.pane_layout.box("clock").display
        assert _clock(bench).wound == 4


@pytest.mark.slow
@pytest.mark.usefixtures("clock")
async def test_a_new_pane_is_a_tab_of_a_small_terminal(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.py": "x = 1\n"}, size=(80, 24)) as bench:
        await _wind(bench)
        assert bench.workbench.pane_layout.here == "clock"
        assert not bench.workbench.pane_layout.box("editor").display
