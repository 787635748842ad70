"""What the golden pictures show: each scene is a story of keys, told on a real kernel.

A scene waits for what it comes to, and nothing on its screen depends on the machine or the clock:
`Still` takes the process id, the memory, the times and the name of the Python out of what is drawn.
A new scene is a function and one entry of SCENES.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.widgets import Input, TextArea

from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.console import paint
from codeexec.tui.panes.editor import painting
from codeexec.tui.theme.color_depth import Depth
from codeexec.tui.widgets import keys_shown, status
from support.bench import Bench, engine_in, open_bench

_DEPTHS: tuple[Depth, ...] = ("truecolor", "256")
LOOKS = tuple((theme, depth) for theme in ("harbour", "paper", "beacon") for depth in _DEPTHS)
"""A dark theme (the one by default), a light one, and one of high contrast."""

STATIONS = """\
# %% Stations
class Station:
    # A place where the weather is measured.

    def __init__(self, name: str, height: float) -> None:
        self.name = name
        self.height = height
        self.history = [1.5, 2.5, None]


stations = [Station("Harbour", 4.0), Station("Hill", 212.5)]
first = stations[0]
len(stations)

# %% The highest
highest = max(stations, key=lambda station: station.height)
print("highest:", highest.name)  # with its height
"""

FAILING = """\
# %% Mean height
heights = {"Harbour": [4.0, 4.5], "Hill": []}


def mean(values):
    return sum(values) / len(values)


for name, values in heights.items():
    print(name, mean(values))

# %% Later
print("not reached")
"""

ASKING = """\
# %% Guess
secret = 7
for attempt in range(3):
    guess = int(input("Your guess? "))
    print("right!" if guess == secret else "too low" if guess < secret else "too high")
"""


Size = tuple[int, int]
"""Columns and lines."""


LESSON_ENDS = """
# %% Words
words = ["spoken", "written"]
print("spoken")
"""


@asynccontextmanager
async def first_screen(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """Nothing is open, nothing has run."""
    async with open_bench(folder, size=size) as bench:
        await bench.is_idle()
        await bench.sees("Plots and tables appear here")
        await bench.sees("Variables appear here")
        yield bench


@asynccontextmanager
async def completion(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """The attributes of an object of the kernel, offered in the editor."""
    async with open_bench(folder, {"stations.py": STATIONS}, size=size) as bench:
        await bench.editor.at("# %% Stations").run()
        await bench.is_idle(1)
        await bench.sees("→ 2")
        await bench.sees("class Station ")
        bench.editor.at('print("highest:", highest.name)  # with its height')
        await bench.press("end", "enter")
        await bench.write("first.h")
        sheet = bench.workbench.documents.sheet
        await bench.until(lambda: sheet is not None and sheet.editor.popups.current, "the list")
        yield bench


@asynccontextmanager
async def traceback(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """An error: its frames, the line that is marked in the editor, and the cell that is skipped."""
    async with open_bench(folder, {"heights.py": FAILING}, size=size) as bench:
        await bench.press("f8")
        await bench.is_idle(2)
        await bench.sees("ZeroDivisionError")
        await bench.sees("'Hill' ")
        yield bench


@asynccontextmanager
async def question(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """A cell asks for the second time, and the answer is half typed."""
    async with open_bench(folder, {"guess.py": ASKING}, size=size) as bench:
        await bench.press("f5")
        await bench.sees("waiting for your answer")
        await bench.until(lambda: bench.workbench.here == "console", "led to the answer")
        await bench.write("3")
        await bench.press("enter")
        await bench.sees("too low")
        await bench.sees("waiting for your answer")
        await bench.write("9")
        yield bench


@asynccontextmanager
async def presentation(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """Few things, large: the code once, its output, and the keys that were pressed."""
    async with open_bench(folder, {"heights.py": FAILING}, size=size) as bench:
        bench.editor.at("# %% Later")
        await bench.press("alt+p")
        await bench.until(lambda: bench.workbench.is_presenting, "presenting")
        await bench.press("f5")
        await bench.is_idle(1)
        await bench.sees(" not reached  ")
        yield bench


@asynccontextmanager
async def watching(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """A student looks on: the cells that the teacher has run, and the text that is not saved."""
    state = folder / "state"
    host = engine_in(state)
    try:
        async with open_bench(
            folder, {"lesson.py": ASKING + LESSON_ENDS}, state=state, host=host, size=size
        ) as teacher:
            await teacher.editor.at("# %% Words").run()
            await teacher.is_idle(1)
            name = teacher.snapshot.name
            await teacher.editor.at('print("spoken")').bench.write("# still written: ")
            await teacher.workbench.documents.watcher.look()
            teacher.workbench.keep_layout()
            home = folder / "home"
            home.mkdir()
            options = OpenOptions(session=name, attach=True, watch=True)
            async with open_bench(
                home, state=state, host=host, size=size, options=options
            ) as student:
                await student.sees("watching only · following")
                await student.sees("# still written: ")
                await student.is_idle(1)
                places = teacher.workbench.documents.shared_view.current().files
                await student.until(
                    lambda: student.workbench.documents.shared_view.current().files == places,
                    "the cursor",
                )
                yield student
            for sheet in teacher.workbench.documents.sheets:
                sheet.editor.model.history.mark_saved()
    finally:
        await host.close()


Story = Callable[[Path, Size], AbstractAsyncContextManager[Bench]]


@dataclass(frozen=True)
class Scene:
    """A story, and the sizes at which its end is looked at."""

    story: Story
    sizes: tuple[Size, ...] = ((120, 36),)


SCENES: dict[str, Scene] = {
    "first-screen": Scene(first_screen),
    "completion": Scene(completion),
    "traceback": Scene(traceback),
    "question": Scene(question),
    "presentation": Scene(presentation),
    "watching": Scene(watching),
}


_OF_THE_MACHINE = re.compile(r"pid \d+|\d+ MB|\d+ clients")


class Still:
    """Makes what is drawn the same on every machine and at every time."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        for module in (status, paint, painting):
            patch.setattr(module, "duration", lambda seconds: "0.1 s")
        patch.setattr(keys_shown, "_SECONDS", 600.0)
        pieces = status.StatusLine._left

        def steady(line: status.StatusLine) -> list[status.Piece]:
            return [piece for piece in pieces(line) if not _OF_THE_MACHINE.fullmatch(piece[0])]

        patch.setattr(status.StatusLine, "_left", steady)
        patch.setattr(
            status.StatusLine, "_local", lambda line, ref: [("Python 3", "text", "kernel.choose")]
        )

    def hold(self, bench: Bench) -> None:
        """No cursor blinks from now on."""
        for field in bench.program.screen.query("TextArea, Input"):
            if isinstance(field, TextArea | Input):
                field.cursor_blink = False
