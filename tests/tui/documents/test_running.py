"""Cells of the editor pane on a real kernel: marks, failures, completion while it is busy."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from codeexec.client.api import SessionClient
from codeexec.documents.model import Cell
from codeexec.documents.swap import SwapStore
from codeexec.domain import requests as q
from codeexec.domain.events import (
    CellRef,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    Recorded,
)
from codeexec.domain.outputs import ErrorInfo, Run
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.files.recent import RecentFiles
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.editor.marks import CellState
from codeexec.tui.panes.editor.popups import CompletionList
from codeexec.tui.session.feed import Frame, FrameBuilder
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.pane_app import PaneApp, session_in, until
from support.programs import read_notebook, write_notebook

THEME = find_theme("harbour", [built_in_folder()])
CODE = """# %% fine
x = 1
# %% fails
y = 0
x / y
# %% sleeps
import time
waiting = 1
time.sleep(60)
"""


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[SessionClient]:
    async with session_in(tmp_path) as session:
        yield session


def state(sheet: DocumentView, cell: int) -> CellState | None:
    editor = sheet.editor
    mark = editor.painter.mark_of(editor.cells()[cell].key)
    return mark.state if mark is not None else None


def is_ok(sheet: DocumentView) -> bool:
    return state(sheet, 0) is CellState.OK


def make() -> DocumentsPane:
    return DocumentsPane(THEME, me="test")


@pytest.mark.slow
async def test_cells_run_and_are_marked(session: SessionClient, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(CODE)
    pane = make()
    pane.context.session = session
    app = PaneApp(pane, session)
    async with app.run_test(size=(70, 16)) as pilot:
        sheet = await pane.opener.open(path)
        assert sheet is not None
        sheet.editor.focus()
        sheet.go_to(1, 5)
        await pilot.press("0")
        sheet.editor.action_run_advance()
        await until(pilot, lambda: state(sheet, 0) is CellState.OK)
        assert path.read_text() == CODE.replace("x = 1", "x = 10")  # saved before it ran
        sheet.editor.action_run_advance()
        await until(pilot, lambda: state(sheet, 1) is CellState.FAILED)
        failed = sheet.editor.painter.diagnostics
        await until(pilot, lambda: "ZeroDivisionError" in failed[4].message if 4 in failed else 0)

        sheet.go_to(1, 0)
        await pilot.press("z")
        await until(pilot, lambda: state(sheet, 0) is CellState.EDITED)
        await pilot.press("backspace")
        sheet.editor.action_run_cells("cell")
        await until(pilot, lambda: state(sheet, 0) is CellState.OK)

        sheet.go_to(7, 0)
        sheet.editor.action_run_cells("cell")
        await until(pilot, lambda: state(sheet, 2) is CellState.RUNNING)
        key = sheet.editor.cells()[2].key
        await until(pilot, lambda: (sheet.editor.painter.marks[key].elapsed or 0) > 1.0)

        # The kernel is busy: words of the text are offered.
        sheet.go_to(8, 14)
        await pilot.press("enter", *"wai")
        sheet.editor.action_complete()
        await until(pilot, lambda: isinstance(sheet.editor.popups.current, CompletionList))
        await pilot.press("enter")
        assert "waiting" in sheet.editor.model.line
        await session.call(q.Interrupt())
        await until(pilot, lambda: state(sheet, 2) is CellState.CANCELLED)

    # Somebody attaches anew, after the file has got another cell at the top.
    path.write_text("# %% new\n0\n" + path.read_text())
    pane = make()
    app = PaneApp(pane, session)
    async with app.run_test(size=(70, 16)) as pilot:
        again = await pane.opener.open(path)
        assert again is not None
        await until(pilot, lambda: state(again, 1) is CellState.OK)
        assert [state(again, cell) for cell in range(4)] == [
            None,
            CellState.OK,
            CellState.FAILED,
            CellState.CANCELLED,
        ]


@pytest.mark.slow
async def test_what_never_had_a_name_has_its_marks_again_when_it_comes_back(tmp_path: Path) -> None:
    gone = f"untitled:{2**22 - 3}:{tmp_path}/untitled-1.py"  # beyond what Linux gives a process
    text = "# %% one\n1\n# %% two\n2\n"
    ran = [
        ExecutionQueued("a", "1", cell=CellRef(gone, "key@before", 1, "one")),
        ExecutionStarted("a"),
        ExecutionFinished("a", "ok"),
    ]
    folder = FrameBuilder()
    folder.take([Recorded(seq, 100.0, event) for seq, event in enumerate(ran, 1)])  # type: ignore[arg-type]
    store = SwapStore(tmp_path / "swap")
    store.write(gone, text.split("\n"), 0, 0)
    pane = DocumentsPane(THEME, store, "test")
    app = PaneApp(pane)
    async with app.run_test(size=(70, 16)):
        pane.show_frame(folder.frame())
        assert await pane.opener.restore_untitled(tmp_path) == 1
        (sheet,) = pane.sheets
        assert [state(sheet, 0), state(sheet, 1)] == [CellState.OK, None]


async def test_what_was_saved_under_another_name_has_its_marks_when_it_is_opened_again(
    tmp_path: Path,
) -> None:
    script = tmp_path / "a.py"
    script.write_text("# %% one\n1\n# %% two\n2\n")
    ran = [
        ExecutionQueued("a", "1", cell=CellRef(str(script), "key@before", 1, "one")),
        ExecutionStarted("a"),
        ExecutionFinished("a", "ok"),
    ]
    folder = FrameBuilder()
    folder.take([Recorded(seq, 100.0, event) for seq, event in enumerate(ran, 1)])  # type: ignore[arg-type]
    frame = folder.frame()
    for opened in (script, tmp_path / "a.ipynb"):  # as the workbench before, and the next one
        pane = make()
        pane.opener.recent = RecentFiles(tmp_path / "recent.json")
        async with PaneApp(pane).run_test(size=(70, 16)):
            pane.show_frame(frame)
            sheet = await pane.opener.open(opened)
            assert sheet is not None
            assert [state(sheet, 0), state(sheet, 1)] == [CellState.OK, None]
            if opened is script:
                assert pane.saver.save_as(sheet, tmp_path / "a.ipynb")
                assert [state(sheet, 0), state(sheet, 1)] == [CellState.OK, None]


@pytest.mark.slow
async def test_a_notebook_has_its_outputs_where_they_belong(
    session: SessionClient, tmp_path: Path
) -> None:
    path = tmp_path / "a.ipynb"
    made = tmp_path / "made.py"
    writes = f"%%writefile {made}\n# %% one\n1\n# %%\n"
    sources = ("print(7)", "print(7)", "print(8)\n\n   \n", writes)
    path.write_text(write_notebook(*sources))
    pane = make()
    pane.context.session = session
    app = PaneApp(pane, session)
    async with app.run_test(size=(70, 16)) as pilot:
        sheet = await pane.opener.open(path)
        assert sheet is not None
        for cell in (1, 2, 3):
            sheet.go_to(sheet.editor.cells()[cell].body)
            sheet.editor.action_run_cells("cell")
        states = [None, *[CellState.OK] * 3]
        await until(pilot, lambda: [state(sheet, cell) for cell in range(4)] == states)
        await pane.outputs.wait()
    texts = ["".join(o["text"] for o in cell.outputs) for cell in read_notebook(path).cells]
    assert texts == ["", "7\n", "8\n", f"Writing {made}\n"]
    assert tuple(cell.source for cell in read_notebook(path).cells) == sources
    assert made.read_text() == "# %% one\n1\n# %%\n"


async def test_lines_of_a_group_of_exceptions_are_marked(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("# %%\nerrors = []\nraise ExceptionGroup('two', errors)\n")
    printed = (
        "  + Exception Group Traceback (most recent call last):\n"
        '  |   File "/tmp/ipykernel_77/123.py", line 2, in <module>\n'
        "  |     raise ExceptionGroup('two', errors)\n"
        "  | ExceptionGroup: two (2 sub-exceptions)"
    )
    pane = make()
    app = PaneApp(pane)
    async with app.run_test(size=(70, 16)):
        sheet = await pane.opener.open(path)
        assert sheet is not None
        view = ExecutionView(
            "e1",
            sheet.editor.cells()[0].source,
            "error",
            cell=sheet.cell_states.ref(sheet.editor.cells()[0]),
            count=3,
            tail=(Run("stderr", printed),),
            error=ErrorInfo("ExceptionGroup", "two (2 sub-exceptions)"),
            number=1,
        )
        now = Snapshot(seq=3, executions={"e1": view})
        app.take(Frame(now, Snapshot(seq=2), frozenset({"e1"})))
        failure = sheet.editor.painter.diagnostics[2]
        assert failure.message == "ExceptionGroup: two (2 sub-exceptions)"


async def test_a_failure_is_not_shown_where_its_cell_ran_well_since(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("# %%\nx = 1\n# %%\ny = z\n")
    pane = make()
    app = PaneApp(pane)
    async with app.run_test(size=(70, 16)):
        sheet = await pane.opener.open(path)
        assert sheet is not None
        fixed, broken = sheet.editor.cells()

        def failure(key: str, cell: Cell, number: int, code: str) -> ExecutionView:
            place = f"Cell In[{number}], line 1\n----> 1 {code}"
            rows = ("NameError  Traceback (most recent call last)", *place.split("\n"))
            error = ErrorInfo("NameError", "name 'z' is not defined", rows)
            ref = sheet.cell_states.ref(cell)
            return ExecutionView(
                key, code, "error", cell=ref, count=number, error=error, number=number
            )

        views = {
            "e1": failure("e1", broken, 1, "y = z"),
            "e2": failure("e2", fixed, 2, "x = z"),
            "e3": ExecutionView(
                "e3", "x = 1", "ok", cell=sheet.cell_states.ref(fixed), count=3, number=3
            ),
        }
        app.take(Frame(Snapshot(seq=9, executions=views), Snapshot(), frozenset(views)))
        diagnostics = sheet.editor.painter.diagnostics
        assert {line: mark.message for line, mark in diagnostics.items()} == {
            3: "NameError: name 'z' is not defined"
        }


@pytest.mark.slow
async def test_running_the_last_cell_writes_no_empty_cell(
    session: SessionClient, tmp_path: Path
) -> None:
    script, notebook = tmp_path / "a.py", tmp_path / "b.ipynb"
    script.write_text("# %% one\nx = 1\n")
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "y = 2", "outputs": []}
    cells = [{**cell, "execution_count": None}]
    notebook.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    pane = make()
    pane.context.session = session
    app = PaneApp(pane, session)
    async with app.run_test(size=(70, 16)) as pilot:
        sheet = await pane.opener.open(script)
        assert sheet is not None
        before = script.stat().st_mtime_ns
        sheet.go_to(1)
        sheet.editor.action_run_advance()
        await until(pilot, partial(is_ok, sheet))
        assert len(sheet.editor.cells()) == 2
        assert not sheet.is_changed
        assert script.stat().st_mtime_ns == before  # nothing was there to be saved
        sheet.editor.action_run_advance()  # an empty cell at the end is enough
        await pilot.pause()
        assert len(sheet.editor.cells()) == 2
        sheet.editor.insert("z = 3")
        assert pane.saver.save()
        assert script.read_text() == "# %% one\nx = 1\n\n# %%\nz = 3"

        sheet = await pane.opener.open(notebook)
        assert sheet is not None
        sheet.go_to(1)
        sheet.editor.insert("# ")
        sheet.editor.action_run_advance()
        await until(pilot, partial(is_ok, sheet))
        await until(pilot, lambda: json.loads(notebook.read_text())["cells"][0]["execution_count"])
        saved = json.loads(notebook.read_text())["cells"]
        assert [one["source"] for one in saved] == [["# y = 2"]]
        assert len(sheet.editor.cells()) == 2


@pytest.mark.parametrize("keys", [["ctrl+a", "ctrl+x"], ["ctrl+home", "alt+k"], ["ctrl+a", "x"]])
async def test_marks_come_back_with_the_cells_that_undo_brings_back(
    tmp_path: Path, keys: list[str]
) -> None:
    path = tmp_path / "a.py"
    path.write_text("# %%\na = 1\n# %%\nb = 1\n")
    pane = make()
    app = PaneApp(pane)
    async with app.run_test(size=(70, 16)) as pilot:
        sheet = await pane.opener.open(path)
        assert sheet is not None
        sheet.editor.focus()
        views = {
            cell.key: ExecutionView(
                cell.key, cell.source, "ok", cell=sheet.cell_states.ref(cell), number=cell.index + 1
            )
            for cell in sheet.editor.cells()
        }
        snapshot = Snapshot(seq=1, executions=views)
        app.take(Frame(snapshot, Snapshot(), frozenset(views)))
        assert [state(sheet, cell) for cell in (0, 1)] == [CellState.OK] * 2
        await pilot.press(*keys)
        await until(pilot, lambda: len(sheet.editor.cells()) == 1 or keys[1] == "alt+k")
        await pilot.press("ctrl+z")
        await until(pilot, lambda: len(sheet.editor.cells()) == 2)
        await until(pilot, lambda: [state(sheet, at) for at in (0, 1)] == [CellState.OK] * 2)
