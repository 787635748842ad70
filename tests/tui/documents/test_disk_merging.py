"""Open notebooks whose file another program writes: merged by cell, asked about, never lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from codeexec.documents.swap import SwapStore
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import Failed
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.pane_app import PaneApp, look_at_disk, until

THEME = find_theme("harbour", [built_in_folder()])


@pytest.fixture
def pane(tmp_path: Path) -> DocumentsPane:
    return DocumentsPane(THEME, SwapStore(tmp_path / "swap"))


def write(path: Path, **sources: str) -> Path:
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": name,
            "metadata": {"own": name},
            "outputs": [],
            "source": [source],
        }
        for name, source in sources.items()
    ]
    data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(data, indent=1) + "\n")
    return path


def saved(path: Path) -> dict[str, str]:
    cells: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells}


def banner(sheet: DocumentView) -> str:
    return str(sheet.query_one("Banner", Static).content) if sheet.banner.display else ""


async def opened(pane: DocumentsPane, path: Path, pilot: Pilot[None]) -> DocumentView:
    sheet = await pane.opener.open(path)
    assert sheet is not None
    sheet.editor.focus()
    await until(pilot, lambda: sheet.editor.has_focus)
    return sheet


async def test_other_cells_are_merged_and_undo_takes_it_back(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.ipynb", a="one", b="two")
    async with PaneApp(pane).run_test(size=(80, 16)) as pilot:
        sheet = await opened(pane, path, pilot)
        sheet.go_to(1)
        await pilot.press("x")
        write(path, a="one", b="changed", c="new")
        await look_at_disk(pane)
        await until(pilot, lambda: "merged" in banner(sheet))
        assert "2 cells" in banner(sheet)
        text = sheet.editor.text
        assert all(source in text for source in ("xone", "changed", "new"))
        assert sheet.is_changed
        assert pane.saver.save(sheet)
        assert saved(path) == {"a": "xone", "b": "changed", "c": "new"}
        await pilot.press("ctrl+z")
        await until(pilot, lambda: "changed" not in sheet.editor.text)
        assert "xone" in sheet.editor.text


async def test_a_clash_is_shown_and_both_versions_can_be_kept(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.ipynb", a="one", b="two")
    async with PaneApp(pane).run_test(size=(120, 16)) as pilot:
        sheet = await opened(pane, path, pilot)
        sheet.go_to(1)
        await pilot.press("x")
        write(path, a="theirs", b="two")
        await look_at_disk(pane)
        await until(pilot, lambda: "changed on disk" in banner(sheet))
        assert "“xone”" in banner(sheet)
        assert "keep both" in banner(sheet)
        assert "theirs" not in sheet.editor.text
        assert not pane.saver.save(sheet)  # asks, instead of writing over it
        assert saved(path) == {"a": "theirs", "b": "two"}
        sheet.banner.action_choose("both")
        await until(pilot, lambda: "theirs" in sheet.editor.text)
        assert pane.saver.save(sheet)
        assert list(saved(path).values()) == ["xone", "theirs", "two"]
        assert {"a", "b"} < set(saved(path))


async def test_a_program_that_rewrites_the_file_again_and_again(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.ipynb", a="one", b="0")
    async with PaneApp(pane).run_test(size=(80, 16)) as pilot:
        sheet = await opened(pane, path, pilot)
        for number in range(1, 6):
            write(path, a=saved(path)["a"], b=f"{number}" * number)
            if number % 2:
                await look_at_disk(pane)  # it is seen at once, or as the user saves
            sheet.go_to(1, 0)
            await pilot.press("x")
            await until(pilot, lambda n=number: sheet.editor.text.count("x") == n)  # type: ignore[misc]
            assert pane.saver.save(sheet), banner(sheet)
            assert saved(path) == {"a": "x" * number + "one", "b": f"{number}" * number}


@pytest.mark.parametrize("broken", ["", '{"cells": [', "[]", '{"nbformat": 9}'])
async def test_a_half_written_file_does_not_take_the_place_of_the_notebook(
    pane: DocumentsPane, tmp_path: Path, broken: str
) -> None:
    path = write(tmp_path / "a.ipynb", a="one")
    async with PaneApp(pane).run_test(size=(80, 16)) as pilot:
        sheet = await opened(pane, path, pilot)
        before = sheet.editor.text
        path.write_text(broken)
        await look_at_disk(pane)
        await until(pilot, lambda: "no notebook now" in banner(sheet))
        assert sheet.editor.text == before
        assert sheet.document.notebook is not None
        write(path, a="whole")
        await look_at_disk(pane)
        await until(pilot, lambda: "whole" in sheet.editor.text)
        assert not sheet.is_changed


async def test_a_pair_is_saved_in_step(pane: DocumentsPane, tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", a="one")
    app = PaneApp(pane)
    async with app.run_test(size=(80, 16)) as pilot:
        sheet = await opened(pane, path, pilot)
        assert pane.saver.pair(sheet) == tmp_path / "a.py"
        assert (tmp_path / "a.py").read_text().endswith('# %% own="a"\none\n')
        sheet.go_to(1)
        await pilot.press("x")
        await until(pilot, lambda: sheet.is_changed)
        assert pane.saver.save(sheet)
        assert (tmp_path / "a.py").read_text().endswith("xone\n")
        (tmp_path / "a.py").write_text("# %%\nby itself\n")
        await pilot.press("y")
        assert pane.saver.save(sheet)
        await until(pilot, lambda: app.heard_of(Failed))
        assert (tmp_path / "a.py").read_text() == "# %%\nby itself\n"
        assert saved(path) == {"a": "xyone"}


@pytest.mark.slow
async def test_a_file_that_is_rewritten_twice_before_a_save_clashes_with_nothing(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.ipynb", a="one", b="two")
    async with PaneApp(pane).run_test(size=(80, 16)) as pilot:
        sheet = await opened(pane, path, pilot)
        sheet.go_to(1)
        for number in range(3):
            await pilot.press("x")
            write(path, a="one", b=f"theirs {number}")
            await until(pilot, lambda n=number: f"theirs {n}" in sheet.editor.text)  # type: ignore[misc]
            assert "x" * (number + 1) + "one" in sheet.editor.text
        write(path, a="theirs", b="theirs")
        await until(pilot, lambda: "changed on disk" in banner(sheet))
        assert "xxxone" in sheet.editor.text
