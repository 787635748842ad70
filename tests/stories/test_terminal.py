"""A real shell in the terminal pane: what people do there all day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseMove

from codeexec.config.model import Notify, Settings
from codeexec.domain.requests import TypeInTerminal
from codeexec.domain.terminals import KeyPress
from codeexec.environments.base import TerminalHandle
from codeexec.environments.local import LocalEnvironment
from codeexec.tui.options import OpenOptions
from support.bench import Bench, engine_in, open_bench
from support.shells import Shell, use_plain_bash

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def plain_bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_plain_bash(tmp_path / "home", monkeypatch)


@asynccontextmanager
async def shell_in(
    folder: Path, size: tuple[int, int] = (140, 42)
) -> AsyncIterator[tuple[Bench, Shell]]:
    async with open_bench(folder, {"a.py": "x = 1\nprint(x)\n"}, size=size) as bench:
        yield bench, await Shell(bench).open()


async def test_pipes_job_control_and_the_environment(tmp_path: Path) -> None:
    async with shell_in(tmp_path) as (bench, shell):
        assert await shell.run("printf '%s\\n' b a | sort | tr ab AB") == ["A", "B"]
        await shell.run("export WORD=kept; cd /")
        assert await shell.run("echo $WORD $PWD") == ["kept /"]
        await shell.type("sleep 100")
        await shell.runs()
        await bench.press("ctrl+z")
        await shell.waits()
        assert any(row.startswith("[1]+  Stopped") for row in shell.rows)
        assert [row.split()[:2] for row in await shell.run("jobs")] == [["[1]+", "Stopped"]]
        await shell.type("fg")
        await shell.runs()
        await bench.press("ctrl+c")
        await shell.waits()
        assert await shell.run("jobs; echo $?") == ["0"]


async def test_what_is_typed_while_a_shell_is_opened_goes_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_open, open_terminal = asyncio.Event(), LocalEnvironment.open_terminal

    async def open_later(*arguments: Any, **options: Any) -> TerminalHandle:
        await may_open.wait()
        return await open_terminal(*arguments, **options)

    monkeypatch.setattr(LocalEnvironment, "open_terminal", open_later)
    async with open_bench(tmp_path, {"a.py": "x = 1\n"}) as bench:
        await bench.press("alt+shift+h")
        shell, panes = Shell(bench), bench.workbench.panes
        await bench.until(lambda: panes.are_complete and shell.pane.input.is_inside, "it is opened")
        await bench.write("echo i v early\n")
        may_open.set()
        await shell.sees("i v early")
        assert len(bench.snapshot.terminals) == 1
        assert bench.editor.text == "x = 1\n"


async def test_commands_have_marks_and_can_be_jumped_to_copied_and_run_again(
    tmp_path: Path,
) -> None:
    async with shell_in(tmp_path) as (bench, shell):
        await shell.run("echo one; echo two")
        await shell.run("false")
        await bench.sees("exit 1")
        await bench.sees("✗$ false")
        await bench.sees("✓$ echo one; echo two")
        await shell.leave()
        await bench.press("p", "p")
        command = shell.pane.reader.command
        assert command is not None and command.text == "echo one; echo two"
        await bench.press("o")
        await bench.until(lambda: bench.program.clipboard == "one\ntwo", "its output is copied")
        await bench.press("r")
        await shell.until(lambda rows: rows.count("two") == 2, "it ran again")


async def test_text_is_selected_by_keys_and_goes_to_editor_and_console(tmp_path: Path) -> None:
    async with shell_in(tmp_path) as (bench, shell):
        await shell.run("echo answer=42")
        await shell.leave()
        await bench.press("up", *["left"] * 2)
        assert shell.pane.reader.at.column == 0
        await bench.press("v", *["right"] * 8, "y")
        await bench.until(lambda: bench.program.clipboard == "answer=42", "copied")
        await bench.press("E")
        prompt = bench.workbench.console_pane.prompt
        await bench.until(lambda: prompt.text == "answer=42", "at the prompt")
        await bench.until(lambda: prompt.has_focus, "the prompt has the keys")
        await bench.press("alt+shift+h")
        await bench.until(lambda: shell.pane.input.is_inside, "back in the shell")


async def test_a_line_of_the_editor_runs_in_the_shell(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"go.sh": "echo from the editor\n"}) as bench:
        bench.editor.at("echo from the editor")
        await bench.press("ctrl+f4")
        shell = Shell(bench)
        await bench.sees("✓$ echo from the editor")
        await shell.sees("from the editor")


async def test_a_path_with_a_line_opens_in_the_editor(tmp_path: Path) -> None:
    async with shell_in(tmp_path) as (bench, shell):
        assert await shell.run("echo a.py:2:4: warning") == ["a.py:2:4: warning"]
        number = shell.rows.index("a.py:2:4: warning")
        y = number + shell.pane.view.store.screen.history - shell.pane.view.port.top
        await bench.click(shell.pane.view, 3, y)
        await bench.until(lambda: bench.editor.line == "print(x)", "the line in the editor")
        await bench.until(lambda: bench.editor.place[1] == 3, "the column")
        await bench.until(lambda: bench.workbench.pane_layout.here == "editor", "the editor")


async def test_the_mouse_is_the_program_s_and_with_shift_selects(tmp_path: Path) -> None:
    async with shell_in(tmp_path) as (bench, shell):
        # The terminal's driver shows what is typed, so the program need not read it.
        await shell.type(r"printf 'drag me\n\033[?1002h\033[?1006h'; exec sleep 100")
        await shell.sees("drag me")
        view = shell.pane.view
        await bench.until(lambda: view.store.screen.modes.mouse == "drag", "it wants the mouse")
        row = view.store.screen.history + shell.rows.index("drag me") - view.port.top
        pilot = bench.pilot
        await pilot.mouse_down(view, offset=(1 + 2, row))
        await pilot.hover(view, offset=(1 + 4, row))
        await pilot.mouse_up(view, offset=(1 + 4, row))
        typed = f"^[[<0;3;{row + 1}M^[[<32;5;{row + 1}M^[[<0;5;{row + 1}m"
        await shell.until(lambda rows: typed in rows, "what the mouse has typed")
        assert shell.pane.input.is_inside
        await pilot.mouse_down(view, offset=(1, row), shift=True)
        await pilot._post_mouse_events([MouseMove], view, (4, row), button=1, shift=True)
        await pilot.mouse_up(view, offset=(4, row), shift=True)
        await bench.until(lambda: bench.program.clipboard == "drag", "the selection is copied")
        assert shell.rows[-1] == typed


async def test_the_end_is_shown_and_enter_starts_it_again(tmp_path: Path) -> None:
    async with shell_in(tmp_path) as (bench, shell):
        await shell.type("exit 3")
        await bench.sees("exit status 3")
        await bench.sees("Enter starts it again")
        await bench.press("enter")
        await bench.until(lambda: shell.pane.input.is_inside, "keys go to the shell")
        assert await shell.run("echo again") == ["again"]


async def test_several_are_tabs_and_closing_asks_when_a_program_runs(tmp_path: Path) -> None:
    async with shell_in(tmp_path) as (bench, shell):
        await shell.type("sleep 100")
        await bench.sees("1 sleep")
        await shell.leave()
        await bench.choose("new terminal")
        await bench.until(lambda: len(shell.pane.terminals) == 2, "two terminals")
        await bench.until(lambda: shell.pane.input.is_inside, "keys go to the shell")
        await shell.waits()
        await shell.leave()
        await bench.press("x")
        await bench.until(lambda: len(shell.pane.terminals) == 1, "a shell that waits is closed")
        await bench.press("x")
        await bench.sees("Close the terminal?")
        await bench.sees("sleep 100")
        await bench.press("c")
        await bench.sees("opens a shell of the session.")
        assert not shell.pane.terminals
        await bench.until(lambda: not bench.snapshot.terminals, "the session has none either")


async def test_scrollback_is_read_searched_and_follows_again(tmp_path: Path) -> None:
    async with shell_in(tmp_path) as (bench, shell):
        await shell.run("seq 1000 1400")
        await shell.leave()
        await bench.press("g")
        await bench.until(lambda: shell.pane.view.port.top == 0, "the first row")
        await bench.sees("$ seq 1000 1400")
        await bench.sees("1001")
        await bench.press("slash")
        await bench.write("1277")
        await bench.sees("1 of 1")
        await bench.press("escape")
        await bench.sees("1277")
        assert not shell.pane.view.port.follows
        await bench.press("enter")
        await bench.until(lambda: shell.pane.view.port.follows, "the screen again")
        assert await shell.run("echo end") == ["end"]


async def test_a_long_command_that_ends_unseen_is_told(tmp_path: Path) -> None:
    settings = Settings(notify=Notify(after=0.01))
    async with open_bench(tmp_path, {"a.py": "x = 1\n"}, settings=settings) as bench:
        shell = await Shell(bench).open()
        await shell.type("read -r line; false")
        await bench.until(lambda: shell.running, "it runs")
        await shell.leave()
        await bench.press("alt+2")
        await bench.until(lambda: bench.workbench.pane_layout.here == "console", "the console")
        await bench.until(lambda: not shell.pane.view.is_on_screen, "the terminal is hidden")
        session, (terminal_id,) = bench.workbench.state.session, bench.snapshot.terminals
        await session.call(TypeInTerminal(terminal_id, (KeyPress("enter"),)))
        await bench.is_told("read -r line; false: exit 1 after")


async def test_detached_and_attached_the_terminal_is_as_it_was(tmp_path: Path) -> None:
    state = tmp_path / "state"
    host = engine_in(state)
    try:
        async with open_bench(tmp_path, {"a.py": "x = 1\n"}, state=state, host=host) as bench:
            shell = await Shell(bench).open()
            await shell.run("WORD=kept")
            name = bench.snapshot.name
            await bench.press("ctrl+right_square_bracket")
            bench.workbench.leaving.detach()
            await bench.until(lambda: bench.program._exit, "it has left")
        attach = OpenOptions(session=name, attach=True)
        async with open_bench(tmp_path, state=state, host=host, options=attach) as bench:
            await bench.sees("$ WORD=kept")  # in front, as it was left
            layout = bench.workbench.pane_layout
            await bench.until(lambda: layout.here == "terminal", "the terminal has the keys")
            shell = await Shell(bench).open()
            await shell.sees("$ WORD=kept")
            assert await shell.run("echo $WORD") == ["kept"]
            (terminal_id,) = bench.snapshot.terminals
        alone = OpenOptions(session=name, attach=True, terminal=terminal_id)
        async with open_bench(tmp_path, state=state, host=host, options=alone) as bench:
            await bench.sees("$ echo $WORD")
            layout = bench.workbench.pane_layout
            await bench.until(lambda: layout.alone == "terminal", "the terminal alone")
            await bench.until(lambda: Shell(bench).pane.input.is_inside, "keys go to the shell")
        watch = OpenOptions(session=name, attach=True, watch=True)
        async with open_bench(tmp_path, state=state, host=host, options=watch) as bench:
            await bench.sees("Terminal")
            await bench.press("alt+shift+h")
            await bench.sees("watching only")
            await bench.sees("$ echo $WORD")
            shell = Shell(bench)
            await bench.press("enter", "x")
            await bench.is_told("This workbench only watches.")
            assert not shell.pane.input.is_inside and shell.pane.terminals
    finally:
        await host.close()


async def test_small_screens(tmp_path: Path) -> None:
    for size in ((80, 24), (40, 10)):
        folder = tmp_path / f"{size[0]}"
        folder.mkdir()
        async with shell_in(folder, size) as (bench, shell):
            expected = f"{size[1] - 3} {size[0] - 2}"
            # The shell is told of a size that the pane has got since it was opened.
            while await shell.run("stty size") != [expected]:
                await bench.pilot.pause(0.1)
            await shell.leave()
            await bench.press("f2")
            await bench.until(lambda: bench.workbench.pane_layout.here == "editor", "the editor")
