"""Keys that arrive together: each goes to the widget that the one before has led to."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.widget import Widget
from textual.widgets import Input

from codeexec.tui.workbench import key_order
from codeexec.tui.workbench.layout import panes
from support.bench import DEADLINE, Bench, open_bench

pytestmark = pytest.mark.slow


def read(bench: Bench, *keys: str) -> None:
    """What the driver does with the keys of one read of the terminal: a text is as many keys."""
    for key in keys:
        if "+" in key or key in ("up", "escape", "enter", "f1", "f2"):
            bench.program.post_message(events.Key(key, None))
            continue
        for character in key:
            bench.program.post_message(events.Key(_character_to_key(character), character))


async def test_keys_of_one_read_follow_the_focus(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        console = bench.workbench.console_pane
        await bench.console.run("dynamic = 1; other = 2")
        await bench.is_idle(1)
        read(bench, "up", "escape")
        await bench.until(lambda: console.view.has_focus, "the cards have the keys")
        console.prompt.put("")
        read(bench, "iabc")
        await bench.until(lambda: console.prompt.text == "abc", "all of it at the prompt")
        console.view.focus()
        await bench.until(lambda: console.view.has_focus, "the cards have the keys")
        read(bench, "/one")
        await bench.sees("/ one")
        await bench.press("escape", "alt+4")
        await bench.until(lambda: bench.workbench.pane_layout.here == "variables", "the variables")
        await bench.sees("dynamic")
        read(bench, "/dynamic")
        await bench.sees_no_more("other    int")
        assert "Delete" not in bench.screen()
        read(bench, "alt+2", "hello")
        await bench.until(lambda: "hello" in console.prompt.text, "at the prompt")
        assert len(bench.snapshot.executions) == 1


async def test_typing_after_a_click_into_the_empty_console_is_for_the_prompt(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path) as bench:
        console = bench.workbench.console_pane
        await bench.console.run("1")
        await bench.is_idle(1)
        await bench.click(console.view, 5, console.view.size.height - 2)
        await bench.until(lambda: console.prompt.has_focus, "the prompt has the keys")
        read(bench, "print(1)")
        await bench.until(lambda: console.prompt.text == "print(1)", "what was typed")
        assert len(bench.snapshot.executions) == 1


async def test_text_that_is_no_command_of_a_card_is_for_the_prompt(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        console = bench.workbench.console_pane
        await bench.console.run("1")
        await bench.is_idle(1)
        await bench.click(console.view, 5, 0)
        await bench.until(lambda: console.view.has_focus, "the card has the keys")
        read(bench, "print(1)")
        await bench.until(lambda: console.prompt.text == "print(1)", "what was typed")
        assert len(bench.snapshot.executions) == 1


def click(bench: Bench, widget: Widget, x: int, y: int) -> None:
    """What the driver does with a click, which one read may hold together with keys."""
    x, y = widget.region.x + x, widget.region.y + y
    for kind in (events.MouseDown, events.MouseUp):
        bench.program.post_message(
            kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y)
        )


async def test_keys_behind_a_click_go_where_the_click_leads(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"cells.py": CELLS}) as bench:
        console = bench.workbench.console_pane
        await bench.console.run("1")
        await bench.is_idle(1)
        for _ in range(3):
            click(bench, console.view, 5, console.view.size.height - 2)
            read(bench, "print(1)")
            await bench.until(lambda: console.prompt.text == "print(1)", "all of it at the prompt")
            console.prompt.put("")
        tabs = bench.workbench.query_one("#editor-tabs")
        await bench.press("alt+2")
        click(bench, tabs, 3, 0)
        read(bench, "abc")
        await bench.until(lambda: bench.editor.text.startswith("abc# %%"), "in the editor")
        # What was typed before a click stays before it.
        read(bench, "alt+2", "4 * 5")
        click(bench, tabs, 3, 0)
        read(bench, "d")
        await bench.until(lambda: bench.editor.text.startswith("abcd# %%"), "in the editor")
        assert console.prompt.text == "4 * 5"


CELLS = "# %% load\nimport math\n# %% plot\nprint(1)\n# %%\ntotal = 3\n"


async def test_keys_behind_one_that_opens_a_dialog_go_to_the_dialog(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"cells.py": CELLS}) as bench:
        sheet = bench.workbench.documents.sheet
        assert sheet is not None
        editor = sheet.editor
        await bench.until(lambda: editor.has_focus, "the editor has the keys")
        read(bench, "alt+g", "total", "enter")
        await bench.until(lambda: editor.model.cursor.line == 4, "the cell of the total")
        read(bench, "ctrl+p", "save as", "enter", "ctrl+u", "other.py", "enter")
        await bench.until((bench.folder / "other.py").exists, "saved by one read")
        read(bench, "f1", "/quit and let")
        await bench.sees("Quit, and let the session go on")
        await bench.sees_no_more("Replace")
        read(bench, "escape", "escape", "ctrl+f", "plot", "enter", "escape")
        read(bench, "alt+g", "load", "enter")
        await bench.until(lambda: editor.model.cursor.line == 0, "the first cell")
        read(bench, "ctrl+o", "cells.py", "enter", "x")
        await bench.until(lambda: bench.editor.text.startswith("x# %% load"), "typed into the file")
        assert editor.text == CELLS


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_what_is_typed_where_nothing_is_open_begins_a_document(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with open_bench(tmp_path, size=size) as bench:
        await bench.until(lambda: bench.workbench.console_pane.prompt.has_focus, "the prompt")
        for words in ("open", "new", "quit"):
            assert words in bench.screen(), words
        await bench.press("alt+1")
        await bench.sees("Type here, Ctrl+O opens, F5 runs, Ctrl+Q leaves")
        read(bench, "x = (1", "enter", "y")
        await bench.until(lambda: bench.editor.text == "x = (1\ny)", "all of it")
        assert len(bench.workbench.documents.sheets) == 1
        bench.program.post_message(events.Paste("z"))
        await bench.until(lambda: "yz" in bench.editor.text, "the paste")


async def test_keys_wait_for_a_dialog_that_a_list_or_a_pane_opens(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        await bench.press("alt+0")
        await bench.sees("enter change")
        read(bench, "/tab size", "enter", "ctrl+u", "four", "enter")
        await bench.sees("'four' is not a whole number")
        read(bench, "escape", "escape", "escape")
        await bench.sees_no_more("enter change")
        await bench.press("alt+5")
        await bench.until(lambda: bench.workbench.pane_layout.here == "files", "the files")
        read(bench, "aof_one_read.py", "enter")
        await bench.until(lambda: (bench.folder / "of_one_read.py").exists(), "the new file")


@pytest.fixture
def building(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The panes beside the centre are built once this is set."""
    begins, load = threading.Event(), panes.load_late

    def wait_and_load() -> None:
        begins.wait(DEADLINE)
        load()

    monkeypatch.setattr(panes, "load_late", wait_and_load)
    return begins


async def test_keys_wait_for_a_pane_that_is_not_built_yet(
    tmp_path: Path, building: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than for a dialog: a loaded machine takes its time to build the panes.
    monkeypatch.setattr(key_order, "_MOST_LOOKS_OPENING", 5)
    text = "x = 1\ndef area(): ...\n"
    async with open_bench(tmp_path, {"a.py": text}, size=(120, 35)) as bench:
        layout = bench.workbench.pane_layout
        await bench.until(
            lambda: bench.workbench.pane_layout.here == "editor", "the editor has the keys"
        )
        read(bench, "alt+6", "area")
        await bench.until(lambda: layout.front == "outline", "the outline is chosen")
        keys = bench.program._key_order
        await bench.until(lambda: keys._opening_looks > 20, "looks for the pane")
        building.set()
        await bench.until(lambda: bench.workbench.query("#outline-filter"), "the outline")
        field = bench.workbench.query_one("#outline-filter", Input)
        await bench.until(lambda: field.value == "area", "all of it in the filter")
        assert bench.editor.text == text


async def test_a_pane_that_was_hidden_before_it_was_built_stays_hidden(
    tmp_path: Path, building: threading.Event
) -> None:
    async with open_bench(tmp_path, {"a.py": ""}, size=(120, 35)) as bench:
        layout = bench.workbench.pane_layout
        await bench.until(lambda: bench.workbench.state.is_set_up, "the start")
        layout.choose("outline")
        layout.toggle("outline")
        building.set()
        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        await bench.until(
            lambda: bench.workbench.pane_layout.here == "editor", "the editor has the keys"
        )
        await bench.pilot.pause()
        assert not layout.box("outline").display
        assert layout.front == "editor"
