"""SQLite databases, opened so that nothing is written, locked, or replayed from a journal.

`immutable=1` reads the bytes of the file as they are: a journal or a write-ahead log beside it,
which other code may have put there, is not read. Filter and order are SQL that is made here.
"""

from __future__ import annotations

import contextlib
import csv
import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from codeexec.guest.prelude import CELL, texts_of
from codeexec.guest.tables.columns import MISSING
from codeexec.guest.tables.duckdb_tables import SqlCounts, literal, order_terms, quoted_name
from codeexec.guest.tables.work import Refused

SECONDS = 30.0
"""The longest time that one statement takes: a view may go on for ever."""

_ENDLESS = f"This takes more than {SECONDS:g} s."
_KEPT_PAGES = 24
_BLOB_BYTES = 24
_WRITTEN_ROWS = 20_000
_READ_ONLY = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_FUNCTION,
}
_SETTINGS = ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "temp_store=MEMORY")
_FORBIDDEN_FUNCTIONS = ("load_extension", "fts3_tokenizer", "readfile", "writefile", "edit")


class Database:
    """A database at the open descriptor `descriptor`."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self._path = path
        self.endless: set[str] = set()
        """Statements that took more than SECONDS."""

    def tables(self) -> list[tuple[str, str, int]]:
        """Name, kind and number of columns of each table and view, tables first."""
        with self.connection() as connection:
            rows = connection.execute(
                "SELECT name, type, ifnull(sql, '') LIKE 'create virtual%' FROM sqlite_schema"
                " WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                " ORDER BY type, rowid"
            ).fetchall()
            tables = []
            for name, kind, is_virtual in rows:
                kind = "virtual table" if is_virtual else kind
                count = 0 if is_virtual else len(_columns(connection, name))
                tables.append((name, kind, count))
        return tables

    def open(self, name: str) -> SqliteTable:
        kinds = {table: kind for table, kind, _ in self.tables()}
        if name not in kinds:
            raise Refused("The table is not in the database any more.")
        if kinds[name] == "virtual table":
            raise Refused(
                "A virtual table is made by code of SQLite's modules, so it is not read here."
                " What it keeps is in the tables beside it."
            )
        with self.connection() as connection:
            columns = _columns(connection, name)
            rowid = _rowid(connection, name, columns) if kinds[name] == "table" else ""
        if not columns:
            raise Refused("The view is broken: it needs a table or a column that is not there.")
        return SqliteTable(self, name, rowid, columns)

    @contextlib.contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that can read, and nothing else. Raises Refused."""
        with _opening:
            already_open = set(_open_descriptors())
            try:
                connection = sqlite3.connect(
                    f"file:{self._path}?mode=ro&immutable=1", uri=True, check_same_thread=False
                )
            except sqlite3.Error as error:
                raise Refused(_words(error)) from None
            is_same = self._is_among(set(_open_descriptors()) - already_open)
        try:
            if not is_same:
                raise Refused("Another file has replaced it meanwhile: r reads it again.")
            _restrict(connection)
            yield connection
        except sqlite3.Error as error:
            raise Refused(_words(error)) from None
        finally:
            connection.close()

    def _is_among(self, descriptors: set[int]) -> bool:
        """Whether SQLite has opened the file that it was to open: it follows the link from the
        descriptor to a path, at which another file may be by now."""
        ours = os.fstat(self._descriptor)
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(descriptor), ours):
                    return True
        return False


class SqliteTable(SqlCounts):
    """A table or a view; a filter and an order are part of its statement."""

    is_lazy = True

    def __init__(
        self,
        database: Database,
        name: str,
        rowid: str,
        columns: list[tuple[str, str]],
        condition: str = "",
        order: str = "",
    ) -> None:
        self._database = database
        self._name = name
        self._rowid = rowid
        self._columns = columns
        self._condition = condition
        self._order = order
        self.names = [column for column, _ in columns]
        self.types = [kind for _, kind in columns]

    # -- statements --------------------------------------------------------------------------

    def _from(self) -> str:
        where = f" WHERE {self._condition}" if self._condition else ""
        return f" FROM {quoted_name(self._name)}{where}"

    def _fetch(self, statement: str) -> list[tuple[Any, ...]]:
        """All rows of a statement, from the last ones that were asked where they are there: what
        takes longer than a question waits is asked for again."""
        key = (self._database, statement)
        with _pages_lock:
            if key in _pages:
                _pages.move_to_end(key)
                return _pages[key]
        if statement in self._database.endless:
            raise Refused(_ENDLESS)
        with self._database.connection() as connection:
            try:
                rows = connection.execute(statement).fetchall()
            except sqlite3.OperationalError as error:
                if "interrupted" in str(error):
                    self._database.endless.add(statement)
                raise
        with _pages_lock:
            _pages[key] = rows
            while len(_pages) > _KEPT_PAGES:
                _pages.popitem(last=False)
        return rows

    def _first(self, columns: str) -> tuple[Any, ...]:
        return self._fetch(f"SELECT {columns}{self._from()}")[0]

    # -- for TableQuestion -------------------------------------------------------------------

    def rows(self) -> int:
        return int(self._first("count(*)")[0])

    def page(self, start: int, count: int, columns: list[int]) -> tuple[list[str], list[list[str]]]:
        if not count:
            return [], [[] for _ in columns]
        wanted = ", ".join(_shortened(quoted_name(self.names[at])) for at in columns)
        rows = self._fetch(f"SELECT {wanted}{self._from()}{self._place(start, count)}")
        index = [str(at) for at in range(start, start + len(rows))]
        if not rows:
            return [], [[] for _ in columns]
        return index, [texts_of(list(values)) for values in zip(*rows, strict=True)]

    def _place(self, start: int, count: int) -> str:
        """Which rows: by their numbers where these have no gaps, else counted off."""
        rowid = "" if self._condition or self._order else self._rowid
        by = self._order or (f" ORDER BY {rowid}" if rowid else "")
        if rowid and start:
            table = quoted_name(self._name)
            low, high = self._fetch(
                f"SELECT (SELECT {rowid} FROM {table} ORDER BY {rowid} LIMIT 1),"
                f" (SELECT {rowid} FROM {table} ORDER BY {rowid} DESC LIMIT 1)"
            )[0]
            if low is not None and high - low + 1 == self._known_count():
                first = low + start
                return f" WHERE {rowid} BETWEEN {first} AND {first + count - 1}{by}"
        return f"{by} LIMIT {count} OFFSET {start}"

    def _known_count(self) -> int | None:
        """The number of rows, if it was counted before."""
        with _pages_lock:
            rows = _pages.get((self._database, f"SELECT count(*){self._from()}"))
        return rows[0][0] if rows else None

    def filtered(self, tree: Any) -> SqliteTable:
        made = condition(tree, self.names)
        return self._view(f"({self._condition}) AND {made}" if self._condition else made)

    def sorted(self, keys: list[tuple[int, bool]]) -> SqliteTable:
        return self._view(self._condition, f" ORDER BY {order_terms(self.names, keys)}")

    def _view(self, condition: str, order: str = "") -> SqliteTable:
        return SqliteTable(self._database, self._name, self._rowid, self._columns, condition, order)

    def one(self, at: int) -> SqliteTable:
        return self

    # -- one column --------------------------------------------------------------------------

    def numbers(self, at: int) -> Any:
        """Something where the column has numbers: by its declared type, or by its values."""
        name = quoted_name(self.names[at])
        kinds = {kind for (kind,) in self._fetch(f"SELECT DISTINCT typeof({name}){self._from()}")}
        return self if kinds & {"integer", "real"} and not kinds & {"text", "blob"} else None

    def extent(self, at: int) -> tuple[str, str] | None:
        name = quoted_name(self.names[at])
        least, greatest = self._first(f"min({name}), max({name})")
        if least is None:
            return None
        low, high = texts_of([_blob_words(least), _blob_words(greatest)])
        return low, high

    def quantiles(self, at: int, shares: list[float]) -> list[float]:
        name = quoted_name(self.names[at])
        count = self.rows() - self.nulls(at)
        values = [
            self._fetch(
                f"SELECT {name}{self._and(f'{name} IS NOT NULL')} ORDER BY {name}"
                f" LIMIT 1 OFFSET {round(share * (count - 1))}"
            )[0][0]
            for share in shares
        ]
        return [float(value) for value in values]

    def _and(self, condition: str) -> str:
        return self._view(f"({self._condition or '1'}) AND {condition}")._from()

    def mean(self, at: int) -> float:
        return float(self._first(f"avg({quoted_name(self.names[at])})")[0])

    def histogram(self, at: int, bins: int) -> tuple[list[int], float, float]:
        name = quoted_name(self.names[at])
        low, high = map(float, self._first(f"min({name}), max({name})"))
        width = (high - low) / bins or 1.0
        place = f"min(CAST(({name} - {low!r}) / {width!r} AS INTEGER), {bins - 1})"
        counts = [0] * bins
        by_place = f"SELECT {place}, count(*){self._and(f'{name} IS NOT NULL')} GROUP BY 1"
        for where, count in self._fetch(by_place):
            if type(where) is int and 0 <= where < bins:
                counts[where] += count
        return counts, low, high

    def counts(self, at: int, most: int) -> list[tuple[str, int]]:
        name = _shortened(quoted_name(self.names[at]))
        rows = self._fetch(
            f"SELECT {name}, count(*){self._from()} GROUP BY {quoted_name(self.names[at])}"
            f" ORDER BY 2 DESC, 1 LIMIT {most}"
        )
        texts = texts_of([value for value, _ in rows])
        return [
            (MISSING if value is None else text, int(count))
            for (value, count), text in zip(rows, texts, strict=True)
        ]

    # -- files -------------------------------------------------------------------------------

    def write(self, path: str, columns: list[int]) -> None:
        wanted = ", ".join(quoted_name(self.names[at]) for at in columns)
        with self._database.connection() as connection:
            rows = connection.execute(f"SELECT {wanted}{self._from()}{self._order}")
            if path.endswith(".parquet"):
                self._write_parquet(path, columns, rows)
                return
            with open(path, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
                writer = csv.writer(file, delimiter="\t" if path.endswith(".tsv") else ",")
                writer.writerow([self.names[at] for at in columns])
                writer.writerows(
                    [value.hex() if type(value) is bytes else value for value in row]
                    for row in rows
                )

    def _write_parquet(self, path: str, columns: list[int], rows: sqlite3.Cursor) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        fields = [(self.names[at], _arrow_type(self.types[at])) for at in columns]
        schema = pa.schema(fields)
        with parquet.ParquetWriter(path, schema) as writer:
            while part := rows.fetchmany(_WRITTEN_ROWS):
                arrays = []
                for (name, kind), values in zip(fields, zip(*part, strict=True), strict=True):
                    try:
                        arrays.append(pa.array(values, kind))
                    except (pa.ArrowException, TypeError, ValueError):
                        raise Refused(
                            f"{name} has values that are no {kind}: write it as CSV."
                        ) from None
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


_pages: OrderedDict[tuple[Database, str], list[tuple[Any, ...]]] = OrderedDict()
_pages_lock = threading.Lock()
_opening = threading.Lock()
"""Held from the open of a database until its descriptor is known."""


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
        text = _text(str(tree[3]))
        made = f"contains_text({quoted_name(names[tree[2]])}, {text})"
    else:
        value = _text(tree[3]) if type(tree[3]) is str else literal(tree[3])
        made = f"{quoted_name(names[tree[2]])} {tree[1]} {value}"
    return f"coalesce({made}, 0)"


def _text(value: str) -> str:
    """A text in SQL, in which a NUL would end the statement."""
    return "CAST(x'" + value.encode("utf-8", "replace").hex() + "' AS TEXT)"


def _shortened(column: str) -> str:
    """As much of a value as a cell shows."""
    return (
        f"CASE typeof({column}) WHEN 'text' THEN substr({column}, 1, {CELL + 1})"
        f" WHEN 'blob' THEN 'blob of ' || length({column}) || ' bytes: '"
        f" || hex(substr({column}, 1, {_BLOB_BYTES})) ELSE {column} END"
    )


def _blob_words(value: Any) -> Any:
    if type(value) is bytes:
        return f"blob of {len(value)} bytes: {value[:_BLOB_BYTES].hex().upper()}"
    return value


def _columns(connection: sqlite3.Connection, name: str) -> list[tuple[str, str]]:
    """Names and declared types, generated columns too. Of a view that is broken there are none."""
    try:
        rows = connection.execute(f"PRAGMA table_xinfo({quoted_name(name)})").fetchall()
    except sqlite3.Error:
        return []
    return [(str(column), str(kind)[:60]) for _, column, kind, *_, hidden in rows if hidden != 1]


def _rowid(connection: sqlite3.Connection, name: str, columns: list[tuple[str, str]]) -> str:
    """What the number of a row is called; nothing in a table without such numbers."""
    taken = {column.lower() for column, _ in columns}
    rowid = next((alias for alias in ("rowid", "_rowid_", "oid") if alias not in taken), "")
    if rowid:
        try:
            connection.execute(f"SELECT {rowid} FROM {quoted_name(name)} LIMIT 0")
        except sqlite3.Error:
            return ""
    return rowid


def _restrict(connection: sqlite3.Connection) -> None:
    """Let an untrusted schema do nothing but read, for SECONDS."""
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.create_function("contains_text", 2, _contains, deterministic=True)
    for pragma in (
        "query_only=ON",
        "trusted_schema=OFF",
        "cell_size_check=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.set_authorizer(_allowed)
    end = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, 100_000)


def _allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and second in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    is_read = action in _READ_ONLY or (action == sqlite3.SQLITE_PRAGMA and first == "table_xinfo")
    return sqlite3.SQLITE_OK if is_read else sqlite3.SQLITE_DENY


def _contains(value: Any, text: str) -> bool | None:
    if value is None:
        return None
    return text.casefold() in str(_blob_words(value)).casefold()


def _open_descriptors() -> list[int]:
    """The numbers of the open files of this process."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            numbers = [int(name) for name in os.listdir(folder) if name.isdecimal()]  # noqa: PTH208
            return list(filter(_is_open, numbers))  # the one of the list is closed by now
    return []


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


_WORDS = (
    ("not a database", "It is no SQLite database, or an encrypted one."),
    ("malformed", "The database is damaged, or another program was writing to it."),
    ("interrupted", _ENDLESS),
    ("not authorized", "It does more than read tables, which is refused."),
    ("no such table", "A view needs a table that is not there."),
    ("no such module", "It needs a module that this SQLite does not have."),
)


def _words(error: sqlite3.Error) -> str:
    text = str(error)
    meaning = next((sentence for part, sentence in _WORDS if part in text), "")
    return f"{meaning} (SQLite: {text[:200]})" if meaning else f"SQLite: {text[:200]}."


def _arrow_type(declared: str) -> Any:
    """The type in Parquet for a declared type, by SQLite's rules of affinity."""
    import pyarrow as pa

    name = declared.upper()
    if "INT" in name:
        return pa.int64()
    if any(part in name for part in ("REAL", "FLOA", "DOUB", "NUM", "DEC")):
        return pa.float64()
    return pa.binary() if "BLOB" in name else pa.string()


def lock_note(descriptor: int) -> str:
    """Whether another program is writing, as its lock says; empty where that is not known."""
    import fcntl
    import struct

    pending, size = 0x40000000, 512
    layout = "hhqqi0q"
    try:
        asked = struct.pack(layout, fcntl.F_RDLCK, os.SEEK_SET, pending, size, 0)
        kind = struct.unpack(layout, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))[0]
    except (OSError, struct.error, AttributeError):
        return ""
    if kind == fcntl.F_UNLCK:
        return ""
    return "Another program has locked it for writing: these rows may be half of a change."
