"""The editor pane on real files: open, save, close, swaps, and what others do to the files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

from codeexec.config.model import Editor as Habits
from codeexec.documents.files import FileText
from codeexec.documents.swap import SwapStore
from codeexec.domain.errors import Denied, StorageError
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.files import saving
from codeexec.tui.panes.documents.files.disk_work import compared
from codeexec.tui.panes.documents.files.recent import RecentFiles
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import CommandRequested, Failed
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.pane_app import PaneApp, look_at_disk, until

THEME = find_theme("harbour", [built_in_folder()])


@pytest.fixture
def pane(tmp_path: Path) -> DocumentsPane:
    return DocumentsPane(THEME, SwapStore(tmp_path / "swap"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def banner(sheet: DocumentView) -> str:
    return str(sheet.query_one("Banner", Static).content) if sheet.banner.display else ""


def tabs(pane: DocumentsPane) -> str:
    return pane.tabs.render_line(0).text.strip()


async def opened(pane: DocumentsPane, path: Path) -> DocumentView:
    sheet = await pane.opener.open(path)
    assert sheet is not None
    sheet.editor.focus()
    return sheet


async def test_a_save_of_what_needs_no_words_lays_out_nothing(
    pane: DocumentsPane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "one.py", "1\n")
    async with PaneApp(pane).run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        layouts: list[Widget] = []
        refresh = Widget.refresh

        def note(self: Widget, *regions: Region, layout: bool = False, **more: bool) -> Widget:
            if layout:
                layouts.append(self)
            return refresh(self, *regions, layout=layout, **more)

        await pilot.press("x")
        await pilot.pause()
        monkeypatch.setattr(Widget, "refresh", note)
        assert pane.saver.save()
        assert not layouts
        sheet.banner.say("a word")
        assert set(layouts) == {sheet.banner}
    assert path.read_text() == "x1\n"


async def test_open_edit_save_close_and_reopen(pane: DocumentsPane, tmp_path: Path) -> None:
    one, two = write(tmp_path / "one.py", "1\r\n2"), write(tmp_path / "two.py", "2")
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        pane.opener.recent = RecentFiles(tmp_path / "recent.json")
        await opened(pane, one)
        sheet = await opened(pane, two)
        await opened(pane, one)
        assert len(pane.sheets) == 2
        pane.front.step(1)
        await until(pilot, lambda: sheet.editor.has_focus)
        await pilot.press("x")
        await until(pilot, lambda: "two.py ●" in tabs(pane))
        assert pane.saver.save()
        assert two.read_text() == "x2"
        await until(pilot, lambda: "●" not in tabs(pane))
        pane.closer.request()
        await until(pilot, lambda: len(pane.sheets) == 1)
        await pane.closer.reopen()
        assert pane.sheet is not None
        assert pane.sheet.path == two
        assert pane.opener.recent.paths() == [two, one]
        pane.front.step(1)
        pane.sheets[0].editor.insert("0")
        pane.saver.save()
        assert one.read_bytes() == b"01\r\n2"


async def test_closing_what_is_unsaved_asks(pane: DocumentsPane, tmp_path: Path) -> None:
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, write(tmp_path / "a.py", "1"))
        await pilot.press("x")
        pane.closer.request()
        await until(pilot, lambda: app.heard_of(DocumentsPane.DocumentCloseRequested))
        assert pane.sheets == (sheet,)
        await pane.closer.close(sheet)
        assert "Editor" in tabs(pane)
        await until(pilot, lambda: pane.query_one("#welcome").has_focus)


@pytest.mark.slow
async def test_a_swap_is_written_offered_and_forgotten(tmp_path: Path) -> None:
    path, store = write(tmp_path / "a.py", "1"), SwapStore(tmp_path / "swap")
    pane = DocumentsPane(THEME, store)
    async with PaneApp(pane).run_test(size=(60, 12)) as pilot:
        await opened(pane, path)
        await pilot.press("x")
        await until(pilot, lambda: store.find(str(path)))
        # and then the terminal is killed
    pane = DocumentsPane(THEME, store)
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        await until(pilot, lambda: app.heard_of(DocumentsPane.SwapFound))
        swap = app.heard_of(DocumentsPane.SwapFound)[0].swap
        assert (swap.text, swap.column) == ("x1", 1)
        sheet.restore(swap.text)
        assert sheet.is_changed
        assert pane.saver.save()
        assert (path.read_text(), store.all()) == ("x1", [])


@pytest.mark.slow
async def test_a_save_before_a_run_keeps_the_swap_until_the_disk_has_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, store = write(tmp_path / "a.py", "1"), SwapStore(tmp_path / "swap")
    pane = DocumentsPane(THEME, store)
    app = PaneApp(pane)

    def fail(file: FileText) -> None:
        raise StorageError("The disk is broken.")

    async with app.run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        await pilot.press("x")
        await until(pilot, lambda: store.find(str(path)))
        with monkeypatch.context() as patched:
            patched.setattr(saving, "sync_file", fail)
            assert await pane.saver.save_to_run(sheet)
            assert path.read_text() == "x1"
            await until(pilot, lambda: app.heard_of(Failed))
        assert not sheet.is_changed
        await look_at_disk(pane)
        assert store.find(str(path)) is not None
        await pilot.press("y")
        assert await pane.saver.save_to_run(sheet)
        assert path.read_text() == "xy1"
        await until(pilot, lambda: not store.all())


async def test_what_never_had_a_name_comes_back(tmp_path: Path) -> None:
    store = SwapStore(tmp_path / "swap")
    gone = 2**22 - 3  # no process has this number: it is beyond what Linux gives
    store.write(f"untitled:{gone}:{tmp_path}/untitled-1.py", ["lost = 1"], 0, 4)
    store.write(f"untitled:{os.getppid()}:{tmp_path}/untitled-2.py", ["of a neighbour"])
    store.write(f"untitled:{gone}:/elsewhere/untitled-1.py", ["of another folder"])
    pane = DocumentsPane(THEME, store)
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        assert await pane.opener.restore_untitled(tmp_path) == 1
        (sheet,) = pane.sheets
        assert (sheet.editor.text, sheet.title) == ("lost = 1", "untitled-1.py")
        assert sheet.would_be_lost
        fresh = await pane.opener.new("x", tmp_path)
        assert fresh.title == "untitled-1.py"
        assert fresh.name_key != sheet.name_key
        assert not pane.saver.save(sheet)
        await until(pilot, lambda: app.heard_of(DocumentsPane.SaveAsRequested))
        assert pane.saver.save_as(sheet, tmp_path / "kept.py")
        assert (tmp_path / "kept.py").read_text() == "lost = 1"
        left = {swap.text for swap in store.all()} - {"x"}  # that of the new one comes in a while
        assert left == {"of a neighbour", "of another folder"}


async def change(pane: DocumentsPane, path: Path, text: str, pilot: Pilot[None]) -> None:
    path.write_text(text)
    await look_at_disk(pane)
    await pilot.pause()


@pytest.mark.slow
async def test_a_file_that_others_write_is_taken_or_told(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.py", "1\n2\n3")
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        sheet.go_to(2)
        await change(pane, path, "0\n1\n2\n3", pilot)
        await until(pilot, lambda: sheet.editor.text == "0\n1\n2\n3")
        assert sheet.editor.model.cursor.line == 3
        assert not sheet.is_changed
        await pilot.press("x")
        await change(pane, path, "9", pilot)
        await until(pilot, lambda: "changed on disk" in banner(sheet))
        assert sheet.editor.text == "0\n1\n2\nx3"
        assert "-9" in compared(sheet)
        sheet.banner.action_choose("keep")
        await until(pilot, lambda: not banner(sheet))
        await change(pane, path, "9", pilot)
        await until(pilot, lambda: "changed on disk" in banner(sheet))  # it is another version
        assert not pane.saver.save()
        await until(pilot, lambda: app.heard_of(DocumentsPane.ConflictFound))
        sheet.banner.action_choose("reload")
        await until(pilot, lambda: sheet.editor.text == "9")
        await pilot.press("ctrl+z")
        assert sheet.editor.text == "0\n1\n2\nx3"
        path.unlink()
        await until(pilot, lambda: "gone" in banner(sheet))
        assert pane.saver.save()
        assert path.read_text() == "0\n1\n2\nx3"


async def test_who_keeps_their_text_is_not_asked_again_when_it_is_saved(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.py", "1\n")
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        await pilot.press("x")
        await change(pane, path, "22\n", pilot)
        await until(pilot, lambda: "changed on disk" in banner(sheet))
        sheet.banner.action_choose("keep")
        await until(pilot, lambda: not banner(sheet))
        assert not sheet.is_outdated()
        path.write_text("a version after that\n")
        assert not pane.saver.save()
        await until(pilot, lambda: app.heard_of(DocumentsPane.ConflictFound))
        await look_at_disk(pane)
        await until(pilot, lambda: "changed on disk" in banner(sheet))
        sheet.banner.action_choose("keep")
        await until(pilot, lambda: not banner(sheet))
        assert pane.saver.save()
        assert path.read_text() == "x1\n"


async def test_a_cell_whose_title_changes_under_the_cursor_is_told(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.py", "# %% old\n1")
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        await change(pane, path, "# %% new\n2", pilot)
        await until(pilot, lambda: sheet.editor.text == "# %% new\n2")
        await until(
            pilot,
            lambda: any(
                message.position.of == "new"
                for message in app.heard_of(DocumentsPane.PositionChanged)
            ),
        )


async def test_a_link_in_the_place_of_an_open_file_is_an_error_and_is_not_read(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    secret = write(tmp_path / "secret", "the host's own")
    path = write(tmp_path / "folder" / "a.py", "x = 1")
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        path.unlink()
        path.symlink_to(secret)
        await look_at_disk(pane)
        await until(pilot, lambda: app.heard_of(Failed))
        assert "was not when it was opened" in str(app.heard_of(Failed)[-1].error)
        assert sheet.editor.text == "x = 1"
        sheet.restore("x = 2")
        assert not pane.saver.save(sheet)
        assert not pane.saver.save(sheet, overwrite=True)
        await until(pilot, lambda: len(app.heard_of(Failed)) == 3)
        assert secret.read_text() == "the host's own"
        with pytest.raises(Denied):
            compared(sheet)
        assert pane.saver.save_as(sheet, tmp_path / "folder" / "b.py")
        assert (tmp_path / "folder" / "b.py").read_text() == "x = 2"


async def test_a_click_on_the_banner_compares(pane: DocumentsPane, tmp_path: Path) -> None:
    path = write(tmp_path / "a.py", "1")
    app = PaneApp(pane)
    async with app.run_test(size=(90, 12)) as pilot:
        sheet = await opened(pane, path)
        await pilot.press("x")
        await change(pane, path, "22", pilot)
        await until(pilot, lambda: "compare" in banner(sheet))
        row = banner(sheet)
        await pilot.click(sheet.banner, offset=(row.index("compare") + 2, 0))
        await until(pilot, lambda: app.heard_of(DocumentsPane.CompareRequested))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("latin.txt", b"caf\xe9\r\n", "Not UTF-8"),
        ("mixed.txt", b"a\r\nb\r\nc\n", "different ways"),
        ("broken.ipynb", b"{oops", "no valid notebook"),
    ],
)
async def test_odd_files_open_with_a_word(
    pane: DocumentsPane, tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    async with PaneApp(pane).run_test(size=(90, 12)) as pilot:
        sheet = await opened(pane, tmp_path / name)
        await until(pilot, lambda: words in banner(sheet))
        if name == "latin.txt":
            await pilot.press("x")
            assert pane.saver.save()
            assert (tmp_path / name).read_bytes() == b"x" + data


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scala", "../../x", "", 7, ["python"], "\x1b[2J"])
async def test_a_notebook_of_a_language_that_is_not_known_is_edited_as_text(
    pane: DocumentsPane, tmp_path: Path, name: object
) -> None:
    cell = {"cell_type": "code", "metadata": {}, "source": "x", "outputs": [], "id": "a"}
    data = {
        "cells": [{**cell, "execution_count": None}],
        "metadata": {"language_info": {"name": name, "file_extension": "/../x"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = write(tmp_path / "a.ipynb", json.dumps(data))
    async with PaneApp(pane).run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        assert sheet.language.name == ("python" if name == "" else "text")
        await pilot.press("ctrl+end", "m")
        assert pane.saver.save(sheet)
    saved = json.loads(path.read_text())
    assert saved["metadata"]["language_info"]["name"] == name
    assert "".join(saved["cells"][0]["source"]) == "x\nm"


async def test_binary_files_are_refused_in_words(pane: DocumentsPane, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0\1")
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        assert await pane.opener.open(tmp_path / "a.bin") is None
        await until(pilot, lambda: app.heard_of(Failed))
        assert "binary" in app.heard_of(Failed)[0].error.message


async def test_tabs_follow_a_folder_that_is_renamed(pane: DocumentsPane, tmp_path: Path) -> None:
    path = write(tmp_path / "old/a.py", "1")
    async with PaneApp(pane).run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        await pilot.press("x")
        (tmp_path / "old").rename(tmp_path / "new")
        pane.context.kernel_focus.choose_for(str(path), "bash")
        pane.disk.notice(sheet, None)  # a look at the disk that comes before the new name
        assert sheet.banner.display
        pane.disk.follow(tmp_path / "old", tmp_path / "new")
        assert not sheet.banner.display
        assert pane.saver.save()
        assert (tmp_path / "new/a.py").read_text() == "x1"
        assert not path.exists()
        assert sheet.name_key == str(tmp_path / "new/a.py")
        # Its cells keep their marks, and run where they did.
        assert sheet.names == (sheet.name_key, str(path))
        assert pane.context.kernel_focus.chosen_for(sheet.name_key) == "bash"


@pytest.mark.slow
async def test_a_syntax_error_is_marked_when_nobody_types(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.py", "x = 1\ny = = 2\n\n")
    async with PaneApp(pane).run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        marks = sheet.editor.painter
        await until(pilot, lambda: 1 in marks.diagnostics)
        assert "invalid syntax" in marks.diagnostics[1].message
        sheet.go_to(1, 4)
        await pilot.press("delete", "delete", "down")
        await until(pilot, lambda: not marks.diagnostics)


async def test_undone_to_what_is_saved_it_is_saved(pane: DocumentsPane, tmp_path: Path) -> None:
    path = write(tmp_path / "one.py", "1")
    async with PaneApp(pane).run_test(size=(60, 12)) as pilot:
        sheet = await opened(pane, path)
        await pilot.press("x", "left", "y")
        assert sheet.is_changed
        await until(pilot, lambda: "●" in tabs(pane))
        await pilot.press("ctrl+s")
        await look_at_disk(pane)
        await pilot.press("ctrl+z", "ctrl+z")
        assert not sheet.is_changed
        await until(pilot, lambda: "●" not in tabs(pane))
        await look_at_disk(pane)
        swaps = SwapStore(tmp_path / "swap")
        assert swaps.find(sheet.name_key) is None
        await pilot.press("ctrl+y")
        assert sheet.is_changed


async def test_it_edits_and_saves_as_is_set(pane: DocumentsPane, tmp_path: Path) -> None:
    path = write(tmp_path / "one.py", "if x:  \n")
    async with PaneApp(pane).run_test(size=(60, 12)) as pilot:
        pane.adopt(Habits(tab_size=2, auto_close=False, trim_on_save=True, line_numbers=False))
        sheet = await opened(pane, path)
        await pilot.press("end", "enter", "left_parenthesis")
        assert sheet.editor.text == "if x:  \n  (\n"
        assert "1" not in sheet.editor.render_line(0).text
        assert pane.saver.save(sheet)
        assert path.read_text() == "if x:\n  (\n"
        pane.adopt(Habits(insert_spaces=False, soft_wrap=True))
        assert sheet.editor.soft_wrap
        assert "1" in sheet.editor.render_line(0).text
        await pilot.press("ctrl+end", "tab")
        assert sheet.editor.text.endswith("\t")


async def test_vims_modes_where_the_keymap_is_vims(pane: DocumentsPane, tmp_path: Path) -> None:
    path = write(tmp_path / "one.py", "one\ntwo\n")
    app = PaneApp(pane)
    async with app.run_test(size=(60, 12)) as pilot:
        pane.adopt(Habits(keymap="vim"))
        sheet = await opened(pane, path)
        await pilot.press("d", "d", "i", "x", "escape")
        assert sheet.editor.text == "xtwo\n"
        await pilot.press("colon")
        await until(pilot, lambda: app.heard_of(CommandRequested))


async def test_a_new_document_has_its_language_from_its_name(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    async with PaneApp(pane).run_test(size=(60, 12)) as pilot:
        sheet = await pane.opener.new(folder=tmp_path)
        sheet.editor.focus()
        await pilot.press("i", "f", "space", "x", "colon", "enter", "y")
        assert sheet.editor.text == "if x:\n    y"
        assert pane.saver.save_as(sheet, tmp_path / "notes.md")
        assert sheet.language.name == "markdown"
        assert sheet.editor.text == "if x:\n    y"
