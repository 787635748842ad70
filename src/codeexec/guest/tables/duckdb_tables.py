"""Relations of duckdb: filter and order are SQL, and each page is asked for by itself. A relation
uses the connection of the user's code, so it is not asked while that runs. Python 3.8 on."""

from __future__ import annotations

from typing import Any

from codeexec.guest.prelude import texts_of
from codeexec.guest.tables.columns import MISSING
from codeexec.guest.tables.work import Refused, runs_user_code


class SqlCounts:
    """Counts of a column by SQL; `_first` answers the first row of a selection."""

    names: list[str]

    def _first(self, selection: str) -> Any:
        raise NotImplementedError

    def nulls(self, at: int) -> int:
        return int(self._first(f"count(*) - count({quoted_name(self.names[at])})")[0])

    def distinct(self, at: int) -> int:
        return int(self._first(f"count(DISTINCT {quoted_name(self.names[at])})")[0])


def order_terms(names: list[str], keys: list[tuple[int, bool]]) -> str:
    """What follows ORDER BY. `keys` are numbers of columns, and whether each falls."""
    return ", ".join(
        f"{quoted_name(names[at])} {'DESC' if down else 'ASC'} NULLS LAST" for at, down in keys
    )


class DuckdbTable(SqlCounts):
    is_lazy = True

    def __init__(self, relation: Any) -> None:
        if runs_user_code():
            raise Refused(
                "A relation of duckdb is read when the cell has ended: both need the connection."
            )
        self.relation = relation
        self.names = list(map(str, relation.columns))
        self.types = [str(kind) for kind in relation.types]

    def _project(self, selection: str) -> Any:
        return self.relation.project(selection)

    def _first(self, selection: str, suffix: Any = None) -> Any:
        relation = self.relation if suffix is None else suffix
        return relation.aggregate(selection).fetchall()[0]

    def rows(self) -> int:
        return int(self._first("count(*)")[0])

    def page(self, start: int, count: int, columns: list[int]) -> tuple[list[str], list[list[str]]]:
        part = self._project(", ".join(quoted_name(self.names[at]) for at in columns))
        rows = part.limit(count, start).fetchall()
        index = [str(at) for at in range(start, start + len(rows))]
        if not rows:
            return [], [[] for _ in columns]
        return index, [texts_of(list(values)) for values in zip(*rows)]  # noqa: B905

    def filtered(self, tree: Any) -> DuckdbTable:
        return DuckdbTable(self.relation.filter(condition(tree, self.names)))

    def sorted(self, keys: list[tuple[int, bool]]) -> DuckdbTable:
        return DuckdbTable(self.relation.order(order_terms(self.names, keys)))

    def top(self, keys: list[tuple[int, bool]], count: int) -> DuckdbTable:
        return DuckdbTable(self.sorted(keys).relation.limit(count))

    def one(self, at: int) -> DuckdbTable:
        return self

    def numbers(self, at: int) -> Any:
        kinds = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "REAL", "BIGINT", "HUGEINT")
        return self if any(kind in self.types[at] for kind in kinds) else None

    def extent(self, at: int) -> tuple[str, str] | None:
        name = quoted_name(self.names[at])
        least, greatest = self._first(f"min({name}), max({name})")
        if least is None:
            return None
        low, high = texts_of([least, greatest])
        return low, high

    def quantiles(self, at: int, shares: list[float]) -> list[float]:
        name = quoted_name(self.names[at])
        values = self._first(", ".join(f"quantile_cont({name}::DOUBLE, {s})" for s in shares))
        return [float(value) for value in values]

    def mean(self, at: int) -> float:
        return float(self._first(f"avg({quoted_name(self.names[at])})")[0])

    def histogram(self, at: int, bins: int) -> tuple[list[int], float, float]:
        name = quoted_name(self.names[at])
        low, high = map(float, self._first(f"min({name}::DOUBLE), max({name}::DOUBLE)"))
        width = (high - low) / bins or 1.0
        place = f"least(floor(({name}::DOUBLE - {low!r}) / {width!r}), {bins - 1})::INT"
        not_null = self.relation.filter(f"{name} IS NOT NULL")
        rows = not_null.aggregate(f"{place} AS place, count(*)", "place").fetchall()
        counts = [0] * bins
        for where, count in rows:
            if where is not None and 0 <= where < bins:
                counts[where] += count
        return counts, low, high

    def counts(self, at: int, most: int) -> list[tuple[str, int]]:
        name = quoted_name(self.names[at])
        grouped = self.relation.aggregate(f"{name} AS value, count(*) AS frequency", name)
        rows = grouped.order("frequency DESC, value").limit(most).fetchall()
        texts = texts_of([value for value, _ in rows])
        return [
            (MISSING if value is None else text, int(count))
            for (value, count), text in zip(rows, texts)  # noqa: B905
        ]

    def write(self, path: str, columns: list[int]) -> None:
        part = self._project(", ".join(quoted_name(self.names[at]) for at in columns))
        if path.endswith(".parquet"):
            part.write_parquet(path)
        else:
            part.write_csv(path, sep="\t" if path.endswith(".tsv") else ",")


def quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    if value is True or value is False:
        return str(value).upper()
    if type(value) is str:
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def condition(tree: Any, names: list[str]) -> str:
    """A filter as SQL; what is missing fits no comparison."""
    if tree[0] in ("and", "or"):
        return f"({condition(tree[1], names)} {tree[0].upper()} {condition(tree[2], names)})"
    if tree[0] == "not":
        return f"(NOT {condition(tree[1], names)})"
    if tree[0] == "null":
        return f"({quoted_name(names[tree[1]])} IS NULL)"
    if tree[0] == "columns":
        _, operator, left, right = tree
        made = f"{quoted_name(names[left])} {operator} {quoted_name(names[right])}"
    elif tree[1] == "~":
        text = f"lower({quoted_name(names[tree[2]])}::VARCHAR)"
        made = f"contains({text}, lower({literal(str(tree[3]))}))"
    else:
        made = f"{quoted_name(names[tree[2]])} {tree[1]} {literal(tree[3])}"
    return f"coalesce({made}, FALSE)"
