"""The first rows of an order of a frame of polars, found without sorting it. Python 3.8 on.

polars' own top-n visits each row one by one: 0.2 s for 100,000,000 numbers at best, and 3 s where
each next row is a better one, as with the newest of rows in the order of their time. Here a sample
says which value the wanted rows lie below; one comparison of the column finds them and a few
more, and only these are sorted.
"""

from __future__ import annotations

from typing import Any

from codeexec.guest.tables.columns import MOST_SORTED, SAMPLE
from codeexec.guest.tables.filters import COMPARISONS
from codeexec.guest.tables.polars_categories import category_texts, has_text


class KeyColumn:
    """A column of an order, and the values by which its rows are ordered: numbers, or texts."""

    def __init__(self, name: str, kind: Any) -> None:
        import polars as pl

        self._name = name
        is_of_numbers = kind.is_temporal() or isinstance(kind, pl.Enum)
        self._values = pl.col(name).to_physical() if is_of_numbers else pl.col(name)
        # Texts by the code that a row has in their place.
        self._texts = category_texts(kind) if isinstance(kind, pl.Categorical) else None
        self.can_be_sampled = bool(
            self._texts is not None
            or is_of_numbers
            or kind.is_numeric()
            or kind in (pl.Boolean, pl.String)
        )

    def seen(self, sample: Any) -> Any:
        """The values that some rows have, without missing ones."""
        import polars as pl

        if self._texts is None:
            return sample.select(self._values).to_series().drop_nulls()
        codes = sample.select(pl.col(self._name).to_physical()).to_series().drop_nulls()
        return self._texts.gather(codes)

    def where(self, operator: str, bound: Any) -> Any:
        """The expression for rows on that side of a value; None where polars has to do it."""
        if self._texts is None:
            return COMPARISONS[operator](self._values, bound)
        return has_text(self._name, self._texts, COMPARISONS[operator](self._texts, bound))

    def is_missing(self) -> Any:
        return self._values.is_null()


def first_of_order(frame: Any, by: list[tuple[str, bool]], count: int) -> Any:
    """Numbers of the first rows in the order of these columns (with whether it is descending), as a
    stable sort has them, missing values last. None where a sample does not help."""
    every = max(frame.height // SAMPLE, 1)
    return _first(frame, frame[_sampled_rows(frame.height, every)], every, by, count, None)


def _sampled_rows(height: int, every: int) -> Any:
    """One row of each piece of `every` rows, at another place in each, as tables often repeat."""
    import polars as pl

    piece = pl.int_range(0, height // every, dtype=pl.Int64)
    return pl.select(piece * every + piece * piece * 7919 % every).to_series()


def _first(
    frame: Any, sample: Any, every: int, by: list[tuple[str, bool]], count: int, among: Any
) -> Any:
    """The first rows of those that `among` (an expression; None: all rows) selects."""
    if not by:
        return _first_where(frame, among, count)
    import polars as pl

    name, down = by[0]
    column = KeyColumn(name, frame[name].dtype)
    if not column.can_be_sampled:
        return None
    seen = column.seen(sample if among is None else sample.filter(among)).sort(descending=down)
    # Twice as many as are wanted, and some more where the sample has few of them.
    place = 2 * (count // every) + 16
    bound = seen[place] if place < len(seen) else None
    rest = None
    if bound is None:
        rows = _where(frame, ~column.is_missing(), among)
        if len(rows) < count:
            rest = column.is_missing()
    else:
        is_common = int((seen == bound).sum()) * every > MOST_SORTED
        operator = (">" if down else "<") if is_common else (">=" if down else "<=")
        condition = column.where(operator, bound)
        rest = column.where("==", bound) if is_common else None
        if condition is None or (is_common and rest is None):
            return None
        rows = _where(frame, condition, among)
        if len(rows) < count and not is_common:
            return None  # the sample was wrong
    if len(rows) > 4 * MOST_SORTED:
        return None  # the sample was wrong
    order = pl.arg_sort_by(
        [each for each, _ in by],
        descending=[each for _, each in by],
        nulls_last=True,
        maintain_order=True,
    )
    first = rows[frame[rows].select(order).to_series().head(count)]
    if rest is None or len(first) == count:
        return first
    rest = rest if among is None else among & rest
    more = _first(frame, sample, every, by[1:], count - len(first), rest)
    return None if more is None else pl.concat([first, more])


def _where(frame: Any, condition: Any, among: Any) -> Any:
    """Numbers of the rows for which both hold."""
    both = condition if among is None else among & condition
    return frame.lazy().select(both.arg_true()).collect().to_series()


def _first_where(frame: Any, condition: Any, count: int) -> Any:
    """Numbers of the first rows for which it holds."""
    import polars as pl

    found: list[Any] = []
    start, height = 0, count
    while count > 0 and start < frame.height:
        rows = _where(frame.slice(start, height), condition, None).head(count)
        found.append(rows.cast(pl.UInt64) + start)
        count -= len(rows)
        start, height = start + height, height * 8
    empty = pl.Series([], dtype=pl.UInt64)
    return pl.concat([empty, *found]).cast(pl.get_index_type())
