"""Pictures of the real app on real kernels, as SVG and PNG: `make screenshots [NAME…]`.

Each scene is a story of keys on the files in `input/`, told to the program by Textual's pilot; it
waits for what the session comes to, never for the clock. Names on the command line choose scenes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from picture import draw, to_png
from textual.pilot import Pilot

from codeexec.client.embedded import EmbeddedHost
from codeexec.config.load import load
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.app import WorkbenchApp
from codeexec.tui.commands import keymap
from codeexec.tui.context import AppContext
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.options import OpenOptions
from codeexec.tui.theme import theme

HERE = Path(__file__).parent
INTO = Path(os.environ.get("SCREENSHOTS_INTO", HERE))
DEADLINE = 40.0
"""Seconds for whatever is waited for."""

_BLANK = {" ": "space", "(": "left_parenthesis", ")": "right_parenthesis", "\n": "ctrl+j"}


@dataclass(frozen=True, slots=True)
class Bench:
    """The program under a scene's hands."""

    program: WorkbenchApp
    pilot: Pilot[str]

    @property
    def snapshot(self) -> Snapshot:
        last = self.program.workbench.state.last
        return last.snapshot if last is not None else Snapshot()

    def shell_rows(self) -> list[str]:
        """The part of each line that the pane of the terminal may stand in."""
        lines = (line.partition("│")[2] for line in self.lines())
        return [line.partition("│")[0] for line in lines]

    def ended_commands(self) -> int:
        """Commands of all shells that have ended."""
        terminals = self.snapshot.terminals.values()
        commands = [command for view in terminals for command in view.commands]
        return sum(command.end_row is not None for command in commands)

    async def until(self, holds: Callable[[], object]) -> None:
        """TimeoutError says what was on screen instead."""
        end = time.monotonic() + DEADLINE
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError("\n".join(self.lines()))
            await self.pilot.pause(0.02)

    async def settle(self) -> None:
        """Until the screen has been the same for a while, the clocks on it aside."""
        before, same = "", 0
        async with asyncio.timeout(DEADLINE):
            while same < 6:
                await self.pilot.pause(0.05)
                now = "\n".join(line.translate(_NO_DIGITS) for line in self.lines())
                same = same + 1 if now == before else 0
                before = now

    async def done(self, runs: int) -> None:
        """Until so many executions have ended, and their variables have been looked at."""
        await self.until(
            lambda: (
                sum(not run.is_open for run in self.snapshot.executions.values()) >= runs
                and self.snapshot.kernel.state == "idle"
            )
        )

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        await self.pilot.press(*(_BLANK.get(character, character) for character in text))
        await self.settle()

    async def paste(self, text: str) -> None:
        """Into the prompt, as the terminal pastes."""
        from textual.events import Paste

        focused = self.program.focused
        assert focused is not None
        focused.post_message(Paste(text))
        await self.settle()

    async def painted(self) -> None:
        """Until a picture stands on screen in blocks."""
        await self.until(lambda: any(_BLOCKS & set(line) for line in self.lines()))
        await self.settle()

    def lines(self) -> list[str]:
        return [
            "".join(segment.text for segment in strip)
            for strip in self.program.screen._compositor.render_strips()
        ]

    def svg(self) -> str:
        strips = self.program.screen._compositor.render_strips()
        colors = self.program.app_context.theme
        width = self.program.size.width
        return draw(strips, width, colors.color("surface"), colors.color("text"))


_BLOCKS = frozenset("▘▝▖▗▚▞▛▜▙▟")
_NO_DIGITS = dict.fromkeys(map(ord, "0123456789.⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"), " ")


@asynccontextmanager
async def bench(files: tuple[str, ...], size: tuple[int, int], key: str) -> AsyncIterator[Bench]:
    """The program on a copy of the input, with a session and a state folder of its own."""
    scratch = Path(tempfile.mkdtemp(prefix="screenshots-"))
    try:
        folder = scratch / "weather"
        shutil.copytree(HERE / "input", folder)
        os.environ["XDG_CONFIG_HOME"] = str(scratch / "config")
        themes = [theme.built_in_folder()]
        async with EmbeddedHost(scratch / "state") as host:
            app_context = AppContext(
                me="ada",
                state=scratch / "state",
                loaded=load(folder),
                themes=theme.load_themes(themes),
                theme=theme.find_theme(key, themes),
                keymap=keymap.load("default"),
                graphics=Graphics("quadrant"),
            )
            program = WorkbenchApp(host, OpenOptions(files=files), app_context, folder)
            async with program.run_test(size=size) as pilot:
                here = Bench(program, pilot)
                await here.until(lambda: here.snapshot.kernel.state == "idle")
                await here.settle()
                yield here
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


# -- the scenes -----------------------------------------------------------------------------------


async def workbench(here: Bench) -> None:
    """Cells have run; the plot is in the gallery."""
    await here.press("f6", "f6", "f6")
    await here.done(3)
    await here.press("f2")
    await here.type('f"{weather.rain.sum():,.0f} mm of rain"')
    await here.press("enter")
    await here.done(4)
    await here.press("alt+1", "pageup", "alt+3", "down", "alt+1")
    await here.painted()


async def small(here: Bench) -> None:
    """Panes are tabs; the cells have run."""
    await here.press("f6", "f6", "f6")
    await here.done(3)
    await here.press("pageup")


async def failed(here: Bench) -> None:
    """A traceback, its frames folded to one's own, and the line that it marks."""
    await here.press("f8")
    await here.done(2)


async def training(here: Bench) -> None:
    """A bar moves in its place; two cells wait."""
    await here.press("f8")
    await here.until(lambda: any("15/24" in line for line in here.lines()))


async def asked(here: Bench) -> None:
    """A cell asks, and the answer is half typed."""
    await here.press("f5")
    # One is led to the answer.
    await here.until(lambda: here.program.workbench.pane_layout.here == "console")
    await here.settle()
    await here.type("Ada")


async def flood(here: Bench) -> None:
    """A million lines are being printed, and one reads above."""
    await here.press("alt+2")
    await here.type("for number in range(10**9): print(number, 'bottles')")
    await here.pilot.press("enter")
    await here.pilot.press("enter")

    def printed() -> int:
        running = here.snapshot.running
        return running.total if running is not None else 0

    await here.until(lambda: printed() >= 200_000)
    await here.pilot.press("pageup", "pageup")
    await here.pilot.pause(0.5)


async def notebook(here: Bench) -> None:
    """A notebook, its outputs shown as its cells run."""
    await here.press("f8")
    await here.done(2)
    await here.painted()


async def table(here: Bench) -> None:
    """A data frame on the whole screen, sorted by a column."""
    await here.press("f5")
    await here.done(1)
    await here.press("alt+4", "slash")
    await here.type("weather")
    await here.press("enter", "enter")
    await here.press("right", "s", "s")


async def palette(here: Bench) -> None:
    await here.press("ctrl+p")
    await here.type("run")


async def keys(here: Bench) -> None:
    await here.press("f1")


async def presenting(here: Bench) -> None:
    await here.press("f6", "f6", "alt+p")
    await here.done(2)
    await here.painted()


async def picture(here: Bench) -> None:
    """One picture on the whole screen."""
    await here.press("f6", "f5")
    await here.done(2)
    await here.press("alt+3", "enter")
    await here.painted()


async def shell(here: Bench) -> None:
    """A shell in the console's place: marks, exit status and times of commands, links to lines."""
    home = here.program.app_context.state / "home"
    home.mkdir(parents=True)
    prompt = r"\[\e[36m\]weather\[\e[0m\] $ "
    (home / ".bashrc").write_text(f"PS1='{prompt}'\n", "utf-8")
    os.environ.update(HOME=str(home), SHELL="/bin/bash")
    await here.press("f6")
    await here.done(1)
    await here.press("alt+shift+h")
    await here.until(lambda: any(line.startswith(" weather $") for line in here.shell_rows()))
    lines = (
        "ls --color",
        "grep -n --color=always 'read_csv\\|import' *.py",
        "head -4 stations.csv | column -t -s,",
        "test -f report.pdf",
    )
    for number, line in enumerate(lines, 1):
        await here.type(line)
        await here.press("enter")
        await here.until(lambda number=number: here.ended_commands() == number)
    await here.until(lambda: any("exit 1" in line for line in here.lines()))
    await here.press("ctrl+right_square_bracket")
    await here.settle()


async def empty(here: Bench) -> None:
    await here.settle()


async def compact_console(here: Bench) -> None:
    await here.press("f5")
    await here.done(1)
    await here.press("f2")


@dataclass(frozen=True, slots=True)
class Scene:
    story: Callable[[Bench], Awaitable[None]]
    files: tuple[str, ...] = ("weather.py",)
    theme: str = "harbour"
    size: tuple[int, int] = (120, 36)


SCENES: dict[str, Scene] = {
    "workbench": Scene(workbench),
    "workbench-wide": Scene(workbench, theme="dusk", size=(200, 50)),
    "traceback": Scene(failed, ("fit.py",), "ember"),
    "progress": Scene(training, ("train.py",), "graphite"),
    "question": Scene(asked, ("greet.py",), "daylight"),
    "flood": Scene(flood, ("train.py",), "beacon"),
    "terminal": Scene(shell, theme="harbour"),
    "notebook": Scene(notebook, ("report.ipynb",), "paper"),
    "table": Scene(table, theme="noon"),
    "picture": Scene(picture, theme="dusk"),
    "palette": Scene(palette, theme="paper"),
    "keys": Scene(keys, theme="harbour"),
    "presentation": Scene(presenting, theme="daylight"),
    "monochrome": Scene(failed, ("fit.py",), "ink"),
    "small": Scene(small, theme="ember", size=(80, 24)),
    "small-console": Scene(compact_console, theme="paper", size=(80, 24)),
    "empty": Scene(empty, (), "daylight", (80, 24)),
}


async def take(name: str, into: Path) -> None:
    """Play one scene, and write its pictures."""
    scene = SCENES[name]
    async with bench(scene.files, scene.size, scene.theme) as here:
        await scene.story(here)
        svg = here.svg()
    (into / f"{name}.svg").write_text(svg, "utf-8")
    (into / f"{name}.png").write_bytes(to_png(svg))
    sys.stdout.write(f"{name}\n")
    sys.stdout.flush()


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in SCENES]
    if unknown:
        sys.stderr.write(f"No such scene: {', '.join(unknown)}. There are {', '.join(SCENES)}.\n")
        return 2
    for name in names or SCENES:
        asyncio.run(take(name, INTO))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
