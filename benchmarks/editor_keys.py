"""Milliseconds per key in the editor: an empty file against one of 50,000 lines.

Run it with `python benchmarks/editor_keys.py`. A key is timed from the event to the end of
the repaint, in a headless app of 120x40 cells, with the parser working in the pauses.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterable

from textual import events
from textual.app import App, ComposeResult

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor import CodeEditor, Location

LINES = 50_000
KEYS = 150


def big_file(lines: int = LINES) -> str:
    """A Python file with a cell every hundred lines."""
    block = (
        'def function_{n}(a, b=3):\n    """Doc {n}"""\n    if a > b:\n        return a + {n}\n\n'
    )
    parts = []
    for number in range(lines // 5):
        if number % 20 == 0:
            parts.append(f"# %% part {number}\n")
        parts.append(block.format(n=number))
    return "".join(parts)


class Bench(App[None]):
    """One editor and nothing else."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.code = text

    def compose(self) -> ComposeResult:
        yield CodeEditor(self.code, by_name("python"))


async def press(app: App[None], key: str, character: str | None = None) -> float:
    """Milliseconds from the key event to the end of the repaint that it caused."""
    painted = asyncio.Event()
    began = time.perf_counter()
    app.post_message(events.Key(key, character))
    app.call_later(lambda: app.screen.call_after_refresh(painted.set))
    await painted.wait()
    return (time.perf_counter() - began) * 1000


async def time_keys(text: str, where: str, keys: Iterable[str]) -> list[float]:
    """Milliseconds of each key, with the cursor put to `start`, `middle` or `end` first."""
    app = Bench(text)
    taken: list[float] = []
    async with app.run_test(size=(120, 40)) as pilot:
        editor = app.query_one(CodeEditor)
        editor.focus()
        last = len(editor.model.lines) - 1
        editor.move_to(Location({"start": 0, "middle": last // 2, "end": last}[where], 0))
        await pilot.pause(0.5)
        for key in keys:
            version = editor.model.buffer.version
            taken.append(await press(app, key, key))
            assert editor.model.buffer.version == version + 1, key
            # As a fast typist would: the parser gets its pauses, and is interrupted by keys.
            await asyncio.sleep(0.03)
    return taken


async def direct_keys(text: str, keys: Iterable[str]) -> list[float]:
    """Milliseconds of our own work for each key: edit, colours and the rows painted."""
    app = Bench(text)
    taken: list[float] = []
    async with app.run_test(size=(120, 40)) as pilot:
        editor = app.query_one(CodeEditor)
        editor.focus()
        editor.move_to(Location(len(editor.model.lines) // 2, 0))
        await pilot.pause(0.5)
        for key in keys:
            began = time.perf_counter()
            editor.type(key)
            row = editor.viewport.cell_of(editor.model.cursor).y
            editor.render_line(row)
            taken.append((time.perf_counter() - began) * 1000)
            await pilot.pause(0)
    return taken


async def open_and_end(text: str) -> tuple[float, float]:
    """Milliseconds to the first frame of an app with the text, and of ctrl+end after it."""
    began = time.perf_counter()
    CodeEditor(text, by_name("python"))
    opened = (time.perf_counter() - began) * 1000
    app = Bench(text)
    async with app.run_test(size=(120, 40)) as pilot:
        app.query_one(CodeEditor).focus()
        await pilot.pause(0.5)
        ended = await press(app, "ctrl+end")
    return opened, ended


def row(name: str, taken: list[float]) -> str:
    ordered = sorted(taken)
    p99 = ordered[int(len(ordered) * 0.99)]
    return f"{name:<28} p50 {statistics.median(ordered):6.2f} ms   p99 {p99:6.2f} ms"


async def main() -> None:
    keys = ("value = other + 17 " * KEYS)[:KEYS]
    text = big_file()
    for name, code in (("empty", ""), ("50,000 lines", text)):
        print(row(f"{name}: our work", await direct_keys(code, keys)))
        for where in ("start",) if not code else ("start", "middle", "end"):
            print(row(f"{name}: key to frame, {where}", await time_keys(code, where, keys)))
    opened, ended = await open_and_end(text)
    print(f"50,000 lines: open {opened:.0f} ms, ctrl+end {ended:.1f} ms")


if __name__ == "__main__":
    asyncio.run(main())
