"""Outputs of a page that are wider or longer than their room scroll within their cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.message import Message

from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.messages import DocumentMessages
from support.notebooks import code, stream
from support.page_pane import make, opened, rows, shows, write_notebook
from support.pane_app import PaneApp, until

COLUMNS = [f"column_{at}" for at in range(12)]


def table(count: int) -> dict[str, object]:
    """A display of a data frame, whose text is wrapped as pandas does."""
    body = "".join(
        "<tr>" + "".join(f"<td>{row}·{at}</td>" for at in range(12)) + "</tr>"
        for row in range(count)
    )
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    html = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    plain = "\n".join(" ".join(COLUMNS) for _ in range(count + 1))
    data = {"text/html": html, "text/plain": plain}
    return {"output_type": "execute_result", "metadata": {}, "execution_count": 1, "data": data}


def notebook(folder: Path, *outputs: dict[str, object]) -> Path:
    return write_notebook(folder / "a.ipynb", *[code(f"df{at}", o) for at, o in enumerate(outputs)])


def wheel(
    sheet: DocumentView,
    words: str,
    kind: type[events.MouseEvent],
    *,
    shift: bool = False,
    ctrl: bool = False,
) -> None:
    """Turn the wheel over the row of the editor that shows these words."""
    (y, *_) = [y for y, row in enumerate(rows(sheet)) if words in row]
    sheet.editor.post_message(kind(sheet.editor, 20, y, 0, 0, 0, shift, False, ctrl))


async def test_a_wide_table_is_scrolled_sideways_by_keys(tmp_path: Path) -> None:
    async with PaneApp(pane := make()).run_test(size=(60, 24)) as pilot:
        sheet = await opened(pane, notebook(tmp_path, table(3)))
        await until(pilot, shows(sheet, "column_0", "2·0"))
        assert any(row.endswith("›") for row in rows(sheet))
        assert "column_11" not in "\n".join(rows(sheet))
        await pilot.press("escape", ">")
        await until(pilot, shows(sheet, "column_4", "‹"))
        await pilot.press(*">>>>>>>>")
        await until(pilot, shows(sheet, "column_11", "2·11"))
        assert not any(row.endswith("›") for row in rows(sheet))
        await pilot.press(*"<<<<<<<<<")
        await until(pilot, shows(sheet, "column_0", "2·0"))
        # The rows are those of a table: none is wrapped.
        assert sum("column_" in row for row in rows(sheet)) == 1


@pytest.mark.slow
async def test_a_long_table_is_scrolled_down_and_the_page_stays(tmp_path: Path) -> None:
    async with PaneApp(pane := make()).run_test(size=(60, 30)) as pilot:
        sheet = await opened(pane, notebook(tmp_path, table(100)))
        await until(pilot, shows(sheet, "column_0", "more rows"))
        assert "40·0" not in "\n".join(rows(sheet))
        await pilot.press("escape")
        top = sheet.editor.scroll_offset.y
        for _ in range(20):
            if shows(sheet, "40·0")():
                break
            await pilot.press("]")
        await until(pilot, shows(sheet, "40·0", "▸ rows "))
        assert sheet.editor.scroll_offset.y == top
        await pilot.press(*"]" * 20)
        await until(pilot, shows(sheet, "99·0", "[100 rows x 12 columns]", "of 103"))
        await pilot.press(*"[" * 20)
        await until(pilot, shows(sheet, "column_0", "more rows"))


async def test_the_wheel_scrolls_the_page_and_with_a_modifier_the_output(tmp_path: Path) -> None:
    async with PaneApp(pane := make()).run_test(size=(60, 20)) as pilot:
        path = notebook(tmp_path, table(50), stream("end\n" * 60))
        sheet = await opened(pane, path)
        await until(pilot, shows(sheet, "column_0", "3·0"))
        wheel(sheet, "3·0", events.MouseScrollDown, shift=True)
        await until(pilot, shows(sheet, "‹"))
        wheel(sheet, "3·1", events.MouseScrollUp, shift=True)
        await until(pilot, shows(sheet, "column_0"))
        wheel(sheet, "3·0", events.MouseScrollRight)
        await until(pilot, shows(sheet, "‹"))
        wheel(sheet, "3·1", events.MouseScrollLeft)
        await until(pilot, shows(sheet, "column_0"))
        wheel(sheet, "3·0", events.MouseScrollDown, ctrl=True)
        await until(pilot, shows(sheet, "▸ rows 4–"))
        assert sheet.editor.scroll_offset.y == 0
        # Without a modifier the page moves, wherever the pointer is.
        wheel(sheet, "3·0", events.MouseScrollDown)
        await until(pilot, lambda: sheet.editor.scroll_offset.y > 0)


async def test_presses_on_the_edge_signs_scroll_and_elsewhere_open_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with PaneApp(pane := make()).run_test(size=(60, 20)) as pilot:
        posted: list[object] = []
        post = pane.post_message

        def record(message: Message) -> bool:
            posted.append(message)
            return post(message)

        monkeypatch.setattr(pane, "post_message", record)
        sheet = await opened(pane, notebook(tmp_path, table(2)))
        await until(pilot, shows(sheet, "column_0", "1·0"))
        (y,) = [y for y, row in enumerate(rows(sheet)) if "column_0" in row]
        x = sheet.editor.render_line(y).text.index("›")
        await pilot.click(sheet.editor, offset=(x, y))
        await until(pilot, shows(sheet, "column_4"))
        x = sheet.editor.render_line(y).text.index("‹")
        await pilot.click(sheet.editor, offset=(x, y))
        await until(pilot, shows(sheet, "column_0"))
        assert not [one for one in posted if isinstance(one, DocumentMessages.DisplayChosen)]
        await pilot.click(sheet.editor, offset=(x + 8, y))
        await until(
            pilot, lambda: [o for o in posted if isinstance(o, DocumentMessages.DisplayChosen)]
        )


async def test_an_output_that_fits_is_not_scrolled(tmp_path: Path) -> None:
    async with PaneApp(pane := make()).run_test(size=(60, 20)) as pilot:
        sheet = await opened(pane, notebook(tmp_path, stream("short\n")))
        await until(pilot, shows(sheet, "short"))
        before = rows(sheet)
        await pilot.press("escape", *"]>")
        await pilot.pause()
        assert rows(sheet)[2:] == before[2:]
