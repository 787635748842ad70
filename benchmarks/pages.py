"""A notebook as a page: opening 1,000 cells, keys in it, its end; and one of 100 MB of outputs.

    python benchmarks/pages.py [KEYS]

Seconds to the first content in a terminal, and of euporie-notebook where it is installed; CPU time
of a key and of the way to the end in the editor; time and peak memory of reading 100 MB, time of
saving and merging it, and how long keys wait meanwhile.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

from textual.app import App, ComposeResult

from codeexec.config.model import Editor as Habits
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.theme.theme import built_in_folder, find_theme, to_textual

DEADLINE = 60.0
SIZE = (120, 40)
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-_])")
_READ = """
import re, sys, time
from pathlib import Path
from codeexec.documents.formats import open_document
begin = time.perf_counter()
open_document(Path(sys.argv[1]))
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(time.perf_counter() - begin, peak[1])
"""


def cells(count: int, rows: int, picture: str = "") -> Iterator[dict[str, object]]:
    """Each fourth cell is Markdown; the others have printed `rows` rows, or shown a picture."""
    for number in range(count):
        if number % 4 == 0:
            source = [f"## Section {number}\n", "\n", "Some *text*, and `code`.\n"]
            yield {"cell_type": "markdown", "metadata": {}, "source": source}
            continue
        text = [f"row {row} of cell {number}\n" for row in range(rows)]
        output: dict[str, object] = {"output_type": "stream", "name": "stdout", "text": text}
        if picture:
            data = {"image/png": picture}
            output = {"output_type": "display_data", "metadata": {}, "data": data}
        yield {
            "cell_type": "code",
            "metadata": {},
            "execution_count": number,
            "source": [f"value_{number} = {number}"],
            "outputs": [output],
        }


def write(path: Path, notebook_cells: Iterator[dict[str, object]]) -> Path:
    book = {"cells": [*notebook_cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(book, indent=1))
    return path


def first_content(home: Path, *command: str) -> float:
    """Seconds until the heading of the first cell is on the terminal."""
    begin = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
        os.environ.update(TERM="xterm-256color", HOME=str(home), XDG_RUNTIME_DIR=str(home))
        os.execv(command[0], command)
    seen = b""
    try:
        while b"Section 0" not in _ESCAPES.sub(b"", seen):
            left = begin + DEADLINE - time.perf_counter()
            if left <= 0 or not select.select([terminal], [], [], left)[0]:
                return float("inf")
            seen += os.read(terminal, 65536)
        return time.perf_counter() - begin
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


class Page(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.pane = DocumentsPane(find_theme("harbour", [built_in_folder()]))
        self.pane.context.habits = Habits(notebook="page", lint=False)

    def on_mount(self) -> None:
        self.register_theme(to_textual(find_theme("harbour", [built_in_folder()])))
        self.theme = "harbour"

    def compose(self) -> ComposeResult:
        yield self.pane


async def longest_wait(work: Awaitable[object]) -> tuple[float, float]:
    """Seconds that some work takes, and the longest time in which the event loop stands still."""
    longest = 0.0
    begin = last = time.perf_counter()
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    await task
    return time.perf_counter() - begin, longest


async def saved(path: Path) -> None:
    """Print how long a large notebook is saved, and merged, and how long keys wait meanwhile."""
    app = Page()
    async with app.run_test(size=SIZE) as pilot:
        sheet = await app.pane.opener.open(path)
        assert sheet is not None
        sheet.editor.focus()
        sheet.go_to(len(sheet.editor.model.lines) - 1)
        await pilot.press("x")
        seconds, longest = await longest_wait(app.pane.saver.save_beside(sheet))
        print(f"  saved: {seconds:.2f} s, keys wait {longest * 1000:.0f} ms at most")
        await pilot.press("y")
        path.write_bytes(path.read_bytes().replace(b"## Section 0", b"## Section of others", 1))
        seconds, longest = await longest_wait(app.pane.disk.notice_beside(sheet))
        assert "Section of others" in sheet.editor.text
        print(f"  merged: {seconds:.2f} s, keys wait {longest * 1000:.0f} ms at most")


async def keys(path: Path, count: int) -> tuple[list[float], float, float]:
    """CPU seconds of keys with their painting, of the way to the end, and of all blocks."""
    app = Page()
    async with app.run_test(size=SIZE) as pilot:
        begin = time.process_time()
        sheet = await app.pane.opener.open(path)
        assert sheet is not None
        editor = sheet.editor
        editor.focus()
        rows, same = 0, 0
        while same < 20:  # blocks are made in the background
            await pilot.pause(0.05)
            same = same + 1 if editor.model.rows.total == rows else 0
            rows = editor.model.rows.total
        blocks = time.process_time() - begin
        sheet.go_to(len(editor.model.lines) // 2)
        await pilot.pause()
        taken = []
        for number in range(count):
            begin = time.process_time()
            await pilot.press("enter" if number % 40 == 39 else "x")
            taken.append(time.process_time() - begin)
        begin = time.process_time()
        await pilot.press("ctrl+end")
        return taken, time.process_time() - begin, blocks


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        path = write(home / "cells.ipynb", cells(1000, 20))
        ours = str(Path(sys.executable).with_name("codeexec-tui"))
        print(f"first content, 1,000 cells: {first_content(home, ours, str(path)):.2f} s")
        if peer := shutil.which("euporie-notebook"):
            print(f"  euporie-notebook: {first_content(home, peer, str(path)):.2f} s")
        taken, end, blocks = asyncio.run(keys(path, count))
        ranks = statistics.quantiles(taken, n=100)
        print(f"a key: {ranks[49] * 1000:.1f} / {ranks[98] * 1000:.1f} ms p50/p99 of CPU time")
        print(f"to the end: {end * 1000:.0f} ms; all blocks in the background: {blocks:.2f} s")
        for name, large in (
            ("pictures", cells(1000, 0, "iVBORw0K" * 17_500)),
            ("rows", cells(1000, 4000)),
        ):
            path = write(home / "large.ipynb", large)
            done = subprocess.run(
                [sys.executable, "-c", _READ, str(path)], capture_output=True, text=True, check=True
            )
            seconds, peak = done.stdout.split()
            size = path.stat().st_size / 1e6
            memory = int(peak) / 1024
            print(f"{size:.0f} MB of {name}: {float(seconds):.2f} s, peak {memory:.0f} MB")
            asyncio.run(saved(path))


if __name__ == "__main__":
    main()
