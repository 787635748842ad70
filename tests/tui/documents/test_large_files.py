"""Large files are read in a thread."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from codeexec.documents.model import Document
from codeexec.tui.panes.documents.files import opening
from codeexec.tui.panes.documents.files.reading import read
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.pane_app import PaneApp

THEME = find_theme("harbour", [built_in_folder()])


async def test_a_large_file_is_read_in_a_thread_and_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1\n" * 100)
    threads: list[int] = []

    def noted(path: Path) -> Document:
        threads.append(threading.get_ident())
        return read(path)

    monkeypatch.setattr(opening, "_LARGE", 500)
    monkeypatch.setattr(opening, "read", noted)
    pane = DocumentsPane(THEME)
    async with PaneApp(pane).run_test(size=(80, 20)):
        first, second = await asyncio.gather(pane.opener.open(path), pane.opener.open(path, 3))
        assert first is not None and first is second
        assert len(pane.sheets) == 1
        assert first.editor.model.cursor.line == 3
        assert threading.get_ident() not in threads
        assert await pane.opener.open(tmp_path / "none.py") is not None
        assert threads[-1] == threading.get_ident(), "a small one is there at once"
        assert await pane.opener.open(tmp_path) is None
