"""A driver for stories: the workbench on a real kernel, by what a person does and sees.

async with open_bench(tmp_path, {"plot.py": "# %% one\\nprint(42)\\n"}) as bench:
    await bench.editor.at("# %% one").run()
    await bench.console.card(1).shows("42")
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec.structs import replace
from textual.notifications import Notification
from textual.pilot import Pilot
from textual.widget import Widget

from codeexec.client.embedded import EmbeddedHost
from codeexec.config.load import Loaded
from codeexec.config.model import Docker, KernelSettings, Settings
from codeexec.config.model import Editor as EditorSettings
from codeexec.documents.swap import SwapStore
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.app import WorkbenchApp
from codeexec.tui.commands import keymap
from codeexec.tui.context import AppContext
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.options import OpenOptions
from codeexec.tui.theme import theme
from codeexec.tui.workbench.workbench import Workbench
from support.containers import IMAGE, container_kernels, give_away

BACKEND: Literal["local", "docker"] = "local"
"""Where stories run that do not say it; a fixture changes it for those that hold everywhere."""

DEADLINE = 90.0
"""Seconds after which a story is given up: a loaded machine starts a kernel in a few."""


class Bench:
    """The workbench under test."""

    def __init__(self, program: WorkbenchApp, pilot: Pilot[str], folder: Path) -> None:
        self.program = program
        self.pilot = pilot
        self.folder = folder
        self.told: list[Notification] = []
        """All notifications, also those that have gone by their timer."""
        self._told_before = 0
        notify = program._notifications.add

        def note(notification: Notification) -> object:
            self.told.append(notification)
            return notify(notification)

        vars(program._notifications)["add"] = note

    @property
    def workbench(self) -> Workbench:
        return self.program.workbench

    @property
    def snapshot(self) -> Snapshot:
        last = self.workbench.state.last
        return last.snapshot if last is not None else Snapshot()

    @property
    def console(self) -> Console:
        return Console(self)

    @property
    def editor(self) -> Editor:
        return Editor(self)

    # -- what a person does ------------------------------------------------------------------

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def write(self, text: str) -> None:
        """Type characters."""
        await self.pilot.press(*(_key(character) for character in text))

    async def click(self, widget: Widget, x: int = 1, y: int = 0) -> None:
        await self.pilot.click(widget, offset=(x, y))

    async def choose(self, words: str) -> None:
        """A command by the palette."""
        await self.press("ctrl+p")
        await self.sees("what do you want to do?")
        await self.write(words)
        await self.press("enter")

    # -- what a person sees ------------------------------------------------------------------

    def screen(self) -> str:
        """The characters on screen."""
        strips = self.program.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Wait for something to be so; what the screen shows is told where it never is."""
        pause = 0.01
        try:
            async with asyncio.timeout(DEADLINE):
                while not holds():
                    await self.pilot.pause(pause)
                    # A screen is painted for each look: kernels and programs need the processor.
                    pause = min(pause * 1.5, 0.1)
        except TimeoutError:
            notices = [notice.message for notice in self.program._notifications]
            workers = [(worker.group, worker.state.name) for worker in self.program.workers]
            focus = f"{self.program.focused!r} has the keys; {notices=}; {workers=}"
            raise AssertionError(f"never came: {what}; {focus}\n{self.screen()}") from None

    async def sees(self, words: str) -> None:
        await self.until(lambda: words in self.screen(), repr(words))

    async def is_told(self, words: str) -> None:
        """A word that goes away by itself, and may have gone since it was last waited for one;
        without a terminal Textual does not paint it."""

        def is_told() -> bool:
            fresh = self.told[self._told_before :]
            return any(words in one.message for one in (*self.program._notifications, *fresh))

        await self.until(is_told, f"told {words!r}")
        self._told_before = len(self.told)

    async def sees_no_more(self, words: str) -> None:
        await self.until(lambda: words not in self.screen(), f"{words!r} gone")

    async def is_idle(self, runs: int = 0) -> None:
        """The kernel has done all that was asked, `runs` executions at least."""

        def done() -> bool:
            views = self.snapshot.executions.values()
            return (
                self.snapshot.kernel.state == "idle"
                and len(views) >= runs
                and not any(view.is_open for view in views)
            )

        await self.until(done, f"idle after {runs} runs")


@dataclass(frozen=True)
class Console:
    bench: Bench

    async def run(self, code: str) -> None:
        """Type code at the prompt and run it as it is."""
        pane = self.bench.workbench.console_pane
        pane.prompt.focus()
        pane.prompt.put(code)
        await self.bench.press("f5")

    def card(self, number: int) -> CardOnScreen:
        """The card with this place, from 1."""
        return CardOnScreen(self.bench, number)


@dataclass(frozen=True)
class CardOnScreen:
    bench: Bench
    number: int

    @property
    def view(self) -> ExecutionView | None:
        cards = self.bench.workbench.console_pane.view.card_list.cards
        return cards[self.number - 1].view if len(cards) >= self.number else None

    def text(self) -> str:
        """What of it is on screen."""
        view = self.bench.workbench.console_pane.view
        cards = view.card_list.cards
        if len(cards) < self.number:
            return ""
        card = cards[self.number - 1]
        top, bottom = view.card_list.top(card), view.card_list.bottom(card)
        first = view.scroll_offset.y
        lines = range(max(top - first, 0), min(bottom - first, view.size.height))
        return "\n".join(view.render_line(line).text.rstrip() for line in lines)

    async def shows(self, words: str) -> None:
        what = f"card {self.number} with {words!r}"
        await self.bench.until(lambda: words in self.text(), what)

    async def ends(self, status: str) -> None:
        await self.bench.until(
            lambda: self.view is not None and self.view.status == status,
            f"card {self.number} {status}",
        )


@dataclass(frozen=True)
class Editor:
    bench: Bench

    def at(self, line: str) -> Editor:
        """Put the cursor on the line that reads so."""
        sheet = self.bench.workbench.documents.sheet
        assert sheet is not None, "nothing is open"
        sheet.go_to(sheet.editor.model.lines.index(line))
        sheet.editor.focus()
        return self

    async def run(self) -> None:
        await self.bench.press("f5")

    @property
    def line(self) -> str:
        """The line of the cursor."""
        sheet = self.bench.workbench.documents.sheet
        return sheet.editor.model.line if sheet is not None else ""

    @property
    def place(self) -> tuple[int, int]:
        """Line and column of the cursor, from 0."""
        sheet = self.bench.workbench.documents.sheet
        cursor = sheet.editor.model.cursor if sheet is not None else None
        return (cursor.line, cursor.column) if cursor is not None else (-1, -1)

    @property
    def text(self) -> str:
        sheet = self.bench.workbench.documents.sheet
        return sheet.editor.text if sheet is not None else ""


def engine_in(state: Path) -> EmbeddedHost:
    """The engine of a workbench, which keeps its sessions below `state`."""
    return EmbeddedHost(state / "sessions", container_kernels())


@asynccontextmanager
async def open_bench(
    folder: Path,
    files: Mapping[str, str] | None = None,
    *,
    size: tuple[int, int] = (140, 42),
    state: Path | None = None,
    settings: Settings | None = None,
    options: OpenOptions | None = None,
    host: EmbeddedHost | None = None,
    graphics: Graphics | None = None,
) -> AsyncIterator[Bench]:
    """A workbench in a folder that holds these files, all of them opened."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    # What ruff finds depends on its version.
    said = settings or Settings(editor=EditorSettings(lint=False))
    if BACKEND == "docker":
        give_away(work)
        said = replace(said, kernel=KernelSettings(backend=BACKEND), docker=Docker(image=IMAGE))
    for name, text in (files or {}).items():
        (work / name).write_text(text, "utf-8")
    state = state or folder / "state"
    themes = theme.load_themes([theme.built_in_folder()])
    app_context = AppContext(
        me="tester",
        state=state,
        loaded=Loaded(said, {}),
        themes=themes,
        theme=themes[theme.DEFAULT],
        keymap=keymap.load("default"),
        swaps=SwapStore(state / "swap"),
        graphics=graphics or Graphics(),
    )
    owned = engine_in(state) if host is None else None
    serving = host or owned
    assert serving is not None
    try:
        program = WorkbenchApp(
            serving, options or OpenOptions(files=tuple(files or ())), app_context, work
        )
        async with program.run_test(size=size) as pilot:
            yield Bench(program, pilot, work)
    finally:
        if owned is not None:
            await owned.close()


_NAMES = {" ": "space", "\n": "enter"}


def _key(character: str) -> str:
    return _NAMES.get(character, character)
