"""Tables of files that are read in pieces of rows and columns: pages, filters, orders and copies.

Runs in the helper process. KEPT_BYTES and ARRAY_BYTES bound what is kept of a file in memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from codeexec.guest.prelude import CELL, texts_of
from codeexec.guest.tables.columns import ColumnsTable, small
from codeexec.guest.tables.filters import columns_of
from codeexec.guest.tables.sources import ArrowSource
from codeexec.guest.tables.work import Refused, free_memory, size_words

KEPT_BYTES = 448 << 20
"""Pieces that are kept."""

ARRAY_BYTES = 256 << 20
"""Whole columns that are kept."""

PIECE_BYTES = 4 << 20
MOST_PIECE_ROWS = 65_536
"""About how large a piece is."""

WRITTEN_ROWS = 65_536
"""Rows that are written at once."""


def piece_rows(bytes_a_row: float) -> int:
    """How many rows a piece has."""
    return min(max(int(PIECE_BYTES / max(bytes_a_row, 1)), 200), MOST_PIECE_ROWS)


class PieceSource:
    """Columns and rows of one table of a file. Subclasses read pieces; the schema is pyarrow's."""

    def __init__(self, schema: Any, rows: int) -> None:
        self.schema = schema
        self.rows = rows
        self.names = [str(field.name) for field in schema]
        self.types = [_type_words(field.type) for field in schema]
        self._lock = threading.RLock()
        self._pieces: OrderedDict[Any, Any] = OrderedDict()
        self._arrays: OrderedDict[int, tuple[str, Any, Any]] = OrderedDict()
        self._pages: OrderedDict[Any, Any] = OrderedDict()

    # -- for subclasses ----------------------------------------------------------------------

    def pieces(
        self, columns: list[int], start: int = 0, *, is_kept: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """The pieces of these columns, ascending, from the one on that has row `start`: the number
        of its first row, and its rows as a table of pyarrow. They are kept for the next page where
        `is_kept`, which one thread at a time may ask."""
        raise NotImplementedError

    def part_end(self, row: int) -> int:
        """The row after the part of the file that can be read from its beginning alone."""
        raise NotImplementedError

    def column_bytes(self, at: int) -> int:
        """About how many bytes a whole column takes in memory."""
        raise NotImplementedError

    def kept_piece(self, key: Any) -> Any:
        """A piece that was read before, or None."""
        if key in self._pieces:
            self._pieces.move_to_end(key)
        return self._pieces.get(key)

    def keep_piece(self, key: Any, piece: Any) -> None:
        self._pieces[key] = piece
        _bound(self._pieces, lambda table: int(table.nbytes), KEPT_BYTES)

    # -- for ColumnsTable --------------------------------------------------------------------

    def gather(self, columns: list[int], picked: Sequence[int]) -> Any:
        """These rows, as a table of pyarrow."""
        key = (tuple(columns), picked if type(picked) is range else tuple(map(int, picked)))
        with self._lock:
            if key in self._pages:
                return self._pages[key]
            is_range = type(picked) is range
            page = self._stretch(columns, picked) if is_range else self._scattered(columns, picked)
            self._pages[key] = page
            while len(self._pages) > 8:
                self._pages.popitem(last=False)
            return page

    def _stretch(self, columns: list[int], picked: Sequence[int]) -> Any:
        import pyarrow as pa

        parts = []
        start, stop = (picked[0], picked[-1] + 1) if picked else (0, 0)
        for first, piece in self.pieces(columns, start, is_kept=True) if picked else ():
            low, high = max(start - first, 0), min(stop - first, piece.num_rows)
            if low < high:
                parts.append(piece.slice(low, high - low))
            if first + piece.num_rows >= stop:
                break
        return pa.concat_tables(parts) if parts else self._no_rows(columns)

    def _scattered(self, columns: list[int], picked: Sequence[int], *, is_kept: bool = True) -> Any:
        import numpy as np
        import pyarrow as pa

        numbers = np.asarray(picked, dtype=np.int64)
        order = np.argsort(numbers, kind="stable")
        ascending, at, parts = numbers[order], 0, []
        while at < len(ascending):
            end = self.part_end(int(ascending[at]))
            begin = at
            for first, piece in self.pieces(columns, int(ascending[at]), is_kept=is_kept):
                until = int(np.searchsorted(ascending, first + piece.num_rows))
                if until > at:
                    parts.append(piece.take(ascending[at:until] - first))
                    at = until
                if at >= len(ascending) or ascending[at] >= end:
                    break
            if at == begin:
                raise Refused("The file has fewer rows than it says.")
        if not parts:
            return self._no_rows(columns)
        positions = np.empty(len(order), np.int64)
        positions[order] = np.arange(len(order))
        return pa.concat_tables(parts).combine_chunks().take(positions)

    def _no_rows(self, columns: list[int]) -> Any:
        import pyarrow as pa

        return pa.schema([self.schema.field(at) for at in columns]).empty_table()

    def column(self, at: int) -> tuple[str, Any, Any]:
        """A whole column, as `ColumnsTable` has it."""
        import pyarrow as pa

        with self._lock:
            if at in self._arrays:
                self._arrays.move_to_end(at)
                return self._arrays[at]
        needed, free = 3 * self.column_bytes(at), free_memory()
        if free and needed > free:
            self.make_room()
            free = free_memory()
        if free and needed > free:
            raise Refused(
                f"{self.names[at]} takes {size_words(needed)} in memory;"
                f" {size_words(free)} may be used for it. Filter first."
            )
        parts = [piece for _, piece in self.pieces([at])]
        table = pa.concat_tables(parts) if parts else self._no_rows([at])
        array = ArrowSource(table).column(0)
        with self._lock:
            self._arrays[at] = array
            _bound(self._arrays, _array_bytes, ARRAY_BYTES)
        return array

    def in_zone(self, at: int, moment: Any) -> Any:
        return ArrowSource(self._no_rows([at])).in_zone(0, moment)

    def make_room(self) -> None:
        """Let go of all that is kept."""
        import pyarrow as pa

        with self._lock:
            self._pieces.clear()
            self._pages.clear()
            self._arrays.clear()
        pa.default_memory_pool().release_unused()

    def write(self, path: str, columns: list[int], picks: Any) -> None:
        import pyarrow as pa

        if picks is None:
            parts: Iterator[Any] = (piece for _, piece in self.pieces(columns))
        else:
            starts = range(0, len(picks), WRITTEN_ROWS)
            parts = (
                self._scattered(columns, picks[at : at + WRITTEN_ROWS], is_kept=False)
                for at in starts
            )
        write_table(path, pa.schema([self.schema.field(at) for at in columns]), parts)


class PieceTable(ColumnsTable):
    """Rows of a `PieceSource`; a filter reads piece by piece, and keeps the numbers of rows."""

    source: PieceSource

    def page(self, start: int, count: int, columns: list[int]) -> tuple[list[str], list[list[str]]]:
        stop = max(min(start + count, self.rows()), start)
        picked = range(start, stop) if self.picks is None else self.picks[start:stop].tolist()
        table = self.source.gather(columns, picked)
        return [str(at) for at in picked], [cell_texts(column) for column in table.columns]

    def make_room(self) -> None:
        self.source.make_room()

    def column(self, at: int) -> tuple[str, Any, Any]:
        kind, first, second = self.source.column(at)
        if self.picks is None:
            return kind, first, second
        if kind == "numbers":
            return kind, first[self.picks], None if second is None else second[self.picks]
        return kind, first[self.picks], second

    def filtered(self, tree: Any) -> PieceTable:
        import numpy as np

        parts = list(self._hits(tree))
        picks = np.concatenate(parts) if parts else np.empty(0, np.int64)
        return PieceTable(self.source, picks.astype(small(self.source.rows)))

    def first_hit(self, tree: Any, start: int) -> int | None:
        """The first row from `start` on that a filter lets through, in the order of the file."""
        for rows in self._hits(tree, start):
            later = rows[rows >= start]
            if len(later):
                return int(later[0])
        return None

    def _hits(self, tree: Any, start: int = 0) -> Iterator[Any]:
        import numpy as np

        columns = sorted(columns_of(tree))
        for first, piece in self.source.pieces(columns, start):
            mask = _PieceRows(_PieceColumns(self.source, columns, piece)).mask(tree)
            yield np.flatnonzero(mask) + first


class _PieceRows(ColumnsTable):
    """A piece, in which pyarrow looks for texts."""

    def _contains(self, values: Any, valid: Any, text: str) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        strings = pa.array(values).cast(pa.string())
        matches = pc.match_substring(strings, text, ignore_case=True)
        matches = pc.fill_null(matches, False).to_numpy(zero_copy_only=False)
        return matches if valid is None else matches & valid


class _PieceColumns:
    """Some columns of a piece, under the numbers that they have in the whole table."""

    def __init__(self, source: PieceSource, columns: list[int], piece: Any) -> None:
        self.names = source.names
        self.types = source.types
        self.rows = piece.num_rows
        self._places = {at: place for place, at in enumerate(columns)}
        self._columns = ArrowSource(piece)

    def column(self, at: int) -> tuple[str, Any, Any]:
        return self._columns.column(self._places[at])

    def in_zone(self, at: int, moment: Any) -> Any:
        return self._columns.in_zone(self._places[at], moment)


def cell_texts(column: Any) -> list[str]:
    """The cells of a column of pyarrow; what Python cannot hold is written by pyarrow."""
    import pyarrow as pa

    kind = column.type
    if _is_string(kind):
        return _string_texts(column)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_duration(kind) and kind.unit == "ns":
        column = column.cast(pa.duration("us"), safe=False)
    elif pa.types.is_time64(kind) and kind.unit == "ns":
        column = column.cast(pa.time64("us"), safe=False)
    try:
        return texts_of(column.to_pylist())
    except (ValueError, OverflowError, KeyError, NotImplementedError, pa.ArrowException):
        return _written_by_arrow(column)


def _is_string(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _string_texts(column: Any) -> list[str]:
    import pyarrow as pa

    if column.nbytes > 4 * CELL * len(column):
        import pyarrow.compute as pc  # 0.2 s, so for long texts alone

        try:
            column = pc.utf8_slice_codeunits(column, 0, CELL + 1)
        except pa.ArrowInvalid:
            pass  # no UTF-8: see below
    try:
        return texts_of(column.to_pylist())
    except UnicodeDecodeError:
        values = column.cast(pa.large_binary()).to_pylist()
        return texts_of([None if v is None else v.decode("utf-8", "replace") for v in values])


def _written_by_arrow(column: Any) -> list[str]:
    import pyarrow as pa

    try:
        return texts_of(column.cast(pa.string()).to_pylist())
    except (ValueError, NotImplementedError, pa.ArrowException):
        return ["?"] * len(column)


def write_table(path: str, schema: Any, parts: Iterator[Any]) -> None:
    """Write tables of pyarrow one after the other into a CSV, TSV or Parquet file."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    if path.endswith(".parquet"):
        with parquet.ParquetWriter(path, schema) as writer:
            for part in parts:
                writer.write_table(part)
        return
    plain = pa.schema([(f.name, f.type if _fits_csv(f.type) else pa.string()) for f in schema])
    options = csv.WriteOptions(delimiter="\t" if path.endswith(".tsv") else ",")
    with csv.CSVWriter(path, plain, write_options=options) as writer:
        for part in parts:
            columns = [
                column if _fits_csv(column.type) else _as_strings(column)
                for column in part.itercolumns()
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=plain))


def _fits_csv(kind: Any) -> bool:
    import pyarrow as pa

    return not (pa.types.is_nested(kind) or pa.types.is_dictionary(kind) or _is_binary(kind))


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    checks = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(check(kind) for check in checks)


def _as_strings(column: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type).cast(pa.string())
    values = column.to_pylist()
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _bound(entries: OrderedDict[Any, Any], size_of: Callable[[Any], int], most: int) -> None:
    """Let go of what was used longest ago, beyond `most` bytes."""
    total = sum(map(size_of, entries.values()))
    while total > most and len(entries) > 1:
        total -= size_of(entries.popitem(last=False)[1])


def _array_bytes(array: tuple[str, Any, Any]) -> int:
    _, first, second = array
    if second is None:
        return int(first.nbytes)
    return int(first.nbytes) + (80 * len(second) if type(second) is list else int(second.nbytes))


def _type_words(kind: Any) -> str:
    """`timestamp[us]`; of nested types the beginning."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return f"dictionary<{_type_words(kind.value_type)}>"
    text = str(kind)
    return text if len(text) <= 60 else f"{text[:59]}…"
