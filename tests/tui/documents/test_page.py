"""A document as a page: outputs below cells, Markdown as it reads, stale cells."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot

from codeexec.config.model import Editor as Habits
from codeexec.documents.model import Cell, CellKind
from codeexec.domain.outputs import Run
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.page.staleness import cells_to_update, stale_cells
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import Failed
from support.notebooks import code, markdown, stream
from support.page_pane import THEME, make, opened, rows, shows, sources, write_notebook
from support.pane_app import PaneApp, session_in, until

NUMBERS = "".join(f"row {number}\n" for number in range(40))


async def test_an_output_of_a_text_names_the_key_of_the_page(tmp_path: Path) -> None:
    pane = DocumentsPane(THEME, me="test")
    pane.context.habits = Habits(notebook="text")
    app = PaneApp(pane)
    app.set_keymap({"page.toggle": "shift+f11"})
    async with app.run_test(size=(80, 20)) as pilot:
        sheet = await opened(pane, write_notebook(tmp_path / "a.ipynb", code("1")))
        pane.pages.command(sheet, sheet.editor, "whole")
        await until(pilot, lambda: any(isinstance(one, Failed) for one in app.heard))
        (failed,) = [one for one in app.heard if isinstance(one, Failed)]
        assert failed.error.next_step == "Shift+F11 shows it as a page."


async def test_a_notebook_opens_with_its_saved_outputs_without_a_kernel(tmp_path: Path) -> None:
    path = write_notebook(
        tmp_path / "a.ipynb",
        code("x = 1"),
        markdown("# The *harbour*"),
        code("print(x)", stream("out of the file\n"), count=7),
    )
    pane = make()
    async with PaneApp(pane).run_test(size=(60, 20)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "out of the file", "The harbour", "In [7]", "saved"))
        assert "# The" not in "\n".join(rows(sheet))
        # What is shown is no part of the text.
        assert "out of the file" not in sheet.editor.text
        sheet.editor.action_page("toggle")
        await until(pilot, shows(sheet, "# # The *harbour*", "# %% [markdown]"))
        assert "out of the file" not in "\n".join(rows(sheet))


async def test_markdown_is_as_written_while_the_caret_is_in_it(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", code("x = 1"), markdown("**bold**\n\n- one"))
    pane = make()
    async with PaneApp(pane).run_test(size=(50, 16)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "bold", "• one"))
        assert "**bold**" not in "\n".join(rows(sheet))
        sheet.go_to(2)
        await pilot.press("down")
        assert sheet.editor.model.line == "# %% [markdown]"
        assert shows(sheet, "# **bold**", "# - one")()
        await pilot.press("down", "end", "x")
        await pilot.press("up", "up")
        await until(pilot, shows(sheet, "boldx", "• one"))
        assert "**" not in "\n".join(rows(sheet))
        await pilot.press("down")  # from above: its first line
        assert sheet.editor.model.cursor.line == 3
        sheet.go_to(0)
        await until(pilot, shows(sheet, "boldx"))
        at = next(y for y, row in enumerate(rows(sheet)) if "boldx" in row)
        await pilot.click(sheet.editor, offset=(sheet.editor.painter.gutter + 1, at), times=2)
        await until(pilot, shows(sheet, "# **bold**x"))


async def test_a_long_output_is_bounded_opened_whole_collapsed_and_cleared(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", code("print()", stream(NUMBERS)), code("y"))
    pane = make()
    async with PaneApp(pane).run_test(size=(50, 30)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "row 0", "more rows", "row 39", "y"))
        shown = sum(row.strip().startswith("row ") for row in rows(sheet))
        (words,) = (row.strip() for row in rows(sheet) if "more rows" in row)
        assert words == f"▸ {40 - shown} more rows"
        await pilot.press("shift+f2")
        await until(pilot, lambda: "more rows" not in "\n".join(rows(sheet)))
        assert sheet.editor.model.rows.total == len(sheet.editor.model.lines) + 40
        await pilot.press("shift+f11")
        await until(pilot, shows(sheet, "▸ 40 rows of output"))
        assert sheet.editor.model.rows.total == len(sheet.editor.model.lines) + 1
        at = next(y for y, row in enumerate(rows(sheet)) if "of output" in row)
        await pilot.click(sheet.editor, offset=(sheet.editor.painter.gutter + 3, at))
        await until(pilot, shows(sheet, "more rows"))
        at = next(y for y, row in enumerate(rows(sheet)) if "more rows" in row)
        await pilot.click(sheet.editor, offset=(sheet.editor.painter.gutter + 3, at))
        await until(pilot, lambda: "more rows" not in "\n".join(rows(sheet)))
        sheet.editor.action_page("clear")
        await until(pilot, lambda: not sheet.editor.model.rows.blocks)
        assert sheet.editor.text.startswith("# %%\nprint()")


async def test_typing_at_the_end_of_a_cell_keeps_its_output_below_it(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", code("print(1)", stream("one\n")), code("y"))
    pane = make()
    async with PaneApp(pane).run_test(size=(50, 16)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "one"))
        sheet.go_to(1, 8)
        await pilot.press("enter", *"z = 2")
        await until(pilot, shows(sheet, "z = 2"))
        texts = [row.strip() for row in rows(sheet)]
        assert texts.index("one") == texts.index("z = 2") + 1
        while sheet.is_changed:
            await pilot.press("ctrl+z")
        texts = [row.strip() for row in rows(sheet)]
        assert texts.index("one") == texts.index("print(1)") + 1


@pytest.mark.slow
async def test_keys_act_on_cells_in_command_mode(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", *map(code, "abc"))
    pane = make()
    app = PaneApp(pane)
    async with app.run_test(size=(50, 24)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(1)
        before = sheet.editor.text

        async def after(*keys: str) -> list[str]:
            await pilot.press(*keys)
            return sources(sheet)

        assert await after("escape", "q", "w", "backspace", "tab", "ctrl+k") == [
            "c:a",
            "c:b",
            "c:c",
        ]
        await until(pilot, lambda: app.heard_of(sheet.editor.ModeChanged))
        assert app.heard_of(sheet.editor.ModeChanged)[-1].mode == "cells"
        assert await after("j", "d", "d") == ["c:a", "c:c"]
        assert await after("z") == ["c:a", "c:b", "c:c"]
        assert await after("k", "k", "b") == ["c:a", "c:", "c:b", "c:c"]
        assert await after("m") == ["c:a", "m:", "c:b", "c:c"]
        assert await after("a", "r") == ["c:a", "r:", "m:", "c:b", "c:c"]
        assert await after("x", "x") == ["c:a", "c:b", "c:c"]
        assert await after("c", "v") == ["c:a", "c:b", "c:b", "c:c"]
        assert await after("home", "J", "x") == ["c:b", "c:c"]
        assert await after("end", "v") == ["c:b", "c:c", "c:a", "c:b"]
        assert await after("M") == ["c:b", "c:c", "c:a\n\nb"]
        assert await after("alt+up", "y") == ["c:b", "c:a\n\nb", "c:c"]
        await pilot.press("enter", "Q")
        assert "Q" in sheet.editor.text
        while sheet.is_changed:
            await pilot.press("ctrl+z")
        assert sheet.editor.text == before


async def test_vim_reaches_command_mode_from_normal_mode(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", *map(code, "ab"))
    pane = DocumentsPane(THEME, me="test")
    pane.context.habits = Habits(notebook="page", keymap="vim")
    async with PaneApp(pane).run_test(size=(50, 16)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(1)
        await pilot.press("A", "x", "escape")
        assert sources(sheet) == ["c:ax", "c:b"]
        await pilot.press("escape", "d", "d")
        assert sources(sheet) == ["c:b"]
        await pilot.press("enter", "A", "y")
        assert sources(sheet) == ["c:by"]


async def test_a_selected_markdown_cell_reads_as_it_is_meant(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", code("a"), markdown("**bold**"), code("b"))
    pane = make()
    async with PaneApp(pane).run_test(size=(50, 16)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, lambda: "bold" in (text := "\n".join(rows(sheet))) and "**" not in text)
        await pilot.press("escape", "j")
        assert sheet.editor.model.cell().index == 1
        assert "**" not in "\n".join(rows(sheet))
        await pilot.press("enter")
        assert shows(sheet, "**bold**")()
        await pilot.press("escape")
        await until(pilot, lambda: "**" not in "\n".join(rows(sheet)))
        await pilot.press("y")
        assert sources(sheet) == ["c:a", "c:**bold**", "c:b"]
        await pilot.press("m")
        await until(pilot, lambda: "**" not in "\n".join(rows(sheet)))


async def test_cleared_outputs_come_back_by_undo(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", code("a", stream("one\n")), code("b"))
    pane = make()
    async with PaneApp(pane).run_test(size=(50, 16)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "one"))
        sheet.editor.action_page("clear_all")
        await until(pilot, lambda: "one" not in "\n".join(rows(sheet)))
        await pilot.press("ctrl+z")
        await until(pilot, shows(sheet, "one"))
        sheet.go_to(1, 1)
        sheet.editor.insert("x")
        sheet.go_to(1, 1)
        sheet.editor.action_page("split")
        await until(pilot, lambda: sources(sheet) == ["c:a", "c:x", "c:b"])
        await until(pilot, shows(sheet, "one"))


@pytest.mark.slow
async def test_outputs_are_live_and_stale_cells_are_marked_and_run(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("# %%\nx = 1\n# %%\nprint('x is', x)\n# %%\nprint('other')\n")
    async with session_in(tmp_path) as session:
        pane = make()
        pane.context.session = session
        async with PaneApp(pane, session).run_test(size=(60, 24)) as pilot:
            sheet = await opened(pane, path)
            await pilot.press("alt+u")
            sheet.editor.action_run_cells("all")
            await until(pilot, shows(sheet, "In [3]", "x is 1", "other"))
            assert not pane.pages.stale(sheet)
            sheet.go_to(1, 5)
            await pilot.press("0")
            assert [cell.index for cell in pane.pages.stale(sheet)] == [0]
            sheet.editor.action_run_cells("cell")
            await until(pilot, shows(sheet, "In [4]", "stale"))
            await until(pilot, lambda: [c.index for c in pane.pages.stale(sheet)] == [1, 2])
            sheet.editor.action_page("run_stale")
            await until(pilot, shows(sheet, "x is 10", "In [5]", "In [6]"))
            await until(pilot, lambda: not pane.pages.stale(sheet))
            assert "stale" not in "\n".join(rows(sheet))
            await _a_failure_is_folded(pilot, sheet)


async def _a_failure_is_folded(pilot: Pilot[None], sheet: DocumentView) -> None:
    """The traceback of a call of a library shows the user's frames, and the others by a click."""
    end = len(sheet.editor.model.lines) - 1
    sheet.go_to(end)
    sheet.editor.insert("# %%\nimport json\njson.loads('x')")
    sheet.editor.action_run_cells("cell")
    await until(pilot, shows(sheet, "JSONDecodeError", "frames"))
    before = sheet.editor.model.rows.total
    sheet.editor.scroll_end(animate=False)
    await until(pilot, shows(sheet, "frames"))
    at = next(y for y, row in enumerate(rows(sheet)) if "frames" in row)
    await pilot.click(sheet.editor, offset=(sheet.editor.painter.gutter + 6, at))
    await until(pilot, lambda: sheet.editor.model.rows.total > before)


def cell(index: int, source: str) -> Cell:
    return Cell(index, CellKind.CODE, "", index, index, index + 1, source, f"c{index}")


def run(number: int, source: str) -> ExecutionView:
    return ExecutionView(f"e{number}", source, status="ok", number=number)


@pytest.mark.parametrize(
    ("runs", "stale"),
    [
        ([(0, 1, "a"), (1, 2, "b")], ""),
        ([(0, 1, "old"), (1, 2, "b")], "c0"),  # other code than it has
        ([(0, 1, "a"), (1, 2, "b"), (0, 3, "a")], ""),  # run again as it was
        ([(0, 1, "old"), (1, 2, "b"), (0, 3, "a")], "c1"),  # changed above, and run since
        ([(0, 1, "old"), (1, 2, "b"), (0, 3, "a"), (1, 4, "b")], ""),
        ([(1, 1, "b"), (0, 2, "a")], "c1"),  # never run above before
        ([(0, 1, "a"), (1, 2, "b"), (1, 3, "b")], ""),
    ],
)
def test_stale_cells(runs: list[tuple[int, int, str]], stale: str) -> None:
    cells = [cell(0, "a"), cell(1, "b"), cell(2, "never run")]
    views = [(f"c{index}", run(number, source)) for index, number, source in runs]
    assert ",".join(sorted(stale_cells(cells, views))) == stale


def test_cells_to_update_are_those_that_will_be_stale_as_well() -> None:
    cells = [cell(0, "edited"), cell(1, "b"), cell(2, "never run")]
    views = [("c0", run(1, "a")), ("c1", run(2, "b"))]
    assert stale_cells(cells, views) == {"c0"}
    assert [cell.key for cell in cells_to_update(cells, views)] == ["c0", "c1"]
    assert cells_to_update(cells, [("c0", run(1, "edited")), ("c1", run(2, "b"))]) == []


async def test_output_grows_in_place_while_it_runs(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", code("work()"), code("y"))
    pane = make()
    app = PaneApp(pane)
    async with app.run_test(size=(50, 16)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(1)
        first = sheet.editor.cells()[0]
        view = ExecutionView(
            "e1", "work()", status="running", cell=sheet.cell_states.ref(first), number=1
        )

        def show(text: str) -> None:
            count = text.count("\n") + 1
            shown = ExecutionView(
                "e1",
                view.code,
                status="running",
                cell=view.cell,
                number=1,
                total=count,
                tail=(Run("stdout", text),),
            )
            app.show(Snapshot(executions={"e1": shown}))

        show("10 %")
        await until(pilot, shows(sheet, "10 %", "In [*]"))
        total = sheet.editor.model.rows.total
        show("90 %")
        await until(pilot, shows(sheet, "90 %"))
        assert "10 %" not in "\n".join(rows(sheet))
        assert sheet.editor.model.rows.total == total
        show("90 %\ndone")
        await until(pilot, shows(sheet, "90 %", "done"))
        assert sheet.editor.model.rows.total == total + 1


async def test_pictures_of_markdown_are_drawn_or_said(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(picture, "PNG")
    (tmp_path / "red.png").write_bytes(picture.getvalue())
    data = base64.b64encode(picture.getvalue()).decode()
    source = "![one](red.png)\n\nwords\n\n![two](gone.png)\n\n![](attachment:a.png)"
    cell = {**markdown(source), "attachments": {"a.png": {"image/png": data}}}
    path = write_notebook(tmp_path / "a.ipynb", code("x"), cell)
    pane = make()
    pane.pages.graphics = Graphics()
    async with PaneApp(pane).run_test(size=(60, 40)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "▣ two (There is no such file)", "words"))
        await until(pilot, lambda: "▣ one" not in "\n".join(rows(sheet)))

        def red_rows() -> set[int]:
            return {
                y
                for y in range(sheet.editor.size.height)
                for segment in sheet.editor.render_line(y)
                if segment.style is not None
                and segment.style.bgcolor is not None
                and segment.style.bgcolor.get_truecolor()[:3] == (255, 0, 0)
            }

        await until(pilot, lambda: len(red_rows()) >= 4)


async def test_a_saved_output_is_shown_whole_and_paged_through(tmp_path: Path) -> None:
    text = "".join(f"row {number}\n" for number in range(5000))
    path = write_notebook(tmp_path / "a.ipynb", code("x", stream(text)), code("last"))
    pane = make()
    async with PaneApp(pane).run_test(size=(60, 24)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "row 0", "more rows in the file"))
        sheet.go_to(1)
        await pilot.press("shift+f2")
        model, editor = sheet.editor.model, sheet.editor
        await until(pilot, lambda: model.rows.total > 5000)
        await pilot.press("pagedown")
        await until(pilot, shows(sheet, "row 30"))
        seen = editor.scroll_offset.y
        await pilot.press("pagedown")
        assert editor.scroll_offset.y == seen + editor.viewport.page - 1
        assert model.cursor.line == 1
        await pilot.press("pageup", "pageup")
        assert editor.scroll_offset.y == 0
        await pilot.press("ctrl+end")
        await until(pilot, shows(sheet, "row 4999", "last"))
        assert "more rows" not in "\n".join(rows(sheet))
        await pilot.press("pageup")
        await until(pilot, shows(sheet, "row 4970"))
        await pilot.press("shift+f2", "ctrl+home", "down")
        assert model.cursor.line == 1


@pytest.mark.slow
async def test_presses_select_cells_and_a_double_click_enters_markdown(tmp_path: Path) -> None:
    cells = (code("a"), markdown("**bold**"), code("b", stream("out\n")), code("c"))
    pane = make()
    async with PaneApp(pane).run_test(size=(50, 24)) as pilot:
        sheet = await opened(pane, write_notebook(tmp_path / "a.ipynb", *cells))
        sheet.go_to(1)
        editor, left = sheet.editor, sheet.editor.painter.gutter + 2
        await until(
            pilot,
            lambda: "bold" in rows(sheet),
        )

        def row(text: str) -> int:
            return next(at for at, line in enumerate(rows(sheet)) if text in line)

        def selected() -> range:
            chosen = editor.painter.selected_cells
            return chosen if chosen is not None else range(0)

        await pilot.click(editor, offset=(left, row("bold")))
        await until(pilot, lambda: selected() == range(1, 2))
        assert pane.pages.selects_cells
        last = [at for at, line in enumerate(rows(sheet)) if "In [1]" in line][-1]
        await pilot.click(editor, offset=(left, last), shift=True)
        await until(pilot, lambda: selected() == range(1, 4))
        await pilot.click(editor, offset=(left, row("out")), button=3)
        assert selected() == range(1, 4)
        await pilot.press("z")
        await pilot.click(editor, offset=(left, row("In [1]")), button=3)
        await until(pilot, lambda: selected() == range(1))
        await pilot.click(editor, offset=(left, row("bold")), times=2)
        await until(pilot, shows(sheet, "**bold**"))
        assert not pane.pages.selects_cells
        assert editor.model.cell().index == 1


async def test_a_page_opens_with_its_first_cell_rendered(tmp_path: Path) -> None:
    text = "# **Title**\n\n```python\nx\n\n\ny\n```\n\n| a |\n|---|\n| 1 |"
    path = write_notebook(tmp_path / "a.ipynb", markdown(text), code("x = 1", count=6))
    async with PaneApp(pane := make()).run_test(size=(50, 24)) as pilot:
        sheet = await opened(pane, path)
        expected = ["Title", "", " x", "", "", " y", "", " a", " ─"]
        await until(pilot, lambda: rows(sheet)[:9] == expected)
        await until(pilot, shows(sheet, "In [6]"))
        await pilot.press("down")
        await until(pilot, shows(sheet, "# # **Title**"))
        assert sheet.editor.model.cursor == (2, 0)


async def test_a_cell_that_becomes_raw_text_shows_no_output(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", code("one", stream("put out\n")), code("two"))
    async with PaneApp(pane := make()).run_test(size=(60, 20)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "put out"))
        await pilot.press("escape", "r")
        await until(pilot, lambda: "put out" not in "\n".join(rows(sheet)))
        await pilot.press("y")
        await until(pilot, shows(sheet, "put out"))
