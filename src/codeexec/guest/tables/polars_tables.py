"""Data frames, series and lazy frames of polars. A lazy frame is never collected as a whole: each
page is asked for by itself. Python 3.8 on."""

from __future__ import annotations

from typing import Any

from codeexec.guest.prelude import library, texts_of
from codeexec.guest.tables.columns import MISSING, duration
from codeexec.guest.tables.filters import COMPARISONS
from codeexec.guest.tables.polars_categories import category_texts, has_text
from codeexec.guest.tables.polars_top import first_of_order
from codeexec.guest.tables.work import Refused

NUMBER = "codeexec row number"


class PolarsTable:
    """A data frame; `picks` are the numbers of rows that a filter or an order has left."""

    is_lazy = False

    def __init__(self, frame: Any, picks: Any = None) -> None:
        self.frame = frame.to_frame() if library(frame) == "polars.Series" else frame
        self.names = list(map(str, self.frame.columns))
        self.types = [type_of(kind) for kind in self.frame.dtypes]
        self.picks = picks

    def rows(self) -> int:
        return int(self.frame.height if self.picks is None else len(self.picks))

    def page(self, start: int, count: int, columns: list[int]) -> tuple[list[str], list[list[str]]]:
        if self.picks is None:
            part = self.frame[:, columns].slice(start, count)
            index = [str(at) for at in range(start, start + part.height)]
        else:
            picked = self.picks.slice(start, count)
            part = self.frame[:, columns][picked]
            index = [str(at) for at in picked.to_list()]
        return index, [texts_of(series.to_list()) for series in part.get_columns()]

    def picked(self, picks: Any) -> PolarsTable:
        """These rows of the whole table."""
        return PolarsTable(self.frame, picks)

    def _columns(self, columns: list[int]) -> Any:
        part = self.frame[:, columns]
        return part if self.picks is None else part[self.picks]

    def filtered(self, tree: Any) -> PolarsTable:
        mask = expression(tree, self.frame)
        numbers = self.frame.lazy().select(mask.arg_true()).collect().to_series()
        return PolarsTable(self.frame, numbers)

    def sorted(self, keys: list[tuple[int, bool]]) -> PolarsTable:
        import polars as pl

        self._refuse_objects([at for at, _ in keys])
        part = self._columns([at for at, _ in keys])
        by = [self.names[at] for at, _ in keys]
        descending = [down for _, down in keys]
        order = part.select(
            pl.arg_sort_by(by, descending=descending, nulls_last=True, maintain_order=True)
        ).to_series()
        return PolarsTable(self.frame, order if self.picks is None else self.picks[order])

    def _refuse_objects(self, columns: list[int]) -> None:
        """polars prints a panic to the user's stderr where it has to order objects."""
        for at in columns:
            if self.types[at] == "Object":
                name = self.names[at]
                raise Refused(f"{name} has objects of Python: polars has no order of them.")

    def top(self, keys: list[tuple[int, bool]], count: int) -> PolarsTable:
        self._refuse_objects([at for at, _ in keys])
        part = self._columns([at for at, _ in keys])
        order = first_of_order(part, [(self.names[at], down) for at, down in keys], count)
        if order is None:
            by = [self.names[at] for at, _ in keys]
            lazy = numbered(part.lazy()).sort(
                by, descending=[down for _, down in keys], nulls_last=True, maintain_order=True
            )
            order = lazy.head(count).select(NUMBER).collect().to_series()
        return PolarsTable(self.frame, order if self.picks is None else self.picks[order])

    def _series(self, at: int) -> Any:
        return self._columns([at]).to_series()

    def nulls(self, at: int) -> int:
        series = self._series(at)
        return int(series.null_count()) + (int(series.is_nan().sum()) if is_float(series) else 0)

    def distinct(self, at: int) -> int:
        return int(self._series(at).n_unique()) - bool(self._series(at).null_count())

    def numbers(self, at: int) -> Any:
        series = self._series(at)
        if not series.dtype.is_numeric():
            return None
        series = series.drop_nulls()
        return series.drop_nans() if is_float(series) else series

    def extent(self, at: int) -> tuple[str, str] | None:
        series = self._series(at)
        if is_float(series):
            series = series.drop_nans()
        least, greatest = series.min(), series.max()
        if least is None:
            return None
        low, high = texts_of([least, greatest])
        return low, high

    def quantiles(self, at: int, shares: list[float]) -> list[float]:
        series = self.numbers(at)
        return [float(series.quantile(share, "linear")) for share in shares]

    def mean(self, at: int) -> float:
        return float(self.numbers(at).mean())

    def histogram(self, at: int, bins: int) -> tuple[list[int], float, float]:
        import polars as pl

        values = self.numbers(at).cast(pl.Float64)
        values = values.filter(values.is_finite())
        low, high = float(values.min()), float(values.max())
        width = (high - low) / bins or 1.0
        place = ((values - low) / width).floor().clip(0, bins - 1).cast(pl.UInt32)
        counted = place.value_counts()
        counts = [0] * bins
        for where, count in counted.iter_rows():
            counts[where] = count
        return counts, low, high

    def counts(self, at: int, most: int) -> list[tuple[str, int]]:
        self._refuse_objects([at])
        counted = self._series(at).value_counts()
        by = ["count", self.names[at]] if counted.dtypes[0].is_nested() is False else ["count"]
        counted = counted.sort(by, descending=[True, False][: len(by)]).head(most)
        texts = texts_of(counted.to_series(0).to_list())
        values = counted.to_series(0).to_list()
        return [
            (MISSING if value is None else text, int(count))
            for value, text, count in zip(values, texts, counted["count"].to_list())  # noqa: B905
        ]

    def write(self, path: str, columns: list[int]) -> None:
        part = self._columns(columns)
        if path.endswith(".parquet"):
            part.write_parquet(path)
        else:
            part.write_csv(path, separator="\t" if path.endswith(".tsv") else ",")


class LazyPolarsTable:
    """A lazy frame: filter and order are part of its plan."""

    is_lazy = True

    def __init__(self, lazy: Any) -> None:
        self.lazy = lazy
        self._schema = lazy.collect_schema()
        self.names = list(map(str, self._schema.names()))
        self.types = [type_of(kind) for kind in self._schema.dtypes()]

    def rows(self) -> int:
        import polars as pl

        return int(self.lazy.select(pl.len()).collect().item())

    def page(self, start: int, count: int, columns: list[int]) -> tuple[list[str], list[list[str]]]:
        names = [self.names[at] for at in columns]
        part = self.lazy.select(names).slice(start, count).collect()
        index = [str(at) for at in range(start, start + part.height)]
        return index, [texts_of(series.to_list()) for series in part.get_columns()]

    def filtered(self, tree: Any) -> LazyPolarsTable:
        return LazyPolarsTable(self.lazy.filter(expression(tree, self.lazy)))

    def sorted(self, keys: list[tuple[int, bool]]) -> LazyPolarsTable:
        by = [self.names[at] for at, _ in keys]
        return LazyPolarsTable(
            self.lazy.sort(by, descending=[down for _, down in keys], nulls_last=True)
        )

    def top(self, keys: list[tuple[int, bool]], count: int) -> LazyPolarsTable:
        return LazyPolarsTable(self.sorted(keys).lazy.head(count))

    def one(self, at: int) -> PolarsTable:
        """A single column, collected for its summary."""
        return PolarsTable(self.lazy.select(self.names[at]).collect())

    def write(self, path: str, columns: list[int]) -> None:
        lazy = self.lazy.select([self.names[at] for at in columns])
        if path.endswith(".parquet"):
            lazy.sink_parquet(path)
        else:
            lazy.sink_csv(path, separator="\t" if path.endswith(".tsv") else ",")


def numbered(lazy: Any) -> Any:
    make = getattr(lazy, "with_row_index", None) or lazy.with_row_count
    return make(NUMBER)


def type_of(kind: Any) -> str:
    """`Datetime[us, UTC]` for `Datetime(time_unit='us', time_zone='UTC')`; of categories the
    name of the type alone."""
    import polars as pl

    if isinstance(kind, (pl.Categorical, pl.Enum)):
        return type(kind).__name__  # without all its categories
    text = str(kind)
    zone = getattr(kind, "time_zone", None)
    if text.startswith(("Datetime(", "Duration(")):
        return f"{text.partition('(')[0]}[{kind.time_unit}{', ' + zone if zone else ''}]"
    return text


def is_float(series: Any) -> bool:
    return str(series.dtype) in ("Float32", "Float64")


def expression(tree: Any, frame: Any) -> Any:
    """A filter as an expression; what is missing fits no comparison."""
    schema = frame.collect_schema() if hasattr(frame, "collect_schema") else frame.schema
    names, kinds = list(schema.keys()), list(schema.values())
    is_in_memory = library(frame) == "polars.DataFrame"

    def by_category(name: str, kind: Any, operator: str, value: Any) -> Any:
        texts = category_texts(kind) if is_in_memory else None
        if texts is None:
            return None
        if operator == "~":
            fits = texts.str.to_lowercase().str.contains(str(value).lower(), literal=True)
        else:
            fits = COMPARISONS[operator](texts, str(value))
        return has_text(name, texts, fits)

    def there(at: int, condition: Any) -> Any:
        import polars as pl

        if str(kinds[at]) in ("Float32", "Float64"):
            condition = condition & ~pl.col(names[at]).is_nan()
        return condition.fill_null(False)

    def made(tree: Any) -> Any:
        import polars as pl

        if tree[0] == "and":
            return made(tree[1]) & made(tree[2])
        if tree[0] == "or":
            return made(tree[1]) | made(tree[2])
        if tree[0] == "not":
            return ~made(tree[1])
        if tree[0] == "null":
            column = pl.col(names[tree[1]])
            null = column.is_null()
            is_number = str(kinds[tree[1]]) in ("Float32", "Float64")
            return null | column.is_nan().fill_null(False) if is_number else null
        if tree[0] == "columns":
            _, operator, left, right = tree
            condition = COMPARISONS[operator](pl.col(names[left]), pl.col(names[right]))
            return there(right, there(left, condition))
        _, operator, at, value = tree
        column = pl.col(names[at])
        fitting_codes = by_category(names[at], kinds[at], operator, value)
        if fitting_codes is not None:
            return there(at, fitting_codes)
        if operator == "~":
            text = as_text(column, kinds[at]).str.to_lowercase()
            return there(at, text.str.contains(str(value).lower(), literal=True))
        return there(at, COMPARISONS[operator](*fitting(column, kinds[at], value, names[at])))

    return made(tree)


def as_text(column: Any, kind: Any) -> Any:
    """A column as text that is searched; nothing is found in bytes and objects of Python."""
    import polars as pl

    if kind.base_type() == pl.Struct:
        return column.struct.json_encode()
    if kind.base_type() in (pl.List, pl.Array):
        values = column.arr.to_list() if kind.base_type() == pl.Array else column
        is_flat = not kind.inner.is_nested() and kind.inner not in (pl.Object, pl.Binary)
        return (
            values.cast(pl.List(pl.String)).list.join(", ") if is_flat else pl.lit(None, pl.String)
        )
    return pl.lit(None, pl.String) if kind in (pl.Object, pl.Binary) else column.cast(pl.String)


def fitting(column: Any, kind: Any, value: Any, name: str) -> tuple[Any, Any]:
    """The column and the value, so that they can be compared."""
    import polars as pl

    if kind.is_numeric():
        if type(value) is str:
            try:
                return column, float(value)
            except ValueError:
                raise Refused(f"{name} has numbers ({kind}): {value!r} is none.") from None
        return column, value
    if kind.is_temporal():
        return column, moment(value, kind, name)
    if kind == pl.Boolean:
        return column, value if type(value) is bool else bool(value)
    if kind.is_nested() or kind in (pl.Object, pl.Binary):
        raise Refused(f"{name} has values ({kind}) that are compared with nothing: search by ~.")
    return (column if kind == pl.String else column.cast(pl.String)), str(value)


def moment(value: Any, kind: Any, name: str) -> Any:
    import datetime as dt

    import polars as pl

    try:
        if kind == pl.Date:
            return dt.datetime.fromisoformat(str(value)).date()
        if kind == pl.Time:
            return dt.time.fromisoformat(str(value))
        if kind.base_type() == pl.Duration:
            return duration(str(value))
        text = str(value)
        # Python 3.8 does not read Z.
        when = dt.datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
        zone = getattr(kind, "time_zone", None)
        offset = when.utcoffset()
        if offset is not None:  # the same moment, whatever the zone
            utc = pl.lit(when.replace(tzinfo=None) - offset)
            return (
                utc if zone is None else utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
            )
        return when if zone is None else pl.lit(when).dt.replace_time_zone(zone)
    except ValueError:
        example = "1 day, 2:30:00" if kind.base_type() == pl.Duration else "2025-01-31 12:00"
        raise Refused(f'{name} has times: compare with a text like "{example}".') from None
