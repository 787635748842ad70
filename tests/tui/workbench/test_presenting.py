"""Presentation mode: no empty panes, output as large as code, code once, keys shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from codeexec.config.model import Settings
from codeexec.tui.widgets import keys_shown
from codeexec.tui.widgets.keys_shown import KeysShown
from codeexec.tui.widgets.status import StatusLine
from support.bench import Bench, open_bench

pytestmark = pytest.mark.slow

SCRIPT = """\
# %% sums
total = 1 + 2
total
# %%
from IPython.display import SVG
SVG('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="10"><rect width="9"/></svg>')
"""


def keys(bench: Bench) -> str:
    return bench.workbench.query_one(KeysShown).render_line(0).text.strip()


def status(bench: Bench) -> str:
    return bench.workbench.query_one(StatusLine).render_line(0).text


def shown(bench: Bench) -> set[str]:
    panes = ("files", "outline", "editor", "console", "artifacts", "variables")
    return {pane for pane in panes if bench.workbench.pane_layout.box(pane).is_on_screen}


async def test_an_audience_sees_code_once_no_empty_pane_and_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_shown, "_SECONDS", 600.0)
    async with open_bench(tmp_path, {"a.py": SCRIPT}, size=(120, 35)) as bench:
        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        everyday = bench.workbench.pane_layout.arrangement
        height = bench.workbench.pane_layout.box("console").region.height
        await bench.press("alt+1", "f5")
        await bench.console.card(1).shows("total = 1 + 2")
        await bench.is_idle(1)
        await bench.press("alt+p")
        await bench.until(lambda: shown(bench) == {"editor", "console"}, "two panes")
        console = bench.workbench.pane_layout.box("console")
        await bench.until(lambda: console.region.height > height, "a higher console")
        await bench.console.card(1).shows("[1] sums")
        await bench.console.card(1).shows("→ 3")
        assert "total = 1 + 2" not in bench.console.card(1).text()
        await bench.sees("Alt+P ends presenting")
        assert "pid" not in status(bench)
        assert " MB" not in status(bench)

        bench.editor.at("# %%")
        await bench.press("f5")
        await bench.until(lambda: "F5  Run cell" in keys(bench), "the key and what it does")
        await bench.until(lambda: shown(bench) == {"editor", "console", "artifacts"}, "a picture")
        artifacts = bench.workbench.pane_layout.box("artifacts")
        await bench.until(lambda: artifacts.region.width > 120 * 35 // 100, "room for it")
        output = bench.workbench.console_pane.view.output
        await bench.until(lambda: output.picture_beside, "the picture is left to Artifacts")
        await bench.sees("▣ svg image")
        await bench.write("secret")
        await bench.press("ctrl+z")
        await bench.until(lambda: "Ctrl+Z  Undo" in keys(bench), "another key")
        assert "s" not in keys(bench).split()
        await bench.press("alt+5")
        await bench.until(lambda: "files" in shown(bench), "a pane that was gone to")
        await bench.press("alt+1")
        await bench.until(lambda: "files" not in shown(bench), "it is spared again")
        bench.workbench.layout_store.save()
        assert bench.workbench.layout_store._layouts.load(bench.folder)[0] == everyday

        await bench.press("alt+p")
        await bench.until(lambda: "variables" in shown(bench), "all panes again")
        assert bench.workbench.pane_layout.arrangement == everyday
        assert not bench.workbench.query_one(KeysShown).is_on
        await bench.sees_no_more("▣ svg image")
        await bench.press("alt+2", "escape", "home")
        await bench.console.card(1).shows("total = 1 + 2")


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_presenting_begins_by_a_setting_at_every_size(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    look = replace(Settings().appearance, presentation=True, show_keys=False, theme="beacon")
    settings = replace(Settings(), appearance=look)
    async with open_bench(tmp_path, {"a.py": SCRIPT}, size=size, settings=settings) as bench:
        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        await bench.press("alt+1")
        wide = {"editor", "console"} if size[0] == 200 else {"editor"}
        await bench.until(lambda: shown(bench) == wide, "what there is room for")
        editor, console = (
            bench.workbench.pane_layout.box(pane).region for pane in ("editor", "console")
        )
        if size[0] == 200:  # side by side
            assert editor.y == console.y
            assert editor.right < console.x
        await bench.press("ctrl+s")
        assert keys(bench) == ""
        await bench.press("alt+p")
        await bench.until(lambda: not bench.workbench.pane_layout.is_presenting, "the mode is over")
