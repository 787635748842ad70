"""A Parquet file beside visidata, in one run, each in a terminal of its own.

    pip install visidata
    python benchmarks/beside_visidata.py [ROWS]

Milliseconds until the first rows are on screen (with the start of the program), from then until all
rows can be reached, until the next page is there, until the last row is, and until the first page
of a descending order is; and the peak memory of the program and its processes. Each figure is the
median of three rounds, in which the programs take turns. Figures are for a quiet machine only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyte

ROUNDS = 3
DEADLINE = 180.0
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
"""


@dataclass(frozen=True)
class Keys:
    """What a user types: to the next page (ours moves the cursor to the bottom by the first key),
    to the last row, back, to the second column, to sort it downwards."""

    page: bytes
    last: bytes
    first: bytes
    second_column: bytes
    sort_down: bytes


OURS = Keys(b"\x1b[6~\x1b[6~", b"G", b"g", b"\x1b[C", b"ss")
VISIDATA = Keys(b"\x06", b"G", b"gg", b"l", b"]")
NEXT_PAGE = 45
"""A row that is on the second page of both."""


class Screen:
    """A program in a terminal of its own, and what it shows."""

    def __init__(self, command: list[str], folder: Path, home: Path) -> None:
        self._terminal = pyte.Screen(*SIZE)
        self._stream = pyte.ByteStream(self._terminal)
        env = {**os.environ, "TERM": "xterm-256color", "HOME": str(home), "COLORTERM": "truecolor"}
        env |= {name: str(home / name) for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR")}
        self._master, slave = os.openpty()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, slave)
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
            self._process = subprocess.Popen(
                command, cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave,
                start_new_session=True,
            )  # fmt: skip
        os.set_blocking(self._master, False)
        self.peak = 0

    def lines(self) -> list[str]:
        return list(self._terminal.display)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def wait(self, holds: Callable[[list[str]], object]) -> float:
        """Milliseconds until that holds of the lines on screen."""
        begun = time.perf_counter()
        while not holds(self.lines()):
            if time.perf_counter() - begun > DEADLINE:
                raise AssertionError("\n".join(self.lines()))
            with contextlib.suppress(BlockingIOError, OSError):
                self._stream.feed(os.read(self._master, 1 << 16))
                continue
            time.sleep(0.002)
        self._note_memory()
        return (time.perf_counter() - begun) * 1000

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
        os.close(self._master)


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
    cells = {str(row + 100_000_000), str(key_of(row))}

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


def round_of(command: list[str], keys: Keys, folder: Path, rows: int) -> list[float]:
    """First rows, all rows, next page, last row, first page of the order, and memory in MB."""
    largest = max(range(min(rows, 1_000_003)), key=key_of)
    with shown(command, folder) as screen:
        first = screen.wait(has_row(1))
        loaded = screen.wait(counts(rows))
        screen.type(keys.page)
        page = screen.wait(has_row(NEXT_PAGE))
        screen.type(keys.last)
        last = screen.wait(has_row(rows - 1))
        screen.type(keys.first)
        screen.wait(has_row(1))
        screen.type(keys.second_column + keys.sort_down)
        order = screen.wait(has_row(largest))
        return [first, loaded, page, last, order, screen.peak / 1e6]


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    visidata = shutil.which("vd", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if visidata is None:
        sys.exit("visidata is not installed: pip install visidata")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-c", _MAKE, str(rows), name], check=True)
        own = [sys.executable, "-m", "codeexec"]
        rivals = {
            "Parquet": ([*own, "table.parquet"], [visidata, "table.parquet"]),
        }
        print(f"{rows:,} rows; ms to first rows, all rows, a page, the last row, an order; MB")
        for kind, commands in rivals.items():
            taken: dict[str, list[list[float]]] = {"codeexec-tui": [], "visidata": []}
            for _ in range(ROUNDS):
                for title, command, keys in zip(taken, commands, (OURS, VISIDATA), strict=True):
                    taken[title].append(round_of(command, keys, folder, rows))
            for title, rounds in taken.items():
                medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
                figures = "".join(f"{figure:10,.0f}" for figure in medians)
                print(f"{kind:8} {title:13}{figures}", flush=True)


if __name__ == "__main__":
    main()
