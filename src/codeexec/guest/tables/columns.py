"""Tables of pandas, numpy, xarray and pyarrow: one engine over columns as arrays of numpy.

A column is read as numbers with a mask of what is there, or as codes of its distinct values.
What is of Python (objects) is only compared where its class is plain; else as its text. Standard
library and numpy only, Python 3.8 on.
"""

from __future__ import annotations

import datetime as dt
import heapq
import math
import re
import sys
from typing import Any, Protocol

from codeexec.guest.prelude import PLAIN, cell, is_one, texts_of
from codeexec.guest.tables.filters import COMPARISONS, compare_values
from codeexec.guest.tables.work import Refused

CHUNK = 4096
"""Python values that are sorted in one piece, in which no other thread runs."""

SAMPLE = 1 << 16
"""Rows of a large table that are looked at before its first ones in an order are sought."""

MOST_SORTED = 500_000
"""Rows with one value that are sorted; of more, only the first ones are sought."""

NUMBERS = "biufMm"
"""Kinds of arrays that numpy compares by itself."""


class ColumnSource(Protocol):
    """Columns of a `ColumnsTable`. A time of a column with a zone is the local one, as rows show
    it; one that is typed with an offset is converted."""

    names: list[str]
    types: list[str]
    rows: int

    def column(self, at: int) -> tuple[str, Any, Any]:
        """("numbers", values, is there or None) or ("codes", codes, distinct values)."""
        ...

    def in_zone(self, at: int, moment: Any) -> Any:
        """A time in UTC as the column has it; itself where the column has no zone."""
        ...


class ColumnsTable:
    """`picks` are the numbers of rows that a filter or an order has left; None: all."""

    is_lazy = False

    def __init__(self, source: Any, picks: Any = None, read: dict[int, Any] | None = None) -> None:
        self.source = source
        self.names: list[str] = source.names
        self.types: list[str] = source.types
        self.picks = picks
        self.columns_read = {} if read is None else read

    def rows(self) -> int:
        return self.source.rows if self.picks is None else len(self.picks)

    def picked(self, picks: Any) -> ColumnsTable:
        """These rows of the whole table."""
        return type(self)(self.source, picks, self.columns_read)

    def page(self, start: int, count: int, columns: list[int]) -> tuple[list[str], list[list[str]]]:
        stop = min(start + count, self.rows())
        if self.picks is None:
            picked = range(start, max(stop, start))
        else:
            picked = [int(at) for at in self.picks[start:stop]]  # type: ignore[assignment]
        return self.source.index(picked), [self.source.texts(at, picked) for at in columns]

    def column(self, at: int) -> tuple[str, Any, Any]:
        """("numbers", values, is there or None) or ("codes", codes, distinct values)."""
        if at not in self.columns_read:
            self.columns_read[at] = self.source.column(at)
        kind, first, second = self.columns_read[at]
        if self.picks is None:
            return kind, first, second
        if kind == "numbers":
            return kind, first[self.picks], None if second is None else second[self.picks]
        return kind, first[self.picks], second

    # -- filter ----------------------------------------------------------------------------

    def filtered(self, tree: Any) -> ColumnsTable:
        import numpy as np

        picks = np.flatnonzero(self.mask(tree))
        return self.picked(picks.astype(small(self.source.rows)))

    def mask(self, tree: Any) -> Any:
        import numpy as np

        if tree[0] == "and":
            return self.mask(tree[1]) & self.mask(tree[2])
        if tree[0] == "or":
            return self.mask(tree[1]) | self.mask(tree[2])
        if tree[0] == "not":
            return ~self.mask(tree[1])
        if tree[0] == "null":
            kind, first, second = self.column(tree[1])
            if kind == "codes":
                return first < 0
            return np.zeros(len(first), bool) if second is None else ~second
        if tree[0] == "columns":
            return self._compare_columns(tree[1], tree[2], tree[3])
        operator, at, value = tree[1:]
        kind, first, second = self.column(at)
        if kind == "codes":
            truth = np.array([compare_values(operator, v, value) for v in second] + [False], bool)
            return truth[first]
        if operator == "~":
            return self._contains(first, second, str(value))
        sought = as_number(value, first, self.names[at])
        if first.dtype.kind == "M" and ZONE.search(str(value)):
            sought = self.source.in_zone(at, sought)
        fitting = COMPARISONS[operator](first, sought)
        return fitting if second is None else fitting & second

    def _contains(self, values: Any, valid: Any, text: str) -> Any:
        import numpy as np

        sought = text.casefold()
        matches = np.zeros(len(values), bool)
        for start in range(0, len(values), CHUNK):
            texts = texts_of(values[start : start + CHUNK].tolist())
            matches[start : start + CHUNK] = [sought in text.casefold() for text in texts]
        return matches if valid is None else matches & valid

    def _compare_columns(self, operator: str, left: int, right: int) -> Any:
        import numpy as np

        low, high = self.column(left), self.column(right)
        if low[0] == high[0] == "numbers":
            fitting = COMPARISONS[operator](low[1], high[1])
            for valid in (low[2], high[2]):
                fitting = fitting if valid is None else fitting & valid
            return fitting
        first, second = plain_list(low), plain_list(high)
        pairs = zip(first, second)  # noqa: B905 -- Python 3.8 has no strict
        return np.array(
            [a is not None and b is not None and compare_values(operator, a, b) for a, b in pairs],
            bool,
        )

    # -- order -----------------------------------------------------------------------------

    def sorted(self, keys: list[tuple[int, bool]]) -> ColumnsTable:
        import numpy as np

        order = np.arange(self.rows())
        for at, descending in reversed(keys):
            order = order[stable_order(self.ranks(at), descending, order)]
        return self._picked(order)

    def top(self, keys: list[tuple[int, bool]], count: int) -> ColumnsTable:
        """The first rows of the order."""
        import numpy as np

        ranks = self.ranks(keys[0][0])
        if self.rows() <= 4 * count:
            return self.sorted(keys)
        values, missing = ranks
        candidates = below_sampled_bound(values, missing, keys[0][1], count)
        if candidates is not None:
            return self._picked(candidates).sorted(keys)
        present = np.flatnonzero(~missing) if missing is not None else np.arange(len(values))
        if len(present) < count:
            return self.sorted(keys)
        present_values = values[present]
        at = len(present_values) - count if keys[0][1] else count - 1
        bound = np.partition(present_values, at)[at]
        candidates = present[present_values >= bound if keys[0][1] else present_values <= bound]
        subset = self._picked(candidates)
        return subset.sorted(keys) if len(candidates) < len(values) else self.sorted(keys)

    def ranks(self, at: int) -> tuple[Any, Any]:
        """Values in whose order the column is, and which rows have none."""
        import numpy as np

        kind, first, second = self.column(at)
        if kind == "numbers":
            return first, None if second is None else ~second
        rank = np.empty(len(second) + 1, np.int64)
        rank[ordered(second)] = np.arange(len(second))
        rank[-1] = -1
        return rank[first], first < 0

    def _picked(self, order: Any) -> ColumnsTable:
        picks = order if self.picks is None else self.picks[order]
        return self.picked(picks.astype(small(self.source.rows)))

    # -- one column ------------------------------------------------------------------------

    def nulls(self, at: int) -> int:
        kind, first, second = self.column(at)
        if kind == "codes":
            return int((first < 0).sum())
        return 0 if second is None else int((~second).sum())

    def distinct(self, at: int) -> int:
        import numpy as np

        kind, first, second = self.column(at)
        if kind == "codes":
            return int((np.bincount(first + 1, minlength=len(second) + 1)[1:] > 0).sum())
        return len(np.unique(first if second is None else first[second]))

    def numbers(self, at: int) -> Any:
        """The values that are there, as floats; None of a column without numbers."""
        kind, first, second = self.column(at)
        if kind == "codes" or first.dtype.kind not in "biuf":
            return None
        return first if second is None else first[second]

    def extent(self, at: int) -> tuple[str, str] | None:
        kind, first, second = self.column(at)
        if kind == "codes":
            used = set(first[first >= 0].tolist()) if len(first) < 2_000_000 else None
            values = [v for code, v in enumerate(second) if used is None or code in used]
            if not values:
                return None
            order = ordered(values)
            return cell(values[order[0]]), cell(values[order[-1]])
        present = first if second is None else first[second]
        if not len(present):
            return None
        return tuple(texts_of([present.min().item(), present.max().item()]))  # type: ignore[return-value]

    def quantiles(self, at: int, shares: list[float]) -> list[float]:
        import numpy as np

        with np.errstate(invalid="ignore"):  # of infinite values
            return [float(v) for v in np.quantile(some(self.numbers(at)).astype(float), shares)]

    def mean(self, at: int) -> float:
        import numpy as np

        with np.errstate(invalid="ignore"):  # of infinite values
            return float(some(self.numbers(at)).mean())

    def histogram(self, at: int, bins: int) -> tuple[list[int], float, float]:
        import numpy as np

        values = self.numbers(at).astype(float)
        values = some(values[np.isfinite(values)])
        counts, edges = np.histogram(values, bins)
        return [int(count) for count in counts], float(edges[0]), float(edges[-1])

    def counts(self, at: int, most: int) -> list[tuple[str, int]]:
        """The most frequent values and how often each is there; empty text where it is missing."""
        import numpy as np

        kind, first, second = self.column(at)
        if kind == "codes":
            frequency = np.bincount(first + 1, minlength=len(second) + 1)
            best = np.argsort(-frequency, kind="stable")[:most]
            return [
                (cell(second[code - 1]) if code else MISSING, int(frequency[code]))
                for code in best.tolist()
                if frequency[code]
            ]
        values, frequency = np.unique(
            first if second is None else first[second], return_counts=True
        )
        best = np.argsort(-frequency, kind="stable")[:most]
        texts = texts_of(values[best].tolist())
        pairs = [(text, int(n)) for text, n in zip(texts, frequency[best])]  # noqa: B905
        nulls = self.nulls(at)
        if nulls:
            pairs = sorted([*pairs, (MISSING, nulls)], key=lambda pair: -pair[1])
        return pairs[:most]

    # -- files -----------------------------------------------------------------------------

    def write(self, path: str, columns: list[int]) -> None:
        self.source.write(path, columns, self.picks)


MISSING = "null"

ZONE = re.compile(r"(?<=:\d\d)(\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))$")
"""The end of a time that says how far from UTC it is."""


def some(values: Any) -> Any:
    """The values. ValueError where there are none: numpy would print a warning among the output of
    the user's code."""
    if not len(values):
        raise ValueError("no values")
    return values


def small(rows: int) -> str:
    return "uint32" if rows < 2**32 else "int64"


DURATION = re.compile(
    r"(?:(?P<days>-?\d+) days?(?:,? )?)?"
    r"\+?(?:(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d+)?))?"
)
"""As Python and pandas write a duration: `1 day, 2:03:04.5`, `-1 days +23:00:00`."""


def duration(text: str) -> dt.timedelta:
    """A number of seconds, or a duration as a cell has it. ValueError for another text, or one that
    is too long."""
    match = DURATION.fullmatch(text)
    try:
        if match is None or not any(match.groups()):
            return dt.timedelta(seconds=float(text))
        parts = {name: float(part or 0) for name, part in match.groupdict().items()}
        return dt.timedelta(**parts)
    except OverflowError as error:
        raise ValueError(text) from error


def moment_of(text: str) -> Any:
    """A time as numpy has it; one with an offset as UTC. ValueError for another text."""
    import numpy as np

    zone = ZONE.search(text)
    if zone is None:
        return np.datetime64(text)
    fraction, sign, hours, minutes = zone.groups()
    moment = np.datetime64(text[: zone.start()] + (fraction or ""))
    offset = np.timedelta64(int(hours or 0) * 60 + int(minutes or 0), "m")
    return moment + offset if sign == "-" else moment - offset


def as_number(value: Any, values: Any, name: str) -> Any:
    """What a column is compared with, in its own kind."""
    import numpy as np

    kind = values.dtype.kind
    if kind in "Mm":
        try:
            made = (
                moment_of(str(value)) if kind == "M" else np.timedelta64(duration(str(value)), "us")
            )
        except ValueError:
            example = "2025-01-31 12:00" if kind == "M" else "1 day, 2:30:00"
            raise Refused(f'{name} has times: compare with a text like "{example}".') from None
        return made
    if type(value) is str:
        try:
            return float(value)
        except ValueError:
            raise Refused(f"{name} has numbers ({values.dtype}): {value!r} is none.") from None
    return value


def below_sampled_bound(values: Any, missing: Any, descending: bool, count: int) -> Any:
    """Rows that have the first ones of an order among them, found by one comparison with a value
    that a sample gives; None where there are few rows, or many have that value."""
    import numpy as np

    every = len(values) // SAMPLE
    if every < 16 or values.dtype.kind not in "iufmM":
        return None
    piece = np.arange(len(values) // every)
    rows = piece * every + piece * piece * 7919 % every  # another place in each piece
    seen = values[rows] if missing is None else values[rows][~missing[rows]]
    seen = np.sort(seen)[::-1] if descending else np.sort(seen)
    place = 2 * (count // every) + 16
    if place >= len(seen):
        return None
    bound = seen[place]
    if int((seen == bound).sum()) * every > MOST_SORTED:
        return None
    fitting = values >= bound if descending else values <= bound
    if missing is not None:
        fitting &= ~missing
    found = np.flatnonzero(fitting)
    return found if count <= len(found) <= 4 * MOST_SORTED else None


def stable_order(ranks: tuple[Any, Any], descending: bool, order: Any) -> Any:
    """Where each row of `order` goes by these ranks; rows without a value to the end."""
    import numpy as np

    values, missing = ranks[0][order], None if ranks[1] is None else ranks[1][order]
    if descending:
        by = len(values) - 1 - np.argsort(values[::-1], kind="stable")[::-1]
    else:
        by = np.argsort(values, kind="stable")
    if missing is None:
        return by
    is_last = missing[by]
    return np.concatenate([by[~is_last], by[is_last]])


def ordered(values: list[Any]) -> list[int]:
    """Positions in the order of plain values; in pieces, so that other threads run meanwhile."""
    numeric = all(type(value) in (int, float, bool) for value in values)

    def key(at: int) -> Any:
        return values[at] if numeric else str(values[at])

    pieces = [
        sorted(range(start, min(start + CHUNK, len(values))), key=key)
        for start in range(0, len(values), CHUNK)
    ]
    return list(heapq.merge(*pieces, key=key)) if len(pieces) != 1 else pieces[0]


def plain_list(column: tuple[str, Any, Any]) -> list[Any]:
    kind, first, second = column
    if kind == "codes":
        return [None if code < 0 else second[code] for code in first.tolist()]
    values: list[Any] = first.tolist()
    if second is None:
        return values
    return [v if present else None for v, present in zip(values, second.tolist())]  # noqa: B905


def coded(values: Any) -> tuple[str, Any, Any]:
    """Values of Python as codes; what is not plain counts by its text."""
    import numpy as np

    codes = np.empty(len(values), np.int32)
    numbers: dict[Any, int] = {}
    uniques: list[Any] = []
    for at, value in enumerate(values):
        cls = type(value)
        if value is None or (cls is float and math.isnan(value)) or is_missing(value):
            codes[at] = -1
            continue
        if cls is not str and not (is_one(cls, PLAIN) and cls is not slice and cls is not range):
            value = cell(value)
        key = (cls is bool, value)
        code = numbers.get(key)
        if code is None:
            code = numbers[key] = len(uniques)
            uniques.append(value)
        codes[at] = code
    return "codes", codes, uniques


def is_missing(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and (
        value is vars(pandas).get("NA") or value is vars(pandas).get("NaT")
    )


def array_column(values: Any) -> tuple[str, Any, Any]:
    """An array of numpy; of vectors as values, where it has more than one dimension."""
    import numpy as np

    if values.ndim == 1 and values.dtype.kind in NUMBERS:
        if values.dtype.kind == "f":
            valid = ~np.isnan(values)
        elif values.dtype.kind in "Mm":
            valid = ~np.isnat(values)
        else:
            return "numbers", values, None
        return "numbers", values, None if valid.all() else valid
    return coded([tuple_of(value) for value in values.tolist()])


def tuple_of(value: Any) -> Any:
    """A vector or a record in an array as a value that can be counted."""
    return tuple(map(tuple_of, value)) if type(value) in (list, tuple) else value
