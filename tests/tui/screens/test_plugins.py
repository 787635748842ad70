"""The list of plugins: rows, what fails, keys, and the empty state."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from codeexec.domain.plugins import PluginView
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.screens.plugins import PluginRow, PluginsScreen
from support.pane_app import PaneApp, until

SUMMARY = PluginView(
    "summary",
    "loaded",
    source="/w/plugins/summary.py",
    config=("prefix",),
    tests=("counting",),
    message="Plugin summary loaded.",
    is_loaded=True,
)
BROKEN = PluginView(
    "broken",
    "failed",
    source="typed in the console",
    message="  File \"<plugin broken>\", line 3\nSyntaxError: expected ':'",
    succeeded=False,
)
SNAPSHOT = Snapshot(plugins={"summary": SUMMARY, "broken": BROKEN})


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_plugins_are_listed_and_acted_on(size: tuple[int, int]) -> None:
    app = PaneApp(Static(""))
    acts: list[tuple[str, str]] = []
    async with app.run_test(size=size) as pilot:
        screen = PluginsScreen(SNAPSHOT, lambda action, name: acts.append((action, name)))
        await app.push_screen(screen)
        await until(pilot, lambda: len(screen.list.rows) == 2)
        text = "".join(piece for piece, _ in screen.list.rows[0].pieces(70))
        assert text.split() == ["summary", "loaded", "summary.py", "/w/plugins"]
        word = screen.query_one("#word", Static)
        assert "Tests: counting" in str(word.render())
        assert "Settings: prefix" in str(word.render())
        await pilot.press("t", "l", "j")
        await until(pilot, lambda: "SyntaxError" in str(word.render()))
        await pilot.press("u")
        await until(pilot, lambda: len(acts) == 3)
        assert acts == [("test", "summary"), ("load", ""), ("unload", "broken")]
        # It was unloaded: the list follows.
        app.show(Snapshot(plugins={"summary": SUMMARY}))
        await until(pilot, lambda: len(screen.list.rows) == 1)


async def test_a_click_tests_and_escape_closes() -> None:
    app = PaneApp(Static(""))
    acts: list[tuple[str, str]] = []
    closed: list[object] = []
    async with app.run_test(size=(80, 24)) as pilot:
        screen = PluginsScreen(SNAPSHOT, lambda action, name: acts.append((action, name)))
        await app.push_screen(screen, closed.append)
        await until(pilot, lambda: len(screen.list.rows) == 2)
        await pilot.click(screen.list, offset=(3, 1))
        await until(pilot, lambda: acts == [("test", "broken")])
        await pilot.press("escape")
        await until(pilot, lambda: closed)


async def test_where_there_are_none_it_says_how_to_load_one() -> None:
    app = PaneApp(Static(""))
    acts: list[tuple[str, str]] = []
    async with app.run_test(size=(80, 24)) as pilot:
        screen = PluginsScreen(Snapshot(), lambda action, name: acts.append((action, name)))
        await app.push_screen(screen)
        word = screen.query_one("#word", Static)
        await until(pilot, lambda: "No plugins." in str(word.render()))
        await pilot.press("t", "u", "l")
        await until(pilot, lambda: acts == [("load", "")])


def test_a_reload_that_failed_is_told_beside_the_one_that_is_loaded() -> None:
    failed = PluginView("f", "loaded", is_loaded=True, succeeded=False, message="ValueError")
    ((head, ink), _) = PluginRow(failed).pieces(70)
    assert "loaded, failed" in head
    assert ink == "error"
