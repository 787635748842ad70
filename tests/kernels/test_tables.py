"""Tables of each library, asked through the code that is sent to kernels, in this process."""

from __future__ import annotations

import ast
import importlib.util
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codeexec.domain import requests as q
from codeexec.kernels.jupyter.messages import questions
from support.table_answers import Kernel, table_helpers

MISSING = "install it: pip install -e .[dev]"
DATA: dict[str, list[Any]] = {
    "price": [12.5, 3.0, None, 40.0, 9.0],
    "city": ["Berlin", "Paris", "Bern", "Berlin", None],
    "n": [1, 2, 3, 4, 5],
    "day": ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"],
}
KINDS = ("pandas", "polars", "lazy", "arrow", "batch", "duckdb", "numpy", "xarray")


@pytest.fixture(scope="module")
def helpers() -> ModuleType:
    return table_helpers()


@pytest.fixture
def kernel(helpers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """With deadlines that no busy machine reaches."""
    monkeypatch.setitem(helpers.__dict__, "PAGE_SECONDS", 60.0)
    return Kernel(helpers)


def _needed(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is missing, {MISSING}")


def _table(kind: str) -> Any:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(DATA)
    frame["day"] = pd.to_datetime(frame["day"])
    if kind == "pandas":
        return frame
    if kind == "numpy":
        return np.array(
            list(zip(DATA["price"], DATA["city"], DATA["n"], strict=True)),
            dtype=[("price", "f8"), ("city", "O"), ("n", "i8")],
        )
    if kind == "xarray":
        _needed("xarray")
        import xarray as xr

        columns = {name: ("row", frame[name].to_numpy(object)) for name in ("city",)}
        columns["price"] = ("row", frame["price"].to_numpy())
        columns["n"] = ("row", frame["n"].to_numpy())
        return xr.Dataset(columns)[["price", "city", "n"]]
    if kind in ("polars", "lazy"):
        _needed("polars")
        import polars as pl

        made = pl.DataFrame(DATA).with_columns(pl.col("day").str.to_datetime())
        return made if kind == "polars" else made.lazy()
    _needed("pyarrow")
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    if kind == "arrow":
        return table
    if kind == "batch":
        return table.to_batches()[0]
    _needed("duckdb")
    import duckdb

    connection = duckdb.connect()
    connection.register("data", table)
    return connection.sql("select * from data")


FILTERS = {
    'price > 10 & city ~ "ber"': ["1", "4"],
    "city is null | n in (2, 3)": ["2", "3", "5"],
    "!(price > 10)": ["2", "3", "5"],
    "not price is null and n <= 2": ["1", "2"],
    "price > n": ["1", "2", "4", "5"],
    "`city` > 'Bern'": ["2"],
    "city !~ 'er'": ["2", "5"],
    "CITY = 'Paris' or n == 5": ["2", "5"],
    "price != 3": ["1", "4", "5"],
    "n ~ 4": ["4"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_filter_order_search_and_facts_of_each_kind(kernel: Kernel, kind: str) -> None:
    kernel.user["t"] = _table(kind)
    whole = kernel.until_done("t", q.TableRows()).page
    assert whole is not None
    first = whole.names.index("n")
    assert (whole.rows, whole.columns) == (5, len(whole.names))
    assert all(whole.types)
    for text, expected in FILTERS.items():
        assert kernel.column("t", first, filter=text) == expected, text
    order = [("city",), ("price", True)]
    assert kernel.column("t", first, order=order) == ["4", "1", "3", "2", "5"]
    found = kernel.until_done("t", q.FindValue("BERN"))
    assert (found.row, whole.names[found.column]) == (2, "city")
    found = kernel.until_done("t", q.FindValue("berlin", 0, 4), order=[("n", True)])
    assert found.row == 1
    assert kernel.until_done("t", q.FindValue("nowhere")).row == -1
    facts = kernel.until_done("t", q.DescribeColumn("price")).facts
    assert facts is not None
    lines = dict(facts.lines)
    assert (lines["nulls"], lines["distinct"], lines["mean"]) == ("1 (20.0%)", "4", "16.125")
    assert (sum(facts.bins), facts.low, facts.high) == (4, "3", "40")
    counts = kernel.until_done("t", q.CountValues("city")).page
    assert counts is not None
    assert counts.cells[0][:3] == ("Berlin", "2", "40.00%")
    assert ("null", "1") in [row[:2] for row in counts.cells]


@pytest.mark.parametrize("kind", ("pandas", "polars", "lazy", "arrow", "duckdb", "numpy"))
def test_the_code_makes_the_view_and_files_have_it(
    kernel: Kernel, kind: str, tmp_path: Path
) -> None:
    kernel.user["t"] = table = _table(kind)
    view: dict[str, Any] = {"filter": 'price > 10 & city ~ "ber"', "order": [("n", True)]}
    code = kernel.ask("t", q.TableCode(("n", "city")), **view).text
    namespace = {"t": table}
    exec(code, namespace)
    kernel.user["t_view"] = namespace["t_view"]
    assert kernel.until_done("t_view", q.TableRows()).page.cells == (  # type: ignore[union-attr]
        ("4", "Berlin"),
        ("1", "Berlin"),
    )
    path = tmp_path / "view.csv"
    answer = kernel.until_done("t", q.WriteTable(str(path), ("n", "city")), **view)
    assert (answer.fault, answer.count) == ("", path.stat().st_size)
    assert path.read_text().replace('"', "").split() == ["n,city", "4,Berlin", "1,Berlin"]
    again = kernel.until_done("t", q.WriteTable(str(path)), **view)
    assert "there already" in again.fault
    assert "end its name" in kernel.ask("t", q.WriteTable(str(tmp_path / "view.doc"))).fault
    _needed("pyarrow")
    import pandas as pd

    parquet = tmp_path / "view.parquet"
    assert not kernel.until_done("t", q.WriteTable(str(parquet), ("n", "city")), **view).fault
    assert pd.read_parquet(parquet)["n"].tolist() == [4, 1]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["view.csv", "view.parquet"]


@pytest.mark.parametrize(
    ("text", "words", "at"),
    [
        ("pric > 3", "Is it price?", 0),
        ("price >", "A value is missing", 7),
        ("price > 3 &", "name of a column", 11),
        ("city == Berlin", '"Berlin"', 8),
        ("(price > 3", "A ) is missing", 10),
        ("price ? 3", "? means nothing", 6),
        ('city ~ "x', 'closing " is missing', 7),
        ("price > 3 n > 2", "& or |", 10),
        ("price in 3", "(1, 2)", 9),
        ("(" * 200, "too deeply", 50),
    ],
)
def test_a_wrong_filter_says_what_and_where(kernel: Kernel, text: str, words: str, at: int) -> None:
    kernel.user["t"] = _table("pandas")
    answer = kernel.ask("t", q.TableRows(), filter=text)
    assert words in answer.fault
    assert answer.at == at


def test_times_and_texts_are_compared_with_times_and_numbers(kernel: Kernel) -> None:
    for kind in ("pandas", "polars", "duckdb"):
        kernel.user["t"] = _table(kind)
        assert kernel.column("t", 2, filter='day >= "2024-04-01"') == ["4", "5"]
    kernel.user["t"] = _table("pandas")
    assert "compare with a text like" in kernel.ask("t", q.TableRows(), filter='day > "x"').fault
    assert "'x' is none" in kernel.ask("t", q.TableRows(), filter="price > 'x'").fault


def test_what_is_no_table_costs_a_sentence(kernel: Kernel) -> None:
    import numpy as np
    import pandas as pd

    class Sleeps(pd.DataFrame):  # type: ignore[misc]
        def __getitem__(self, key: object) -> object:
            raise AssertionError("the user's code")

    kernel.user |= {"own": Sleeps({"a": [1]}), "cube": np.zeros((2, 2, 2)), "n": 5}
    assert "without its own code: Sleeps" in kernel.ask("own", q.TableRows()).fault
    assert "3 dimensions" in kernel.ask("cube", q.TableRows()).fault
    assert "no table" in kernel.ask("n", q.TableRows()).fault
    assert "no variable" in kernel.ask("gone", q.TableRows()).fault
    answer = kernel.ask("own", q.TableRows(), order=[("b",)])
    assert answer.fault


def test_a_lazy_frame_that_sleeps_or_raises_costs_its_deadline_and_one_thread(
    kernel: Kernel, helpers: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    _needed("polars")
    import polars as pl

    monkeypatch.setitem(helpers.__dict__, "PAGE_SECONDS", 0.05)
    gate = threading.Event()

    def sleep(frame: pl.DataFrame) -> pl.DataFrame:
        gate.wait(60)
        return frame

    def fail(frame: pl.DataFrame) -> pl.DataFrame:
        raise ValueError("no\nsuch thing")

    frame = pl.DataFrame({"a": [1, 2]}).lazy()
    kernel.user["sleeps"] = frame.map_batches(sleep, schema={"a": pl.Int64})
    kernel.user["fails"] = frame.map_batches(fail, schema={"a": pl.Int64})
    before = threading.active_count()
    for _ in range(4):
        answer = kernel.ask("sleeps", q.TableRows())
        assert answer.page is None
        assert answer.working.startswith("Reading")
    assert threading.active_count() <= before + 1
    gate.set()
    assert kernel.until_done("sleeps", q.TableRows()).page is not None
    monkeypatch.setitem(helpers.__dict__, "PAGE_SECONDS", 30.0)
    fault = kernel.ask("fails", q.TableRows()).fault
    assert fault.startswith("fails could not be read")
    assert "\n" not in fault


def test_a_long_order_has_its_first_rows_at_once_can_be_cancelled_and_needs_memory(
    kernel: Kernel, helpers: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    gate = threading.Event()
    sort = helpers.ColumnsTable.sorted

    def slow(self: Any, keys: Any) -> Any:
        if self.rows() > 10_000:
            assert gate.wait(60)
        return sort(self, keys)

    monkeypatch.setattr(helpers.ColumnsTable, "sorted", slow)
    monkeypatch.setitem(helpers.__dict__, "FEW", 10_000)
    numbers = np.arange(50_000)
    kernel.user["t"] = np.stack([numbers % 7919, numbers], axis=1)
    order = [("0", True), ("1", True)]
    answer = kernel.ask("t", q.TableRows(), order=order)
    assert answer.working == "Sorting 50,000 rows"
    assert answer.page is not None
    assert answer.page.cells[0] == ("7918", "47513")
    assert answer.page.rows == 50_000
    assert kernel.ask("t", q.TableRows(40_000), order=order).page is None
    assert kernel.ask("t", q.CancelTable()).count == 1
    gate.set()
    last = kernel.until_done("t", q.TableRows(49_999), order=order)
    assert last.page is not None
    assert last.page.cells == (("0", "0"),)
    monkeypatch.setitem(helpers.__dict__, "free_memory", lambda: 1_000_000)
    refused = kernel.ask("t", q.TableRows(), order=[("1", True)])
    assert refused.page is not None
    assert refused.page.rows == 1000
    assert "1 MB are free. Filter first." in refused.note


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_what_takes_long_asks_before_it_is_begun(
    kernel: Kernel, helpers: ModuleType, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(helpers.__dict__, "FEW", 2)
    kernel.user["t"] = _table(kind)
    monkeypatch.setitem(helpers.__dict__, "ASKS_FROM", 1e-12)
    view: dict[str, Any] = {"filter": "n > 1"}
    answer = kernel.ask("t", q.TableRows(), **view)
    assert (answer.page, answer.working) == (None, "")
    assert answer.asks == "Filtering 5 rows takes about 0 s"
    assert kernel.column("t", 2, allows_long=True, **view) == ["2", "3", "4", "5"]
    # What is there needs no question.
    assert kernel.column("t", 2, **view) == ["2", "3", "4", "5"]

    order = [("n", True)]
    asks = kernel.ask("t", q.TableRows(), order=order)
    assert (asks.page, asks.asks) == (None, "Sorting 5 rows takes about 0 s")
    # The first rows of an order are there sooner than all of it.
    monkeypatch.setitem(helpers.__dict__, "TOP_IS_FASTER", 1e12)
    partial = kernel.ask("t", q.TableRows(), order=order)
    assert partial.page is not None and partial.asks.startswith("Sorting 5 rows takes")
    assert [row[2] for row in partial.page.cells] == ["5", "4", "3", "2", "1"]
    assert partial.note == "Only the first 5 rows."
    assert kernel.ask("t", q.WriteTable("x.csv"), order=order).asks
    whole = kernel.until_done("t", q.TableRows(), order=order, allows_long=True)
    assert (whole.asks, whole.note) == ("", "")


def test_an_estimate_grows_with_rows_keys_and_texts(helpers: ModuleType) -> None:
    import pandas as pd

    def table(rows: int) -> Any:
        frame = pd.DataFrame({"n": range(rows), "t": pd.Series(["x"] * rows, dtype=object)})
        return helpers.open_table("t", frame)

    sort, small, large = helpers.seconds_to_sort, table(1000), table(2000)
    assert sort(large, [(0, False)]) == 2 * sort(small, [(0, False)])
    assert sort(small, [(1, False)]) > 3 * sort(small, [(0, False)])
    assert sort(small, [(0, False), (1, False)]) > sort(small, [(1, False)])
    tree = helpers.parse_filter('n > 1 & (t ~ "x" | n is null) & not n == n', ["n", "t"])
    assert helpers.compared_columns(tree) == [0, 1, 0, 0, 0]
    assert helpers.words_of(12.4) == "12 s" and helpers.words_of(600) == "10 minutes"


@pytest.mark.slow
def test_a_changed_variable_is_read_anew_and_nothing_holds_a_deleted_one(kernel: Kernel) -> None:
    import gc
    import weakref

    import pandas as pd

    frame = pd.DataFrame({"a": [3, 1, 2]})
    kernel.user["t"] = frame
    assert kernel.column("t", 0, filter="a > 1", order=[("a",)]) == ["2", "3"]
    frame.loc[1, "a"] = 9
    assert kernel.column("t", 0, filter="a > 1", order=[("a",)], revision=1) == ["2", "3", "9"]
    watched = weakref.ref(frame)
    del frame, kernel.user["t"]
    for _ in range(600):  # the thread that has answered may still be about to end
        gc.collect()
        if watched() is None:
            break
        threading.Event().wait(0.05)
    assert watched() is None
    kernel.user["t"] = pd.DataFrame({"a": [5]})
    assert kernel.column("t", 0, filter="a > 1", revision=1) == ["5"]


def test_the_parts_of_the_helpers_define_each_name_once() -> None:
    """They are sent as one module."""
    _, source = questions._table_helpers()
    assert "codeexec.guest" not in source
    nodes = (ast.FunctionDef, ast.ClassDef)
    names = [node.name for node in ast.parse(source).body if isinstance(node, nodes)]
    assert len(names) == len(set(names))
