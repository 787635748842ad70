"""Where the columns of a `ColumnsTable` come from: pandas, numpy, pyarrow, xarray."""

from __future__ import annotations

import sys
from typing import Any

from codeexec.guest.prelude import (
    PLAIN,
    cell,
    index_texts,
    is_index,
    is_one,
    library,
    str_of_label,
    texts_of,
    type_name,
)
from codeexec.guest.tables.columns import CHUNK, array_column, coded, plain_list
from codeexec.guest.tables.work import Refused


class WithoutZones:
    """Part of a `ColumnSource` whose columns have no time zones."""

    def in_zone(self, at: int, moment: Any) -> Any:
        return moment


class ArraySource(WithoutZones):
    """An array of one or two dimensions, or of records."""

    def __init__(self, value: Any) -> None:
        if value.dtype.names:
            if value.ndim != 1:
                raise Refused("Records of one dimension are a table.")
            self._columns = [value[name] for name in value.dtype.names]
            self.names = list(map(str, value.dtype.names))
        elif value.ndim in (1, 2):
            table = value[:, None] if value.ndim == 1 else value
            self._columns = table.T
            self.names = [str(at) for at in range(table.shape[1])]
        else:
            raise Refused(
                f"An array of {value.ndim} dimensions is no table: look at a part of it, x = a[0]."
            )
        self.types = [str(column.dtype) for column in self._columns]
        self.rows = len(value)

    def index(self, picked: Any) -> list[str]:
        return [str(at) for at in picked]

    def texts(self, at: int, picked: Any) -> list[str]:
        column = self._columns[at]
        chosen = column[picked.start : picked.stop] if type(picked) is range else column[picked]
        return texts_of(chosen.tolist())

    def column(self, at: int) -> tuple[str, Any, Any]:
        return array_column(self._columns[at])

    def write(self, path: str, columns: list[int], picks: Any) -> None:
        write_rows(self, path, columns, picks)


class PandasSource:
    def __init__(self, value: Any) -> None:
        class_name = library(value)
        if class_name == "pandas.Series":
            value = value.to_frame()
        elif is_index(class_name):
            value = value.to_frame(index=False)
        self._frame = value
        self.names = [str_of_label(label) for label in list(value.columns)]
        self.types = [str(label) for label in value.dtypes]
        self.rows = len(value)

    def index(self, picked: Any) -> list[str]:
        index = self._frame.index
        if type(picked) is range:
            return index_texts(index[picked.start : picked.stop])
        return index_texts(index[list(picked)])

    def texts(self, at: int, picked: Any) -> list[str]:
        series = self._frame.iloc[:, at]
        if type(picked) is range:
            return texts_of(series.iloc[picked.start : picked.stop].tolist())
        return texts_of(series.iloc[list(picked)].tolist())

    def column(self, at: int) -> tuple[str, Any, Any]:
        import numpy as np

        series = self._frame.iloc[:, at]
        dtype = series.dtype
        if isinstance(dtype, np.dtype):
            return array_column(series.to_numpy())
        name = str(dtype)
        if name == "category":
            categories = series.cat.categories.tolist()
            plain = [v if type(v) is str or is_one(type(v), PLAIN) else cell(v) for v in categories]
            return "codes", series.cat.codes.to_numpy().astype(np.int32), plain
        if name.startswith("datetime64"):
            return array_column(series.dt.tz_localize(None).to_numpy())
        missing = series.isna().to_numpy()
        kind = getattr(dtype, "kind", "O")
        if kind in "biuf":
            dtype_name = {"b": "?", "f": "f8", "i": "i8", "u": "u8"}[kind]
            values = series.to_numpy(dtype=dtype_name, na_value=0)
            return "numbers", values, ~missing if missing.any() else None
        return coded(series.tolist())

    def in_zone(self, at: int, moment: Any) -> Any:
        """A time in UTC as the local one of a column's zone, as `column` has its times."""
        zone = getattr(self._frame.iloc[:, at].dtype, "tz", None)
        if zone is None:
            return moment
        there = sys.modules["pandas"].Timestamp(moment, tz="UTC").tz_convert(zone)
        return there.tz_localize(None).to_datetime64()

    def write(self, path: str, columns: list[int], picks: Any) -> None:
        frame = self._frame.iloc[:, columns]
        frame = frame if picks is None else frame.iloc[picks]
        if path.endswith(".parquet"):
            frame.to_parquet(path)
        else:
            is_plain = type_name(frame.index) == "RangeIndex" or picks is not None
            frame.to_csv(path, index=not is_plain, sep="\t" if path.endswith(".tsv") else ",")


class ArrowSource:
    def __init__(self, value: Any) -> None:
        pyarrow = sys.modules["pyarrow"]
        if library(value) == "pyarrow.RecordBatch":
            value = pyarrow.Table.from_batches([value])
        self._table = value
        self.names = list(map(str, value.column_names))
        self.types = [str(field.type) for field in value.schema]
        self.rows = value.num_rows

    def index(self, picked: Any) -> list[str]:
        return [str(at) for at in picked]

    def texts(self, at: int, picked: Any) -> list[str]:
        column = self._table.column(at)
        if type(picked) is range:
            return texts_of(python_values(column.slice(picked.start, len(picked))))
        rows = sys.modules["pyarrow"].array(list(picked), "int64")  # also where there are none
        return texts_of(python_values(column.take(rows)))

    def column(self, at: int) -> tuple[str, Any, Any]:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self._table.column(at)
        kind = column.type
        if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_floating(kind):
            valid = None
            if column.null_count:
                valid = pc.is_valid(column).to_numpy()
                column = pc.fill_null(column, False if pa.types.is_boolean(kind) else 0)
            values = column.to_numpy()
            if values.dtype.kind == "f" and np.isnan(values).any():
                present = ~np.isnan(values)
                valid = present if valid is None else valid & present
            return "numbers", values, valid
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            column, kind = local_times(column), pa.timestamp(kind.unit)
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return array_column(column.cast(pa.timestamp("us"), safe=False).to_numpy())
        if pa.types.is_duration(kind):
            return array_column(column.cast(pa.duration("us"), safe=False).to_numpy())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            encoded = pc.dictionary_encode(column).combine_chunks()
            codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
            return "codes", codes.astype(np.int32), encoded.dictionary.to_pylist()
        return coded(python_values(column))

    def in_zone(self, at: int, moment: Any) -> Any:
        import pyarrow as pa

        zone = getattr(self._table.schema.field(at).type, "tz", None)
        if zone is None:
            return moment
        utc = pa.array([moment.astype("datetime64[us]")]).cast(pa.timestamp("us", zone))
        return local_times(utc).to_numpy(zero_copy_only=False)[0]

    def write(self, path: str, columns: list[int], picks: Any) -> None:
        from pyarrow import csv, parquet

        table = self._table.select(columns)
        table = table if picks is None else table.take(picks)
        if path.endswith(".parquet"):
            parquet.write_table(table, path)
        else:
            options = csv.WriteOptions(delimiter="\t" if path.endswith(".tsv") else ",")
            csv.write_csv(table, path, options)


def local_times(column: Any) -> Any:
    """Times of pyarrow with a zone as the local ones there; as UTC where the zone is not known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.local_timestamp(column)
    except (pa.ArrowException, AttributeError):
        return column.cast(pa.timestamp(column.type.unit))


def python_values(column: Any) -> list[Any]:
    """Values of a column of pyarrow; those that Python has not (times of the year 100,000) as the
    numbers that stand for them."""
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        return [python_value(scalar) for scalar in column]


def python_value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return getattr(scalar, "value", None)


class XarraySource(WithoutZones):
    """An array or a data set in the long form: a row for each point, its coordinates first."""

    def __init__(self, value: Any) -> None:
        import numpy as np

        if library(value) == "xarray.DataArray":
            variables = {
                str_of_label(value.name) if value.name is not None else "value": value.variable
            }
            dimensions = list(value.dims)
        else:
            variables = {str_of_label(name): value.variables[name] for name in value.data_vars}
            dimensions = list(value.sizes)
        for name, variable in variables.items():
            if not variable._in_memory:
                raise Refused(f"{name} is not in memory: .load() reads it.")
        sizes = [int(value.sizes[dimension]) for dimension in dimensions]
        self._shape = tuple(sizes) or (1,)
        self.rows = int(np.prod(self._shape))
        self._parts: list[tuple[Any, list[int]]] = []
        self.names = []
        for at, dimension in enumerate(dimensions):
            coordinate = value.coords.get(dimension)
            labels = np.arange(sizes[at]) if coordinate is None else coordinate.to_numpy()
            self._parts.append((labels, [at]))
            self.names.append(str_of_label(dimension))
        for name, variable in variables.items():
            places = [dimensions.index(dimension) for dimension in variable.dims]
            self._parts.append((variable.to_numpy(), places))
            self.names.append(name)
        self.types = [str(values.dtype) for values, _ in self._parts]

    def _values(self, at: int, picked: Any) -> Any:
        import numpy as np

        values, places = self._parts[at]
        if not places:
            return np.broadcast_to(values, len(picked))
        points = np.unravel_index(np.asarray(picked, dtype=np.int64), self._shape)
        return values[tuple(points[place] for place in places)]

    def index(self, picked: Any) -> list[str]:
        return [str(at) for at in picked]

    def texts(self, at: int, picked: Any) -> list[str]:
        return texts_of(self._values(at, picked).tolist())

    def column(self, at: int) -> tuple[str, Any, Any]:
        import numpy as np

        return array_column(self._values(at, np.arange(self.rows)))

    def write(self, path: str, columns: list[int], picks: Any) -> None:
        write_rows(self, path, columns, picks)


def write_rows(source: Any, path: str, columns: list[int], picks: Any) -> None:
    """A CSV of what has no writer of its own, in pieces; Parquet by way of pyarrow or pandas."""
    import csv

    import numpy as np

    whole = np.arange(source.rows) if picks is None else picks
    names = [source.names[at] for at in columns]
    if path.endswith(".parquet"):
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise Refused("Parquet needs pyarrow in the kernel: %pip install pyarrow.") from None
        arrays = []
        for at in columns:
            kind, first, second = source.column(at)
            if kind == "codes":
                values = pa.array(plain_list((kind, first, second)))
                arrays.append(values.take(pa.array(whole)))
            else:
                mask = None if second is None else ~second[whole]
                arrays.append(pa.array(first[whole], mask=mask))
        parquet.write_table(pa.table(dict(zip(names, arrays))), path)  # noqa: B905
        return
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if path.endswith(".tsv") else ",")
        writer.writerow(names)
        for start in range(0, len(whole), CHUNK):
            picked = [int(at) for at in whole[start : start + CHUNK]]
            writer.writerows(zip(*[source.texts(at, picked) for at in columns]))  # noqa: B905
