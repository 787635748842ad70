"""The first rows of an order, found by a sample: as a stable sort of all rows has them."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from codeexec.guest.tables import columns, polars_categories, polars_top
from codeexec.guest.tables.columns import ColumnsTable
from codeexec.guest.tables.filters import parse_filter
from codeexec.guest.tables.polars_tables import PolarsTable

pl: Any = pytest.importorskip("polars")
ROWS = 40_000
COUNT = 300


@pytest.fixture(autouse=True)
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of few rows are as large ones."""
    for module in (columns, polars_top):
        monkeypatch.setattr(module, "SAMPLE", 2000)
        monkeypatch.setattr(module, "MOST_SORTED", 2000)


@pytest.fixture(scope="module")
def frame() -> Any:
    chance = random.Random(3)
    rows, start = range(ROWS), dt.datetime.fromisoformat("2020-01-01")
    floats = [float("nan"), float("inf"), -0.0, 0.0, None]
    made = {
        "number": [chance.randrange(10**6) for _ in rows],
        "time order": list(rows),
        "few": [chance.randrange(3) for _ in rows],
        "one": [1 for _ in rows],
        "none": pl.Series([None] * ROWS, dtype=pl.Int64),
        "sparse": [at if at % 5000 == 7 else None for at in rows],
        "float": [chance.choice([*floats, chance.random()]) for _ in rows],
        "text": [chance.choice([None, "ä", "long " * 9, str(chance.random())]) for _ in rows],
        "yes": [chance.choice([True, False, None]) for _ in rows],
        "when": [start + dt.timedelta(hours=chance.randrange(999)) for _ in rows],
    }
    text = pl.col("few").cast(pl.String)
    return pl.DataFrame(made, strict=False).with_columns(
        category=text.cast(pl.Categorical),
        many=pl.col("text").cast(pl.Categorical(pl.Categories("of texts"))),
        ranked=text.replace("0", None).cast(pl.Enum(["2", "0", "1"])),
        exact=pl.col("number").cast(pl.Decimal(10, 2)),
        zone=pl.col("when").dt.replace_time_zone("UTC"),
    )


def orders(count: int) -> list[list[tuple[int, bool]]]:
    """By each column both ways, and by each with the next one."""
    single = [[(at, down)] for at in range(count) for down in (False, True)]
    double = [[(at, at % 2 > 0), ((at + 1) % count, at % 3 > 0)] for at in range(count)]
    return [*single, *double, [(count - 1, True), (2, True), (4, False), (0, True)]]


def test_polars_finds_the_first_rows_of_a_stable_sort(frame: Any) -> None:
    table = PolarsTable(frame)
    for keys in orders(len(table.names)):
        whole = table.sorted(keys).picks.head(COUNT)
        assert table.top(keys, COUNT).picks.to_list() == whole.to_list(), keys


def test_each_kind_of_column_needs_no_sort(frame: Any) -> None:
    for name in frame.columns:
        assert polars_top.first_of_order(frame, [(name, True)], COUNT) is not None, name


def test_categories_are_compared_by_their_codes(
    frame: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = frame.with_columns(pl.col("many", "ranked").cast(pl.String))
    for listed in (polars_categories.MOST_LISTED, 2):  # with few, polars compares
        monkeypatch.setattr(polars_categories, "MOST_LISTED", listed)
        for condition in (
            'many < "0.3"', 'many = "ä"', 'many ~ "LONG"', 'many != "0"', 'ranked > "0"',
            'ranked <= "9"', 'ranked ~ "x"', "not (ranked = 1)",
        ):  # fmt: skip
            tree = parse_filter(condition, frame.columns)
            assert (
                PolarsTable(frame).filtered(tree).picks.to_list()
                == PolarsTable(texts).filtered(tree).picks.to_list()
            ), condition
    assert PolarsTable(frame).types[-2:] == ["Decimal(precision=10, scale=2)", "Datetime[us, UTC]"]
    assert {"Categorical", "Enum"} <= set(PolarsTable(frame).types)


def test_rows_of_a_filter_are_put_in_order_too(frame: Any) -> None:
    picks = pl.Series(range(0, ROWS, 3), dtype=pl.UInt32)
    table = PolarsTable(frame, picks)
    top = table.top([(0, True)], COUNT).picks.to_list()
    assert top == table.sorted([(0, True)]).picks.head(COUNT).to_list()
    assert all(at % 3 == 0 for at in top)


def test_arrays_have_the_same_first_rows() -> None:
    np: Any = pytest.importorskip("numpy")
    pandas: Any = pytest.importorskip("pandas")
    from codeexec.guest.tables.sources import PandasSource

    chance = np.random.default_rng(3)
    numbers = chance.integers(0, 10**6, ROWS)
    floats = np.where(numbers % 5 == 0, np.nan, chance.random(ROWS))
    made = {"number": numbers, "time order": np.arange(ROWS), "few": numbers % 3, "float": floats}
    times = pandas.to_datetime(numbers, unit="s").where(numbers % 7 > 0)
    table = ColumnsTable(PandasSource(pandas.DataFrame({**made, "when": times})))
    for keys in orders(5)[:-1]:
        whole = table.sorted(keys).picks[:COUNT].tolist()
        first = table.top(keys, COUNT)
        assert first.picks[:COUNT].tolist() == whole, keys
        at, down = keys[0]
        values, missing = table.ranks(at)
        found = columns.below_sampled_bound(values, missing, down, COUNT)
        assert (found is None) is (table.names[at] == "few"), keys
