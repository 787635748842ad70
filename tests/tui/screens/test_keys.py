"""The page of keys: what it begins with, what a search finds, and what Enter does."""

from __future__ import annotations

import pytest

from codeexec.tui.commands.scopes import all_places
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.screens.keys import KeysScreen
from support.pane_app import until
from support.screen_app import ScreenApp, shown


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_the_first_page_has_what_a_newcomer_needs(size: tuple[int, int]) -> None:
    app = ScreenApp(KeysScreen({"file.save": "f63"}, all_places(("prompt", "anywhere"))))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: shown(app))
        first = shown(app)
        for command in ("file.open", "file.new", "app.quit"):
            title, keys = BY_ID[command].title, BY_ID[command].keys.replace("ctrl+", "Ctrl+")
            assert any(row.strip(" ▌").startswith(keys[:5]) and title in row for row in first)
        assert any("F63" in row and "Save" in row for row in first)
        assert max(row.index("Open a file") for row in first if "Open a file" in row) < 28


@pytest.mark.slow
async def test_a_search_finds_by_words_and_by_keys_and_enter_answers() -> None:
    app = ScreenApp(KeysScreen({}, all_places(("editor", "anywhere"))))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("slash", *"alt+shift+s")
        await until(pilot, lambda: len(shown(app)) == 2)
        assert "Save as…" in shown(app)[1]
        await pilot.press("ctrl+u", *"zzz")
        await until(pilot, lambda: not shown(app))
        await pilot.press("ctrl+u", *"all cells", "enter")
        await until(pilot, lambda: app.answers)
    assert app.answers == ["run.all"]
