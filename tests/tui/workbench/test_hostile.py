"""No text from outside acts on the terminal through the workbench, whatever is opened in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.screen import Screen
from textual.widgets._toast import Toast

from codeexec.config.load import Loaded
from codeexec.config.model import Settings
from codeexec.documents.swap import SwapStore
from codeexec.domain import requests as q
from codeexec.domain.text.printable import is_web_address
from codeexec.tui.app import WorkbenchApp
from codeexec.tui.boot.first_frame import frame
from codeexec.tui.commands import keymap
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.context import AppContext
from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.variables.pane import VariablesPane
from codeexec.tui.textual_ext.compositor import SafeCompositor
from codeexec.tui.theme import theme
from support.bench import Bench, open_bench
from support.hostile import EVERYTHING, HOSTILE, acting, unseen
from support.hostile_host import HostileHost

FILE_NAMES = tuple(text.replace("/", "_").replace("\0", "")[:60] for text in HOSTILE[:-1])

SHOWS = (
    "pane.variables", "variables.open", "variables.next", "variables.expand", "variables.delete",
    "pane.artifacts",
    "artifacts.next", "artifacts.open", "artifacts.next", "artifacts.open", "artifacts.next",
    "artifacts.save", "pane.files", "files.next", "files.open", "files.rename", "files.delete",
    "pane.console", "console.frames", "console.source", "console.export", "console.search",
    "prompt.older", "prompt.complete", "prompt.docs", "prompt.history", "file.open", "file.save",
    "file.save_as", "file.compare", "file.next_tab", "app.help", "app.menu", "app.palette",
    "app.sessions", "app.settings", "app.theme", "app.rename", "kernel.choose", "kernel.policy",
    "kernel.interrupt", "kernel.restart",
)  # fmt: skip
"""Commands that show what has come from elsewhere, in screens of their own or where it stands."""


ASKS = {
    "variables.open": q.QueryTable,
    "variables.expand": q.InspectVariable,
    "prompt.complete": q.Complete,
    "prompt.docs": q.Inspect,
    "prompt.history": q.SearchHistory,
    "console.export": q.ListExecutions,
    "app.sessions": q.ListSessions,
    "kernel.choose": q.ListKernels,
}
"""What is asked for on the way, and answered with hostile words."""


@asynccontextmanager
async def hostile_bench(folder: Path, text: str) -> AsyncIterator[tuple[Bench, HostileHost]]:
    """The workbench on a host of which every word is hostile, with hostile files."""
    work = folder / "work"
    work.mkdir()
    for name in FILE_NAMES:
        (work / name).write_text(f"# %% {name}\nx = '{name}'\n", "utf-8", newline="")
    script = work / f"{FILE_NAMES[0]}.py"
    whole = EVERYTHING.encode("utf-8", "replace").decode()
    script.write_text(f"# %% {whole}\nprint(1)\n# %%\nx = {whole!r} {whole}\n", "utf-8", newline="")
    notebook = work / f"{FILE_NAMES[3]}.ipynb"
    cell = {"cell_type": "code", "id": "a", "metadata": {whole: whole}, "source": whole}
    output = {"output_type": "stream", "name": "stdout", "text": whole}
    cells = [
        {**cell, "outputs": [output], "execution_count": 1},
        {"cell_type": "markdown", "id": "b", "metadata": {}, "source": whole},
    ]
    metadata = {"kernelspec": {"name": whole, "display_name": whole}, "title": whole, whole: whole}
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    notebook.write_text(json.dumps(content), "utf-8")
    state = folder / "state"
    themes = theme.load_themes([theme.built_in_folder()])
    app_context = AppContext(
        me="tester",
        state=state,
        loaded=Loaded(Settings(), {}),
        themes=themes,
        theme=themes[theme.DEFAULT],
        keymap=keymap.load("default"),
        swaps=SwapStore(state / "swap"),
    )
    host = HostileHost(text)
    options = OpenOptions(files=(str(script), str(notebook)))
    program = WorkbenchApp(host, options, app_context, work)
    async with program.run_test(size=(120, 36), notifications=True) as pilot:
        yield Bench(program, pilot, work), host


def check_screen(bench: Bench, where: str = "") -> None:
    """What the screen in front gives to the terminal."""
    screen = bench.program.screen
    assert isinstance(screen._compositor, SafeCompositor), type(screen)
    for strip in screen._compositor.render_strips():
        for segment in strip:
            assert segment.control is None, segment
            bad = acting(segment.text) + unseen(segment.text)
            assert not bad, f"{where}: {bad} in {segment.text!r}"
            assert "\n" not in segment.text and "\t" not in segment.text, repr(segment.text)
            link = segment.style.link if segment.style is not None else None
            assert link is None or is_web_address(link), link
    for notification in bench.program._notifications:
        assert not notification.markup
        assert not acting(notification.message) and not unseen(notification.message)
        assert not acting(notification.title) and not unseen(notification.title)


@pytest.mark.slow
async def test_everything_shown_of_hostile_words(tmp_path: Path) -> None:
    async with hostile_bench(tmp_path, EVERYTHING) as (bench, host):
        await bench.until(lambda: bench.workbench.state.is_set_up, "set up")
        while host.stretches:
            host.tell()
            await bench.pilot.pause()
            check_screen(bench)
            if len(host.stretches) == 2:
                await bench.until(
                    lambda: any(each.current for each in bench.workbench.query(VariablesPane)),
                    "a row of the variables",
                )
                await _go_through_screens(bench, host)
        assert not set(ASKS.values()) - host.asked


async def _go_through_screens(bench: Bench, host: HostileHost) -> None:
    workbench = bench.workbench
    for command in SHOWS:
        await workbench.commands.run(BY_ID[command])
        if command in ASKS:
            asked = ASKS[command]
            await bench.until(lambda: asked in host.asked, f"{command} asks {asked}")  # noqa: B023
        await bench.pilot.pause()
        check_screen(bench, command)
        while bench.program.screen is not workbench:
            front = bench.program.screen
            await bench.press("escape")
            check_screen(bench)
            await bench.until(lambda: bench.program.screen is not front, f"{command} closed")  # noqa: B023


NAMES = ["w[lr=1e-3].py", "[bold].py", "a[b].py", "[@click=app.quit]x.py", "\x1b]0;x\x07.py"]


@pytest.mark.slow
async def test_saving_files_with_markup_in_their_names(tmp_path: Path) -> None:
    async with open_bench(tmp_path, dict.fromkeys(NAMES, "x = 1\n")) as bench:
        documents = bench.workbench.documents
        await bench.until(lambda: len(documents.sheets) == len(NAMES), "opened")
        for sheet in list(documents.sheets):
            documents.front.bring(sheet)
            sheet.editor.focus()
            await bench.write("y")
            await bench.press("ctrl+s")
            name = sheet.path.name
            shown = name.replace("\x1b", "␛").replace("\x07", "␇")
            await bench.is_told(f"Saved {shown}.")
            toasts = [Toast(each).render().plain for each in bench.told]
            assert f"Saved {shown}." in toasts
            assert sheet.path.read_text("utf-8") == "yx = 1\n"


def test_every_screen_has_the_last_look() -> None:
    """Whatever is a screen of ours paints through `SafeCompositor`."""
    import codeexec.tui.screens.compare
    import codeexec.tui.screens.keys
    import codeexec.tui.screens.lesson.screen
    import codeexec.tui.screens.policies
    import codeexec.tui.screens.tables.table_screen
    import codeexec.tui.screens.viewer  # noqa: F401 -- so that all subclasses are there
    from codeexec.tui.textual_ext.screen import RoutedScreen, SafeScreen
    from codeexec.tui.widgets.modal import Modal

    kinds: list[type] = [Screen]
    for kind in kinds:  # which grows
        kinds += type.__subclasses__(kind)
    ours = [each for each in kinds if each.__module__.startswith("codeexec.")]
    assert len(ours) > 8
    assert all(issubclass(each, RoutedScreen | SafeScreen | Modal) for each in ours)


def test_the_first_frame_and_the_last_words() -> None:
    """Both are written without Textual: names of files, and of the session and its folder."""
    for text in HOSTILE:
        shown = re.sub(r"\x1b\[[0-9;]*[Hm]", "", frame(300, 24, (text,)))
        assert not acting(shown) and not unseen(shown)
    leave = (
        "import codeexec.tui.boot.start as s\n"
        f"s.start = lambda options, frame: {EVERYTHING!r}\n"
        "from codeexec.tui.boot.entry import run"
        "; from codeexec.tui.options import OpenOptions\n"
        "run(OpenOptions())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", leave], capture_output=True, timeout=90, check=True
    )
    said = done.stdout.decode()
    assert "␛]52;c;ZXZpbA==␇" in said
    assert not acting(said) and not unseen(said)
