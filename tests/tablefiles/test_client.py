"""The process that reads a file: damaged and hostile files, copies, changes of a file, its end."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from codeexec.domain import requests as q
from codeexec.domain.errors import Denied, DocumentError, NotFound
from codeexec.environments.trust.store import TrustStore
from codeexec.tablefiles import kinds, sheets, worker
from codeexec.tablefiles.client import TableFile
from codeexec.tablefiles.parquet_files import ParquetSource
from support.table_files import ROWS, Reading

Read = Callable[[Path], Reading]


def cut(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def scribble(path: Path, start: int, end: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:start] + b"\xa5" * (end - start) + whole[end:])


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "zero.parquet": (lambda path: path.write_bytes(b""), "empty (0 bytes)"),
    "text.parquet": (
        lambda path: path.write_text("id,price\n1,2\n" * 9),
        "is not a Parquet file: it begins with “id,price”",
    ),
    "noise.db": (
        lambda path: path.write_bytes(bytes(range(200, 256)) * 9),
        "is not an SQLite database: it begins with the bytes c8 c9 ca cb cc cd ce cf. It may be",
    ),
    "old.feather": (lambda path: path.write_bytes(b"FEA1" * 9), "Feather file of version 1"),
    "locked.xlsx": (
        lambda path: path.write_bytes(
            kinds._OLE + b"\0" * (1 << 20) + kinds._ENCRYPTED + b"\0" * 600
        ),
        "encrypted with a password",
    ),
    "old.xlsx": (lambda path: path.write_bytes(kinds._OLE + b"\0" * 600), "old format (.xls)"),
    "secret.parquet": (lambda path: path.write_bytes(b"PARE" * 9), "is encrypted"),
    "columns.parquet": (lambda path: parquet.write_table(pa.table({}), path), "has no columns"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_no_table_is_told_in_a_sentence(name: str, tmp_path: Path, read: Read) -> None:
    make, words = FAULTS[name]
    make(tmp_path / name)
    fault = read(tmp_path / name).listing["fault"]
    assert words in fault
    assert fault.endswith(".")


@pytest.mark.parametrize("name", ["parquet", "feather", "arrows", "xlsx"])
def test_half_a_file_is_told(name: str, folder: Path, read: Read) -> None:
    cut(folder / f"sales.{name}")
    fault = read(folder / f"sales.{name}").listing["fault"]
    assert "damaged" in fault or "is not whole" in fault


def test_damage_within_a_file_is_told_by_the_page(folder: Path, read: Read) -> None:
    scribble(folder / "sales.parquet", 4, 400)
    scribble(folder / "sales.db", 5000, 20_000)
    fault = read(folder / "sales.parquet").ask("rows")["fault"]
    assert fault.startswith("sales.parquet could not be read: ")
    assert "damaged" in read(folder / "sales.db").ask("rows")["fault"]


def test_a_database_cut_in_half_is_told(folder: Path, read: Read) -> None:
    cut(folder / "sales.db")
    reading = read(folder / "sales.db")
    told = reading.listing.get("fault") or reading.ask("rows", start=900)["fault"]
    assert "damaged" in told


def test_a_missing_library_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, read: Read
) -> None:
    def missing(self: object, path: str) -> None:
        raise ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow")

    monkeypatch.setattr(worker.ServedFile, "_open_arrow", missing)
    assert read(folder / "sales.parquet").listing == {"missing": "pyarrow"}


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MOST_BYTES", 20_000)
    fault = read(folder / "sales.xlsx").listing["fault"]
    assert fault.endswith("KB, of which 20 KB are read at most.")
    monkeypatch.setattr(sheets, "MOST_BYTES", 1 << 30)
    monkeypatch.setattr(sheets, "MOST_CELLS", 100)
    fault = read(folder / "sales.xlsx").ask("rows")["fault"]
    assert fault == "The sheet has 6,006 cells, of which 100 can be shown at most."


def test_memory_that_is_not_enough_is_told(
    folder: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(self: object, *_: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 1992294528 failed")

    monkeypatch.setattr(ParquetSource, "_batches", too_much)
    fault = read(folder / "sales.parquet").ask("rows")["fault"]
    assert fault == "sales.parquet could not be read: it needs more memory than there is."


# -- in a process ------------------------------------------------------------------------------


@pytest.fixture
def open_file(tmp_path: Path) -> Iterator[Callable[[str], TableFile]]:
    files: list[TableFile] = []

    def opened(name: str) -> TableFile:
        files.append(TableFile(tmp_path / name, tmp_path))
        return files[-1]

    yield opened
    for file in files:
        file.close()


def ask(
    file: TableFile, question: q.TableQuestion, view: q.TableView | None = None, table: str = ""
) -> q.TableAnswer:
    while (answer := file.ask(table, question, view or q.TableView())).working:
        if answer.page is not None:
            break
    return answer


@pytest.mark.slow
def test_a_file_is_read_copied_and_read_anew(
    folder: Path, open_file: Callable[[str], TableFile]
) -> None:
    file = open_file("sales.parquet")
    assert [table.name for table in file.tables()] == [""]
    page = ask(file, q.TableRows(0, 3)).page
    assert page is not None
    assert (page.rows, page.names) == (ROWS, ("n", "price", "city", "day"))

    copied = ask(file, q.WriteTable("copy.csv"), q.TableView("n < 2"))
    assert copied.text == str(folder / "copy.csv")
    assert (folder / "copy.csv").read_text().splitlines()[1].startswith('0,0,"Berlin"')
    assert "is there already" in ask(file, q.WriteTable("copy.csv")).fault
    assert "end its name so" in ask(file, q.WriteTable("copy.exe")).fault
    (folder / "link.csv").symlink_to("/tmp/codeexec-nowhere.csv")
    assert "is there already" in ask(file, q.WriteTable("link.csv")).fault

    assert not file.has_changed()
    parquet.write_table(pa.table({"x": [7]}), folder / "sales.parquet")
    assert file.has_changed()
    file.tables()
    page = ask(file, q.TableRows(0, 3)).page
    assert page is not None
    assert page.cells == (("7",),)
    (folder / "sales.parquet").unlink()
    with pytest.raises(NotFound):
        file.tables()


def test_a_bomb_costs_its_process_alone(
    folder: Path, open_file: Callable[[str], TableFile]
) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "a", 1  # 17 billion cells
    book.save(folder / "far.xlsx")
    file = open_file("far.xlsx")
    with pytest.raises(DocumentError, match="needs more memory than is allowed"):
        ask(file, q.TableRows(), table=file.tables()[0].name)


def test_a_log_beside_a_database_is_told(
    folder: Path, open_file: Callable[[str], TableFile]
) -> None:
    (folder / "sales.db-wal").write_bytes(b"\0" * 4096)
    file = open_file("sales.db")
    file.tables()
    note = ask(file, q.TableRows(0, 1), table="sales").note
    assert note == "sales.db-wal (4 kB) holds changes that are not shown here."


def test_a_link_in_a_folder_of_a_container_is_not_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    workspace = folder / "workspace"
    workspace.mkdir()
    TrustStore().record_mount(str(workspace))
    (workspace / "link.db").symlink_to(folder / "sales.db")
    os.link(folder / "sales.parquet", workspace / "second.parquet")
    os.mkfifo(workspace / "pipe.xlsx")
    for name in ("link.db", "second.parquet", "pipe.xlsx"):
        with pytest.raises(Denied, match="is not opened"):
            TableFile(workspace / name, workspace).tables()


def test_closing_ends_the_process(folder: Path, open_file: Callable[[str], TableFile]) -> None:
    file = open_file("sales.db")
    file.tables()
    assert file._child is not None
    pid = file._child.pid
    assert pid is not None
    file.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(DocumentError, match="is closed"):
        file.tables()


def test_an_empty_database_has_no_tables(
    folder: Path, open_file: Callable[[str], TableFile]
) -> None:
    connection = sqlite3.connect(folder / "bare.db")
    connection.execute("CREATE TABLE t (a)")
    connection.execute("DROP TABLE t")
    connection.commit()
    connection.close()
    assert open_file("bare.db").tables() == ()
