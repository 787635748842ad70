"""Log of a terminal: what its program wrote, in files of the session's folder.

A segment file begins with the saved state of the emulator; records follow: output, changes of the
size, and what was typed by whom. The next server restores the terminal from the last one, and rows
that have scrolled off are made again by feeding the records of the segments that hold them. A
record is in the file before it is fed and before the holder of the terminal may forget it. The
oldest segments are removed: what is kept is bounded.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from codeexec.domain.errors import StorageError
from codeexec.domain.plain_files import read_plain

OUTPUT, RESIZE, TYPED, RUN = range(4)
SEGMENT = 1 << 20
"""Bytes of a segment, after which another one begins."""
MOST_SEGMENT = 64 << 20
MOST_SOURCES = 64
_RECORD = struct.Struct(">BI")
_HEAD = struct.Struct(">4sII")
_MAGIC = b"CXT1"
_SUFFIX = ".segment"


class RunStart(Struct, frozen=True):
    """A program that was started in the terminal. `folder` is its mark, by which the holder knows
    it; `base` is the offset of its first byte in the output of the terminal; `nonce` is the secret
    of its marks."""

    folder: str
    base: int
    nonce: str = ""


class SegmentHead(Struct, frozen=True):
    """`offset` is that of the first byte of output, counted since the terminal was opened;
    `history` the number of rows that had scrolled off by then. `typed` has the last number of each
    source of input."""

    emulator: str
    offset: int
    history: int
    run: RunStart
    typed: dict[str, int]


class Record(NamedTuple):
    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LogSegment:
    """A segment file, read whole. Records that a crash has cut are left out."""

    head: SegmentHead
    saved: bytes
    records: tuple[Record, ...]


class TerminalLog:
    """The writing side, for one terminal. StorageError when it cannot be written."""

    def __init__(self, folder: Path, limit: int) -> None:
        """`limit`: bytes of output that are kept at least, as far as there were so many; at most
        one segment more."""
        self.folder = folder
        self._limit = limit
        self._segment = max(min(SEGMENT, limit), 1 << 14)
        self._handle: int | None = None
        self._size = 0
        self.offset = 0
        self.first_row = 0
        """The number of the oldest row that can be read from it."""
        self.run = RunStart("", 0)
        self.typed: dict[str, int] = {}

    @property
    def is_full(self) -> bool:
        """Whether another segment should begin."""
        return self._size >= self._segment

    def begin_segment(self, emulator: str, history: int, saved: bytes) -> None:
        """Go on in a new file, and remove the oldest ones."""
        head = msgspec.json.encode(
            SegmentHead(emulator, self.offset, history, self.run, self.typed)
        )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = max((int(path.stem) for path in segments(self.folder)), default=0) + 1
        path = self.folder / f"{number:08d}{_SUFFIX}"
        try:
            handle = _create(path, _HEAD.pack(_MAGIC, len(head), len(saved)) + head + saved)
        except OSError as error:
            raise _failed(error) from error
        self.close()
        self._handle, self._size = handle, 0
        self._remove_old()

    def write(self, kind: int, data: bytes) -> None:
        """Append a record."""
        if self._handle is None:
            raise StorageError("The log of this terminal is closed.", "")
        try:
            _write(self._handle, _RECORD.pack(kind, len(data)) + data)
        except OSError as error:
            raise _failed(error) from error
        self._size += _RECORD.size + len(data)
        if kind == OUTPUT:
            self.offset += len(data)

    def note_typed(self, source: str, number: int) -> None:
        """Input `number` of a source will be applied now."""
        self.write(TYPED, msgspec.json.encode((source, number)))
        remember_typed(self.typed, source, number)

    def note_run(self, folder: str, nonce: str) -> None:
        """A program has been started."""
        self.run = RunStart(folder, self.offset, nonce)
        self.write(RUN, msgspec.json.encode(self.run))

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def remove(self) -> None:
        """Remove all of it."""
        self.close()
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                path.unlink()
            self.folder.rmdir()

    def _remove_old(self) -> None:
        paths = segments(self.folder)
        kept_size = 0
        for path in reversed(paths[:-1]):
            if kept_size >= self._limit:
                with contextlib.suppress(OSError):
                    path.unlink()
                continue
            with contextlib.suppress(OSError):
                kept_size += path.stat().st_size
        with contextlib.suppress(OSError, ValueError, IndexError):
            self.first_row = read_head(segments(self.folder)[0]).history


def remember_typed(typed: dict[str, int], source: str, number: int) -> None:
    """Keep the last number of a source; the source that is silent longest is forgotten."""
    typed.pop(source, None)
    typed[source] = number
    while len(typed) > MOST_SOURCES:
        del typed[next(iter(typed))]


def segments(folder: Path) -> list[Path]:
    """The segment files of a terminal, oldest first."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == _SUFFIX)
    except OSError:
        return []


def read_segment(path: Path) -> LogSegment:
    """ValueError when it is none; OSError."""
    content = read_plain(path, MOST_SEGMENT, follow_links=False)
    if len(content) < _HEAD.size:
        raise ValueError("a segment of a terminal's log is cut short")
    magic, head_size, saved_size = _HEAD.unpack_from(content)
    start = _HEAD.size + head_size + saved_size
    if magic != _MAGIC or start > len(content):
        raise ValueError("this is no segment of a terminal's log")
    try:
        head = msgspec.json.decode(content[_HEAD.size : _HEAD.size + head_size], type=SegmentHead)
    except msgspec.MsgspecError as error:
        raise ValueError(f"a segment of a terminal's log cannot be read: {error}") from error
    saved = content[_HEAD.size + head_size : start]
    return LogSegment(head, saved, tuple(_records(content, start)))


def read_head(path: Path) -> SegmentHead:
    """The head alone. ValueError, OSError."""
    with path.open("rb") as file:
        begin = file.read(_HEAD.size)
        if len(begin) < _HEAD.size:
            raise ValueError("a segment of a terminal's log is cut short")
        magic, size, _ = _HEAD.unpack(begin)
        if magic != _MAGIC:
            raise ValueError("this is no segment of a terminal's log")
        try:
            return msgspec.json.decode(file.read(size), type=SegmentHead)
        except msgspec.MsgspecError as error:
            raise ValueError(f"a segment of a terminal's log cannot be read: {error}") from error


def pack_size(columns: int, rows: int) -> bytes:
    return struct.pack(">HH", columns, rows)


def unpack_size(data: bytes) -> tuple[int, int]:
    columns, rows = struct.unpack(">HH", data)
    return columns, rows


def _records(content: bytes, start: int) -> Iterator[Record]:
    while start + _RECORD.size <= len(content):
        kind, size = _RECORD.unpack_from(content, start)
        end = start + _RECORD.size + size
        if end > len(content):
            return
        yield Record(kind, content[start + _RECORD.size : end])
        start = end


def _create(path: Path, data: bytes) -> int:
    """The descriptor of a new file with this content, to write on; it has its name once it is
    complete. OSError."""
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write(handle, data)
        fresh.replace(path)
    except OSError:
        os.close(handle)
        raise
    return handle


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _failed(error: OSError) -> StorageError:
    return StorageError(
        f"The output of a terminal cannot be written down: {error.strerror or error}.",
        "Make space on the disk of the state folder.",
    )
