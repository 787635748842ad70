"""Tables from real data frames, from odd HTML and from CSV."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents.displays import json_lines
from codeexec.documents.displays.html import text_beside_table
from codeexec.documents.displays.json_lines import from_json_lines
from codeexec.documents.displays.table_values import is_number, is_numeric, number, sorted_page
from codeexec.documents.displays.tables import from_csv, from_html

FRAME = pd.DataFrame(
    {"city": ["Oslo", "Łódź", None], "size <km²>": [454.0, 293.2, 1e6], "n": [3, 1, 2]},
    index=["a", "b", "c"],
)


def _html(frame: pd.DataFrame) -> str:
    html: str = frame._repr_html_()
    return html


def test_a_data_frame() -> None:
    page = from_html(_html(FRAME))
    assert page is not None
    assert page.names == ("city", "size <km²>", "n")
    assert page.index == ("a", "b", "c")
    assert page.cells[1] == ("Łódź", "293.2", "1")
    assert (page.rows, page.columns) == (3, 3)
    assert [is_numeric(page, column) for column in range(3)] == [False, True, True]


def test_an_elided_frame_tells_its_size() -> None:
    with pd.option_context("display.max_columns", 20):
        page = from_html(_html(pd.DataFrame({f"c{n}": range(1000) for n in range(40)})))
    assert page is not None
    assert (page.rows, page.columns) == (1000, 40)
    assert len(page.cells) < 1000 and "..." in page.names
    assert is_numeric(page, 0)


def polars_html(shape: str, columns: dict[str, str], rows: list[list[str]]) -> str:
    """The HTML that polars 1.x makes of a frame."""

    def row(tag: str, cells: Iterable[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return (
        "<div><style>\n.dataframe > thead > tr {\n  text-align: right;\n}\n</style>\n"
        f'<small>shape: {shape}</small><table border="1" class="dataframe"><thead>'
        f"{row('th', columns)}{row('td', columns.values())}</thead><tbody>"
        f"{''.join(row('td', cells) for cells in rows)}</tbody></table></div>"
    )


def test_an_elided_polars_frame_has_its_shape_types_and_row_numbers() -> None:
    html = polars_html(
        "(5_000, 3)",
        {"order_id": "i64", "city": "str", "tags": "list[str]"},
        [
            ["0", '"Ulm"', '["a"]'],
            ["1", '"say "x""', "[]"],
            ["…", "…", "…"],
            ["4999", "null", '["b"]'],
        ],
    )
    page = from_html(html)
    assert page is not None
    assert (page.rows, page.columns) == (5000, 3)
    assert page.names == ("order_id", "city", "tags")
    assert page.types == ("i64", "str", "list[str]")
    assert page.index == ("0", "1", "…", "4999")
    assert page.cells[0] == ("0", "Ulm", '["a"]')
    assert page.cells[1] == ("1", 'say "x"', "[]")
    assert page.cells[3] == ("4999", "null", '["b"]')
    assert is_numeric(page, 0)
    assert not is_numeric(page, 1)
    assert text_beside_table(html) == ""


def test_a_small_polars_frame_and_one_without_rows() -> None:
    small = from_html(polars_html("(2, 1)", {"c": "cat"}, [['"…"'], ['"b"']]))
    assert small is not None
    assert (small.rows, small.index, small.cells) == (2, ("0", "1"), (("…",), ("b",)))
    assert from_html(polars_html("(0, 1)", {"a": "null"}, [])) is None


def test_words_about_a_shape_above_another_table_change_nothing() -> None:
    page = from_html("<p>shape: (9, 9)</p><table><tr><th>a</th></tr><tr><td>1</td></tr></table>")
    assert page is not None
    assert (page.rows, page.columns) == (1, 1)


def test_a_multi_index_both_ways() -> None:
    index = pd.MultiIndex.from_product([["x", "y"], [1, 2]], names=["k", "m"])
    columns = pd.MultiIndex.from_product([["p", "q"], ["s", "t"]])
    page = from_html(_html(pd.DataFrame([[1, 2, 3, 4]] * 4, index=index, columns=columns)))
    assert page is not None
    assert page.names == ("p / s", "p / t", "q / s", "q / t")
    assert page.index == ("x / 1", "x / 2", "y / 1", "y / 2")
    assert page.cells == (("1", "2", "3", "4"),) * 4


@pytest.mark.parametrize(
    ("html", "cells"),
    [
        ("<table><tr><td>1<td>2<tr><td>3</table>", (("1", "2"), ("3", ""))),
        ("<TABLE><tr><th>a</th></tr><tr><td>b &amp; <b>c</b></td></tr></TABLE>", (("b & c",),)),
        (
            "<table><tr><td rowspan=2>x</td><td>1</td></tr><tr><td>2</td></tr></table>",
            (("x", "1"), ("x", "2")),
        ),
        ("<table><tr><td><table><tr><td>in</td></tr></table></td></tr></table>", (("in",),)),
        (
            "<style>td {}</style><table><tr><td>a<br>b<script>x</script></td></tr></table>",
            (("a b",),),
        ),
        ("<table><tr><td colspan=99999999>a</td></tr></table>", None),
    ],
)
def test_odd_tables(html: str, cells: tuple[tuple[str, ...], ...] | None) -> None:
    page = from_html(html)
    assert page is not None
    assert cells is None or page.cells == cells


@pytest.mark.parametrize("html", ["", "<p>no table</p>", "<table></table>", "<table><tr></tr>"])
def test_no_table(html: str) -> None:
    assert from_html(html) is None


def test_csv_finds_its_delimiter() -> None:
    page = from_csv("a;b\n1;2,5\n3;4\n")
    assert page is not None
    assert page.names == ("a", "b")
    assert page.cells == (("1", "2,5"), ("3", "4"))
    assert from_csv("") is None


def test_json_lines_are_rows() -> None:
    deep = "[" * 100_000
    lines = [
        '{"city": "Łódź", "n": 1, "is_big": true}',
        "",
        '{"n": 2.5, "at": [1, {"x": "é"}], "city": null}',
        "17",
        "{broken",
        deep,
    ]
    page = from_json_lines("\r\n".join(lines) + "\n")
    assert page is not None
    assert page.names == ("city", "n", "is_big", "at", "value", "not JSON")
    assert page.index == ("1", "3", "4", "5", "6")
    assert page.cells == (
        ("Łódź", "1", "true", "", "", ""),
        ("", "2.5", "", '[1, {"x": "é"}]', "", ""),
        ("", "", "", "", "17", ""),
        ("", "", "", "", "", "{broken"),
        ("", "", "", "", "", deep),
    )
    assert (page.rows, page.columns) == (5, 6)
    assert from_json_lines(" \n\n") is None


def test_json_lines_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_ROWS", 2)
    monkeypatch.setattr(json_lines, "MAX_COLUMNS", 1)
    page = from_json_lines('{"a": 1, "b": 2}\n{"c": 3}\n{"a": 4}')
    assert page is not None
    assert (page.names, page.cells) == (("a",), (("1",), ("",)))
    monkeypatch.undo()
    monkeypatch.setattr(json_lines, "MOST_CELLS", 4)
    page = from_json_lines('{"a": 1}\n{"b": 2}\n{"c": 3}\n')
    assert page is not None
    assert (page.rows, page.columns) == (2, 2)


def test_sorting_knows_numbers_and_nulls() -> None:
    page = from_html(_html(FRAME))
    assert page is not None
    assert sorted_page(page, "size <km²>", False).index == ("b", "a", "c")
    assert sorted_page(page, "n", True).index == ("a", "c", "b")
    assert sorted_page(page, "city", True).index == ("b", "a", "c")
    assert sorted_page(page, "city", False).index == ("a", "b", "c")
    assert sorted_page(page, "absent", False) == page


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_numbers_are_read_back(value: float) -> None:
    assert is_number(str(value))
    assert number(str(value)) == float(value)


@given(st.text(alphabet="<>/tabletrhd =\"'&;x1 \n", max_size=200))
def test_no_html_breaks_the_reader(html: str) -> None:
    page = from_html("<table>" + html)
    assert page is None or all(len(row) == len(page.names) for row in page.cells)
