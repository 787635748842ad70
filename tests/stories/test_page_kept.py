"""What a page is for the next client: after `kill -9`, and beside another client."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.documents.page.kept_folds import OutputFold
from codeexec.tui.session.views import FileView, SessionView, SessionViews
from support.bench import Bench, engine_in, open_bench
from support.notebooks import code, markdown, notebook
from support.servers import Apart
from support.tty import Tty, workbench

pytestmark = pytest.mark.slow

RUN_ALL = "\x1b[19~"
ROWS = "for n in range(60): print('row', n)"


def harbour(*sources: str) -> str:
    cells = (code(source, count=None) for source in sources)
    return notebook(markdown("# The *harbour*"), *cells)


def views_of(apart: Apart) -> list[FileView]:
    """The documents of the session as its view is stored."""
    store = SessionViews(apart.paths.state / "views")
    for session in (apart.paths.state / "sessions").iterdir():
        if (view := store.load(session.name)) is not None:
            return list(view.files)
    return []


def test_a_client_is_killed_during_run_all_and_the_next_one_shows_the_page() -> None:
    flag = "go_on"
    waits = (
        f"import os, time\nwhile not os.path.exists('{flag}'): time.sleep(0.02)\nprint('went on')"
    )
    text = harbour("print(6 * 7)", waits, "print('the last', 1 + 1)")
    with workbench({"a.ipynb": text}, columns=80, lines=30) as (tty, apart):
        tty.shows("In [ ]")
        tty.press(RUN_ALL)
        tty.shows("In [*]")
        tty.shows("  42")
        tty.press("\x1b[1;5F")  # Ctrl+End
        tty.shows("The harbour")
        tty.press("#unsaved")
        tty.shows("#unsaved")
        swaps = apart.paths.state / "swap"
        tty.until(lambda: any(b"#unsaved" in swap.read_bytes() for swap in swaps.glob("*.swap")))
        tty.until(lambda: [view.column for view in views_of(apart)] == [len("#unsaved")])
        assert views_of(apart)[0].is_page
        os.kill(tty.pid, signal.SIGKILL)
        (apart.work / flag).touch()
        with Tty(
            ("attach",),
            home=apart.folder,
            cwd=apart.work,
            columns=80,
            lines=30,
            env=apart.environ,
        ) as again:
            again.shows("“a.ipynb” has unsaved text.")
            again.press("\r")
            again.shows("#unsaved")
            for words in ("The harbour", "In [1]", "  42", "  went on", "  the last 2"):
                again.shows(words)
            assert "# %%" not in again.text
            again.press("!")  # the caret is where it was
            again.shows("#unsaved!")


def fold_of(bench: Bench, source: str) -> OutputFold | None:
    """How the output of a cell is folded on the page in front; None without a block."""
    sheet = bench.workbench.documents.sheet
    if sheet is None:
        return None  # it is still to be opened
    page = bench.workbench.documents.pages.page_of(sheet.editor)
    key = next(cell.key for cell in sheet.editor.cells() if cell.source == source)
    block = page.outputs.get(key) if page is not None else None
    return block.fold if block is not None else None


async def test_the_next_client_has_the_same_pages_folds_and_scroll(tmp_path: Path) -> None:
    files = {"a.py": f"# %%\n{ROWS}\n\n# %%\nprint('short')\n", "b.ipynb": harbour("1")}
    host = engine_in(tmp_path)
    try:
        async with open_bench(tmp_path, files, host=host) as bench:
            documents = bench.workbench.documents
            script, notes = documents.sheets
            documents.front.bring(script)
            script.editor.action_page("toggle")
            await bench.until(lambda: script.is_page, "a page")
            if notes.is_page:
                documents.pages.toggle(notes)
            await bench.editor.at(ROWS).run()
            await bench.editor.at("print('short')").run()
            await bench.is_idle(2)
            await bench.until(lambda: fold_of(bench, "print('short')"), "outputs")
            script.editor.action_page("collapse")
            short = "print('short')"
            await bench.until(lambda: fold_of(bench, short) is OutputFold.COLLAPSED, "collapsed")
            bench.editor.at(ROWS)
            script.editor.action_page("whole")
            await bench.until(lambda: fold_of(bench, ROWS) is OutputFold.WHOLE, "all rows")
            script.editor.viewport.scroll_rows(20)
            await bench.until(lambda: script.editor.scroll_offset.y > 10, "scrolled")
            name, session_id = bench.snapshot.name, bench.workbench.state.session.session_id
            views = SessionViews(tmp_path / "state" / "views")

            def stored() -> SessionView | None:
                return views.load(session_id)

            now = documents.shared_view.current
            await bench.until(lambda: (v := stored()) and v.files == now().files, "stored")
            top = script.editor.viewport.top

            # A second client sees the same, and what it changes is its own.
            options = OpenOptions(session=name, attach=True)
            async with open_bench(tmp_path, host=host, options=options) as other:
                await other.until(lambda: len(other.workbench.documents.sheets) == 2, "both")
                script, notes = other.workbench.documents.sheets
                await other.until(lambda: other.workbench.documents.sheet is script, "in front")
                await other.until(
                    lambda: (script.is_page, notes.is_page) == (True, False), "the same pages"
                )
                await other.until(lambda: fold_of(other, ROWS) is OutputFold.WHOLE, "whole")
                folded = OutputFold.COLLAPSED
                await other.until(lambda: fold_of(other, "print('short')") is folded, "folded")
                await other.until(lambda: script.editor.viewport.top == top, "the same rows")
                script.editor.action_page("toggle")
                await other.until(lambda: not script.is_page, "text")
                assert documents.sheets[0].is_page
    finally:
        await host.close()


async def test_a_watcher_follows_the_page_and_its_folds(tmp_path: Path) -> None:
    files = {"a.py": f"# %%\n{ROWS}\n"}
    host = engine_in(tmp_path)
    try:
        async with open_bench(tmp_path, files, host=host) as teacher:
            await teacher.editor.at(ROWS).run()
            await teacher.is_idle(1)
            options = OpenOptions(session=teacher.snapshot.name, attach=True, watch=True)
            async with open_bench(tmp_path, host=host, options=options) as student:
                await student.sees("watching only · following")
                sheet = teacher.workbench.documents.sheet
                assert sheet is not None
                sheet.editor.action_page("toggle")
                await student.until(lambda: fold_of(student, ROWS), "a page")
                sheet.editor.action_page("collapse")
                await student.until(lambda: fold_of(student, ROWS) is OutputFold.COLLAPSED)
                sheet.editor.action_page("toggle")
                await student.until(lambda: fold_of(student, ROWS) is None, "text")
    finally:
        await host.close()


async def test_outputs_that_were_cleared_stay_so_for_the_next_client(tmp_path: Path) -> None:
    files = {"a.ipynb": harbour("print('first', 6 * 7)", "print('second', 6 * 8)")}
    host = engine_in(tmp_path)
    try:
        async with open_bench(tmp_path, files, host=host) as bench:
            for source in ("print('first', 6 * 7)", "print('second', 6 * 8)"):
                await bench.editor.at(source).run()
            await bench.is_idle(2)
            await bench.until(lambda: fold_of(bench, "print('second', 6 * 8)"), "outputs")
            bench.editor.at("print('first', 6 * 7)")
            sheet = bench.workbench.documents.sheet
            assert sheet is not None
            sheet.editor.action_page("clear")
            await bench.until(lambda: fold_of(bench, "print('first', 6 * 7)") is None, "cleared")
            assert bench.workbench.documents.saver.save(sheet)
            await bench.workbench.documents.outputs.wait()
            options = OpenOptions(session=bench.snapshot.name, attach=True)
            views = SessionViews(tmp_path / "state" / "views")
            session_id = bench.workbench.state.session.session_id
            now = bench.workbench.documents.shared_view.current
            await bench.until(
                lambda: (v := views.load(session_id)) and v.files == now().files, "stored"
            )
            async with open_bench(tmp_path, host=host, options=options) as other:
                await other.until(lambda: fold_of(other, "print('second', 6 * 8)"), "outputs")
                assert fold_of(other, "print('first', 6 * 7)") is None
                # A run after that is shown.
                await other.editor.at("print('first', 6 * 7)").run()
                await other.until(lambda: fold_of(other, "print('first', 6 * 7)"), "run again")
                # What is cleared and saved here goes there as well, while both are attached.
                assert fold_of(other, "print('second', 6 * 8)")
                bench.editor.at("print('second', 6 * 8)")
                sheet.editor.action_page("clear")
                gone = "print('second', 6 * 8)"
                await bench.until(lambda: fold_of(bench, gone) is None, "cleared")
                assert bench.workbench.documents.saver.save(sheet)
                await other.until(lambda: fold_of(other, gone) is None, "cleared there")
            # Undo brings the output back, here and for the next client.
            sheet.editor.focus()
            while sheet.editor.model.history.can_undo:  # a merge with the other's file is a step
                sheet.editor.action_edit("undo")
            await bench.until(lambda: fold_of(bench, "print('first', 6 * 7)"), "undone")
    finally:
        await host.close()
