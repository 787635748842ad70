"""Markdown files as pages: code fences are cells with their outputs, prose is rendered."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.config.model import Editor as Habits
from codeexec.tui.panes.documents.pane import DocumentsPane
from support.page_pane import THEME, opened, rows, shows, sources
from support.pane_app import PaneApp, session_in, until

CODE = "x = 6 * 7\nprint('it is', x)"
TEXT = f"# Title\n\nSome *words*.\n\n```python\n{CODE}\n```\n\n## Part\n\nend\n"


def make() -> DocumentsPane:
    pane = DocumentsPane(THEME, me="test")
    pane.context.habits = Habits(markdown="page")
    return pane


@pytest.mark.slow
async def test_fences_run_and_are_saved_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(TEXT)
    async with session_in(tmp_path) as session:
        pane = make()
        pane.context.session = session
        async with PaneApp(pane, session).run_test(size=(60, 24)) as pilot:
            sheet = await opened(pane, path)
            sheet.go_to(5)
            await until(pilot, shows(sheet, "Some words.", "In [ ]", "Part"))
            assert "```" not in "\n".join(rows(sheet))
            await pilot.press("f8")
            await until(pilot, shows(sheet, "In [1]", "it is 42"))
            await pilot.press("end", "0")
            await until(pilot, shows(sheet, "x = 6 * 70", "stale"))
            await pilot.press("f5")
            await until(pilot, shows(sheet, "In [2]", "it is 420"))
            assert pane.saver.save(sheet)
            assert path.read_text() == TEXT.replace("7\n", "70\n", 1)


@pytest.mark.slow
async def test_cells_of_markdown_are_changed_by_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.qmd"
    path.write_text(TEXT.replace("```python", "```{python}"))
    async with PaneApp(pane := make()).run_test(size=(60, 30)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(5)
        before = sheet.editor.text
        await until(pilot, shows(sheet, "Some words."))
        await pilot.press("escape", "b")
        assert sources(sheet) == [
            "m:# Title\n\nSome *words*.",
            f"c:{CODE}",
            "c:",
            "m:## Part\n\nend",
        ]
        assert "```{python}\n\n```\n" in sheet.editor.text
        await pilot.press("enter", *"y=1", "escape", "alt+up")
        assert sources(sheet)[1] == "c:y=1"
        await pilot.press("c", "v", "d", "d", "m")
        await pilot.press("z")
        while sheet.is_changed:
            await pilot.press("z")
        assert sheet.editor.text == before


@pytest.mark.slow
async def test_f6_at_the_last_fence_adds_none(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("```python\nx\n```")
    async with PaneApp(pane := make()).run_test(size=(60, 30)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(1)
        await pilot.press("f6")
        assert sheet.editor.text == "```python\nx\n```"
        # A new cell by key is a fence; an indent is that of Python in it.
        await pilot.press("alt+j", *"if x:", "enter", "y")
        assert sheet.editor.text == "```python\nx\n```\n\n```python\nif x:\n    y\n```\n"


async def test_sections_of_markdown_fold(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(TEXT)
    async with PaneApp(pane := make()).run_test(size=(60, 30)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(5)
        await until(pilot, shows(sheet, "Some words.", "end"))
        await pilot.press("alt+shift+z")
        await until(pilot, shows(sheet, "▸ 2 cells hidden"))
        assert "end" not in "\n".join(rows(sheet))


@pytest.mark.slow
async def test_text_typed_into_an_empty_fence_has_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# A\n\n```python\n```\n\nend\n")
    async with PaneApp(pane := make()).run_test(size=(60, 30)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(3)
        await pilot.press(*"if (a", "right", ":", "enter", "b")
        assert sheet.editor.text == "# A\n\n```python\nif (a):\n    b\n```\n\nend\n"
        while sheet.is_changed:
            await pilot.press("ctrl+z")
        assert sheet.editor.text == "# A\n\n```python\n```\n\nend\n"
        sheet.go_to(3)
        sheet.editor.insert("x = 1\ny = 2")
        assert sheet.editor.text == "# A\n\n```python\nx = 1\ny = 2\n```\n\nend\n"
        # Above the mark of a fence with code, and an edit of the mark itself.
        sheet.go_to(5)
        await pilot.press(*"z")
        assert sheet.editor.text == "# A\n\n```python\nx = 1\ny = 2\nz\n```\n\nend\n"
        sheet.go_to(6)
        await pilot.press("`")
        assert sheet.editor.text.startswith("# A\n\n```python\nx = 1\ny = 2\nz\n````\n")
