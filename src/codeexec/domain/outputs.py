"""What an execution puts out: one document of rows, which grows and is rewritten at its end.

A row is a line of text of a stream, or one object (a display, an error). All rows of an
execution are counted together from 0, in the order in which they appear on screen, so that
any stretch of a flood can be asked for by number. Text in rows is safe to show: of all
escape sequences it holds SGR and http(s) hyperlinks alone, and each row begins and ends
with no style, whatever came before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

RowKind = Literal["stdout", "stderr", "stdin", "display", "error"]
"""`stdin` rows are what input() asked and what was answered, where a terminal would have it."""

Role = Literal["display", "result"]

LIVE_ROWS = 60
"""Rows at the end that terminal text can still rewrite (a screen of them)."""

TAIL_ROWS = 120
"""Rows at the end that a snapshot holds; more than LIVE_ROWS, so that the fold never needs
a row that it has let go."""

ROW_CHARS = 4000
"""Characters of a row that travel by themselves; the whole of it can be asked for."""

_CLIP_ABOVE = ROW_CHARS + 64  # so that clipping what is clipped changes nothing
_CUT_ESCAPE = re.compile(r"\x1b(?:\[[0-9;:]*|\][^\x1b\x07]*\x1b?)?\Z")


class MimePart(Struct, frozen=True, omit_defaults=True):
    """One form of a display: small ones inline as `text`, others by the digest of a `blob`.

    `text` is the value itself for textual types, base64 for binary ones (as Jupyter does),
    JSON text for JSON types. `size` counts bytes of the decoded value.
    """

    mime: str
    size: int
    text: str | None = None
    blob: str | None = None


class Display(Struct, frozen=True, omit_defaults=True):
    """An object shown in the output. `key` is unique in its session."""

    key: str
    parts: tuple[MimePart, ...]
    role: Role = "display"
    display_id: str | None = None
    count: int | None = None
    metadata: dict[str, object] = {}

    def part(self, mime: str) -> MimePart | None:
        return next((part for part in self.parts if part.mime == mime), None)


class ErrorInfo(Struct, frozen=True, omit_defaults=True):
    """An exception of the user's code; `traceback` lines may hold SGR."""

    name: str
    value: str
    traceback: tuple[str, ...] = ()


class Run(Struct, frozen=True, omit_defaults=True):
    """Consecutive rows of one kind. A text run's rows are joined by newlines; a display or
    an error is one row. `open`: the newline of the last of its rows has not come."""

    kind: RowKind
    text: str = ""
    display: Display | None = None
    error: ErrorInfo | None = None
    open: bool = False

    @property
    def rows(self) -> int:
        return self.text.count("\n") + 1 if self.is_text else 1

    @property
    def is_text(self) -> bool:
        return self.kind in ("stdout", "stderr", "stdin")


Runs = tuple[Run, ...]


def count_rows(runs: Iterable[Run]) -> int:
    return sum(run.rows for run in runs)


def slice_runs(runs: Iterable[Run], start: int, stop: int) -> Runs:
    """Rows `start` to `stop` (not included), counted from the first row of `runs`."""
    selected: list[Run] = []
    at = 0
    for run in runs:
        size = run.rows
        low, high = max(start - at, 0), min(stop - at, size)
        at += size
        if low >= high:
            continue
        if high - low == size:
            selected.append(run)
        else:
            begin = _row_at(run.text, low, size)
            end = len(run.text) if high == size else _row_at(run.text, high, size) - 1
            selected.append(Run(run.kind, run.text[begin:end], open=run.open and high == size))
    return tuple(selected)


def _row_at(text: str, row: int, rows: int) -> int:
    """Where a row of a text begins, counted from the nearer end."""
    if row <= rows // 2:
        at = 0
        for _ in range(row):
            at = text.index("\n", at) + 1
        return at
    at = len(text)
    for _ in range(rows - row):
        at = text.rindex("\n", 0, at)
    return at + 1


def join_runs(first: Runs, second: Runs) -> Runs:
    """`second` after `first`; text of one stream becomes one run."""
    if not first or not second:
        return first or second
    left, right = first[-1], second[0]
    if left.kind == right.kind and left.is_text:
        merged = Run(left.kind, f"{left.text}\n{right.text}", open=right.open)
        return (*first[:-1], merged, *second[1:])
    return first + second


def compact(runs: Iterable[Run]) -> Runs:
    """The same rows in as few runs as can be, in time that grows with their text alone."""
    compacted: list[Run] = []
    texts: list[str] = []
    is_open = False
    for run in runs:
        if run.is_text and texts and compacted[-1].kind == run.kind:
            texts.append(run.text)
            is_open = run.open
            continue
        if len(texts) > 1:
            compacted[-1] = Run(compacted[-1].kind, "\n".join(texts), open=is_open)
        compacted.append(run)
        texts = [run.text] if run.is_text else []
    if len(texts) > 1:
        compacted[-1] = Run(compacted[-1].kind, "\n".join(texts), open=is_open)
    return tuple(compacted)


def last_rows(runs: Runs, count: int = TAIL_ROWS) -> Runs:
    total = count_rows(runs)
    return runs if total <= count else slice_runs(runs, total - count, total)


def clip_row(text: str) -> str:
    """A row short enough to travel; says how much is left out. Clipping twice is clipping once."""
    return _clipped(text, 0, len(text))


def _clipped(text: str, at: int, end: int) -> str:
    """The row from `at` to `end`; of a long one the beginning alone is copied."""
    if end - at <= _CLIP_ABOVE:
        return text[at:end]
    head = _CUT_ESCAPE.sub("", text[at : at + ROW_CHARS])
    ends = "\x1b]8;;\x1b\\\x1b[0m" if "\x1b]8;" in head else "\x1b[0m"
    return f"{head}{ends}… {end - at - len(head):,} more characters"


def _clipped_rows(text: str) -> Iterator[str]:
    at = 0
    while (end := text.find("\n", at)) >= 0:
        yield _clipped(text, at, end)
        at = end + 1
    yield _clipped(text, at, len(text))


def clip_runs(runs: Runs) -> Runs:
    """The same runs when no row is too long."""
    if not any(run.is_text and _has_long_row(run.text) for run in runs):
        return runs
    return tuple(
        Run(run.kind, "\n".join(_clipped_rows(run.text)), open=run.open) if run.is_text else run
        for run in runs
    )


def _has_long_row(text: str) -> bool:
    at = 0
    while len(text) - at > _CLIP_ABOVE:
        at = text.rfind("\n", at, at + _CLIP_ABOVE + 1) + 1
        if at == 0:
            return True
    return False


def iter_rows(runs: Iterable[Run]) -> Iterator[Run]:
    """Row by row, each as a run of its own."""
    for run in runs:
        if run.is_text and "\n" in run.text:
            *lines, last = run.text.split("\n")
            for line in lines:
                yield Run(run.kind, line)
            yield Run(run.kind, last, open=run.open)
        else:
            yield run


_SGR_OR_LINK = re.compile(r"\x1b\[[0-9;:]*m|\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)")


def plain(text: str) -> str:
    """Row text without its styles and hyperlinks."""
    return _SGR_OR_LINK.sub("", text) if "\x1b" in text else text
