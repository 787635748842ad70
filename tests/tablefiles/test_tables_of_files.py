"""Tables of files: the same rows, filters, orders, facts and copies from each kind of file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from codeexec.tablefiles import parquet_files, pieces
from support.table_files import ESCAPE, ROWS, WRITERS, Reading

Read = Callable[[Path], Reading]

NUMBERS = [str(n) for n in range(ROWS)]
TYPES = {
    "sales.parquet": ["int32", "double", "string", "timestamp[ns]"],
    "sales.feather": ["int32", "double", "string", "timestamp[ns]"],
    "sales.arrows": ["int32", "double", "string", "timestamp[ns]"],
    "sales.xlsx": ["int", "float", "str", "date", "empty", "empty"],
    "sales.db": ["INTEGER", "REAL", "TEXT", "TEXT"],
}


def first_column(rows: list[list[str]]) -> list[str]:
    return [row[0] for row in rows]


@pytest.fixture(params=WRITERS)
def reading(request: pytest.FixtureRequest, written: Path, read: Read) -> Reading:
    return read(written / request.param)


@pytest.mark.parametrize("name", WRITERS)
def test_the_header_has_names_and_types(name: str, folder: Path, read: Read) -> None:
    names, types = read(folder / name).names()
    assert names[:4] == ["n", "price", "city", "day"]
    assert types == TYPES[name]


def test_pages_are_read_from_any_place(reading: Reading) -> None:
    for start in (0, 200, 299, 800, 599, 950, 1, 999):
        rows = reading.rows(start, 200)
        assert first_column(rows) == NUMBERS[start : start + 200], start
    assert reading.rows(ROWS, 200) == []
    row = reading.rows(6, 1)[0]
    assert row[1] == "1.5"
    assert row[2] in ("None", "")


def test_a_filter_an_order_and_both(reading: Reading) -> None:
    assert first_column(reading.rows(filter="price > 245")) == NUMBERS[981:]
    assert len(reading.rows(count=1000, filter='city ~ "BERL"')) == ROWS // 2 - 1
    assert first_column(reading.rows(filter="price is null")) == ["5"]
    assert first_column(reading.rows(count=3, order="-n")) == ["999", "998", "997"]
    assert first_column(reading.rows(996, 4, order="price")) == ["997", "998", "999", "5"]
    both = reading.rows(count=2, filter='city == "Bern" & n < 500', order="-price")
    assert first_column(both) == ["499", "497"]
    assert reading.rows(filter="n > 5000") == []
    assert "There is no column" in reading.ask("rows", filter="nope > 1")["fault"]


def test_a_text_is_found_in_any_column(reading: Reading) -> None:
    # Days go up to the year 2027, and the workbook's columns are six.
    hit = reading.ask("find", text="2027-09-2", row=0)
    assert (hit["row"], hit["column"]) == (992, 3)
    hit = reading.ask("find", text="BERN", row=hit["row"], column=3)
    assert (hit["row"], hit["column"]) == (993, 2)
    assert reading.ask("find", text="nowhere", row=0)["row"] == -1


def test_facts_and_values_of_a_column(reading: Reading) -> None:
    facts = reading.ask("describe", column="price")["facts"]
    lines = dict(facts["lines"])
    assert lines["nulls"].startswith("1 ")
    assert lines["distinct"] == "999"
    assert lines["range"].endswith("249.75")
    assert sum(facts["bins"]) == ROWS - 1
    counted = reading.ask("count", column="city")
    assert counted["page"]["cells"][0][:2] == ["Bern", "500"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_a_copy_has_the_rows_of_the_view(reading: Reading, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"copy.{ending}"
    view = {"filter": "n >= 990 & n != 995", "order": "-n"}
    answer = reading.ask("write", path=str(path), columns=["city", "n"], **view)
    assert answer.get("count") == path.stat().st_size, answer
    if ending == "parquet":
        copied = parquet.read_table(path)
    else:
        delimiter = {"csv": ",", "tsv": "\t"}[ending]
        copied = csv.read_csv(path, parse_options=csv.ParseOptions(delimiter=delimiter))
    assert copied.column_names == ["city", "n"]
    assert copied["n"].to_pylist() == [999, 998, 997, 996, 994, 993, 992, 991, 990]
    assert copied["city"].to_pylist()[:2] == ["Bern", "Berlin"]


@pytest.mark.parametrize("name", WRITERS)
def test_the_code_of_a_view_makes_it(
    name: str, folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    code = read(folder / name).ask("code", columns=["n"], filter="n > 996")["text"]
    variables: dict[str, pa.Table] = {}
    with pd.option_context("io.excel.xlsx.reader", "calamine"):
        exec(code, variables)
    assert variables["df_view"]["n"].tolist() == [997, 998, 999]


def test_parquet_of_many_kinds_of_values_is_shown(tmp_path: Path, read: Read) -> None:
    table = pa.table(
        {
            "text": ["a", f"{ESCAPE}red", "x" * 100_000],
            "bytes": [b"\0\1", None, b"z"],
            "list": [[1, 2], [], None],
            "struct": [{"a": 1, "b.c": "q"}] * 3,
            "a.b": [1, 2, 3],
            "zone": pa.array([0, 1, 2], pa.timestamp("us", "Nowhere/Atlantis")),
            "far": pa.array([2**62, 0, -(2**62)], pa.timestamp("us")),
            "codes": pa.array(["u", "v", None]).dictionary_encode(),
            "void": pa.nulls(3),
        }
    )
    parquet.write_table(table, tmp_path / "kinds.parquet")
    reading = read(tmp_path / "kinds.parquet")
    rows = reading.rows()
    assert [len(cell) <= 200 for row in rows for cell in row]
    assert rows[0][0] == "a"
    assert rows[1][2:5] == ["[]", "{'a': 1, 'b.c': 'q'}", "2"]
    assert rows[2][0].endswith("x…")
    assert reading.names()[1][7] == "dictionary<string>"
    assert reading.ask("count", column="codes")["page"]["cells"][0][1] == "1"
    assert first_column(reading.rows(filter="`a.b` == 3")) == [rows[2][0]]


def test_pieces_that_do_not_fit_are_read_again(
    folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "KEPT_BYTES", 1)
    monkeypatch.setattr(pieces, "ARRAY_BYTES", 1)
    monkeypatch.setattr(parquet_files, "piece_rows", lambda _: 64)
    reading = read(folder / "sales.parquet")
    for start in (800, 100, 350, 90, 700):
        assert first_column(reading.rows(start, 150)) == NUMBERS[start : start + 150]
    assert first_column(reading.rows(400, 200, order="-n")) == NUMBERS[599:399:-1]


def test_a_column_that_memory_does_not_hold_is_refused(
    folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "free_memory", lambda: 1000)
    reading = read(folder / "sales.parquet")
    fault = reading.ask("rows", order="price")["fault"]
    assert fault == "price takes 24 KB in memory; 1 KB may be used for it. Filter first."
    assert first_column(reading.rows(filter="n > 997")) == ["998", "999"]


def test_a_workbook_lists_its_sheets_and_shows_what_is_stored(folder: Path, read: Read) -> None:
    reading = read(folder / "sales.xlsx")
    assert reading.tables == ["Sales", "Empty", "Bare"]
    assert reading.ask("rows", table="Empty")["fault"] == "The sheet is empty."
    assert reading.names(table="Bare") == (["A", "B"], ["float", "str"])
    assert reading.rows(table="Bare") == [["1.0", "x"], ["2.5", ""]]
    page = reading.ask("rows", count=1)["page"]
    assert page["names"][4:] == ["E", "sum"]
    assert page["cells"][0][5] == ""  # a formula without a stored value
    assert page["index"] == ["2"]  # the row in the sheet


def test_a_database_lists_tables_and_views(folder: Path, read: Read) -> None:
    reading = read(folder / "sales.db")
    odd = f'odd {ESCAPE} "; DROP'
    assert [n for n in reading.tables if not n.startswith("found_")] == [
        *("sales", odd, "keyed", "found"),
        *("bern", "broken", "endless"),
    ]
    assert reading.rows(table=odd) == [["\x1b]0;x\x07", f"blob of 100 bytes: {'FFFE' * 12}"]]
    assert reading.rows(table=odd, filter='`b c` ~ "fffe"')
    assert first_column(reading.rows(table="keyed")) == ["a", "b"]
    assert first_column(reading.rows(1, 1, table="keyed")) == ["b"]
    assert first_column(reading.rows(count=2, table="bern")) == ["1", "3"]
    assert "is broken" in reading.ask("rows", table="broken")["fault"]
    assert "virtual table" in reading.ask("rows", table="found")["fault"]
    assert first_column(reading.rows(count=3, table="endless")) == ["1", "2", "3"]


def test_a_row_of_a_database_is_found_by_its_number_where_there_are_no_gaps(
    folder: Path, read: Read
) -> None:
    connection = sqlite3.connect(folder / "sales.db")
    connection.execute("DELETE FROM sales WHERE n = 3")
    connection.commit()
    connection.close()
    reading = read(folder / "sales.db")
    assert len(reading.rows(900, 200)) == 99
    assert first_column(reading.rows(500, 2)) == ["501", "502"]


def test_a_statement_that_takes_too_long_is_ended(
    folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeexec.tablefiles.sqlite_files.SECONDS", 0.05)
    reading = read(folder / "sales.db")
    fault = reading.ask("rows", table="endless", order="-i")["fault"]
    assert fault.startswith("This takes more than")


def test_nothing_is_written_beside_a_database(folder: Path, read: Read) -> None:
    """A journal of somebody else's is not played back, and no log or lock appears."""
    path = folder / "sales.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=wal")
    connection.execute("INSERT INTO sales VALUES (5000, 1, 'Rome', NULL)")
    connection.commit()  # in the log alone
    other = folder / "other"
    other.mkdir()
    for ending in ("", "-wal"):
        (other / f"sales.db{ending}").write_bytes(Path(f"{path}{ending}").read_bytes())
    connection.close()
    (other / "sales.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 64)
    before = {file: file.read_bytes() for file in other.iterdir()}
    reading = read(other / "sales.db")
    assert first_column(reading.rows(filter="n >= 999")) == ["999"]
    assert {file: file.read_bytes() for file in other.iterdir()} == before


def test_a_database_that_is_locked_can_be_looked_at(folder: Path, read: Read) -> None:
    """A lock of the same process is not seen, so another one takes it."""
    import subprocess
    import sys

    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "sales.db")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        reading = read(folder / "sales.db")
        assert "locked it for writing" in reading.listing["note"]
        assert first_column(reading.rows(count=1)) == ["0"]
        other.communicate("\n")


def test_a_schema_can_do_nothing_but_be_read(folder: Path, read: Read) -> None:
    path = folder / "evil.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.execute("CREATE VIEW v AS SELECT load_extension('/tmp/evil.so') AS x")
    connection.commit()
    connection.close()
    reading = read(path)
    fault = reading.ask("rows", table="v").get("fault", "")
    assert "refused" in fault or "broken" in fault, fault
