"""The table screen, by keys and by mouse, on a session whose answers come from the real helpers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import msgspec
import pandas as pd
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from codeexec.domain import requests as q
from codeexec.domain.requests import TablePage
from codeexec.kernels.jupyter.messages import questions
from codeexec.tui.screens.tables.kernel_table import KernelTable
from codeexec.tui.screens.tables.origins import VariableOrigin
from codeexec.tui.screens.tables.table_screen import TableScreen
from codeexec.tui.screens.tables.table_view import ViewState
from codeexec.tui.screens.tables.table_words import (
    as_markdown,
    as_tsv,
    condition_of,
    histogram,
    joined_filter,
)
from codeexec.tui.widgets.table import DataTableView
from support.pane_app import PaneApp, until

FRAME = {
    "price": [12.5, 3.0, None, 40.0, 9.0],
    "city": ["Berlin", "Paris", "Bern", "Berlin", None],
    "n": [1, 2, 3, 4, 5],
}


COPIED = "price\tcity\tn\n12.5\tBerlin\t1\n40.0\tBerlin\t4\n"


class Answers:
    """The helpers of a kernel as a session, with the variable `df`."""

    def __init__(self) -> None:
        name, source = questions._table_helpers()
        self.helpers = ModuleType(name)
        exec(compile(source, name, "exec"), self.helpers.__dict__)
        self.user: dict[str, Any] = {"df": pd.DataFrame(FRAME)}

    async def call(self, request: q.QueryTable) -> q.TableAnswer:
        text = msgspec.json.encode(request).decode()
        return questions.parse_table_answer(self.helpers.table_answer(self.user, text))


class Pane(PaneApp):
    """Something behind the screen, and what was copied."""

    copied = ""

    def __init__(self) -> None:
        super().__init__(Static())

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text


def _lines(table: KernelTable) -> list[str]:
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


def _column(table: KernelTable, at: int) -> list[str]:
    return [line.split()[at] for line in _lines(table)[2:] if line.strip()]


async def _open(pilot: Pilot[None], app: Pane) -> tuple[TableScreen, KernelTable]:
    screen = TableScreen(VariableOrigin(Answers(), "df"))  # type: ignore[arg-type]
    await app.push_screen(screen)
    table = screen.query_one(KernelTable)
    await until(pilot, lambda: table.size_of_table == (5, 3))
    return screen, table


async def _type(pilot: Pilot[None], key: str, text: str) -> None:
    """Open a line or a list by its key, and type into it when it has the keys."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    await pilot.press(*text, "enter")


def _view_words(screen: TableScreen) -> str:
    return str(screen.query_one("#view", Static).render())


def _title(screen: TableScreen) -> str:
    return str(screen.query_one("#title", Static).render())


@pytest.mark.slow
async def test_a_filter_is_typed_taken_from_a_cell_and_corrected_where_it_is_wrong() -> None:
    app = Pane()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, table = await _open(pilot, app)
        assert _lines(table)[0].split() == ["price", "city", "n"]
        assert _lines(table)[1].split() == ["float64", "str", "int64"]
        await _type(pilot, "f", "pric > 10")
        fault = screen.query_one("#fault", Static)
        await until(pilot, lambda: "Is it price?" in str(fault.render()))
        assert str(fault.render()).splitlines()[0].index("▲") == len("filter ")
        field = screen.query_one(Input)
        field.value = 'price > 10 & city ~ "ber"'
        await pilot.press("enter")
        await until(pilot, lambda: table.size_of_table == (2, 3))
        await until(pilot, lambda: 'where price > 10 & city ~ "ber"' in _view_words(screen))
        assert app.focused is table
        await pilot.press("right", "right", "minus")
        await until(pilot, lambda: table.size_of_table == (1, 3))
        assert screen.view.filter.endswith("& n != 1")
        await pilot.press("u")
        await until(pilot, lambda: table.size_of_table == (5, 3))
        await pilot.press("home", "right", "down", "equals_sign")
        await until(pilot, lambda: screen.view.filter == 'city == "Paris"')


@pytest.mark.slow
async def test_rows_are_sorted_by_several_columns_and_searched() -> None:
    app = Pane()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, table = await _open(pilot, app)
        await pilot.press("right", "s")
        await until(pilot, lambda: _column(table, -1) == ["1", "4", "3", "2", "5"])
        await pilot.press("right", "S", "S")
        await until(pilot, lambda: _column(table, -1) == ["4", "1", "3", "2", "5"])
        assert [key.column for key in screen.view.order] == ["city", "n"]
        assert "city ↑1" in _lines(table)[0]
        assert "n ↓2" in _lines(table)[0]
        await _type(pilot, "slash", "bern")
        await until(pilot, lambda: table.cursor == (2, 1))
        await _type(pilot, "slash", "lin")
        await until(pilot, lambda: table.cursor[0] != 2)
        first = table.cursor
        await pilot.press("n")
        await until(pilot, lambda: table.cursor != first)
        assert table.cell_text() == "Berlin"
        x = table.region_of(0, 0).x
        await pilot.click(table, offset=(x + 1, 0))
        await until(pilot, lambda: _column(table, -1) == ["2", "5", "1", "4", "3"])


@pytest.mark.slow
async def test_what_takes_long_is_begun_by_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers()
    app = Pane()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = TableScreen(VariableOrigin(answers, "df"))  # type: ignore[arg-type]
        await app.push_screen(screen)
        table = screen.query_one(KernelTable)
        await until(pilot, lambda: table.size_of_table == (5, 3))
        answers.helpers.__dict__["ASKS_FROM"] = 1e-12
        answers.helpers.__dict__["FEW"] = 2
        await _type(pilot, "f", "n > 2")
        asks = "Filtering 5 rows takes about 0 s: Enter begins it, Esc not"
        await until(pilot, lambda: asks in _view_words(screen))
        # Esc leaves the view as it was.
        await pilot.press("escape")
        await until(pilot, lambda: _view_words(screen) == "")
        assert table.size_of_table == (5, 3)
        await _type(pilot, "f", "n > 2")
        await until(pilot, lambda: asks in _view_words(screen))
        await pilot.press("enter")
        await until(pilot, lambda: table.size_of_table == (3, 3))
        assert _view_words(screen) == "where n > 2"

        # Of an order the first rows come without a question.
        answers.helpers.__dict__["TOP_IS_FASTER"] = 1e12
        await pilot.press("u")
        await until(pilot, lambda: table.size_of_table == (5, 3))
        table.go_to(0, 2)
        await pilot.press("s", "s")
        first = "Only the first 5 rows. Sorting 5 rows takes about 0 s: Enter begins it"
        await until(pilot, lambda: first in _view_words(screen))
        await pilot.press("enter")
        await until(pilot, lambda: _view_words(screen) == "by n ↓")


@pytest.mark.slow
async def test_columns_are_hidden_moved_frozen_and_found() -> None:
    app = Pane()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, table = await _open(pilot, app)
        await pilot.press("d")
        await until(pilot, lambda: table.column_names == ("city", "n"))
        assert "+1 hidden" in _title(screen)
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: table.column_names == ("n", "city"))
        assert table.cursor[1] == 1
        assert screen.view.columns == ("n", "city")
        await pilot.press("D")
        await until(pilot, lambda: table.column_names == ("price", "city", "n"))
        await pilot.press("home", "z")
        assert table.frozen_count == 1
        assert "│" in _lines(table)[2]
        await pilot.press("z")
        assert table.frozen_count == 0
        await _type(pilot, "c", "cit")
        await until(pilot, lambda: table.cursor[1] == 1)


@pytest.mark.slow
async def test_facts_values_copies_files_and_code(tmp_path: Any) -> None:
    app = Pane()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, table = await _open(pilot, app)
        facts = screen.query_one("#facts", Static)
        await pilot.press("i")
        await until(pilot, lambda: "quantiles" in str(facts.render()))
        assert "1 (20.0%)" in str(facts.render())
        await pilot.press("i")
        await until(pilot, lambda: not facts.has_class("-open"))
        await pilot.press("right", "v")
        await until(pilot, lambda: app.screen is not screen)
        values = app.screen
        await until(pilot, lambda: any(v.size_of_table[0] for v in values.query(DataTableView)))
        await pilot.press("enter")
        await until(pilot, lambda: screen.view.filter == 'city == "Berlin"')
        await until(pilot, lambda: table.size_of_table == (2, 3))
        await pilot.press("y")
        await until(pilot, lambda: app.copied == COPIED)
        await pilot.press("Y")
        await until(pilot, lambda: app.copied.startswith("| price | city   |   n |\n| ----: |"))
        path = tmp_path / "out.csv"
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.focused, Input))
        screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, path.exists)  # it has its name when it is whole
        assert path.read_text() == "price,city,n\n12.5,Berlin,1\n40.0,Berlin,4\n"
        results: list[str | None] = []
        other = TableScreen(VariableOrigin(Answers(), "df"))  # type: ignore[arg-type]
        await app.push_screen(other, results.append)
        await until(pilot, lambda: other.query_one(KernelTable).size_of_table == (5, 3))
        await pilot.press("e")
        await until(pilot, lambda: bool(results))
        assert results == ["df_view = df\ndf_view"]


async def test_what_is_no_table_and_escape_close_in_order() -> None:
    app = Pane()
    async with app.run_test(size=(80, 24)) as pilot:
        answers = Answers()
        answers.user["df"] = 5
        screen = TableScreen(VariableOrigin(answers, "df"))  # type: ignore[arg-type]
        await app.push_screen(screen)
        table = screen.query_one(KernelTable)
        await until(pilot, lambda: "is no table" in _lines(table)[0])
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("escape")
        assert app.focused is table
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)


@pytest.mark.parametrize(
    ("cell", "kind", "condition"),
    [
        ("12.5", "float64", "price == 12.5"),
        ("NaN", "float64", "price is null"),
        ("True", "bool", "price == true"),
        ('a"b\\c', "str", r'price == "a\"b\\c"'),
        ("12", "str", 'price == "12"'),
        ("long…", "str", 'price ~ "long"'),
    ],
)
def test_conditions_of_cells(cell: str, kind: str, condition: str) -> None:
    assert condition_of("price", kind, cell) == condition


def test_filters_are_joined_and_names_quoted() -> None:
    assert condition_of("a b", "int64", "1", excluded=True) == "`a b` != 1"
    assert joined_filter("a > 1 | b > 2", "c == 3") == "(a > 1 | b > 2) & c == 3"
    assert joined_filter("", "c == 3") == "c == 3"


def test_texts_for_the_clipboard_and_bars() -> None:
    page = TablePage(("a|b", "n"), ("str", "int64"), (), (("x\ty", "1"),), 0, 1, 2)
    assert as_tsv(page) == "a|b\tn\nx y\t1\n"
    assert as_markdown(page).splitlines()[1].endswith("--: |")
    assert histogram([0, 1, 2, 8], 4) == " ▁▂█"
    assert len(histogram([1] * 40, 20)) == 20


def test_orders_turn_up_down_and_off() -> None:
    view = ViewState(names=("a", "b"), shown=[1, 0])
    turns = []
    for _ in range(3):
        view.turn_order(0)
        turns.append([(key.column, key.descending) for key in view.order])
    assert turns == [[("b", False)], [("b", True)], []]
