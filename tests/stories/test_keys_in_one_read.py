"""Keys that arrive together: each goes to the widget that the one before has led to."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.keys import _character_to_key

from support.bench import Bench, open_bench

pytestmark = pytest.mark.slow


def read(bench: Bench, *keys: str) -> None:
    """What the driver does with the keys of one read of the terminal: a text is as many keys."""
    for key in keys:
        if "+" in key or key in ("up", "escape", "enter"):
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
        await bench.until(lambda: bench.workbench.here == "variables", "the variables")
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
