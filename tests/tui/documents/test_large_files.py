"""Large files are read, and large notebooks written and merged, in a thread."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codeexec.documents import formats
from codeexec.documents.formats import save_document
from codeexec.documents.model import Document
from codeexec.tui.panes.documents.files import disk_work, opening, reading
from codeexec.tui.panes.documents.files.reading import read
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.notebooks import code
from support.page_pane import opened, shows, write_notebook
from support.pane_app import DEADLINE, PaneApp, look_at_disk, until

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
    monkeypatch.setattr(reading, "read", noted)
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


class Held:
    """Lets a function go on, in its thread, when the test says so."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.is_called = False
        self.go_on = threading.Event()

    def __call__(self, *arguments: object, **named: object) -> object:
        assert threading.current_thread() is not threading.main_thread()
        self.is_called = True
        assert self.go_on.wait(DEADLINE)
        return self._function(*arguments, **named)


def sources_in(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


def two_cells(folder: Path) -> Path:
    return write_notebook(folder / "a.ipynb", code("one"), code("two"))


async def test_keys_are_answered_while_a_large_notebook_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(save_document)
    monkeypatch.setattr(disk_work, "LARGE", 10)
    monkeypatch.setattr(formats, "save_document", held)
    path, pane = two_cells(tmp_path), DocumentsPane(THEME)
    async with PaneApp(pane).run_test(size=(80, 20)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(1)
        await pilot.press("x")
        saving = asyncio.create_task(pane.saver.save_beside(sheet))
        await until(pilot, lambda: held.is_called)
        await pilot.press("y")
        assert "xyone" in sheet.editor.text
        await look_at_disk(pane)  # the file that is half written is none of another program
        held.go_on.set()
        assert await saving
        assert sources_in(path) == ["xone", "two"]
        assert sheet.is_changed
        await pilot.press("ctrl+z")
        assert not sheet.is_changed
        await pilot.press("ctrl+y")
        assert await pane.saver.save_beside(sheet)
        assert sources_in(path) == ["xyone", "two"]
        assert not sheet.is_changed


@pytest.mark.slow
async def test_a_large_notebook_is_merged_with_what_is_typed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, pane = two_cells(tmp_path), DocumentsPane(THEME)
    async with PaneApp(pane).run_test(size=(80, 20)) as pilot:
        sheet = await opened(pane, path)
        held = Held(read)
        monkeypatch.setattr(disk_work, "LARGE", 10)
        monkeypatch.setattr(reading, "read", held)
        sheet.go_to(1)
        for typed in ("x", "y"):  # unsaved text is there before, or comes while the file is read
            write_notebook(path, code("one"), code(f"theirs {typed}"))
            # The pane looks at the file by itself, once a second.
            await until(pilot, lambda: held.is_called)
            await pilot.press(typed)
            held.go_on.set()
            await until(pilot, shows(sheet, f"theirs {typed}"))
            async with sheet.disk_lock:
                held.is_called = False
                held.go_on.clear()
        assert "xyone" in sheet.editor.text
        held.go_on.set()
        assert await pane.saver.save_beside(sheet)
        assert sources_in(path) == ["xyone", "theirs y"]


async def test_a_save_merges_what_another_program_has_written_to_a_large_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_work, "LARGE", 10)
    path, pane = two_cells(tmp_path), DocumentsPane(THEME)
    async with PaneApp(pane).run_test(size=(80, 20)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(1)
        await pilot.press("x")
        write_notebook(path, code("one"), code("theirs"))
        assert await pane.saver.save_beside(sheet)
        assert sources_in(path) == ["xone", "theirs"]
        write_notebook(path, code("mine"), code("theirs"))
        await pilot.press("y")
        assert not await pane.saver.save_beside(sheet), "both have changed one cell"
        assert sources_in(path) == ["mine", "theirs"]
        await pane.disk.reload_beside(sheet)
        assert "mine" in sheet.editor.text
        assert not sheet.is_changed
