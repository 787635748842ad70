"""What of a page is stored with the view of a session, and found again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from codeexec.config.model import Editor as Habits
from codeexec.documents.model import Cell, CellKind
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.panes.documents.page.cell_source import CellSource
from codeexec.tui.panes.documents.page.kept_folds import OutputFold, found_folds, stored_folds
from support.notebooks import code, markdown, stream
from support.page_pane import make, opened, write_notebook
from support.pane_app import PaneApp, until

ROWS = "".join(f"row {number}\n" for number in range(40))


def cells(*sources: str) -> list[Cell]:
    return [
        Cell(index, CellKind.CODE, "", index, index, index + 1, source, f"key of {source}{index}")
        for index, source in enumerate(sources)
    ]


def test_folds_are_found_at_cells_that_moved_or_were_edited() -> None:
    whole, collapsed = OutputFold.WHOLE, OutputFold.COLLAPSED
    before = cells("a", "b", "b", "c")
    stored = stored_folds(
        before, {"key of a0": whole, "key of b2": collapsed, "key of c3": OutputFold.BOUNDED}, ()
    )
    assert [(fold.number, fold.fold) for fold in stored] == [(0, "whole"), (2, "collapsed")]
    assert found_folds(before, stored) == ({"key of a0": whole, "key of b2": collapsed}, set(), {})
    # `a` has moved, and one of two equal cells was edited: the other is the only one with its code.
    moved = found_folds(cells("new", "a", "b", "edited"), stored)
    assert moved == ({"key of a1": whole, "key of b2": collapsed}, set(), {})
    assert found_folds(cells("edited"), stored) == ({"key of edited0": whole}, set(), {})
    assert found_folds((), stored) == ({}, set(), {})
    stored = stored_folds(before, {}, (), {"key of a0": 7})
    assert found_folds(cells("new", "a"), stored).cleared == {"key of a1": 7}


async def test_saved_outputs_sections_and_scroll_are_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read, whole_view = asyncio.Event(), CellSource.whole_view

    async def read_late(source: CellSource, cell_key: str) -> ExecutionView | None:
        await may_read.wait()
        return await whole_view(source, cell_key)

    path = tmp_path / "a.ipynb"
    hidden = code("1", stream("hidden\n"))
    second = code("2", stream(ROWS))
    write_notebook(path, markdown("# First"), hidden, markdown("# Second"), second)
    pane = make()
    async with PaneApp(pane).run_test(size=(60, 20)) as pilot:
        sheet = await opened(pane, path)
        editor = sheet.editor
        page = pane.pages.page_of(editor)
        assert page is not None
        first, _, _, last = editor.model.cells.keys
        await until(pilot, lambda: page.outputs.get(last))
        page.sections.toggle(first)
        sheet.go_to(len(editor.model.lines) - 1)
        pane.pages.command(sheet, editor, "whole")
        await until(pilot, lambda: editor.model.rows.total > 40)
        editor.viewport.scroll_rows(15)
        await until(pilot, lambda: editor.scroll_offset.y > 10)
        view = pane.shared_view.current()
        rows = [editor.render_line(y).text for y in range(20)]
    assert [(fold.number, fold.fold) for fold in view.files[0].folds] == [
        (0, "section"),
        (3, "whole"),
    ]

    monkeypatch.setattr(CellSource, "whole_view", read_late)
    again = make()
    again.context.habits = Habits(notebook="text")
    async with PaneApp(again).run_test(size=(60, 20)) as pilot:
        await again.shared_view.restore(view)
        restored = again.sheet
        assert restored is not None and restored.is_page
        editor = restored.editor
        # The rows beyond the first come after the page is there.
        await until(pilot, lambda: editor.model.rows.total > 20)
        await until(pilot, lambda: "page" not in {one.group for one in again.app.workers})
        may_read.set()
        await until(pilot, lambda: [editor.render_line(y).text for y in range(20)] == rows)
        assert again.shared_view.current() == view
        await again.shared_view.follow(
            type(view)((type(view.files[0])(str(path), is_page=False),), str(path))
        )
        assert not restored.is_page
