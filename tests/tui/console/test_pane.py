"""The console as a whole, without a session."""

from __future__ import annotations

import pytest

from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.panes.console.pane import ConsolePane
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.pane_app import PaneApp, until

HARBOUR = find_theme("harbour", [built_in_folder()])


@pytest.mark.parametrize("way", ["typed", "run", "stored"])
async def test_lexers_come_with_the_first_code(way: str) -> None:
    pane = ConsolePane(HARBOUR, "me")
    app = PaneApp(pane)
    async with app.run_test(size=(60, 20)) as pilot:
        app.show(Snapshot())
        await pilot.pause()
        assert not pane.prompt.in_color
        if way == "typed":
            pane.prompt.put("x")
        elif way == "run":
            app.show(Snapshot(executions={"e": ExecutionView("e", "1 + 1")}))
        else:
            pane.show_stored([ExecutionView("stored:1", "1 + 1")])
        await until(pilot, lambda: pane.prompt.in_color and pane.view.painter.colors)
