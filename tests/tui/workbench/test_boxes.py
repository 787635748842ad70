"""The first frame goes by where panes will be: that is where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.tui.layout import PaneLayout, boxes
from codeexec.tui.pane_registry import tab_titles
from codeexec.tui.widgets.chrome import TabStrip
from support.bench import open_bench

LAYOUTS = [
    PaneLayout(),
    PaneLayout(files=False, editor_share=33),
    PaneLayout(side=False, swapped=True, editor_share=41),
    PaneLayout(outline=True, files_share=40),
    PaneLayout(files=False, outline=True, beside=True, editor_share=60),
    PaneLayout(beside=True, swapped=True, side=False),
    PaneLayout(files_width=40, side_width=60, artifacts_share=27),
]
SIZES = [(140, 42), (200, 51), (101, 23), (99, 30), (80, 24), (120, 21)]


@pytest.mark.slow
async def test_panes_are_where_the_first_frame_says(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.py": "x = 1\n"}) as bench:
        workbench = bench.workbench
        for layout in LAYOUTS:
            for columns, lines in SIZES:
                await bench.pilot.resize_terminal(columns, lines)
                workbench.pane_layout.rearranged(layout._replace())
                await bench.pilot.pause()
                expected = boxes(layout, columns, lines)
                for pane, box in expected.items():
                    if not workbench.pane_layout.box(pane).display:
                        continue  # tabs show one at a time
                    region = workbench.pane_layout.box(pane).region
                    bottom = box.top + box.height
                    assert (region.x, region.right, region.bottom) == (
                        box.left,
                        box.left + box.width,
                        bottom,
                    ), (pane, layout, columns, lines)
                    title = workbench.query_one(
                        "#editor-tabs" if pane == "editor" else f"#{pane}-title"
                    )
                    if title.display and title.region.height:
                        assert title.region.y == box.top - 1, (pane, layout, columns, lines)


async def test_tabs_of_a_small_terminal_are_those_that_the_first_frame_says(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {}, size=(80, 24)) as bench:
        bar = bench.workbench.query_one("#panes-bar", TabStrip)
        assert bar.render_line(0).text.split() == [*tab_titles()]
        assert "Terminal" not in tab_titles()
