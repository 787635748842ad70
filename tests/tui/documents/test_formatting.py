"""Documents formatted by the formatter of their language, as one step of history."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from codeexec.config.paths import built_in_themes
from codeexec.domain.errors import NotFound, UsageError
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.files import formatting
from codeexec.tui.panes.documents.files.formatting import NotFormatted, format_document
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.theme.theme import Theme, find_theme
from support.pane_app import PaneApp


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user waits five seconds for a formatter, a test as long as a loaded machine takes."""
    monkeypatch.setattr(formatting, "SECONDS", 90.0)


LOOSE = "int main( ){return   0;}\n"
NEAT = "int main() { return 0; }\n"


def shim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A clang-format that is this script, and no other."""
    tool = tmp_path / "bin" / "clang-format"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/bin")


async def opened(tmp_path: Path, pane: DocumentsPane, name: str = "a.cpp") -> DocumentView:
    (tmp_path / name).write_text(LOOSE)
    sheet = await pane.opener.open(tmp_path / name)
    assert sheet is not None
    return sheet


def theme() -> Theme:
    return find_theme("harbour", [built_in_themes()])


async def test_clang_format_changes_the_text_and_one_undo_takes_it_back(tmp_path: Path) -> None:
    pane = DocumentsPane(theme())
    async with PaneApp(pane).run_test(size=(80, 20)):
        sheet = await opened(tmp_path, pane)
        assert await format_document(sheet)
        assert sheet.editor.text == NEAT
        assert not await format_document(sheet), "it is formatted already"
        sheet.editor.model.undo()
        assert sheet.editor.text == LOOSE


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'bad style' >&2; exit 1", "clang-format failed: bad style"),
        ("cat >/dev/null", "clang-format gave back no text."),
        ("kill -9 $$", "clang-format failed: status -9"),
    ],
)
async def test_a_formatter_that_fails_leaves_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    shim(tmp_path, monkeypatch, script)
    pane = DocumentsPane(theme())
    async with PaneApp(pane).run_test(size=(80, 20)):
        sheet = await opened(tmp_path, pane)
        with pytest.raises(NotFormatted) as failed:
            await format_document(sheet)
        assert failed.value.message == words
        assert (sheet.editor.text, sheet.is_changed) == (LOOSE, False)


async def test_text_that_is_typed_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    shim(tmp_path, monkeypatch, f"cat >/dev/null; cat {gate} >/dev/null; echo other")
    pane = DocumentsPane(theme())
    async with PaneApp(pane).run_test(size=(80, 20)):
        sheet = await opened(tmp_path, pane)
        formatting = asyncio.create_task(format_document(sheet))
        # Open once the formatter reads from it, which is after it has read the text.
        with await asyncio.to_thread(gate.open, "w") as writer:
            sheet.editor.type("x")
            writer.write("go on")
        assert not await formatting
        assert sheet.editor.text == f"x{LOOSE}"


async def test_a_missing_formatter_is_named_with_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    pane = DocumentsPane(theme())
    async with PaneApp(pane).run_test(size=(80, 20)):
        sheet = await opened(tmp_path, pane)
        with pytest.raises(NotFound) as failed:
            await format_document(sheet)
        assert "pip install clang-format" in failed.value.next_step
        other = await opened(tmp_path, pane, "a.lua")
        with pytest.raises(UsageError, match="No formatter is known for Lua"):
            await format_document(other)
