"""What the golden pictures show: each scene is a story of keys, told on a real kernel.

A scene waits for what it comes to, and nothing on its screen depends on the machine or the clock:
`Still` takes the process id, the memory, the times and the name of the Python out of what is drawn.
A new scene is a function and one entry of SCENES.
"""

from __future__ import annotations

import asyncio
import base64
import io
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from textual.widgets import Input, TextArea

from codeexec.config.model import Editor, Settings
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import Complete, LoadPlugin
from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.console import paint
from codeexec.tui.panes.editor import painting
from codeexec.tui.screens.lesson import bars
from codeexec.tui.screens.lesson import speaker as speaker_screen
from codeexec.tui.theme.color_depth import Depth
from codeexec.tui.widgets import keys_shown, status
from support.bench import DEADLINE, Bench, engine_in, open_bench
from support.notebooks import code, markdown, notebook, stream
from support.pane_app import look_at_disk
from support.plugins import SUMMARY, TWICE
from support.shells import Shell, use_plain_bash

Look = tuple[str, Depth]
"""A theme at a colour depth."""

_DEPTHS: tuple[Depth, ...] = ("truecolor", "256")
LOOKS: tuple[Look, ...] = tuple(
    (theme, depth) for theme in ("harbour", "paper", "beacon") for depth in _DEPTHS
)
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

WEATHER = """\
# %% Weather
import pandas as pd

weather = pd.DataFrame(
    {
        "station": ["Harbour", "Hill", "Island", "Mill"],
        "wind": [12.5, 31.0, 24.25, 8.0],
        "rain": [0, 14, 3, None],
        "open": [True, False, True, True],
    }
)
weather

# %% By station
windy = weather[weather["wind"] > 10].set_index("station")
windy
"""


COLOURS = r"""
printf 'plain \033[1mbold\033[m \033[2mdim\033[m \033[3mitalic\033[m '
printf '\033[7mreverse\033[m \033[9mstrike\033[m\n'
printf '\033[4mone\033[m \033[21mtwo\033[m \033[4:3mcurly\033[m '
printf '\033[4:3;58:2::255:80:80mred curl\033[m\n'
for n in 0 1 2 3 4 5 6 7; do printf '\033[3%sm%s\033[m \033[9%sm%s\033[m ' $n $n $n $n; done
printf '\n'
for n in 52 88 124 160 196 202 208 214 220; do printf '\033[48;5;%sm  \033[m' $n; done
printf '\n\033[38;2;255;140;0mtrue\033[m '
printf '\033[48;2;0;60;120;38;2;255;255;255mcolour\033[m 日本 naïve\n'
"""

Size = tuple[int, int]
"""Columns and lines."""


GIVEN = """\
---
title: The weather
---

# Stations

```python
wind = {"Harbour": 12.5, "Hill": 31.0}
```

# The *windiest* one

A key function says what counts:

- `max` takes the largest
- `wind.get` is its **wind**

<!-- Ask the audience first. -->

```python {2}
highest = max(wind, key=wind.get)
print("highest:", highest, "of", len(wind))
```

# The end

<!-- Thank them. -->

```python
del wind
```
"""

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
        await _completes(bench, "fi")
        bench.editor.at('print("highest:", highest.name)  # with its height')
        await bench.press("end", "enter")
        await bench.write("first.h")
        sheet = bench.workbench.documents.sheet
        await bench.until(lambda: sheet is not None and sheet.editor.popups.current, "the list")
        yield bench


async def _completes(bench: Bench, code: str) -> None:
    """Wait until the kernel has a completion for this: on a machine without caches the first one
    takes longer than an editor waits for it."""
    async with asyncio.timeout(DEADLINE):
        while True:
            with suppress(CodeexecError):
                reply = await bench.workbench.state.session.call(Complete(code, len(code)))
                if reply.matches:
                    return


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
        await bench.until(
            lambda: bench.workbench.pane_layout.here == "console", "led to the answer"
        )
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
        await bench.until(lambda: bench.workbench.pane_layout.is_presenting, "presenting")
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
            await look_at_disk(teacher.workbench.documents)
            teacher.workbench.layout_store.save()
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


def _given(folder: Path) -> OpenOptions:
    work = folder / "work"
    work.mkdir()
    (work / "weather.md").write_text(GIVEN)
    return OpenOptions(files=(str(work),), lesson=str(work / "weather.md"), typing="once")


async def _give(bench: Bench) -> None:
    """The first step, and the code of the second, which has run."""

    def takes_keys() -> bool:
        conductor = bench.workbench.lessons._given
        return conductor is not None and not conductor._busy

    await bench.sees("Stations")
    await bench.is_idle(1)
    for key, words in (
        ("right", "wind ="),
        ("right", "0.1 s"),
        ("right", "windiest"),
        ("right", "highest ="),
        ("right", "highest: Hill"),
    ):
        await bench.until(takes_keys, "it takes keys")
        await bench.press(key)
        await bench.sees(words)
    await bench.is_idle(3)


@asynccontextmanager
async def lesson(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """A step of a lesson as the audience sees it: text, code with a line that counts, output."""
    async with open_bench(folder, options=_given(folder), size=size) as bench:
        await _give(bench)
        yield bench


async def lesson_steps(bench: Bench) -> None:
    """All steps of the lesson, over the same screen."""
    await bench.press("o")
    await bench.sees("The end")


@asynccontextmanager
async def speaker(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """The same step in the speaker's view, with notes and the next step."""
    state, options = folder / "state", _given(folder)
    host = engine_in(state)
    try:
        async with open_bench(
            folder, state=state, host=host, options=options, size=size
        ) as presenter:
            await _give(presenter)
            async with open_bench(
                folder, state=state, host=host, size=size,
                options=options._replace(watch=True, speaker=True),
            ) as bench:  # fmt: skip
                await bench.sees("highest: Hill")
                await bench.sees("Ask the audience first.")
                yield bench
    finally:
        await host.close()


@asynccontextmanager
async def split(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """A document in each half, and the outline of the one in front."""
    files = {"heights.py": FAILING, "stations.py": STATIONS}
    async with open_bench(folder, files, size=size) as bench:
        await bench.is_idle()
        await bench.press("alt+7")
        await bench.until(lambda: bench.workbench.documents.splitting.is_split, "two halves")
        await bench.press("alt+right", "alt+6")
        await bench.sees("ƒ __init__")
        yield bench


async def palette(bench: Bench) -> None:
    """The palette over the same screen, with a few letters typed."""
    await bench.press("escape", "ctrl+p")
    await bench.write("split")
    await bench.sees("Split the editor")


async def settings(bench: Bench) -> None:
    """The settings over the same screen, by their defaults."""
    await bench.press("escape", "alt+0")
    await bench.sees("How the workbench looks")


@asynccontextmanager
async def plugins(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """The plugins of the session: one is loaded, the other says why it is not."""
    async with open_bench(folder, size=size) as bench:
        await bench.is_idle()
        session = bench.workbench.state.session
        for name, text in (("summary", SUMMARY), ("report", TWICE)):
            await session.call(LoadPlugin(name, text, {"prefix": "A"}, source=f"plugins/{name}.py"))
        await bench.choose("plugins…")
        await bench.sees("Tests: counting")
        await bench.press("j")
        await bench.sees("registers twice")
        yield bench


@asynccontextmanager
async def table(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """A data frame among the artifacts, and its variables."""
    async with open_bench(folder, {"weather.py": WEATHER}, size=size) as bench:
        await bench.press("f8")
        await bench.is_idle(2)
        bench.workbench.pane_layout.go("artifacts")
        await bench.sees("3×3")
        yield bench


def _plot() -> dict[str, object]:
    """A line in a frame as the data of a display."""
    image = Image.new("RGB", (320, 160), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((16, 10, 304, 144), outline="black", width=4)
    draw.line([(16, 140), (80, 40), (160, 110), (240, 20), (300, 90)], fill="blue", width=8)
    file = io.BytesIO()
    image.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return {"image/png": data, "text/plain": "<Figure size 320x160>"}


def _page_cells() -> list[dict[str, object]]:
    """A notebook with one output of each kind."""
    table = (
        "<table><thead><tr><th></th><th>wind</th><th>open</th></tr></thead><tbody>"
        "<tr><th>Harbour</th><td>12.5</td><td>True</td></tr>"
        "<tr><th>Hill</th><td>31.0</td><td>False</td></tr></tbody></table>"
    )
    data = {"text/html": table, "text/plain": "Harbour  12.5\nHill  31.0"}
    rows = "".join(f"station {number}\n" for number in range(40))
    trace = ["Traceback (most recent call last):", "ZeroDivisionError: division by zero"]
    text = "# Wind\n\nThe *mean* of `n` stations is $\\frac{1}{n}\\sum_i x_i$:\n\n- Harbour\n- Hill"
    return [
        markdown(text),
        code(
            "weather",
            {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 3},
            count=3,
        ),
        code(
            "1 / 0",
            {
                "output_type": "error",
                "ename": "ZeroDivisionError",
                "evalue": "division by zero",
                "traceback": trace,
            },
            count=4,
        ),
        code("stations()", stream(rows), count=5),
        code("plot()", {"output_type": "display_data", "data": _plot(), "metadata": {}}, count=6),
        markdown("## Later"),
    ]


@asynccontextmanager
async def page(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """A notebook as a page, with its saved outputs, one of them collapsed; keys act on cells."""
    files = {"wind.ipynb": notebook(*_page_cells())}
    settings = Settings(editor=Editor(notebook="page", lint=False))
    async with open_bench(folder, files, size=size, settings=settings) as bench:
        await bench.is_idle()
        bench.workbench.pane_layout.go("editor")
        sheet = bench.workbench.documents.sheet
        await bench.until(lambda: sheet is not None and sheet.editor.has_focus, "the keys")
        assert sheet is not None
        blocks = sheet.editor.model.rows.blocks
        await bench.until(lambda: len(blocks.keys()) == len(_page_cells()), "all blocks")
        bench.editor.at("stations()")
        await bench.press("shift+f11")
        await bench.sees("▸ 40 rows of output")
        await bench.press("escape")
        await bench.sees("CELLS")
        await bench.press("home", "j")
        await bench.sees("• Hill")
        yield bench


async def plot(bench: Bench) -> None:
    """Go on to a plot, which is drawn in blocks."""
    await bench.press("home", "j", "j", "j", "j")
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    lines = range(sheet.editor.size.height)
    await bench.until(
        lambda: any("▌" in sheet.editor.render_line(y).text for y in lines), "the plot in blocks"
    )


Story = Callable[[Path, Size], AbstractAsyncContextManager[Bench]]
Act = Callable[[Bench], Awaitable[None]]

SIZES: dict[Size, tuple[Look, ...]] = {(120, 36): LOOKS, (80, 24): LOOKS[:1]}
"""The looks that are taken at each size: colours do not depend on it."""

SMALL_IN_ALL_THEMES: dict[Size, tuple[Look, ...]] = {
    (120, 36): LOOKS,
    (80, 24): tuple(look for look in LOOKS if look[1] == "truecolor"),
}
"""The looks of a screen that other parts fill at 80x24 than in the larger size."""

BEGIN: Size = (120, 36)


@asynccontextmanager
async def terminal(folder: Path, size: Size) -> AsyncIterator[Bench]:
    """A shell with coloured output; commands that succeeded and failed have marks."""
    with pytest.MonkeyPatch.context() as patch:
        use_plain_bash(folder / "home", patch)
        async with open_bench(folder, {"colours.sh": COLOURS}, size=size) as bench:
            await bench.is_idle()
            shell = await Shell(bench).open()
            await shell.run("sh colours.sh")
            await shell.run("false")
            await bench.sees("exit 1")
            yield bench


async def vim_in_terminal(bench: Bench) -> None:
    """An editor on the alternate screen, on the whole screen of the workbench."""
    shell = Shell(bench)
    await shell.leave()
    await bench.choose("terminal on the whole screen")
    await bench.until(lambda: shell.pane.input.is_inside, "keys go to the shell")
    rows = bench.pilot.app.size.height - 3
    await bench.until(lambda: len(shell.pane.view.store.screen.rows) >= rows, "the larger screen")
    (bench.folder / "stations.py").write_text(STATIONS)
    options = "syntax on | set number hlsearch ruler background=dark nofsync"
    await shell.type(f"vim -u NONE -N -n --cmd '{options}' stations.py")
    await shell.sees(' 11 stations = [Station("Harbour", 4.0), Station("Hill", 212.5)]')
    await bench.write("/station")
    await bench.press("enter")
    await shell.until(lambda rows: rows[-1].startswith("/station"), "the search")


@dataclass(frozen=True)
class Scene:
    """A story whose end is looked at, and acts that lead on from there to further pictures, by
    name: so one kernel is enough for several."""

    story: Story
    acts: Mapping[str, Act] = field(default_factory=dict)
    looks: Mapping[Size, tuple[Look, ...]] = field(default_factory=lambda: SIZES)


SCENES: dict[str, Scene] = {
    "first-screen": Scene(first_screen),
    "completion": Scene(completion),
    "traceback": Scene(traceback),
    "question": Scene(question),
    "presentation": Scene(presentation),
    "watching": Scene(watching),
    "lesson": Scene(lesson, {"lesson-steps": lesson_steps}),
    "lesson-speaker": Scene(speaker, looks=SMALL_IN_ALL_THEMES),
    "split": Scene(split, {"palette": palette, "settings": settings}),
    "plugins": Scene(plugins),
    "table": Scene(table),
    "page": Scene(page, {"page-plot": plot}, SMALL_IN_ALL_THEMES),
    "terminal": Scene(terminal, {"terminal-vim": vim_in_terminal}),
}


_OF_THE_MACHINE = re.compile(r"pid \d+|\d+ MB|\d+ clients")


class Still:
    """Makes what is drawn the same on every machine and at every time."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        for name in [*os.environ]:
            if name.startswith(("XDG_", "CODEEXEC_", "NO_COLOR")):
                patch.delenv(name)
        for module in (bars, speaker_screen):
            patch.setattr(module, "clock", lambda now: "10:30")
            patch.setattr(module, "minutes_since", lambda began, now: 3)
        for module in (status, paint, painting, bars):
            patch.setattr(module, "duration", lambda seconds: "0.1 s")
        patch.setattr(keys_shown, "_SECONDS", 600.0)
        pieces = status.StatusLine._left

        def steady(line: status.StatusLine) -> list[status.Piece]:
            return [piece for piece in pieces(line) if not _OF_THE_MACHINE.fullmatch(piece[0])]

        patch.setattr(status.StatusLine, "_left", steady)
        patch.setattr(
            status.StatusLine, "_local", lambda line, ref: [("Python 3", "text", "kernel.choose")]
        )

    def without_user(self, home: Path) -> None:
        """With an empty home folder no settings of the user count; kernels that are there keep
        theirs, with the caches in it."""
        home.mkdir()
        self._patch.setenv("HOME", str(home))

    def hold(self, bench: Bench) -> None:
        """No cursor blinks from now on."""
        for widget in bench.program.screen.query("TextArea, Input"):
            if isinstance(widget, TextArea | Input):
                widget.cursor_blink = False
