"""The comparison of a text with its file."""

from __future__ import annotations

import difflib

from codeexec.tui.screens.compare import ComparingScreen
from support.pane_app import until
from support.screen_app import ScreenApp, shown


async def test_both_sides_are_shown_and_one_is_taken() -> None:
    rows = list(difflib.unified_diff(["a", "b"], ["a", "c"], lineterm=""))
    for press, answer in (("r", "reload"), ("o", "overwrite"), ("escape", None)):
        app = ScreenApp(ComparingScreen("x.py", rows))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda app=app: len(shown(app)) == 4)  # type: ignore[misc]
            assert [row.strip(" ▌") for row in shown(app)[1:]] == ["a", "-b", "+c"]
            await pilot.press(press)
            await until(pilot, lambda app=app: app.answers)  # type: ignore[misc]
        assert app.answers == [answer]
