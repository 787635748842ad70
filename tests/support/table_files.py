"""Small files with tables, of each kind."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
from pyarrow import feather, parquet

from codeexec.tablefiles.worker import ServedFile

ROWS = 1000
ESCAPE = "\x1b[31m"


def sales() -> Any:
    """1,000 rows with a missing value in each column but the first."""
    numbers, start = list(range(ROWS)), dt.datetime.fromisoformat("2025-01-01")
    return pa.table(
        {
            "n": pa.array(numbers, pa.int32()),
            "price": pa.array([None if n == 5 else n / 4 for n in numbers]),
            "city": pa.array([None if n == 6 else ("Berlin", "Bern")[n % 2] for n in numbers]),
            "day": pa.array(
                [None if n == 7 else start + dt.timedelta(n) for n in numbers],
                pa.timestamp("ns"),
            ),
        }
    )


def write_parquet(path: Path) -> None:
    parquet.write_table(sales(), path, row_group_size=300, data_page_size=512)


def write_feather(path: Path) -> None:
    feather.write_feather(sales(), path, chunksize=300)


def write_stream(path: Path) -> None:
    with pa.ipc.new_stream(path, sales().schema) as writer:
        writer.write_table(sales(), max_chunksize=300)


def write_workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    for row in [sales().column_names, *zip(*sales().to_pydict().values(), strict=True)]:
        sheet.append(row)
    sheet["F1"], sheet["F2"] = "sum", "=SUM(A2:A9)"  # whose value nobody has stored
    book.create_sheet("Empty")
    bare = book.create_sheet("Bare")
    bare.append([1, "x"])
    bare.append([2.5, None])
    book.save(path)


def write_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(
        f"""
        CREATE TABLE sales (n INTEGER PRIMARY KEY, price REAL, city TEXT, day TEXT);
        CREATE VIEW bern AS SELECT n, price FROM sales WHERE city = 'Bern';
        CREATE TABLE "odd {ESCAPE} ""; DROP" (a, "b c" BLOB);
        CREATE VIEW broken AS SELECT * FROM gone;
        CREATE VIEW endless AS
            WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT i FROM r;
        CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
        CREATE VIRTUAL TABLE found USING fts5(body);
        """
    )
    rows = zip(*sales().to_pydict().values(), strict=True)
    connection.executemany(
        "INSERT INTO sales VALUES (?, ?, ?, ?)",
        [(n, price, city, day and str(day)) for n, price, city, day in rows],
    )
    connection.execute(
        f'INSERT INTO "odd {ESCAPE} ""; DROP" VALUES (?, ?)', ("\x1b]0;x\x07", b"\xff\xfe" * 50)
    )
    connection.executemany("INSERT INTO keyed VALUES (?, ?)", [("b", 2), ("a", 1)])
    connection.commit()
    connection.close()


WRITERS: dict[str, Callable[[Path], None]] = {
    "sales.parquet": write_parquet,
    "sales.feather": write_feather,
    "sales.arrows": write_stream,
    "sales.xlsx": write_workbook,
    "sales.db": write_database,
}


class Reading:
    """One file, read in this process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._served = ServedFile(descriptor, path.name, path.name)
        self.listing = self._served.answer({})
        self.tables = [table["name"] for table in self.listing.get("tables", [])]

    def ask(
        self, kind: str, *, table: str = "", filter: str = "", order: str = "", **fields: Any
    ) -> dict[str, Any]:
        """The answer when it is worked out, of rows the first one.

        `order` is a column, with - before it for the greatest first.
        """
        keys = [{"column": order.lstrip("-"), "descending": order.startswith("-")}]
        view = {"filter": filter, "order": keys if order else []}
        job = {
            "table": table or self.tables[0],
            "view": view,
            "question": {"type": kind, **fields},
        }
        while (answer := self._served.answer(job)).get("working"):
            if "page" in answer:
                break
        return answer

    def rows(self, start: int = 0, count: int = 200, **view: str) -> list[list[str]]:
        answer = self.ask("rows", start=start, count=count, **view)
        assert "page" in answer, answer
        return [list(row) for row in answer["page"]["cells"]]

    def names(self, **view: str) -> tuple[list[str], list[str]]:
        page = self.ask("rows", start=0, count=1, **view)["page"]
        return page["names"], page["types"]
