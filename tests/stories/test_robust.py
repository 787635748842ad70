"""What terminals, people and programs do to a workbench: it stands, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path

import psutil
import pytest

from codeexec.client.embedded import EmbeddedHost
from codeexec.config.load import Loaded
from codeexec.config.model import Settings
from codeexec.tui.app import WorkbenchApp
from codeexec.tui.commands import keymap
from codeexec.tui.context import AppContext
from codeexec.tui.options import OpenOptions
from codeexec.tui.theme import theme
from support.descriptors import descriptors
from support.programs import COMMAND
from support.servers import user, wait_until
from support.tty import Tty, workbench

pytestmark = pytest.mark.slow

QUIT = "\x11"
PASTE = (b"\x1b[200~", b"\x1b[201~")

ESCAPES = r"""
import os, sys
evil = "".join(["EV", "IL"])  # which the code itself, on screen as well, does not say
controls = [chr(n) for n in range(32) if n not in (9, 10, 13)] + ["\x7f"]
c1 = [chr(n) for n in range(0x80, 0xA0)]
plain = [f"\x1b{chr(n)}" for n in range(0x20, 0x7F) if chr(n) not in "[]PX^_"]
charsets = [f"\x1b{a}{b}" for a in "()*+-./%#" for b in "0AB<>=8G@356"]
modes = [*range(1, 50), 66, 67, 69, 80, 95, *range(1000, 1017), 1034, *range(1035, 1050),
         1051, 1052, 1053, 1060, 1061, 2004, 2026, 2027, 2031, 2048, 8452]
private = [f"\x1b[?{mode}{letter}" for mode in modes for letter in "hlsrJK"]
csi = [f"\x1b[{head}{body}{mid}{chr(last)}"
       for head in ("", "?", ">", "=", "<", "!")
       for body in ("", "1", "8;5;20", "99;99")
       for mid in ("", " ", "$", '"', "'", "*", "#")
       for last in range(0x40, 0x7F)]
osc = [f"\x1b]{n};{evil}-{n}{end}" for n in [*range(0, 20), 22, 46, 50, 51, 52, *range(104, 120),
       133, 777, 1337, 9, 99, 5522] for end in ("\x07", "\x1b\\", "\x9c")]
strings = [f"\x1b{kind}{body}\x1b\\" for kind in "PX^_"
           for body in ("q#0;2;0;0;0~", "+q544e", "$qm", evil, "Gi=1,a=T,f=24,s=1,v=1;AAAA")]
half = ["\x1b", "\x1b[", "\x1b[38;5", f"\x1b]0;{evil} never ends", f"\x1bPq {evil} never ends"]
everything = [*controls, *c1, *plain, *charsets, *private, *csi, *osc, *strings]
for begin in range(0, len(everything), 200):
    print("".join(f"{one}." for one in everything[begin : begin + 200]))
    print("".join(everything[begin : begin + 200]), file=sys.stderr)
os.write(1, bytes(range(256)) * 4 + b"\n")
sys.stdout.buffer.write(os.urandom(4096)) if hasattr(sys.stdout, "buffer") else None
for one in half:
    print(one)
for one in half:
    print(one, end="")
for name in ("evil", "half", "osc", "strings", "everything", "one", "begin"):
    del globals()[name]  # the pane of variables would show them, and rightly
"""


def leaves_cleanly(tty: Tty) -> None:
    """Quit by key; the terminal is as a shell wants it."""
    tty.press(QUIT)
    assert tty.ends() == 0
    assert tty.left_behind() == []
    assert "codeexec-tui attach" in tty.text


def runs(tty: Tty, code: str, result: str) -> None:
    """The prompt still takes a line, and the kernel still answers."""
    tty.press("\x1b2")
    tty.press(f"{code}\r")
    tty.shows(result)


def test_a_paste_of_10_000_lines_into_the_editor_and_the_prompt() -> None:
    lines = [f"value_{number} = {number}" for number in range(10_000)]
    pasted = "\r".join(lines).encode()
    with workbench({"big.py": ""}) as (tty, apart):
        tty.shows("● idle")
        tty.write(PASTE[0] + pasted + PASTE[1])
        tty.shows("value_9999 = 9999")
        tty.press("\r# typed after the paste")
        tty.shows("# typed after the paste")
        tty.press("\x13")
        written = "\n".join([*lines, "# typed after the paste"])
        file = apart.work / "big.py"
        tty.until(lambda: file.read_text("utf-8").rstrip("\n") == written)
        tty.shows("big.py ×")
        tty.press("\x1b2")
        tty.write(PASTE[0] + pasted + PASTE[1])
        tty.shows("value_9999 = 9999")
        tty.press("\x1b[15~")  # F5
        tty.shows("✓")
        runs(tty, "value_9999 + 1", "10000")
        leaves_cleanly(tty)


def test_sizes_change_during_a_flood() -> None:
    with workbench({"a.py": "# %% one\nx = 1\n"}) as (tty, _):
        tty.shows("● idle")
        tty.press("\x1b2")
        tty.press("for n in range(10**9): print(n, 'bottles')\r\r")
        tty.shows("bottles")
        for columns, lines in [(20, 5), (120, 36), (40, 12), (20, 5), (200, 50), (80, 24)] * 3:
            tty.resize(columns, lines)
            tty.idles(0.15)
        tty.resize(20, 5)
        tty.shows("too small")
        tty.resize(120, 36)
        tty.shows("bottles")
        tty.shows("▶ busy")
        tty.press("\x1b[20~")  # F9
        tty.shows("KeyboardInterrupt")
        tty.shows("● idle")
        runs(tty, "6 * 7", "42")
        leaves_cleanly(tty)


def test_a_stop_that_cannot_be_caught_loses_no_key_when_it_is_over() -> None:
    with workbench() as (tty, _):
        tty.shows("● idle")
        tty.press("\x1b2")
        for number in (signal.SIGSTOP, signal.SIGCONT, signal.SIGCONT):
            tty.signal(number)
        runs(tty, "'-'.join('abcdefghij' * 3)", "a-b-c-d-e-f-g-h-i-j-a-b-c-d-e-f-g-h-i-j")
        leaves_cleanly(tty)


def test_the_screen_is_painted_where_stderr_goes_to_a_file() -> None:
    with user() as apart:
        redirected = ("sh", "-c", 'exec "$@" 2>log', "sh", *COMMAND)
        tty = Tty(
            (), home=apart.folder, cwd=apart.work, columns=120, lines=36, env=apart.environ,
            command=redirected,
        )  # fmt: skip
        with tty:
            tty.shows("● idle")
            runs(tty, "print('still', 'here')", "still here")
            leaves_cleanly(tty)
        assert "\x1b[" not in (apart.work / "log").read_text("utf-8")


def test_the_size_is_the_terminal_s_also_where_variables_say_another() -> None:
    environ = {"COLUMNS": "80", "LINES": "24"}
    with workbench(columns=120, lines=36, environ=environ) as (tty, _):
        tty.shows("● idle")
        tty.until(lambda: "F1" in tty.screen.display[35])
        tty.resize(20, 5)
        tty.shows("too small")
        tty.resize(120, 36)
        tty.press("\x1b2")
        runs(
            tty,
            "import os; print(os.environ['COLUMNS'] != '80', 'LINES' in os.environ)",
            "True False",
        )
        leaves_cleanly(tty)


def test_every_escape_sequence_and_bytes_of_all_kinds() -> None:
    with workbench({"evil.py": ESCAPES}) as (tty, _):
        tty.shows("● idle")
        before = len(tty.raw)
        tty.press("\x1b[15~")  # F5
        tty.shows("✓")
        tty.idles(0.5)
        runs(tty, "print('still', 'here')", "still here")
        said = tty.raw[before:]
        for evil in (
            b"EVIL", b"\x1bc", b"\x1b#8", b"\x1b(0", b"\x0e", b"\x05", b"\x1b]52", b"\x1b[8;5;20t",
            b"\x1b[?3h", b"\x1b[?5h", b"\x1b[?7l", b"\x1b[?1049h", b"\x1b[?1000h", b"\x1b[!p",
            b"\x1bPq", b"\x1b_G", b"\x9b", b"\x90",
        ):  # fmt: skip
            # A byte of C1 is also how UTF-8 goes on; alone it would be a control character.
            if len(evil) == 1 and evil >= b"\x80":
                text = said.decode("utf-8", "replace")
                assert chr(evil[0]) not in text, evil
            else:
                assert evil not in said, evil
        leaves_cleanly(tty)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_a_clean_terminal(number: signal.Signals) -> None:
    with workbench({"a.py": "x = 1\n"}) as (tty, _):
        tty.shows("● idle")
        tty.signal(number)
        tty.ends()
        assert tty.left_behind() == []


def test_leaving_before_there_is_a_workbench_leaves_a_clean_terminal() -> None:
    with workbench() as (tty, _):
        # The first frame; before it, Ctrl+Q is the terminal's own key for going on.
        tty.shows("Console")
        tty.press(QUIT)
        tty.ends()
        assert tty.left_behind() == []


@pytest.mark.timeout(700)  # a quarter of a second each, and more beside other work
async def test_100_times_open_and_close(tmp_path: Path) -> None:
    """One session, 100 clients after each other: none leaves a task, a file or memory behind."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.py").write_text("# %% one\nprint('one')\n", "utf-8")
    folders = [theme.built_in_folder()]
    themes = theme.load_themes(folders)
    process = psutil.Process()
    async with EmbeddedHost(tmp_path / "state") as host:
        tasks: list[int] = []
        files: list[int] = []
        memory: list[int] = []
        for number in range(100):
            app_context = AppContext(
                me="tester",
                state=tmp_path,
                loaded=Loaded(Settings(), {}),
                themes=themes,
                theme=themes[theme.DEFAULT],
                keymap=keymap.load("default"),
            )
            program = WorkbenchApp(host, OpenOptions(files=("a.py",)), app_context, work)
            async with program.run_test(size=(80, 24)) as pilot:
                async with asyncio.timeout(90):
                    while program.workbench.state.last is None:
                        await pilot.pause(0.005)
            del program, pilot, app_context
            if number % 20 == 19:
                gc.unfreeze()  # a program freezes what its start has made, for its own life
                gc.collect()
            tasks.append(len(asyncio.all_tasks()))
            files.append(descriptors())
            memory.append(process.memory_info().rss)
        # Of a client that has just gone, a task or a file may be there for another moment.
        most_tasks, most_files = max(tasks[:20]), max(files[:20]) + 2
        await wait_until(lambda: len(asyncio.all_tasks()) <= most_tasks, f"the ends of {tasks}")
        await wait_until(lambda: descriptors() <= most_files, f"files closed: {files}")
        # A client is 2 MB, and lives until the last of its timers would have rung.
        grown = (memory[-1] - memory[49]) / 2**20
        assert grown < 40, f"{grown:.1f} MB in 50 times"
