"""Replay the first hour of use in tmux, by keys and by mouse: `python benchmarks/replay.py`.

Each row drives the real program in a real terminal at three sizes, the mouse by SGR sequences at
the place where a text stands on screen. The table on stdout has a row for each step, and the exit
code is 1 if one failed. Needs tmux; sizes and rows can be named: `replay.py 80x24 palette`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

SIZES = ("80x24", "120x35", "200x50")
DEADLINE = 40.0
"""Seconds after which a text that is not on screen is missed."""

ESC = "\x1b"
KEYS = {
    "F1": f"{ESC}OP", "F2": f"{ESC}OQ", "F5": f"{ESC}[15~", "F6": f"{ESC}[17~", "F8": f"{ESC}[19~",
    "F9": f"{ESC}[20~", "F11": f"{ESC}[23~", "F12": f"{ESC}[24~", "Shift+F9": f"{ESC}[20;2~",
    "Esc": ESC, "Enter": "\r", "Tab": "\t", "Up": f"{ESC}[A", "Down": f"{ESC}[B",
    "Home": f"{ESC}[H", "End": f"{ESC}[F",
}  # fmt: skip

PAGE = """# %% Numbers
numbers = list(range(40))
print("sum", sum(numbers))

# %% Slow
import time
for step in range(3):
    print("step", step)

# %% Ask
name = input("Your name? ")
print("hello", name)

# %% [markdown]
# # A heading of the page
# some words
"""


class Screen:
    """The program in a tmux window of a given size."""

    def __init__(self, size: str, home: Path, arguments: tuple[str, ...]) -> None:
        self.columns, self.lines = (int(number) for number in size.split("x"))
        self._socket = f"replay-{os.getpid()}-{size}"
        folders = ("CONFIG", "STATE", "DATA", "CACHE", "RUNTIME")
        environment = [f"XDG_{name}_{'DIR' if name == 'RUNTIME' else 'HOME'}={home}/{name}"
                       for name in folders]  # fmt: skip
        for name in folders:
            (home / name).mkdir(mode=0o700, exist_ok=True)
        command = ["env", *environment, f"HOME={home}", sys.executable, "-m", "codeexec"]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(self.columns), "-y",
                   str(self.lines), "-c", str(home / "work"), *command, *arguments)  # fmt: skip

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words], capture_output=True, text=True, check=False
        )
        return done.stdout

    def text(self) -> str:
        return self._tmux("capture-pane", "-p")

    def send(self, data: str) -> None:
        """Bytes in one read."""
        self._tmux("send-keys", "-H", *(f"{byte:02x}" for byte in data.encode()))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.send(_sequence(key))
            time.sleep(0.05)  # as fast as a hand: an Esc that is followed at once is Alt

    def shows(self, *texts: str) -> None:
        for text in texts:
            self._until(partial(self._has, text), f"{text!r} missing")

    def _has(self, text: str) -> bool:
        return text in self.text()

    def hides(self, text: str) -> None:
        self._until(lambda: text not in self.text(), f"{text!r} still there")

    def _until(self, holds: Callable[[], bool], problem: str) -> None:
        until = time.monotonic() + DEADLINE
        while not holds():
            if time.monotonic() > until:
                raise AssertionError(f"{problem}\n{self.text()}")
            time.sleep(0.05)

    def place(self, text: str, last: bool = False) -> tuple[int, int]:
        """Column and row of a text on screen, from 1."""
        self.shows(text)
        rows = [(row, line) for row, line in enumerate(self.text().split("\n"), 1) if text in line]
        row, line = rows[-1 if last else 0]
        return line.index(text) + 1, row

    def click(self, text: str, *, button: int = 0, right: int = 0, last: bool = False) -> None:
        """Press and release a button on a text; 0 is the left, 2 the right one."""
        column, row = self.place(text, last)
        self.click_at(column + right, row, button)

    def click_at(self, column: int, row: int, button: int = 0) -> None:
        self.send(f"{ESC}[<{button};{column};{row}M{ESC}[<{button};{column};{row}m")

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        self.send(f"{ESC}[<0;{start[0]};{start[1]}M")
        time.sleep(0.3)  # as a hand does
        self.send(f"{ESC}[<32;{end[0]};{end[1]}M{ESC}[<0;{end[0]};{end[1]}m")

    def wheel(self, text: str, steps: int) -> None:
        column, row = self.place(text)
        code = 65 if steps > 0 else 64
        for _ in range(abs(steps)):
            self.send(f"{ESC}[<{code};{column};{row}M")

    def stop(self) -> None:
        self._tmux("kill-server")


def _sequence(key: str) -> str:
    if key in KEYS:
        return KEYS[key]
    if key.startswith("Alt+"):
        return ESC + key.removeprefix("Alt+")
    if key.startswith("Ctrl+"):
        return chr(ord(key[-1].upper()) & 0x1F)
    return key


# -- the rows: what UX.md names, by keys and by mouse ---------------------------------------------


def prose(screen: Screen) -> None:
    """B1 by keys: no list in comments, strings and f-strings, Enter is a new line."""
    screen.press("Alt+1", "Ctrl+T")
    screen.shows("untitled-1")
    for letter in '# we print al\ns = f"we print al {1} al"':
        screen.press("Enter" if letter == "\n" else letter)
    screen.press("Enter", "x")
    screen.shows("# we print al", 's = f"we print al {1} al"')
    assert "alabs" not in screen.text() and "%alias" not in screen.text(), screen.text()


def completion(screen: Screen) -> None:
    """B1 by mouse: an entry of the list is taken by a click."""
    screen.press("Alt+2")
    screen.send("import os\r")
    screen.shows("[2]")
    screen.press("Alt+1", "Ctrl+T")
    screen.shows("untitled")
    screen.press(*"os.getcw")
    screen.shows("getcwdb")
    screen.click("getcwdb")
    screen.shows("os.getcwdb")


def answers(screen: Screen) -> None:
    """M3: an answer stands where it was given; the field is reached by a click."""
    screen.press("Alt+1", "Alt+g")
    screen.shows("Go to a cell")
    screen.click("3  Ask")
    screen.press("F5")
    screen.shows("waiting for your answer")
    screen.send("ada\r")
    screen.press("Alt+2")
    screen.shows("Your name? ada", "hello ada")


def peek(screen: Screen) -> None:
    """M16: the output of a hidden console, and its tab by a click."""
    screen.press("Alt+1", "F5")
    screen.shows("sum 780")
    if screen.lines < 30:
        screen.click("F2 console")
        screen.shows("[2]")
        screen.click("Editor")
    screen.shows("# %% Numbers")


def restart(screen: Screen) -> None:
    """M20: the question names what is lost; Cancel and Restart by mouse."""
    screen.press("F5")
    screen.shows("✓")
    screen.press("Alt+2")
    screen.send("a = b = 1\r")
    screen.shows("[3]")
    screen.press("Shift+F9")
    screen.shows("Restart the kernel?", "lost.")
    screen.click("Cancel")
    screen.hides("Restart the kernel?")
    screen.press("Shift+F9")
    screen.shows("Restart the kernel?")
    screen.click("Restart", last=True)
    screen.shows("kernel restarted")


def empty_click(screen: Screen) -> None:
    """M21: what is typed after a click into the console's free space goes to the prompt."""
    screen.press("Alt+2")
    screen.send("1\r")
    screen.shows("→ 1")
    column, row = screen.place("→ 1")
    screen.click_at(column + 20, row + 2)
    screen.send("print(41+1)\r")
    screen.shows("print(41+1)", "  42")


def dead(screen: Screen) -> None:
    """M24: a dead kernel names its keys; the status line's part starts another by a click."""
    screen.press("Alt+2")
    screen.send("import os; os._exit(3)\r")
    screen.shows("Kernel ended. Enter starts", "Shift+F9 new kernel")
    screen.press("F9")
    time.sleep(0.5)
    screen.shows("Kernel ended. Enter starts")
    screen.click("Shift+F9 new kernel")
    screen.shows("kernel restarted")
    screen.send("several\x1b\rlines")
    screen.shows("lines")
    screen.press("Ctrl+C")
    screen.hides("several")
    screen.send("exit\r")
    screen.shows("Cancel")
    screen.click("Cancel")
    screen.hides("Cancel")


def palette(screen: Screen) -> None:
    """m28: begins with Open, Run, Save, Quit; a row by a click."""
    screen.press("Ctrl+P")
    screen.shows("Open a file", "Save", "Quit")
    screen.press("Esc")
    screen.hides("Open a file…")
    if "^P commands" in screen.text():
        screen.click("^P commands")
    else:
        screen.press("Ctrl+P")
    screen.shows("what do you want to do?")
    screen.send("settings")
    screen.shows("Settings")
    screen.click("Settings", last=True)
    screen.shows("theme")


def keys_list(screen: Screen) -> None:
    """m29: F1 in the status line by a click; search, Esc."""
    screen.click("F1 keys")
    screen.shows("esc close", "First of all")
    screen.send("/split")
    screen.shows("Alt+7")
    screen.press("Esc", "Esc")
    screen.hides("First of all")


def cells(screen: Screen) -> None:
    """m30: go to a cell by its title, by a click."""
    screen.press("Alt+1", "Alt+g")
    screen.shows("Go to a cell")
    screen.click("2  Slow")
    screen.shows("5:1")


def find(screen: Screen) -> None:
    """m31: Tab goes to Replace; a box by a click."""
    screen.press("Alt+1", "Ctrl+F")
    screen.shows("regex")
    screen.send("ste")
    screen.shows("1 of")
    screen.click("word", last=True)
    screen.shows("nothing found")
    screen.press("Tab")
    screen.press("Esc")


def search(screen: Screen) -> None:
    """m33: the console's search finds code as well."""
    screen.press("Alt+2")
    screen.send("for n in range(3): print('row', n)\r")
    screen.shows("row 2")
    screen.press("Alt+2", "Esc")
    time.sleep(0.3)
    screen.press("/")
    screen.shows("search all code and output")
    screen.send("in range(3)")
    screen.shows("1 of 1")
    screen.press("Esc", "i")


def menu(screen: Screen) -> None:
    """m40: a right click opens a small menu at the pointer."""
    screen.press("Alt+1")
    screen.click("print", button=2)
    screen.shows("Cut", "Copy", "Paste")
    row = screen.place("Paste")[1]
    assert row < screen.lines
    screen.press("Esc")
    screen.hides("Paste")
    screen.click("print", button=2)
    screen.shows("Copy")
    screen.click_at(1, screen.lines // 2)
    screen.hides("Paste")


def panes(screen: Screen) -> None:
    """Split, outline and panes: by keys that UX.md asks for, and by clicks."""
    screen.press("Alt+1", "Alt+7")
    screen.shows("page.py")
    screen.press("Alt+D")
    screen.press("Alt+7", "Alt+6")
    screen.shows("Slow")
    screen.click("Slow", last=screen.lines < 30)
    screen.press("Enter")
    if screen.lines >= 30:
        screen.press("Alt+O")
        screen.hides("Outline")


def alone(screen: Screen) -> None:
    """M4, p56: a plot in a card stays after F11 twice; the list of artifacts by a click."""
    screen.press("Alt+2")
    image = "from PIL import Image; Image.new('RGB', (90, 60), 'red')"
    screen.send(f"{image}\r")
    screen.shows("▀" if "▀" in screen.text() else "[2]")
    screen.press("F11", "F11")
    screen.press("Alt+3")
    screen.shows("90×60")


def drag(screen: Screen) -> None:
    """Dividers by mouse: the pane beside gets wider."""
    if screen.lines < 30:
        return
    column, row = screen.place("│")
    screen.drag((column, row + 3), (column + 6, row + 3))
    screen._until(lambda: screen.place("│")[0] == column + 6, "the divider has not moved")


def presenting(screen: Screen) -> None:
    """m37: presentation mode, and back by a click on its own words."""
    screen.press("Alt+1", "Alt+p")
    screen.shows("Alt+P")
    screen.hides("pid")
    screen.click("Alt+P", last=True)
    screen.hides("Alt+P")


def tour(screen: Screen) -> None:
    """m41: a lesson in steps; the next one by a click."""
    screen.shows("Step 1 of")
    screen.click("skip")
    screen.shows("Step 2 of")
    screen.press("F9")
    screen.shows("Step 2 of")


_WITH_PAGE = (
    prose, completion, answers, peek, restart, empty_click, dead, palette, keys_list, cells, find,
    search, menu, panes, alone, drag, presenting,
)  # fmt: skip
ROWS: dict[str, tuple[Callable[[Screen], None], tuple[str, ...]]] = {
    **{row.__name__: (row, ("page.py",)) for row in _WITH_PAGE},
    "tour": (tour, ("demo",)),
}


def replay(name: str, size: str) -> str:
    """Run one row at one size; empty, or what went wrong."""
    row, arguments = ROWS[name]
    with tempfile.TemporaryDirectory(prefix="replay-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "work").mkdir()
        (home / "work" / "page.py").write_text(PAGE)
        screen = Screen(size, home, arguments)
        try:
            screen.shows("● idle")
            row(screen)
        except AssertionError as problem:
            return str(problem)
        finally:
            screen.stop()
            _end_all(folder)
    return ""


def _end_all(folder: str) -> None:
    """End the server and the kernels that were started for this folder."""
    mark = f"HOME={folder}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGTERM)
        except OSError:
            continue  # it has ended, or is another user's


def main(words: list[str]) -> int:
    sizes = [word for word in words if word in SIZES] or list(SIZES)
    rows = [word for word in words if word in ROWS] or list(ROWS)
    failed = 0
    print("| row |", " | ".join(sizes), "|")
    print("|---|", "---|" * len(sizes), sep="")
    for name in rows:
        problems = [replay(name, size) for size in sizes]
        print(f"| {name} |", " | ".join("no" if p else "ok" for p in problems), "|", flush=True)
        for problem in filter(None, problems):
            print(problem, file=sys.stderr, flush=True)
        failed += sum(map(bool, problems))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
