"""Table files beside visidata, in one run, each in a terminal of its own.

    pip install visidata pandas pyarrow
    python benchmarks/beside_visidata.py [ROWS] [KIND …]

Kinds: Parquet, SQLite, CSV, pickle (a frame of pandas). A workbench opens CSV and pickled frames by
code of one line, which is typed and counts as part of the start, with the start of a kernel and up
to 0.3 s before each of three keys.

Milliseconds until the first rows are on screen (with the start of the program), from then until all
rows can be reached, until the next page is there, until the last row is, until the first page of a
descending order is, and until the rows of a filter are; and the peak memory of the program and its
processes. The time of a screen is when its last byte came out of the terminal, so what this script
takes to understand it does not count. Each figure is the median of three rounds, in which the
programs take turns. Figures are for a quiet machine only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import psutil
import pyte

ROUNDS = 3
DEADLINE = 30.0
SIZE = (120, 40)

_MAKE = """
import sys
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
rows, folder = int(sys.argv[1]), sys.argv[2]
# All numbers of a column have as many digits: visidata makes columns as wide as the first rows.
numbers = np.arange(rows) + 100_000_000
key = (np.arange(rows) * 7919) % 1_000_003 + 10_000_000
table = pa.table({"n": numbers, "key": key})
pq.write_table(table, f"{folder}/table.parquet", row_group_size=200_000)
frame = table.to_pandas()
frame.to_csv(f"{folder}/table.csv", index=False)
frame.to_pickle(f"{folder}/table.pickle")
import sqlite3
with sqlite3.connect(f"{folder}/table.sqlite") as connection:
    connection.execute("CREATE TABLE numbers (n INTEGER, key INTEGER)")
    rows = zip(numbers.tolist(), key.tolist())
    connection.executemany("INSERT INTO numbers VALUES (?, ?)", rows)
"""


@dataclass(frozen=True)
class Program:
    """A program that opens a table, and the keys that a user presses: to the next page, to sort the
    second column downwards, and to see the rows of a filter."""

    command: list[str]
    opening: tuple[tuple[str, bytes], ...]
    """What is typed to open the table, each once a text is on screen."""
    places: tuple[int, int]
    """A row that is on the first page alone of what opens, and one that is on the second."""
    page: bytes
    sort_down: bytes
    filter: bytes


def our_program(file: str = "", code: str = "") -> Program:
    command = [sys.executable, "-m", "codeexec", *([file] if file else [])]
    # From the prompt to the card of the output, and its table in its place.
    output = str(FIRST + 1)
    opening = (("[1]", code.encode() + b"\r"), (output, b"\x1b"), (output, b"F"))
    places = (6, 20) if code else PLACES
    return Program(command, opening if code else (), places, b"\x1b[6~", b"\x1b[Css", b"fn > %d\r")


def visidata(
    path: str, file: str, number: str = "n", opening: tuple[tuple[str, bytes], ...] = ()
) -> Program:
    condition = b"z|" + number.encode() + b' > %d\r"'
    return Program([path, *file.split()], opening, PLACES, b"\x06", b"l]", condition)


FIRST = 100_000_000
"""The first value of the column `n`."""

PLACES = (20, 45)
"""Rows on the first and on the second page of a full screen."""


class Screen:
    """A program in a terminal of its own, and what it shows."""

    def __init__(self, command: list[str], folder: Path, home: Path) -> None:
        self._terminal = pyte.Screen(*SIZE)
        self._stream = pyte.ByteStream(self._terminal)
        env = {**os.environ, "TERM": "xterm-256color", "HOME": str(home), "COLORTERM": "truecolor"}
        env |= {name: str(home / name) for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR")}
        self._master, slave = os.openpty()
        self._begun = self._started = time.perf_counter()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, slave)
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
            self._process = subprocess.Popen(
                command, cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave,
                start_new_session=True,
            )  # fmt: skip
        self.peak = 0
        self.since_start = 0.0
        """Milliseconds from the start of the program until what was last waited for."""
        self._chunks: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        self._is_closed = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        """Note when bytes come out of the terminal; they are understood later."""
        while not self._is_closed:
            if select.select([self._master], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    self._chunks.put((time.perf_counter(), os.read(self._master, 1 << 16)))

    def lines(self) -> list[str]:
        return list(self._terminal.display)

    def type(self, keys: bytes) -> None:
        """Type once nothing has come for a while."""
        until = time.perf_counter() + 3
        while time.perf_counter() < until:
            try:
                self._stream.feed(self._chunks.get(timeout=0.3)[1])
            except Empty:
                break
        self._begun = time.perf_counter()
        os.write(self._master, keys)

    def wait(self, holds: Callable[[list[str]], object]) -> float:
        """Milliseconds from the keys until the bytes came with which that holds of the lines on
        screen."""
        arrived = self._begun
        until = time.perf_counter() + DEADLINE
        while not holds(self.lines()):
            if time.perf_counter() > until:
                raise AssertionError("\n".join(self.lines()))
            with contextlib.suppress(Empty):
                arrived, chunk = self._chunks.get(timeout=1)
                self._stream.feed(chunk)
        self._note_memory()
        self.since_start = (arrived - self._started) * 1000
        return (arrived - self._begun) * 1000

    def _note_memory(self) -> None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            family = [process, *process.children(recursive=True)]
            self.peak = max(self.peak, sum(each.memory_info().rss for each in family))

    def close(self) -> None:
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(self._process.pid).children(recursive=True)
            for each in [psutil.Process(self._process.pid), *family]:
                with contextlib.suppress(psutil.Error):
                    each.kill()
        self._process.wait()
        self._is_closed = True


@contextlib.contextmanager
def shown(command: list[str], folder: Path) -> Iterator[Screen]:
    with tempfile.TemporaryDirectory() as home:
        screen = Screen(command, folder, Path(home))
        try:
            yield screen
        finally:
            screen.close()


def key_of(row: int) -> int:
    return (row * 7919) % 1_000_003 + 10_000_000


def has_row(row: int) -> Callable[[list[str]], bool]:
    """Whether this row of the table is on screen."""
    cells = {str(row + FIRST), str(key_of(row))}

    def look(lines: list[str]) -> bool:
        return any(cells <= _cells(line) for line in lines)

    return look


def counts(rows: int) -> Callable[[list[str]], bool]:
    """Whether the screen says that there are so many rows: visidata counts those it has loaded."""

    def look(lines: list[str]) -> bool:
        plain = [line.replace(",", "") for line in lines]
        return any(f"{rows} rows" in line or f"{rows}×" in line for line in plain)

    return look


def _cells(line: str) -> set[str]:
    return {cell.replace(",", "") for cell in line.translate(_RULES).split()}


_RULES = str.maketrans("|│║", "   ")


def round_of(program: Program, folder: Path, rows: int) -> list[float]:
    """First rows, all rows, next page, last row, first page of the order, rows of a filter, and
    memory in MB."""
    filtered = rows * 9 // 10
    in_order = sorted(range(min(rows, 1_000_003)), key=key_of, reverse=True)
    chosen_row = [row for row in in_order if row > filtered][5]
    with shown(program.command, folder) as screen:
        for text, keys in program.opening:
            screen.wait(lambda lines, text=text: any(text in line for line in lines))  # type: ignore[misc]
            screen.type(keys)
        screen.wait(has_row(program.places[0]))
        first = screen.since_start
        screen.wait(counts(rows))
        loaded = max(screen.since_start - first, 0.0)
        screen.type(program.page)
        page = screen.wait(has_row(program.places[1]))
        screen.type(b"G")
        last = screen.wait(has_row(rows - 7))  # not of the last five, which an output shows too
        screen.type(b"g")
        screen.type(b"g")
        screen.wait(has_row(1))
        screen.type(program.sort_down)
        order = screen.wait(has_row(in_order[0]))
        screen.type(program.filter % (filtered + FIRST))
        chosen = screen.wait(has_row(chosen_row))
        return [first, loaded, page, last, order, chosen, screen.peak / 1e6]


def rivals(path: str) -> dict[str, dict[str, Program]]:
    """The programs by kind of file."""
    by_code = "import pandas; df = pandas.{}; df"
    return {
        "Parquet": {
            "codeexec-tui": our_program("table.parquet"),
            "visidata": visidata(path, "table.parquet"),
        },
        "SQLite": {
            "codeexec-tui": our_program("table.sqlite"),
            "visidata": visidata(path, "table.sqlite", opening=(("1 tables", b"\r"),)),
        },
        "CSV": {
            "codeexec-tui": our_program("", by_code.format("read_csv('table.csv')")),
            "visidata": visidata(path, "table.csv", "int(n)"),
        },
        "pickle": {
            "codeexec-tui": our_program("", by_code.format("read_pickle('table.pickle')")),
            "visidata": visidata(path, "-f pandas table.pickle"),
        },
    }


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    path = shutil.which("vd", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if path is None:
        sys.exit("visidata is not installed: pip install visidata")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-c", _MAKE, str(rows), name], check=True)
        titles = "first rows, all rows, a page, the last row, an order, a filter; MB"
        print(f"{rows:,} rows; ms to {titles}")
        for kind, programs in rivals(path).items():
            if sys.argv[2:] and kind not in sys.argv[2:]:
                continue
            taken: dict[str, list[list[float]]] = {title: [] for title in programs}
            for _ in range(ROUNDS):
                for title, program in programs.items():
                    try:
                        taken[title].append(round_of(program, folder, rows))
                    except AssertionError as error:
                        print(f"{kind:8} {title:13} did not get there; its screen:\n{error}")
            for title, rounds in taken.items():
                medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
                figures = "".join(f"{figure:10,.0f}" for figure in medians)
                print(f"{kind:8} {title:13}{figures}", flush=True)


if __name__ == "__main__":
    main()
