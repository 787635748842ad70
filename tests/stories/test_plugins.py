"""Plugins in the workbench: those of the settings at the start, the list, load, test, unload."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.config.model import Editor, SessionSettings, Settings
from codeexec.tui.screens.plugins import PluginsScreen
from support.bench import open_bench
from support.plugins import SUMMARY, SYNTAX_ERROR

pytestmark = pytest.mark.slow


async def test_plugins_are_loaded_at_the_start_and_changed_in_their_list(tmp_path: Path) -> None:
    folder = tmp_path / "work" / "plugins"
    folder.mkdir(parents=True)
    (folder / "summary.py").write_text(SUMMARY)
    (folder / "summary.json").write_text('{"prefix": "A"}')
    (tmp_path / "work" / "broken.py").write_text(SYNTAX_ERROR)
    settings = Settings(editor=Editor(lint=False), session=SessionSettings("plugins", True))
    async with open_bench(tmp_path, settings=settings, size=(80, 24)) as bench:
        await bench.until(
            lambda: bench.snapshot.plugins and bench.snapshot.plugins["summary"].is_loaded,
            "the plugin of the settings",
        )
        await bench.console.run("line = summary('one two')")
        await bench.console.card(1).shows("'A: 2 words'")  # an assignment is shown too

        await bench.choose("plugins…")
        await bench.until(lambda: isinstance(bench.program.screen, PluginsScreen), "the list")
        await bench.sees("summary.py")
        await bench.press("t")
        await bench.sees("All 1 tests passed.")
        await bench.press("l")
        await bench.sees("Load a plugin")
        await bench.write("broken.py\n")
        await bench.until(lambda: "broken" in bench.snapshot.plugins, "the other plugin")
        await bench.until(
            lambda: bench.snapshot.plugins["broken"].state == "failed", "that it failed"
        )
        await bench.press("j")
        await bench.sees("SyntaxError")
        await bench.press("u")
        await bench.until(lambda: "broken" not in bench.snapshot.plugins, "it is unloaded")
        await bench.press("escape")
        await bench.console.run("summary('a')")
        await bench.console.card(2).shows("'A: 1 words'")
