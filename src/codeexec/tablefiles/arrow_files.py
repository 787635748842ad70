"""Arrow files (Feather) and streams: batches of rows, mapped from the file where possible."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from codeexec.guest.tables.work import Refused, free_memory, size_words
from codeexec.tablefiles.pieces import PieceSource


class ArrowFileSource(PieceSource):
    """A file of record batches: each can be read by its number. `path` leads to the open
    descriptor."""

    def __init__(self, path: str) -> None:
        import pyarrow as pa

        self._file = pa.memory_map(path)
        self._reader = pa.ipc.open_file(self._file)
        counts = _counts(self._file)
        if len(counts) != self._reader.num_record_batches:
            counts = [
                self._reader.get_batch(at).num_rows for at in range(self._reader.num_record_batches)
            ]
        self._starts: list[int] = [0, *accumulate(counts)]
        super().__init__(self._reader.schema, self._starts[-1])

    def pieces(
        self, columns: list[int], start: int = 0, *, is_kept: bool = False
    ) -> Iterator[tuple[int, Any]]:
        for at in range(bisect_right(self._starts, start) - 1, len(self._starts) - 1):
            if self._starts[at] < self._starts[at + 1]:
                yield self._starts[at], self._batch(at).select(columns)

    def _batch(self, at: int) -> Any:
        import pyarrow as pa

        with self._lock:
            piece = self.kept_piece(at)
            if piece is None:
                piece = pa.Table.from_batches([self._reader.get_batch(at)])
                if piece.num_rows != self._starts[at + 1] - self._starts[at]:
                    raise Refused("The file is damaged: a batch has fewer rows than it says.")
                self.keep_piece(at, piece)
            return piece

    def part_end(self, row: int) -> int:
        return self._starts[bisect_right(self._starts, row)]

    def column_bytes(self, at: int) -> int:
        return _column_bytes(self.schema.field(at).type, self.rows, self._file.size())


class ArrowStreamSource(PieceSource):
    """A stream of record batches. It has no table of them, so it is read once from end to end; what
    is not compressed stays in the mapped file."""

    def __init__(self, path: str) -> None:
        import pyarrow as pa

        self._file = pa.memory_map(path)
        reader = pa.ipc.open_stream(self._file)
        self._batches: list[Any] = []
        allocated = pa.total_allocated_bytes()
        free = free_memory()
        for batch in reader:
            self._batches.append(pa.Table.from_batches([batch]))
            taken = pa.total_allocated_bytes() - allocated
            if free and taken > free // 2:
                raise Refused(
                    f"A compressed stream is read as a whole: this one takes more than"
                    f" {size_words(taken)}. Write it as an Arrow file or as Parquet."
                )
        self._starts: list[int] = [0, *accumulate(batch.num_rows for batch in self._batches)]
        super().__init__(reader.schema, self._starts[-1])

    def pieces(
        self, columns: list[int], start: int = 0, *, is_kept: bool = False
    ) -> Iterator[tuple[int, Any]]:
        for at in range(bisect_right(self._starts, start) - 1, len(self._batches)):
            if self._batches[at].num_rows:
                yield self._starts[at], self._batches[at].select(columns)

    def part_end(self, row: int) -> int:
        return self._starts[bisect_right(self._starts, row)]

    def column_bytes(self, at: int) -> int:
        return _column_bytes(self.schema.field(at).type, self.rows, self._file.size())


def _column_bytes(kind: Any, rows: int, size: int) -> int:
    import pyarrow as pa

    return rows * max(int(kind.bit_width) // 8, 1) if pa.types.is_primitive(kind) else 2 * size


def _counts(file: Any) -> list[int]:
    """The rows of each batch, from the heads of the messages: no batch is decompressed for it.
    Fewer than there are where the file has another layout."""
    import pyarrow as pa

    counts = []
    file.seek(8)  # behind ARROW1 the same messages follow as in a stream
    try:
        messages = pa.ipc.MessageReader.open_stream(file)
        while True:
            message = messages.read_next_message()
            if message.type == "record batch":
                counts.append(_rows_of(message.metadata.to_pybytes()))
    except (StopIteration, pa.ArrowException, OSError, struct.error):
        pass
    return counts


def _rows_of(metadata: bytes) -> int:
    """The length of a record batch in the flatbuffer of its message."""
    message = struct.unpack_from("<I", metadata)[0]
    batch = _field(metadata, message, 2)
    batch += struct.unpack_from("<I", metadata, batch)[0]
    length = _field(metadata, batch, 0)
    return max(struct.unpack_from("<q", metadata, length)[0], 0) if length != batch else 0


def _field(metadata: bytes, table: int, number: int) -> int:
    """Where a field of a flatbuffer's table is; at the table itself if it is left out."""
    entries = table - struct.unpack_from("<i", metadata, table)[0]
    size = struct.unpack_from("<H", metadata, entries)[0]
    offset = 4 + 2 * number
    return table + (struct.unpack_from("<H", metadata, entries + offset)[0] if offset < size else 0)
