"""The helper process that reads one file with tables: jobs on its input, answers on its output.

The engine is that of tables in kernels, `guest/tables`. Libraries that read damaged files may abort
or take all memory: here that costs this process alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from typing import Any

from codeexec.guest.tables.answers import answer_of
from codeexec.guest.tables.columns import ColumnsTable
from codeexec.guest.tables.views import PAGE_SECONDS, RowsView
from codeexec.guest.tables.work import Refused, work
from codeexec.sandbox.limits import enter
from codeexec.sandbox.messages import read_message, write_message
from codeexec.tablefiles.kinds import NotReadable, TableKind, kind_of_file, named_kind

MEMORY = 2 << 30
"""Bytes of private memory that may be written: the order of 20 million rows takes 560 MB."""

VARIABLE = "df"
"""The variable of the code that makes a view."""

_PACKAGES = {"pyarrow": "pyarrow", "python_calamine": "python-calamine", "numpy": "numpy"}


def main() -> None:
    """Answer until the input ends. Arguments: the descriptor of the file, its name, and its path as
    code is to have it."""
    descriptor, name, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    jobs, answers = enter(MEMORY)
    sys.meta_path.insert(0, _WithoutPandas())
    # The pool of pyarrow keeps what was freed, which counts against the limit.
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    served = ServedFile(descriptor, name, path)
    while (message := read_message(jobs)) is not None:
        answer = served.answer(json.loads(message[0]))
        write_message(answers, json.dumps(answer).encode(), b"")
    os._exit(0)  # whatever is computed in a thread


class _WithoutPandas(MetaPathFinder):
    """Pandas counts as not installed: pyarrow would load it for times and for empty tables, which
    takes a second."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name="pandas")


class ServedFile:
    """The tables of the open file `descriptor`."""

    def __init__(self, descriptor: int, name: str, path: str) -> None:
        self._descriptor = descriptor
        self._name = name
        self._promised: TableKind = named_kind(os.path.splitext(name)[1]) or "sqlite"  # noqa: PTH122
        self._path = path
        self._kind: TableKind = self._promised
        self._open_table: Callable[[str], Any] | None = None
        self._engines: dict[str, Any] = {}

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """The tables of the file where no question is asked; else an answer of `TableAnswer`."""
        if "question" in job:
            return answer_of({**job, "name": self._name}, lambda: self._view(job))
        try:
            return self._tables()
        except (NotReadable, Refused) as error:
            return {"fault": str(error)}
        except ImportError as error:
            package = str(error.name).partition(".")[0]
            return {"missing": _PACKAGES.get(package, package)}
        except MemoryError:
            return {"fault": "Its description alone takes more memory than is allowed."}
        except Exception as error:  # of a library that reads a damaged file
            return {"fault": f"The file is damaged: {_words(error)}."}

    def _tables(self) -> dict[str, Any]:
        self._kind = kind_of_file(self._descriptor, self._promised)
        path = f"/dev/fd/{self._descriptor}"
        note, tables = "", [("", str(self._kind), 0)]
        if self._kind == "sqlite":
            from codeexec.tablefiles.sqlite_files import Database, lock_note

            database = Database(self._descriptor, path)
            tables, self._open_table = database.tables(), database.open
            note = lock_note(self._descriptor)
        elif self._kind == "excel":
            import numpy as np  # noqa: F401 -- the engine of sheets needs it

            from codeexec.tablefiles.sheets import Workbook

            workbook = Workbook(path)
            tables = workbook.tables()
            self._open_table = lambda name: ColumnsTable(workbook.read(name))
        else:
            self._open_arrow(path)
        listed = [dict(zip(("name", "kind", "columns"), table, strict=True)) for table in tables]
        return {"kind": self._kind, "tables": listed, "note": note}

    def _open_arrow(self, path: str) -> None:
        from codeexec.tablefiles.pieces import PieceSource, PieceTable

        source: PieceSource
        if self._kind == "parquet":
            from codeexec.tablefiles.parquet_files import ParquetSource

            source = ParquetSource(path)
        else:
            from codeexec.tablefiles.arrow_files import ArrowFileSource, ArrowStreamSource

            of_kind = ArrowFileSource if self._kind == "arrow" else ArrowStreamSource
            source = of_kind(path)
        if not source.names:
            raise NotReadable("The file has no columns.")
        self._open_table = lambda _: PieceTable(source)

    def _view(self, job: dict[str, Any]) -> RowsView:
        name: str = job["table"]

        def open_engine(view: RowsView) -> Any:
            if name not in self._engines:
                opener = self._open_table
                assert opener is not None
                engine = work(
                    view.key("engine"), "Reading the file", lambda _: opener(name), PAGE_SECONDS
                )
                self._engines = {name: engine}
            return self._engines[name]

        view = RowsView(VARIABLE, "pandas.DataFrame", (self, name), job, open_engine)
        view.reading = reading_code(self._kind, self._path, name)
        return view


def reading_code(kind: TableKind, path: str, table: str) -> str:
    """Code of pandas that reads a table of a file."""
    if kind == "sqlite":
        quoted = '"' + table.replace('"', '""') + '"'
        return (
            "import sqlite3\n\nimport pandas as pd\n\n"
            f"with sqlite3.connect({path!r}) as connection:\n"
            f"    {VARIABLE} = pd.read_sql({f'SELECT * FROM {quoted}'!r}, connection)\n"
        )
    if kind == "arrow_stream":
        return (
            "import pyarrow as pa\n\n"
            f"with pa.memory_map({path!r}) as file:\n"
            f"    {VARIABLE} = pa.ipc.open_stream(file).read_pandas()\n"
        )
    reader = {"parquet": "read_parquet", "arrow": "read_feather", "excel": "read_excel"}[kind]
    sheet = f", sheet_name={table!r}" if kind == "excel" else ""
    return f"import pandas as pd\n\n{VARIABLE} = pd.{reader}({path!r}{sheet})\n"


def _words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:200]
