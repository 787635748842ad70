"""Open documents are exported as they are in the editor, also what is not saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeexec.documents.swap import SwapStore
from codeexec.tui.panes.documents.files.exporting import exported
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.pane_app import PaneApp, until

THEME = find_theme("harbour", [built_in_folder()])
OUTPUT = {"name": "stdout", "output_type": "stream", "text": ["shown\n"]}
CELL = {
    "cell_type": "code",
    "execution_count": 1,
    "id": "a",
    "metadata": {},
    "outputs": [OUTPUT],
    "source": ["one"],
}
NOTEBOOK = {"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.parametrize(
    ("name", "text", "line", "expected"),
    [
        ("a.ipynb", json.dumps(NOTEBOOK), 1, "```python\nxone\n```\n\n```text\nshown\n```\n"),
        ("a.py", "# %% [markdown]\n# # T\n\n# %%\none\n", 4, "# T\n\n```python\nxone\n```\n"),
        ("a.md", "# T\n\none\n", 2, "# T\n\nxone\n"),
    ],
)
async def test_unsaved_text_is_exported(
    tmp_path: Path, name: str, text: str, line: int, expected: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    pane = DocumentsPane(THEME, SwapStore(tmp_path / "swap"))
    async with PaneApp(pane).run_test(size=(80, 16)) as pilot:
        sheet = await pane.opener.open(path)
        assert sheet is not None
        sheet.editor.focus()
        await until(pilot, lambda: sheet.editor.has_focus)
        sheet.go_to(line)
        await pilot.press("x")
        await until(pilot, lambda: sheet.is_changed)
        assert (await exported(sheet, "md", pane.context.snapshot, None)).decode() == expected
        assert b"one" in await exported(sheet, "html", pane.context.snapshot, None)
        assert path.read_text() == text
