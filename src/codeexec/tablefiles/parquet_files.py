"""Parquet files: one row group after the other, in batches of rows, with the columns asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any

from codeexec.guest.tables.work import Refused
from codeexec.tablefiles.pieces import PieceSource, piece_rows

_BUFFER = 1 << 16
"""Bytes that are read of a column at once: without a buffer it is the whole column of a group."""


_MOST_CURSORS = 4


class ParquetSource(PieceSource):
    """`path` leads to the open descriptor of the file."""

    def __init__(self, path: str) -> None:
        from pyarrow import parquet

        self._path = path
        file = parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
        self._metadata = file.metadata
        self._cursors: dict[Any, tuple[Iterator[Any] | None, int]] = {}
        groups = [self._metadata.row_group(at) for at in range(self._metadata.num_row_groups)]
        counts = [group.num_rows for group in groups]
        if any(count < 0 for count in counts):
            raise Refused("The file is damaged: a row group has a negative number of rows.")
        self._starts: list[int] = [0, *accumulate(counts)]
        super().__init__(file.schema_arrow, self._starts[-1])
        leaves = [0, *accumulate(_leaf_count(field.type) for field in self.schema)]
        self._leaves = [range(*ends) for ends in pairwise(leaves)]
        if leaves[-1] != self._metadata.num_columns:
            raise Refused("The types of its columns are not known to this version of pyarrow.")

    def pieces(
        self, columns: list[int], start: int = 0, *, is_kept: bool = False
    ) -> Iterator[tuple[int, Any]]:
        if start >= self.rows:
            return
        number = bisect_right(self._starts, start) - 1
        for group in range(number, len(self._starts) - 1):
            first, end = self._starts[group], self._starts[group + 1]
            if first == end:
                continue
            size = self._piece_rows(group, columns)
            read = self._kept_pieces if is_kept else self._read_pieces
            skipped = max(start - first, 0) // size
            count = -(-(end - first) // size)
            for at, piece in read(group, columns, size, range(skipped, count)):
                yield first + at * size, piece

    def _read_pieces(
        self, group: int, columns: list[int], size: int, numbers: range
    ) -> Iterator[tuple[int, Any]]:
        """Pieces of a row group; what is before them is decoded, as it must be."""
        batches = self._batches(group, columns, size)
        for at in range(numbers.stop):
            piece = _next(batches)
            if at >= numbers.start:
                yield at, piece

    def _kept_pieces(
        self, group: int, columns: list[int], size: int, numbers: range
    ) -> Iterator[tuple[int, Any]]:
        """As `_read_pieces`; what was decoded is kept, and the next call goes on from there."""
        key = (group, tuple(columns))
        for number in numbers:
            piece = self.kept_piece((key, number))
            if piece is None:
                batches, at = self._cursors.pop(key, (None, 0))
                if batches is None or at > number:
                    batches, at = self._batches(group, columns, size), 0
                while at <= number:
                    piece = _next(batches)
                    self.keep_piece((key, at), piece)
                    at += 1
                self._cursors[key] = batches, at
                while len(self._cursors) > _MOST_CURSORS:
                    self._cursors.pop(next(iter(self._cursors)), None)
            yield number, piece

    def part_end(self, row: int) -> int:
        return self._starts[bisect_right(self._starts, row)]

    def column_bytes(self, at: int) -> int:
        kind = self.schema.field(at).type
        groups = range(self._metadata.num_row_groups)
        if len(self._leaves[at]) == 1 and _is_fixed(kind):
            return self.rows * max(int(kind.bit_width) // 8, 1)
        return sum(self._chunk_bytes(group, [at]) for group in groups) + 4 * self.rows

    def _chunk_bytes(self, group: int, columns: list[int]) -> int:
        """Bytes of these columns in a row group, not compressed."""
        chunks = self._metadata.row_group(group)
        leaves = [leaf for at in columns for leaf in self._leaves[at]]
        return sum(max(int(chunks.column(leaf).total_uncompressed_size), 0) for leaf in leaves)

    def _piece_rows(self, group: int, columns: list[int]) -> int:
        count = self._starts[group + 1] - self._starts[group]
        fixed = 8 * len(columns)  # a column of few distinct values takes no bytes in the file
        return piece_rows(max(self._chunk_bytes(group, columns) / count, fixed))

    def _batches(self, group: int, columns: list[int], size: int) -> Iterator[Any]:
        """The rows of a group as tables of `size` rows, with columns in the order of `columns`."""
        import pyarrow as pa
        from pyarrow import parquet

        file = parquet.ParquetFile(
            self._path, metadata=self._metadata, pre_buffer=False, buffer_size=_BUFFER
        )
        ascending = sorted(set(columns))
        leaves = [leaf for at in ascending for leaf in self._leaves[at]]
        places = [ascending.index(at) for at in columns]
        pending = None
        for batch in file.reader.iter_batches(
            size, row_groups=[group], column_indices=leaves, use_threads=False
        ):
            # A batch may be short where a column has many bytes.
            part = pa.Table.from_batches([batch]).select(places)
            pending = part if pending is None else pa.concat_tables([pending, part])
            while pending.num_rows >= size:
                yield pending.slice(0, size)
                pending = pending.slice(size)
        if pending is not None and pending.num_rows:
            yield pending


def _next(batches: Iterator[Any]) -> Any:
    batch = next(batches, None)
    if batch is None:
        raise Refused("The file is damaged: a row group has fewer rows than it says.")
    return batch


def _leaf_count(kind: Any) -> int:
    """Columns of the file that a column of the table is made of."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return _leaf_count(kind.storage_type)
    if pa.types.is_dictionary(kind) or not pa.types.is_nested(kind):
        return 1
    return sum(_leaf_count(kind.field(at).type) for at in range(kind.num_fields))


def _is_fixed(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_primitive(kind))
