"""The artifact pane on a real kernel: a plot appears, a frame is sorted, an update stays put."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec.client.api import SessionClient
from codeexec.tui.output.contents import PictureContent, TextContent
from codeexec.tui.panes.artifacts.pane import ArtifactPane
from codeexec.tui.panes.artifacts.preview import Preview
from codeexec.tui.session.ask import CopyRequested, SaveRequested
from codeexec.tui.widgets.table import DataTableView
from support.pane_app import PaneApp, run, session_in, until

PLOT = "%matplotlib inline\nimport matplotlib.pyplot as plt\n_ = plt.plot([3, 1, 2])\nplt.show()"
FRAME = """
import pandas as pd
df = pd.DataFrame({"city": ["Oslo", "Bonn", "Lima"], "people": [7, 3, 10]})
df"""
BIG = "big = pd.DataFrame({'n': range(1000), 'm': range(1000, 0, -1)})\nbig"
UPDATE = """
from IPython.display import Markdown, display
handle = display(Markdown("first"), display_id="d")"""


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[SessionClient]:
    async with session_in(tmp_path) as session:
        yield session


@pytest.mark.slow
async def test_what_cells_produce_appears_and_is_worked_with(session: SessionClient) -> None:
    pane = ArtifactPane(session)
    app = PaneApp(pane, session)
    async with app.run_test(size=(60, 30)) as pilot:
        assert pane.has_class("-empty")
        await run(session, PLOT)
        await until(pilot, lambda: pane.selected and "×" in pane.selected.detail)
        assert pane.selected is not None
        assert pane.selected.kind == "picture"
        preview = pane.query_one(Preview)
        await until(pilot, lambda: isinstance(preview.body.content, PictureContent))

        await run(session, FRAME)
        await until(pilot, lambda: pane.selected and pane.selected.kind == "table")
        assert (pane.selected.title, pane.selected.detail) == ("[2] df", "3×2")
        await until(pilot, lambda: isinstance(preview.body.main, DataTableView))
        table = preview.query_one(DataTableView)
        await until(pilot, lambda: table.size_of_table == (3, 2))
        table.focus()
        await pilot.press("right", "s")
        await until(pilot, lambda: "Bonn" in table.render_line(1).text)
        await pilot.press("escape", "c")
        await until(pilot, lambda: app.heard_of(CopyRequested))
        assert app.heard_of(CopyRequested)[0].text.splitlines()[1] == "0\tOslo\t7"
        await pilot.press("w")
        await until(pilot, lambda: app.heard_of(SaveRequested))
        saved = app.heard_of(SaveRequested)[0]
        assert (saved.name, saved.data.split(b"\n")[0]) == ("df-2.csv", b",city,people")

        await run(session, BIG)
        await until(pilot, lambda: pane.selected and pane.selected.name == "big")
        assert pane.selected.detail == "1000×2"
        await until(pilot, lambda: "big" in {v.name for v in app.snapshot.kernel.variables})
        await pilot.press("enter")
        await until(pilot, lambda: app.heard_of(ArtifactPane.TableRequested))
        assert app.heard_of(ArtifactPane.TableRequested)[0].name == "big"


async def test_an_update_of_a_display_stays_in_its_place(session: SessionClient) -> None:
    pane = ArtifactPane(session)
    app = PaneApp(pane, session)
    async with app.run_test(size=(60, 30)) as pilot:
        await run(session, UPDATE)
        await until(pilot, lambda: pane.selected is not None)
        preview = pane.query_one(Preview)
        await until(pilot, lambda: getattr(preview.body.content, "text", "") == "first")
        before = pane.selected
        await run(session, "handle.update(Markdown('second'))")
        await until(pilot, lambda: getattr(preview.body.content, "text", "") == "second")
        assert before is not None and pane.selected is not None
        assert pane.selected.key == before.key
        assert len(pane.artifact_index.items()) == 1
        await run(session, "from pathlib import Path\n_ = Path('note.md').write_text('# kept')")
        await until(pilot, lambda: pane.selected and pane.selected.name == "note.md")
        await until(pilot, lambda: getattr(preview.body.content, "text", "") == "# kept")
        assert not isinstance(preview.body.content, TextContent)
