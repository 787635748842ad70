"""What people do all day: run cells, look, make mistakes, answer, interrupt, come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain.requests import Execute
from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.console.pane import ConsolePane
from codeexec.tui.session.feed import Frame
from support.bench import engine_in, open_bench

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("everywhere")]

CELLS = """\
# %% load
xs = [n * n for n in range(10)]
print("loaded", len(xs))

# %% fail
def invert(x):
    return 1 / x

invert(0)
"""


async def test_cells_run_and_their_marks_and_cards_say_how(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"day.py": CELLS}) as bench:
        await bench.editor.at("# %% load").run()
        await bench.console.card(1).shows("loaded 10")
        await bench.editor.at("# %% fail").run()
        await bench.console.card(2).shows("ZeroDivisionError: division by zero")
        await bench.sees("✗")
        # The line that failed is marked, with the words of the error.
        await bench.sees("return 1 / x   ZeroDivisionError")


async def test_a_traceback_leads_to_the_line_in_the_editor(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"day.py": CELLS}) as bench:
        await bench.editor.at("# %% fail").run()
        await bench.console.card(1).ends("error")
        bench.editor.at("# %% load")
        await bench.press("alt+2", "escape", "s")
        await bench.until(lambda: bench.editor.line == "    return 1 / x", "the failing line")
        await bench.console.run("print(1)")
        await bench.console.card(2).ends("ok")
        await bench.press("escape", "s")
        await bench.is_told("Nothing failed here.")
        await bench.press("o")
        await bench.is_told("Nothing to open here: it shows text alone.")


async def test_the_prompt_takes_several_lines_and_remembers(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.is_idle()
        await bench.write("for n in range(3):")
        await bench.press("enter")
        await bench.write("print(n * 11)")
        await bench.press("enter", "enter")
        await bench.console.card(1).shows("22")
        await bench.press("up")
        prompt = bench.workbench.console_pane.prompt
        assert prompt.text == "for n in range(3):\n    print(n * 11)"


async def test_what_is_typed_while_a_cell_runs_waits_its_turn(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("answer = input('How many? ')")
        answer = bench.workbench.console_pane.answer
        await bench.until(lambda: answer.field.has_focus, "the answer has the keys")
        await bench.console.run("print('then', answer)")
        await bench.sees("1 queued")
        await bench.sees("⌨ How many?")
        bench.workbench.console_pane.focus_prompt()
        await bench.write("42")
        await bench.press("enter")
        await bench.console.card(2).shows("then 42")
        await bench.is_idle(2)


ASKS = "# %% asks\nname = input('Who? ')\nprint('hello', name)\n"


async def test_who_runs_a_cell_that_asks_is_led_to_the_answer_and_back(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"day.py": ASKS}) as bench:
        await bench.editor.at("# %% asks").run()
        answer = bench.workbench.console_pane.answer
        await bench.until(lambda: answer.field.has_focus, "the answer has the keys")
        await bench.write("Ada")
        await bench.press("enter")
        await bench.console.card(1).shows("hello Ada")
        sheet = bench.workbench.documents.sheet
        assert sheet is not None
        await bench.until(lambda: sheet.editor.has_focus, "the editor has the keys again")

        await bench.editor.at("# %% asks").run()
        await bench.until(lambda: answer.field.has_focus, "the answer has the keys")
        await bench.press("alt+2", *"Bob", "enter")
        await bench.console.card(2).shows("hello Bob")
        prompt = bench.workbench.console_pane.prompt
        await bench.until(lambda: prompt.has_focus, "who chose the console stays there")


async def test_two_frames_after_an_answer_move_the_focus_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_frame = ConsolePane.show_frame

    def show_twice(pane: ConsolePane, frame: Frame) -> None:
        show_frame(pane, frame)
        show_frame(pane, frame)

    monkeypatch.setattr(ConsolePane, "show_frame", show_twice)
    code = "# %% asks\nnames = [input('First? '), input('Second? ')]\nprint(names)\n"
    async with open_bench(tmp_path, {"day.py": code}) as bench:
        await bench.editor.at("# %% asks").run()
        answer = bench.workbench.console_pane.answer
        await bench.until(lambda: answer.field.has_focus, "the answer has the keys")
        await bench.write("Ada")
        await bench.press("enter")
        await bench.sees("⌨ Second?")
        await bench.until(lambda: answer.field.has_focus, "the answer has the keys again")
        await bench.write("Bob")
        await bench.press("enter")
        await bench.console.card(1).shows("['Ada', 'Bob']")
        sheet = bench.workbench.documents.sheet
        assert sheet is not None
        await bench.until(lambda: sheet.editor.has_focus, "the editor has the keys again")


async def test_who_writes_on_while_a_cell_asks_is_told_and_keeps_the_keys(tmp_path: Path) -> None:
    waits = "import os\nwhile not os.path.exists('go'): pass\nname"
    code = ASKS.replace("name", waits, 1)
    async with open_bench(tmp_path, {"day.py": code}) as bench:
        await bench.editor.at("# %% asks").run()
        await bench.sees("busy")
        await bench.press("ctrl+end")
        await bench.write("more = 1")
        await bench.until(lambda: bench.editor.line == "more = 1", "written")
        (bench.folder / "go").touch()
        await bench.is_told("Who?")
        await bench.write("2")
        assert bench.editor.line == "more = 12"
        await bench.press("f2")
        await bench.write("Ada")
        await bench.press("enter")
        await bench.console.card(1).shows("hello Ada")


async def test_a_loop_is_interrupted_from_the_prompt(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("while True: print('on', 'and', 'on')")
        await bench.sees("on and on")
        await bench.press("ctrl+c")
        await bench.console.card(1).shows("KeyboardInterrupt")
        await bench.is_idle(1)
        await bench.console.run("print('still here')")
        await bench.console.card(2).shows("still here")


async def test_a_run_that_waits_for_its_kernel_is_let_go_by_the_same_key(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("while True: pass")
        # A kernel that is quick has begun with it: then the key interrupts.
        await bench.until(lambda: bench.snapshot.executions, "a run that waits")
        await bench.press("ctrl+c")
        await bench.console.card(1).ends("cancelled")


async def test_a_million_lines_scroll_and_are_searched(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("for n in range(100_000): print('row', n)")
        await bench.is_idle(1)
        await bench.sees("row 99999")
        await bench.press("escape", "home")
        await bench.sees("row 12")
        await bench.press("slash")
        await bench.write("row 54321")
        await bench.press("enter")
        await bench.sees("1 of 1")
        await bench.sees("row 54320")
        await bench.press("escape", "end")
        await bench.sees("row 99999")


async def test_a_reader_who_looks_back_is_left_there_and_told_what_is_new(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("for n in range(500): print('first', n)")
        await bench.is_idle(1)
        await bench.press("escape", "home")
        await bench.sees("first 0")
        await bench.workbench.state.session.call(Execute("for n in range(300): print('second', n)"))
        await bench.sees("▼ 300 new lines")
        assert "first 0" in bench.screen()
        await bench.press("end")
        await bench.sees("second 299")


async def test_a_second_face_sees_the_first_ones_runs(tmp_path: Path) -> None:
    """Detach and attach: everything is where it was."""
    host = engine_in(tmp_path)
    try:
        async with open_bench(tmp_path, {"day.py": CELLS}, host=host) as bench:
            await bench.editor.at("# %% load").run()
            await bench.console.card(1).shows("loaded 10")
            name = bench.snapshot.name
        again = OpenOptions(files=("day.py",), session=name, attach=True)
        async with open_bench(tmp_path, host=host, options=again) as bench:
            await bench.console.card(1).shows("loaded 10")
            await bench.console.run("print(sum(xs))")
            await bench.console.card(2).shows("285")
    finally:
        await host.close()


async def test_unsaved_text_is_offered_again(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"day.py": CELLS}) as bench:
        bench.editor.at("# %% load")
        await bench.write("kept ")
        bench.workbench.documents.keep_unsaved()
        # A crash: the program goes without being asked to.
    async with open_bench(tmp_path, options=OpenOptions(files=("day.py",))) as bench:
        await bench.sees("“day.py” has unsaved text.")
        await bench.press("enter")
        await bench.until(lambda: bench.editor.text.startswith("kept "), "the unsaved text")


async def test_restart_asks_when_variables_would_be_lost(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"day.py": CELLS}) as bench:
        await bench.editor.at("# %% load").run()
        await bench.is_idle(1)
        await bench.until(lambda: bench.snapshot.kernel.variables, "the variable")
        await bench.choose("restart the kernel")
        await bench.sees("1 variable is lost.")
        await bench.press("enter")
        await bench.until(lambda: bench.snapshot.kernel.generation == 2, "a fresh kernel")
        await bench.is_idle(1)
        await bench.console.run("xs")
        await bench.console.card(2).shows("NameError")


async def test_a_frame_that_comes_while_the_workbench_is_removed_is_not_shown(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, {"day.py": CELLS}) as bench:
        workbench = bench.workbench
        await bench.until(lambda: workbench.state.last is not None, "the first frame")
        await bench.until(lambda: workbench.panes.artifacts is not None, "the panes at the side")
        await bench.pilot.pause()
        assert workbench.state.last is not None
        leaving = workbench.remove()
        assert workbench.is_leaving
        await leaving
        workbench.show_frame(workbench.state.last)
