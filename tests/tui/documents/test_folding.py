"""Sections of a page fold below their headings."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.documents.model import Cell
from codeexec.documents.outline import heading_level
from codeexec.tui.panes.documents.page import folding
from codeexec.tui.session.ask import Failed
from support.notebooks import code, markdown, stream
from support.page_pane import make, opened, rows, shows, sources, write_notebook
from support.pane_app import PaneApp, until


def sections(folder: Path) -> Path:
    return write_notebook(
        folder / "a.ipynb",
        markdown("# Title"),
        code("first", stream("one\n")),
        markdown("## Part"),
        code("second", stream("two\n")),
        markdown("# End"),
        code("third"),
    )


async def test_a_key_folds_the_section_of_the_caret(tmp_path: Path) -> None:
    async with PaneApp(pane := make()).run_test(size=(50, 30)) as pilot:
        sheet = await opened(pane, sections(tmp_path))
        await until(pilot, shows(sheet, "Title", "one", "Part", "two", "End"))
        (line,) = [at for at, text in enumerate(sheet.editor.model.lines) if text == "second"]
        sheet.go_to(line + 1)
        await pilot.press("alt+shift+z")
        await until(pilot, shows(sheet, "▸ 1 cell hidden", "one", "third"))
        assert "two" not in "\n".join(rows(sheet))
        # The caret is at the heading now, which folds as often as the key is pressed.
        assert sheet.editor.model.cell().source == "## Part"
        await pilot.press("alt+shift+z")
        await until(pilot, shows(sheet, "two"))
        assert "hidden" not in "\n".join(rows(sheet))


@pytest.mark.slow
async def test_the_caret_passes_over_a_fold_and_a_search_opens_it(tmp_path: Path) -> None:
    async with PaneApp(pane := make()).run_test(size=(50, 30)) as pilot:
        sheet = await opened(pane, sections(tmp_path))
        await until(pilot, shows(sheet, "Title", "two"))
        sheet.editor.action_page("fold_all")
        await until(pilot, shows(sheet, "▸ 3 cells hidden", "▸ 1 cell hidden"))
        model = sheet.editor.model
        assert model.cell().source == "# Title"
        await pilot.press("alt+pagedown")
        assert model.cell().source == "# End"
        await pilot.press("alt+pagedown")  # hidden, as all below it
        assert model.cell().source == "# End"
        await pilot.press("up", "up", "up", "up")
        assert model.cell().source == "# Title"
        assert shows(sheet, "▸ 3 cells hidden")()
        await pilot.press("ctrl+f", *"second", "enter")
        await until(pilot, lambda: model.cell().source == "second")
        await until(pilot, shows(sheet, "second", "two", "one", "▸ 1 cell hidden"))
        sheet.editor.action_page("unfold_all")
        await until(pilot, shows(sheet, "third"))
        assert "hidden" not in "\n".join(rows(sheet))


@pytest.mark.slow
async def test_commands_on_a_folded_heading_mean_its_section(tmp_path: Path) -> None:
    async with PaneApp(pane := make()).run_test(size=(50, 30)) as pilot:
        sheet = await opened(pane, sections(tmp_path))
        await until(pilot, shows(sheet, "Title", "two"))
        before = sources(sheet)
        await pilot.press("escape", "left")
        await until(pilot, shows(sheet, "▸ 3 cells hidden"))
        await pilot.press("left", "j", "left")
        await until(pilot, shows(sheet, "▸ 3 cells hidden", "▸ 1 cell hidden"))
        assert sheet.editor.model.cell().source == "# End"
        await pilot.press("k", "alt+down")
        assert sources(sheet) == [*before[4:], *before[:4]]
        await until(pilot, shows(sheet, "▸ 3 cells hidden", "▸ 1 cell hidden"))
        await pilot.press("alt+up")
        assert sources(sheet) == before
        await pilot.press("d", "d")
        assert sources(sheet) == before[4:]
        await pilot.press("z")
        assert sources(sheet) == before
        await until(pilot, shows(sheet, "▸ 3 cells hidden"))
        await pilot.press("right")
        await until(pilot, shows(sheet, "one", "two"))
        while sheet.is_changed:
            await pilot.press("z")
        assert sources(sheet) == before


async def test_edits_keep_folds(tmp_path: Path) -> None:
    async with PaneApp(pane := make()).run_test(size=(50, 30)) as pilot:
        sheet = await opened(pane, sections(tmp_path))
        await until(pilot, shows(sheet, "Title", "two"))
        (line,) = [at for at, text in enumerate(sheet.editor.model.lines) if text == "second"]
        sheet.go_to(line + 1)
        await pilot.press("alt+shift+z")
        await until(pilot, shows(sheet, "▸ 1 cell hidden"))
        sheet.go_to(sheet.editor.model.all_cells()[1].end - 1)
        await pilot.press("enter", "x")
        await until(pilot, shows(sheet, "▸ 1 cell hidden", "one", "x"))
        assert "two" not in "\n".join(rows(sheet))
        # A heading that is one no more hides nothing.
        sheet.go_to(sheet.editor.model.all_cells()[2].body, 3)
        assert sheet.editor.model.line == "# ## Part"
        await pilot.press("delete", "delete", "delete")
        await until(pilot, shows(sheet, "two"))
        assert "hidden" not in "\n".join(rows(sheet))


async def test_clicks_fold_and_unfold(tmp_path: Path) -> None:
    app = PaneApp(pane := make())
    async with app.run_test(size=(50, 30)) as pilot:
        sheet = await opened(pane, sections(tmp_path))
        sheet.go_to(sheet.editor.model.cell(1).body + 1)
        await until(pilot, shows(sheet, "Title", "two"))
        editor = sheet.editor

        def row(text: str) -> int:
            return next(at for at, line in enumerate(rows(sheet)) if text in line)

        await until(pilot, lambda: editor.render_line(row("Part")).text[0] == "▾")
        await pilot.click(editor, offset=(0, row("Part")))
        await until(pilot, shows(sheet, "▸ 1 cell hidden"))
        assert editor.render_line(row("Part")).text[0] == "▸"
        await pilot.click(editor, offset=(editor.painter.gutter + 3, row("hidden")))
        await until(pilot, shows(sheet, "two"))
        pane.pages.command(sheet, editor, "fold_section")
        await until(pilot, shows(sheet, "▸ 3 cells hidden"))


async def test_a_cell_in_no_section_says_what_a_section_is(tmp_path: Path) -> None:
    app = PaneApp(pane := make())
    async with app.run_test(size=(50, 20)) as pilot:
        await opened(pane, write_notebook(tmp_path / "a.ipynb", code("a"), code("b")))
        await pilot.press("alt+shift+z")
        await until(pilot, lambda: app.heard_of(Failed))
        assert app.heard_of(Failed)[0].error.message == "The cell is in no section."


async def test_a_key_in_a_page_with_folds_parses_the_edited_cell_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def counted(cell: Cell) -> int:
        parsed.append(cell.source)
        return heading_level(cell)

    monkeypatch.setattr(folding, "heading_level", counted)
    async with PaneApp(pane := make()).run_test(size=(50, 30)) as pilot:
        sheet = await opened(pane, sections(tmp_path))
        await until(pilot, shows(sheet, "Title", "one", "Part", "two", "End"))
        lines = sheet.editor.model.lines
        sheet.go_to(lines.index("second"))
        sheet.editor.action_page("fold_section")
        await until(pilot, shows(sheet, "▸ 1 cell hidden"))
        sheet.go_to(lines.index("# # End"), 7)
        parsed.clear()
        await pilot.press("s")
        assert set(parsed) == {"# Ends"}
        # A heading that changes its level: the section above reaches to the caret, and unfolds.
        sheet.go_to(lines.index("# # Ends"), 3)
        parsed.clear()
        await pilot.press("#", "#")
        await until(pilot, shows(sheet, "two"))
        assert set(parsed) > {"## Ends", "third"}
