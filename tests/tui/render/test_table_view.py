"""The table and the tree, by their API, by keys and by mouse."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.widget import Widget

from codeexec.domain.errors import Busy
from codeexec.domain.requests import TablePage
from codeexec.tui.widgets.json_view import JsonView
from codeexec.tui.widgets.table import DataTableView
from codeexec.tui.widgets.table_pages import PAGE, PagedTable


def _page(rows: int = 500, columns: int = 12) -> TablePage:
    names = tuple(f"column {letter}" for letter in "abcdefghijklmnop"[:columns])
    cells = tuple(
        tuple(str((row * 7919 + at) % 1000) for at in range(columns)) for row in range(rows)
    )
    return TablePage(
        names=names,
        types=("int64",) * columns,
        index=tuple(map(str, range(rows))),
        cells=cells,
        start=0,
        rows=rows,
        columns=columns,
    )


class Pane(App[None]):
    """One widget, and the changes that a table tells of."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.changes: asyncio.Queue[DataTableView.RowsChanged] = asyncio.Queue()

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_data_table_view_rows_changed(self, change: DataTableView.RowsChanged) -> None:
        self.changes.put_nowait(change)

    async def changed(self) -> DataTableView.RowsChanged:
        async with asyncio.timeout(90):
            return await self.changes.get()

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for what the table shows: one change of it may be told more than once."""
        async with asyncio.timeout(90):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def _lines(table: DataTableView) -> list[str]:
    return [table.render_line(y).text for y in range(table.size.height)]


async def test_a_table_shows_header_index_and_cells() -> None:
    table = DataTableView(_page())
    app = Pane(table)
    async with app.run_test(size=(60, 12)) as pilot:
        await app.changed()
        await pilot.pause()
        lines = _lines(table)
        assert lines[0].split()[:4] == ["column", "a", "column", "b"]
        assert lines[1].split()[:3] == ["0", "0", "1"]
        assert lines[2].split()[:3] == ["1", "919", "920"]
        assert all(len(line) == len(lines[0]) for line in lines)
        assert table.size_of_table == (500, 12)


async def test_keys_walk_and_the_index_stays() -> None:
    table = DataTableView(_page())
    app = Pane(table)
    async with app.run_test(size=(60, 12)) as pilot:
        await app.changed()
        table.focus()
        await pilot.press("end")
        assert table.cursor == (0, 11)
        await pilot.pause()
        lines = _lines(table)
        assert "column l" in lines[0] and "column a" not in lines[0]
        assert lines[2].startswith("1 ")
        await pilot.press("ctrl+end")
        await app.until(lambda: any(line.startswith("499") for line in _lines(table)))
        assert table.cursor == (499, 11)
        await pilot.press("ctrl+home", "home")
        await app.until(lambda: "column a" in _lines(table)[0])
        assert table.cursor == (0, 0)


async def test_sorting_by_key_goes_up_down_and_back() -> None:
    table = DataTableView(_page())
    app = Pane(table)
    async with app.run_test(size=(60, 12)) as pilot:
        await app.changed()
        table.focus()

        def shown() -> tuple[tuple[str, bool], str]:
            return table.order, _lines(table)[1].split()[1]

        for expected in (
            (("column a", False), "0"),
            (("column a", True), "999"),
            (("", False), "0"),
        ):
            await pilot.press("s")
            await app.until(lambda expected=expected: shown() == expected)  # type: ignore[misc]


async def test_sorting_by_mouse_on_the_header() -> None:
    table = DataTableView(_page())
    app = Pane(table)
    async with app.run_test(size=(60, 12)) as pilot:
        await app.changed()
        await pilot.click(table, offset=(table.region_of(0, 1).x + 1, 0))
        while (change := await app.changed()).sort != "column b":
            pass
        assert not change.descending
        await app.until(lambda: "column b ↑" in _lines(table)[0])
        await pilot.click(table, offset=(table.region_of(0, 2).x + 1, 4))
        assert table.cursor == (3, 2)


async def test_columns_are_found_while_typing() -> None:
    table = DataTableView(_page())
    app = Pane(table)
    async with app.run_test(size=(60, 12)) as pilot:
        await app.changed()
        table.focus()
        await pilot.press("slash", *"MN ", "k")
        assert table.cursor == (0, 10)
        assert _lines(table)[-1].startswith("/MN k")
        await pilot.press("backspace", "enter")
        assert not _lines(table)[-1].startswith("/")
        await pilot.press("n")
        assert table.cursor == (0, 11)
        assert not table.find_column("absent")
        assert table.cursor == (0, 11)


async def test_only_pages_in_view_are_read() -> None:
    asked: list[tuple[int, str]] = []
    whole = _page(3)

    async def read(start: int, count: int, sort: str, descending: bool) -> TablePage:
        asked.append((start, sort))
        return TablePage(
            names=("n",),
            types=("int64",),
            index=(),
            cells=tuple((str(at),) for at in range(start, start + count)),
            start=start,
            rows=10_000_000,
            columns=1,
        )

    table = DataTableView(PagedTable(read))
    app = Pane(table)
    async with app.run_test(size=(40, 12)) as pilot:
        await app.changed()
        table.focus()
        await pilot.press("ctrl+end")
        await app.until(lambda: any("9999999" in line for line in _lines(table)))
        assert asked == [(0, ""), (10_000_000 - PAGE, "")]
        table.show(whole)
        await app.until(lambda: table.size_of_table == (3, 12))


async def test_a_fault_is_shown_in_the_table() -> None:
    async def read(start: int, count: int, sort: str, descending: bool) -> TablePage:
        raise Busy("The kernel is running a cell.", "Wait for it.")

    table = DataTableView(PagedTable(read))
    app = Pane(table)
    async with app.run_test(size=(60, 12)):
        assert "running a cell" in (await app.changed()).fault
        assert _lines(table)[0].startswith("The kernel is running a cell.")


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (200, 50)])
async def test_any_size_of_pane(size: tuple[int, int]) -> None:
    table = DataTableView(_page(3, 2))
    app = Pane(table)
    async with app.run_test(size=size) as pilot:
        await app.changed()
        table.focus()
        await pilot.press("down", "right", "pagedown", "pageup", "end", "home")
        await pilot.pause()
        assert {len(line) for line in _lines(table)} == {table.size.width}


async def test_a_page_is_one_press() -> None:
    table = DataTableView(_page(100, 2))
    app = Pane(table)
    async with app.run_test(size=(60, 12)) as pilot:
        await app.changed()
        table.focus()
        await pilot.press("down", "pagedown")
        await pilot.pause()
        rows = table.size.height - 2
        assert table.cursor[0] == rows + 1
        assert table.scroll_offset.y == rows
        await pilot.press("pageup")
        await pilot.pause()
        assert (table.cursor[0], table.scroll_offset.y) == (1, 0)


def _labels(view: JsonView) -> list[str]:
    return [str(view.render_line(y).text).strip() for y in range(view.size.height)]


async def test_json_opens_where_one_looks() -> None:
    value = {
        "name": "Oslo",
        "tags": ["a", "b"],
        "deep": {"x": {"y": None}},
        "many": list(range(250)),
    }
    view = JsonView(json.dumps(value))
    app = Pane(view)
    async with app.run_test(size=(60, 30)) as pilot:
        await pilot.pause()
        text = "\n".join(_labels(view))
        assert 'name: "Oslo"' in text
        assert "tags: 2 items" in text and '1: "b"' in text
        assert "x: {y}" in text and "y: null" not in text
        assert "100 … 199" in text
        view.focus()
        deep = view.root.children[2].children[0]
        view.move_cursor(deep)
        await pilot.press("enter")
        await pilot.pause()
        assert "y: null" in "\n".join(_labels(view))


async def test_what_is_not_json_is_said_in_the_pane() -> None:
    view = JsonView("{oops")
    app = Pane(view)
    async with app.run_test(size=(80, 5)) as pilot:
        await pilot.pause()
        assert "not JSON" in _labels(view)[0]
        assert view.fault
