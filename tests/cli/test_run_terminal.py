"""`run` in a real terminal: bars in place, answers, Ctrl+C once and twice."""

from __future__ import annotations

import pytest

from support.programs import COMMAND, Desk, Terminal, read_notebook

pytestmark = pytest.mark.slow

INTERRUPT = "\x03"


def test_bars_are_drawn_in_place(desk: Desk) -> None:
    desk.file(
        "bars.py",
        "import time\nfrom tqdm import tqdm\nfrom rich.console import Console\n"
        "from rich.progress import track\n"
        "for _ in tqdm(range(5)): time.sleep(0.05)\n"
        "console = Console(force_terminal=True, force_jupyter=False, width=60)\n"
        "for _ in track(range(5), console=console): time.sleep(0.05)\n"
        "print('end')\n",
    )
    with desk.terminal("run", "bars.py") as terminal:
        assert terminal.ends() == 0
        lines = terminal.text.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("100%|")
    assert lines[1].startswith("Working...")
    assert "100%" in lines[1]
    assert lines[2] == "end"


def test_questions_are_answered(desk: Desk) -> None:
    desk.file(
        "ask.py",
        "import getpass\nprint('hello')\nname = input('name? ')\n"
        "secret = getpass.getpass('secret: ')\nprint(name, len(secret))\n",
    )
    with desk.terminal("run", "ask.py") as terminal:
        terminal.shows("name?")
        terminal.press("Ada\r")
        terminal.shows("secret:")
        terminal.press("hunter2\r")
        assert terminal.ends() == 0
        assert terminal.text.splitlines() == ["hello", "name? Ada", "secret:", "Ada 7"]


def test_an_interrupt_reaches_the_code(desk: Desk) -> None:
    desk.file("loop.py", "import time\nprint('begun')\nwhile True: time.sleep(0.01)\n")
    with desk.terminal("run", "loop.py") as terminal:
        terminal.shows("begun")
        terminal.press(INTERRUPT)
        terminal.shows("KeyboardInterrupt")
        assert terminal.ends() == 130
        assert "Traceback" in terminal.text


def test_code_that_handles_an_interrupt_goes_on(desk: Desk) -> None:
    desk.file(
        "handle.py",
        "import time\nprint('begun')\n"
        "try:\n    time.sleep(100)\nexcept KeyboardInterrupt:\n    print('handled')\n",
    )
    with desk.terminal("run", "handle.py") as terminal:
        terminal.shows("begun")
        terminal.press(INTERRUPT)
        terminal.shows("handled")
        assert terminal.ends() == 0


def test_a_second_interrupt_ends_what_ignores_the_first(desk: Desk) -> None:
    desk.file(
        "deaf.py",
        "import time\nprint('begun')\n"
        "while True:\n    try:\n        time.sleep(0.1)\n    except KeyboardInterrupt:\n"
        "        print('deaf')\n",
    )
    with desk.terminal("run", "deaf.py") as terminal:
        terminal.shows("begun")
        terminal.press(INTERRUPT)
        terminal.shows("deaf")
        # The second within two seconds: on a machine that stands still for longer, a later one.
        assert terminal.press_until_end(INTERRUPT) == 130


def test_a_program_is_stopped_by_the_shell_and_goes_on(desk: Desk) -> None:
    desk.file("ask.py", "print('hello', input('name? '))\n")
    shell = ("/bin/bash", "--norc", "--noprofile", "-i")
    env = {"PS1": "shell> "}
    with Terminal([], home=desk.home, cwd=desk.folder, command=shell, env=env) as terminal:
        terminal.press(f"{COMMAND[0]} -m codeexec run ask.py\r")
        terminal.shows("name?")
        terminal.press("\x1a")
        terminal.shows("Stopped")
        terminal.press("fg\r")
        terminal.shows(f"fg\n{COMMAND[0][:20]}")
        terminal.press("Ada\r")
        terminal.shows("hello Ada\nshell>")
        terminal.press("exit 7\r")
        assert terminal.ends() == 7


def test_a_question_can_be_interrupted(desk: Desk) -> None:
    desk.file("ask.py", "input('name? ')\n")
    with desk.terminal("run", "ask.py") as terminal:
        terminal.shows("name?")
        terminal.press(INTERRUPT)
        assert terminal.ends() == 130


def test_an_interrupted_notebook_is_saved(desk: Desk) -> None:
    desk.file("cells.py", "# %%\nprint('a')\n# %%\nimport time\nprint('b')\ntime.sleep(100)\n")
    with desk.terminal("run", "--cells", "--save", "out.ipynb", "cells.py") as terminal:
        terminal.shows("b")
        terminal.press(INTERRUPT)
        assert terminal.ends() == 130
    saved = read_notebook(desk.folder / "out.ipynb")
    assert saved.cells[0].outputs[0].text == "a\n"
    assert [output.output_type for output in saved.cells[1].outputs] == ["stream", "error"]


def test_a_footer_says_which_cell_runs(desk: Desk) -> None:
    desk.file("cells.py", "# %% load\nimport time\nprint('a')\ntime.sleep(1)\n# %%\nprint('b')\n")
    with desk.terminal("run", "--cells", "cells.py") as terminal:
        terminal.wrote("▸ 1/2 load")
        assert terminal.ends() == 0
        assert terminal.text.splitlines() == ["a", "b"]


def test_the_program_comes_from_a_pipe_and_answers_from_the_terminal(desk: Desk) -> None:
    desk.file("ask.py", "print('hello', input('name? '))\n")
    command = ("/bin/sh", "-c", 'cat ask.py | "$0" -m codeexec run -')
    with Terminal([COMMAND[0]], home=desk.home, cwd=desk.folder, command=command) as terminal:
        terminal.shows("name?")
        terminal.press("Ada\r")
        terminal.shows("hello Ada")
        assert terminal.ends() == 0


PICTURE = """
import base64, io
from IPython.display import Image, display
from PIL import Image as P
out = io.BytesIO()
P.new("RGB", (40, 40), (255, 0, 0)).save(out, "PNG")
print("above")
display(Image(out.getvalue()))
print("below")
"""


def test_a_picture_is_a_line_where_the_terminal_cannot_draw(desk: Desk) -> None:
    desk.file("picture.py", PICTURE)
    with desk.terminal("run", "picture.py") as terminal:
        assert terminal.ends() == 0
        assert terminal.text.splitlines()[:1] == ["above"]
        assert terminal.text.splitlines()[-2:] == ["[image 40×40]", "below"]


def test_a_picture_is_drawn_as_the_settings_say(desk: Desk) -> None:
    desk.file("picture.py", PICTURE)
    desk.file(".codeexec.toml", "[appearance]\nimages = 'half'\n")
    with desk.terminal("run", "picture.py") as terminal:
        assert terminal.ends() == 0
        lines = terminal.text.splitlines()
    assert lines[0] == "above"
    assert lines[-2:] == ["[image 40×40]", "below"]
    assert b"255;0;0" in terminal.raw


def test_a_picture_goes_to_kitty_by_its_protocol(desk: Desk) -> None:
    desk.file("picture.py", PICTURE)
    desk.file(".codeexec.toml", "[appearance]\nimages = 'kitty'\n")
    with desk.terminal("run", "picture.py") as terminal:
        assert terminal.ends() == 0
    assert b"\x1b_Ga=T,U=1" in terminal.raw
    assert terminal.raw.index(b"above") < terminal.raw.index(b"\x1b_G")
    assert terminal.raw.index(b"\x1b_G") < terminal.raw.index(b"below")


CHART = """\
from IPython.display import display
figure = {"data": [{"type": "bar", "x": ["a"], "y": [1]}], "layout": {"title": {"text": "Sales"}}}
display({"application/vnd.plotly.v1+json": figure}, raw=True)
display({"application/vnd.plotly.v1+json": {"data": [{"type": "pie"}]}}, raw=True)
print("below")
"""


def test_a_chart_is_drawn_and_one_that_cannot_be_is_a_line(desk: Desk) -> None:
    desk.file("chart.py", CHART)
    desk.file(".codeexec.toml", "[appearance]\nimages = 'sixel'\n")
    with desk.terminal("run", "chart.py") as terminal:
        assert terminal.ends() == 0
    assert terminal.raw.count(b"\x1bP") == 1
    assert terminal.raw.index(b"\x1bP") < terminal.raw.index("[plotly chart “Sales”]".encode())
    assert b"[plotly chart: a browser draws it]" in terminal.raw
