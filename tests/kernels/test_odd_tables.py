"""Tables with values that libraries and JSON have trouble with: asked as a user asks."""

from __future__ import annotations

import contextlib
import datetime as dt
import warnings
import zoneinfo
from typing import Any

import pytest

from codeexec.domain import requests as q
from codeexec.guest.tables.filters import parse_filter
from codeexec.guest.tables.views import open_table
from codeexec.guest.tables.work import Refused
from codeexec.tui.screens.tables.table_words import condition_of
from support.table_answers import Kernel, table_helpers

pd: Any = pytest.importorskip("pandas")
pl: Any = pytest.importorskip("polars")
pa: Any = pytest.importorskip("pyarrow")
INF = float("inf")


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    kernel = Kernel(table_helpers())
    times = pd.to_datetime(["2024-03-31 01:30", "2024-10-27 02:30", None])
    kernel.user |= {
        "halves": pd.DataFrame({"a": pd.Series(["\ud800", "\\ud800 \U0001f600"], dtype=object)}),
        "pandas": pd.DataFrame(
            {
                "f": [float("nan"), INF, -INF],
                "when": times.tz_localize("UTC").tz_convert("Europe/Berlin"),
                "": [1, 2, 3],
            }
        ),
        "polars": pl.DataFrame(
            {
                "f": [None, INF, -INF],
                "list": [["bern", "rome"], None, []],
                "array": pl.Series([[1, 2], [3, 4], None], dtype=pl.Array(pl.Int64, 2)),
                "struct": [{"city": "bern"}, None, {"city": None}],
                "bytes": [b"\xff", None, b""],
                "object": pl.Series([object(), None, object()], dtype=pl.Object),
            }
        ),
        "arrow": pa.table(
            {
                "n": [1, 2, 3],
                "far": pa.array([2**50, None, -(2**50)], pa.timestamp("s")),
                "when": pa.array(
                    [1711848600, 1729996200, None], pa.timestamp("s", "Europe/Berlin")
                ),
            }
        ),
    }
    return kernel


def rows(answer: q.TableAnswer) -> list[str]:
    assert answer.page is not None, answer.fault
    return list(answer.page.index)


def test_half_a_character_is_shown_as_unknown(kernel: Kernel) -> None:
    page = kernel.ask("halves", q.TableRows()).page
    assert page is not None
    assert page.cells == (("\ufffd",), ("\\ud800 \U0001f600",))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "column"),
    [
        *(("pandas", "f"), ("pandas", "when"), ("pandas", ""), ("polars", "f")),
        ("arrow", "when"),
    ],
)
def test_a_cell_finds_its_row(kernel: Kernel, name: str, column: str) -> None:
    page = kernel.ask(name, q.TableRows()).page
    assert page is not None
    at = page.names.index(column)
    for number, row in enumerate(page.cells):
        condition = condition_of(column, page.types[at], row[at])
        found = rows(kernel.until_done(name, q.TableRows(), filter=condition))
        assert found == [str(number)], condition


@pytest.mark.parametrize("name", ["pandas", "arrow"])
@pytest.mark.parametrize(
    "text",
    [
        *("2024-03-31 01:30:00Z", "2024-03-31T03:30:00+02:00", "2024-03-30 20:30:00-0500"),
        *("2024-03-31 01:30:00.000Z", "2024-03-31 07:15:00+05:45"),
    ],
)
def test_a_time_with_another_offset_is_the_same_moment(
    kernel: Kernel, name: str, text: str
) -> None:
    found = rows(kernel.until_done(name, q.TableRows(), filter=f'when = "{text}"'))
    assert found == ["0"]
    later = rows(kernel.until_done(name, q.TableRows(), filter=f'when > "{text}"'))
    assert later == ["1"]


def test_nested_values_are_searched_and_what_has_no_order_is_refused_in_words(
    kernel: Kernel, capfd: pytest.CaptureFixture[str]
) -> None:
    def found(filter: str) -> list[str]:
        return rows(kernel.until_done("polars", q.TableRows(), filter=filter))

    assert found('list ~ "rome"') == found('struct ~ "BERN"') == ["0"]
    assert found('array ~ "3, 4"') == ["1"]
    assert found('object ~ "o"') == found('bytes ~ "f"') == []
    assert kernel.until_done("polars", q.FindValue("bern", row=2)).row == 0
    for column in ("list", "array", "struct", "bytes", "object"):
        answer = kernel.until_done("polars", q.TableRows(), filter=f'{column} == "x"')
        assert "search by ~" in answer.fault
    for question in (q.TableRows(), q.CountValues("object")):
        order = (("object",),) if isinstance(question, q.TableRows) else ()
        answer = kernel.until_done("polars", question, order=order)
        assert answer.fault == "object has objects of Python: polars has no order of them."
    assert "panicked" not in capfd.readouterr().err


def test_arrow_shows_times_that_python_has_not_and_no_rows(kernel: Kernel) -> None:
    page = kernel.ask("arrow", q.TableRows()).page
    assert page is not None
    assert [row[1] for row in page.cells] == [str(2**50), "None", str(-(2**50))]
    assert rows(kernel.until_done("arrow", q.TableRows(), filter="n > 9")) == []


DURATIONS = [dt.timedelta(days=1, hours=2), dt.timedelta(seconds=-5), dt.timedelta(seconds=1.5)]


@pytest.mark.parametrize("kind", ["polars", "pandas", "pyarrow", "numpy"])
def test_durations_are_compared_with_what_their_cells_say(kind: str) -> None:
    table = engine(kind, "d", DURATIONS)
    for at, text in enumerate(table.page(0, 3, [0])[1][0]):
        assert picks(table, f'd = "{text}"') == [at], text
    assert picks(table, "d > 1.2") == [0, 2]
    assert picks(table, 'd < "0:00:01"') == [1]
    with pytest.raises(Refused, match=r"1 day, 2:30:00"):
        picks(table, 'd > "soon"')


@pytest.mark.parametrize("kind", ["polars", "pandas", "pyarrow"])
def test_a_time_without_an_offset_is_one_of_the_columns_zone(kind: str) -> None:
    zone = zoneinfo.ZoneInfo("Europe/Zurich")
    table = engine(kind, "t", [dt.datetime(2025, month, 1, 12, tzinfo=zone) for month in (1, 7)])
    for text, rows in (
        ("2025-01-01 12:00", [0]),
        ("2025-07-01 12:00", [1]),
        ("2025-01-01 11:00Z", [0]),
        ("2025-07-01 10:00+00:00", [1]),
        ("2025-07-01T05:00-05:00", [1]),
    ):
        assert picks(table, f't = "{text}"') == rows, text
    for row, cell in enumerate(table.page(0, 2, [0])[1][0]):
        assert picks(table, f't = "{cell}"') == [row]


def test_records_of_vectors_are_ordered_and_counted() -> None:
    np: Any = pytest.importorskip("numpy")
    records = np.zeros(3, dtype=[("n", "i4"), ("v", "f8", (2,))])
    records["v"][1] = [3, 1]
    table: Any = open_table("r", records)
    assert table.sorted([(1, True)]).picks.tolist() == [1, 0, 2]
    assert table.counts(1, 5) == [("(0.0, 0.0)", 2), ("(3.0, 1.0)", 1)]


def test_a_column_without_values_warns_nobody() -> None:
    np: Any = pytest.importorskip("numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values in ([], [np.nan], [np.inf, -np.inf]):
            table: Any = open_table("x", np.array(values, float))
            for read in (table.mean, table.extent, table.distinct, table.nulls):
                with contextlib.suppress(ValueError):
                    read(0)
            for read_more, argument in ((table.quantiles, [0.5]), (table.histogram, 4)):
                with contextlib.suppress(ValueError):
                    read_more(0, argument)


def engine(kind: str, name: str, values: list[Any]) -> Any:
    """A table of one column by the library of that name."""
    library: Any = pytest.importorskip(kind)
    if kind == "numpy":
        return open_table("x", library.array([(v,) for v in values], dtype=[(name, "m8[us]")]))
    made = {
        "polars": lambda: library.DataFrame({name: values}),
        "pandas": lambda: library.DataFrame({name: values}),
        "pyarrow": lambda: library.table({name: values}),
    }
    return open_table("x", made[kind]())


def picks(table: Any, condition: str) -> list[int]:
    return [int(at) for at in table.filtered(parse_filter(condition, table.names)).picks]
