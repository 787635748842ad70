"""The editor pane in two halves: two documents, or one twice, by keys and by mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from codeexec.documents.swap import SwapStore
from codeexec.domain.errors import UsageError
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.documents.split.stage import direction_for
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.marks import CellMark, CellState
from codeexec.tui.session.ask import Failed
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.pane_app import PaneApp, until

THEME = find_theme("harbour", [built_in_folder()])
TEXT = "# %% one\nx = 1\n\n# %% two\ny = 2\n"


@pytest.fixture
def pane(tmp_path: Path) -> DocumentsPane:
    return DocumentsPane(THEME, SwapStore(tmp_path / "swap"))


async def opened(pane: DocumentsPane, path: Path, text: str = TEXT) -> DocumentView:
    path.write_text(text)
    sheet = await pane.opener.open(path)
    assert sheet is not None
    return sheet


def shown(pane: DocumentsPane) -> list[CodeEditor]:
    """The editors on screen, from the top left."""
    editors = [one for one in pane.query(CodeEditor) if one.region.area and one.is_on_screen]
    return sorted(editors, key=lambda one: (one.region.y, one.region.x))


async def halves(pilot: Pilot[None], pane: DocumentsPane) -> tuple[CodeEditor, CodeEditor]:
    await until(pilot, lambda: len(shown(pane)) == 2)
    first, second = shown(pane)
    return first, second


@pytest.mark.parametrize(
    ("size", "direction"),
    [
        ((140, 30), "beside"),
        ((64, 18), "below"),
        ((64, 12), "beside"),
        ((50, 12), "below"),
        ((50, 9), None),
    ],
)
def test_the_room_says_how_to_divide(size: tuple[int, int], direction: str | None) -> None:
    assert direction_for(*size) == direction


def test_a_wish_is_followed_where_it_fits() -> None:
    assert direction_for(140, 30, "below") == "below"
    assert direction_for(140, 9, "below") == "beside"


@pytest.mark.slow
async def test_one_document_twice_has_one_text_one_undo_and_two_carets(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    async with PaneApp(pane).run_test(size=(120, 20)) as pilot:
        sheet = await opened(pane, tmp_path / "a.py")
        sheet.go_to(1)
        pane.halves.toggle()
        left, right = await halves(pilot, pane)
        await until(pilot, lambda: right.has_focus)
        assert sheet.editor is right
        assert right.model.cursor == (1, 0)
        left.focus()
        await until(pilot, lambda: sheet.editor is left)
        await pilot.press("ctrl+end")
        pane.halves.go_other()
        await until(pilot, lambda: right.has_focus)
        await pilot.press(*"z = 0", "enter")
        assert left.text == right.text == TEXT.replace("x = 1", "z = 0\nx = 1")
        assert left.model.cursor == (6, 0)
        assert right.model.cursor == (2, 0)
        assert sheet.is_changed
        left.focus()
        await pilot.press("ctrl+z", "ctrl+z", "ctrl+z", "ctrl+z")
        assert right.text == TEXT
        assert not sheet.is_changed
        sheet.cell_states.mark({left.cells()[0].key: CellMark(CellState.OK, 0.1)})
        assert [one.render_line(0).text[0] for one in (left, right)] == ["✓", "✓"]
        pane.halves.toggle()
        await until(pilot, lambda: shown(pane) == [left])
        assert sheet.views == (sheet.first_view,)


async def test_what_the_second_view_shows_stays_when_it_is_kept_alone(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    async with PaneApp(pane).run_test(size=(120, 12)) as pilot:
        sheet = await opened(pane, tmp_path / "a.py", "x\n" * 200)
        pane.halves.toggle()
        _, right = await halves(pilot, pane)
        right.move_to(right.model.buffer.clamp(right.model.cursor._replace(line=150)))
        await until(pilot, lambda: right.scroll_offset.y > 100)
        top = right.scroll_offset.y
        pane.halves.toggle()
        await until(pilot, lambda: len(shown(pane)) == 1)
        assert sheet.editor.model.cursor.line == 150
        await until(pilot, lambda: sheet.editor.scroll_offset.y >= top - 1)


@pytest.mark.slow
async def test_two_documents_stand_in_the_halves_and_tabs_go_to_the_one_in_use(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    async with PaneApp(pane).run_test(size=(120, 20)) as pilot:
        one = await opened(pane, tmp_path / "one.py")
        pane.halves.toggle()
        await halves(pilot, pane)
        two = await opened(pane, tmp_path / "two.py", "two\n")
        left, right = await halves(pilot, pane)
        await until(pilot, lambda: len(shown(pane)) == 2 and shown(pane)[1] is two.editor)
        left, right = shown(pane)
        assert (left, right) == (one.editor, two.editor)
        await until(pilot, lambda: pane.sheet is two)
        # A run, a search and a save are of the half in use.
        left.focus()
        await until(pilot, lambda: pane.sheet is one)
        assert "one.py" in pane.tabs.render_line(0).text
        pane.front.bring(two)  # it is in the other half already
        await until(pilot, lambda: right.has_focus)
        three = await opened(pane, tmp_path / "three.py", "three\n")
        await until(pilot, lambda: shown(pane) == [one.editor, three.editor])
        await until(pilot, lambda: three.editor.has_focus)
        await pane.closer.close(three)
        await until(pilot, lambda: shown(pane) == [one.editor])
        assert pane.sheet is one
        assert not pane.splitting.is_split


@pytest.mark.slow
async def test_titles_and_the_division_obey_the_mouse(pane: DocumentsPane, tmp_path: Path) -> None:
    async with PaneApp(pane).run_test(size=(120, 24)) as pilot:
        one = await opened(pane, tmp_path / "one.py")
        two = await opened(pane, tmp_path / "two.py", "two\n")
        pane.front.bring(one)
        pane.halves.toggle()
        await halves(pilot, pane)
        pane.front.bring(two)
        await until(pilot, lambda: len(shown(pane)) == 2 and shown(pane)[1] is two.editor)
        width = one.editor.region.width
        await pilot.mouse_down(pane.stage.divider, offset=(0, 3))
        await pilot.hover(pane.stage.divider, offset=(12, 3))
        await pilot.mouse_up(pane.stage.divider)
        await until(pilot, lambda: one.editor.region.width > width + 8)
        assert await pilot.click(one.first_view.title_bar, offset=(2, 0))
        await until(pilot, lambda: pane.sheet is one and one.editor.has_focus)
        pane.halves.turn()
        await until(pilot, lambda: two.editor.region.y > one.editor.region.bottom)
        height = one.editor.region.height
        title = two.first_view.title_bar
        await pilot.mouse_down(title, offset=(30, 0))
        await pilot.hover(title, offset=(30, 4))
        await pilot.mouse_up(title)
        await until(pilot, lambda: one.editor.region.height > height)
        end = len(" two.py ×") - 1
        assert await pilot.click(two.editor)
        await until(pilot, lambda: pane.sheet is two)
        assert await pilot.click(title, offset=(end, 0))
        await until(pilot, lambda: shown(pane) == [one.editor])
        assert len(pane.sheets) == 2


async def test_closing_a_document_that_stands_there_twice_closes_the_half_in_use(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    async with PaneApp(pane).run_test(size=(120, 20)) as pilot:
        sheet = await opened(pane, tmp_path / "a.py")
        pane.halves.toggle()
        left, right = await halves(pilot, pane)
        left.focus()
        await until(pilot, lambda: sheet.editor is left)
        right.move_to(right.model.buffer.end)
        pane.closer.request()
        await until(pilot, lambda: len(shown(pane)) == 1)
        assert pane.sheets == (sheet,)
        assert sheet.editor.model.cursor == (5, 0)  # where the half was that stays
        pane.closer.request()
        await until(pilot, lambda: not pane.sheets)


async def test_searches_reloads_and_another_language_reach_both_views(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    async with PaneApp(pane).run_test(size=(120, 20)) as pilot:
        sheet = await opened(pane, tmp_path / "a.py")
        pane.halves.toggle()
        left, right = await halves(pilot, pane)
        await until(pilot, lambda: right.has_focus)
        await pilot.press("ctrl+f")
        await until(pilot, lambda: sheet.view.find_bar.display)
        assert not sheet.first_view.find_bar.display
        await pilot.press(*"y =", "escape")
        await until(pilot, lambda: right.model.selected_text == "y =")
        assert left.model.selection.is_empty
        (tmp_path / "a.py").write_text("new = 1\n" + TEXT)
        pane.disk.reload(sheet)
        assert left.text == right.text == "new = 1\n" + TEXT
        assert right.model.cursor.line == 5
        assert pane.saver.save_as(sheet, tmp_path / "a.md")
        await until(pilot, lambda: left.model.language.name == "markdown")
        assert right.model.language.name == "markdown"
        assert right.model.shared is left.model.shared
        left.insert("x")
        assert right.text == left.text


async def test_a_click_behind_the_title_of_another_tab_does_not_close_it(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    async with PaneApp(pane).run_test(size=(60, 12)) as pilot:
        one = await opened(pane, tmp_path / "one.py")
        await opened(pane, tmp_path / "two.py")
        end = len(" one.py ") - 1
        assert pane.tabs.render_line(0).text.startswith(" one.py  two.py × ")
        assert await pilot.click(pane.tabs, offset=(end, 0))
        await until(pilot, lambda: pane.sheet is one)
        assert len(pane.sheets) == 2
        assert await pilot.click(pane.tabs, offset=(end + 1, 0))  # now there is a ×
        await until(pilot, lambda: len(pane.sheets) == 1)


async def test_a_small_pane_says_why_it_is_not_split_and_shows_one_half(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    app = PaneApp(pane)
    async with app.run_test(size=(50, 8)) as pilot:
        pane.halves.toggle()
        await until(pilot, lambda: len(app.heard_of(Failed)) == 1)
        assert "Nothing is open" in str(app.heard_of(Failed)[0].error)
        sheet = await opened(pane, tmp_path / "a.py")
        pane.halves.toggle()
        await until(pilot, lambda: len(app.heard_of(Failed)) == 2)
        error = app.heard_of(Failed)[1].error
        assert isinstance(error, UsageError)
        assert "50 × 7 cells" in str(error)
        assert shown(pane) == [sheet.editor]
        await pilot.resize_terminal(120, 20)
        await until(pilot, lambda: pane.stage.size.width == 120)
        pane.halves.toggle()
        _, right = await halves(pilot, pane)
        await pilot.resize_terminal(50, 8)
        await until(pilot, lambda: shown(pane) == [right])
        await until(pilot, lambda: "split: no room" in pane.tabs.render_line(0).text)
        await pilot.resize_terminal(120, 20)
        await halves(pilot, pane)
        await until(pilot, lambda: "split: no room" not in pane.tabs.render_line(0).text)


async def test_a_split_comes_back_as_it_was(pane: DocumentsPane, tmp_path: Path) -> None:
    async with PaneApp(pane).run_test(size=(120, 20)) as pilot:
        sheet = await opened(pane, tmp_path / "a.py")
        pane.halves.toggle()
        left, right = await halves(pilot, pane)
        right.move_to(right.model.buffer.end)
        left.focus()
        await until(pilot, lambda: sheet.editor is left)
        view = pane.shared_view.current()
    again = DocumentsPane(THEME, SwapStore(tmp_path / "swap"))
    async with PaneApp(again).run_test(size=(120, 20)) as pilot:
        await again.shared_view.restore(view)
        left, right = await halves(pilot, again)
        assert (left.model.cursor.line, right.model.cursor.line) == (0, 5)
        assert again.sheet is not None
        assert again.sheet.editor is left
        assert again.shared_view.current().split == view.split


@pytest.mark.slow
async def test_the_position_is_that_of_the_half_with_the_focus(
    pane: DocumentsPane, tmp_path: Path
) -> None:
    app = PaneApp(pane)
    async with app.run_test(size=(120, 20)) as pilot:
        one = await opened(pane, tmp_path / "one.py")
        one.go_to(4)
        pane.halves.toggle()
        await halves(pilot, pane)
        two = await opened(pane, tmp_path / "two.py", "two\n")
        await until(pilot, lambda: shown(pane) == [one.editor, two.editor])
        for editor, line in ((one.editor, 5), (two.editor, 1), (one.editor, 5)):
            app.heard.clear()
            editor.focus()
            # That of the other half may be told once more before the focus has moved.
            await until(
                pilot,
                lambda line=line: (  # type: ignore[misc]
                    (heard := app.heard_of(DocumentsPane.PositionChanged))
                    and heard[-1].position.line == line
                ),
            )
