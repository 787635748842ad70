"""Reads rows that have scrolled off a terminal by replaying its log.

A thread feeds only the segments that hold the requested rows to a separate emulator, so a flood of
output costs nothing for rows that are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from codeexec.domain.terminals import EMPTY_ROW, TerminalRow
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import Emulator, EmulatorKind
from codeexec.session.terminals.log import (
    OUTPUT,
    RESIZE,
    RUN,
    TYPED,
    LogSegment,
    RunStart,
    TerminalLog,
    read_head,
    read_segment,
    remember_typed,
    segments,
    unpack_size,
)

STEP = 4096
"""Bytes after which scrolled rows are taken: the emulator holds many more rows."""


def oldest_row(folder: Path) -> int:
    """The number of the oldest row in the log."""
    for path in segments(folder):
        try:
            return read_head(path).history
        except (OSError, ValueError):
            continue
    return 0


def iter_rows(
    folder: Path,
    kind: EmulatorKind,
    start: int,
    end: int,
    check: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, TerminalRow]]:
    """Rows `start` to before `end` that have scrolled off, with their numbers, as far as they are
    in the log. `check` is called meanwhile, and may raise to give up."""
    paths = segments(folder)
    firsts = [_first_row(path) for path in paths]
    for index, path in enumerate(paths):
        following = [first for first in firsts[index + 1 :] if first is not None]
        first = firsts[index]
        if first is None or first >= end or (following and following[0] <= start):
            continue
        try:
            segment = read_segment(path)
        except (OSError, ValueError):
            continue  # removed meanwhile, or damaged: the others can still be read
        last = following[0] if following else end
        for number, row in _rows_of(segment, kind, check):
            if start <= number < min(end, last):
                yield number, row


def _first_row(path: Path) -> int | None:
    try:
        return read_head(path).history
    except (OSError, ValueError):
        return None


def _rows_of(
    segment: LogSegment, kind: EmulatorKind, check: Callable[[], None]
) -> Iterator[tuple[int, TerminalRow]]:
    if segment.head.emulator != kind.name:
        return  # another version wrote it
    try:
        emulator = kind.restore(segment.saved)
    except ValueError:
        return
    try:
        taken = emulator.history
        for data, size in _steps(segment):
            check()
            if size is not None:
                emulator.resize(size)
            else:
                emulator.feed(data)
            if emulator.history > taken and not emulator.state().modes.is_alternate:
                rows = emulator.scrolled(emulator.history - taken)
                yield from enumerate(rows, emulator.history - len(rows))
                taken = emulator.history
    finally:
        emulator.close()


def _steps(segment: LogSegment) -> Iterator[tuple[bytes, TerminalSize | None]]:
    for record in segment.records:
        if record.kind == RESIZE:
            yield b"", TerminalSize(*unpack_size(record.data))
        elif record.kind == OUTPUT:
            for at in range(0, len(record.data), STEP):
                yield record.data[at : at + STEP], None


def restore(folder: Path, kind: EmulatorKind, log: TerminalLog) -> Emulator | None:
    """The emulator as it was after the last record, and `log` with what it was told; None where
    the log cannot be read, or another emulator wrote it. A new segment has to be begun."""
    for path in reversed(segments(folder)):
        try:
            segment = read_segment(path)
        except (OSError, ValueError):
            continue
        log.offset, log.run = segment.head.offset, segment.head.run
        log.typed = dict(segment.head.typed)
        emulator = _restored(segment, kind)
        for record in segment.records:
            if record.kind == OUTPUT:
                log.offset += len(record.data)
                if emulator is not None:
                    emulator.feed(record.data)
            elif record.kind == RESIZE and emulator is not None:
                emulator.resize(TerminalSize(*unpack_size(record.data)))
            elif record.kind == RUN:
                log.run = msgspec.json.decode(record.data, type=RunStart)
            elif record.kind == TYPED:
                source, number = msgspec.json.decode(record.data, type=tuple[str, int])
                remember_typed(log.typed, source, number)
        return emulator
    return None


def rows_left(folder: Path, kind: EmulatorKind) -> tuple[int, int, list[TerminalRow]]:
    """Of a terminal that is not open: how many rows have scrolled off, the first that was not
    cleared, and the rows of its screen without empty ones at the end."""
    emulator = restore(folder, kind, TerminalLog(folder, 0))
    if emulator is None:
        return 0, 0, []
    try:
        rows = [row for _, row in sorted(emulator.changed_rows().items())]
        while rows and rows[-1] == EMPTY_ROW:
            rows.pop()
        return emulator.history, emulator.first, rows
    finally:
        emulator.close()


def _restored(segment: LogSegment, kind: EmulatorKind) -> Emulator | None:
    if segment.head.emulator != kind.name:
        return None
    try:
        return kind.restore(segment.saved)
    except ValueError:
        return None
