"""First rows of UX.md: what every hour of use meets, by keys and by mouse."""

from __future__ import annotations

import time

from benchmarks.replay.screen import Screen

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
    screen.click("▷ Slow", right=2)
    screen.shows(" 5:1 ")
    if screen.lines >= 30:
        screen.press("Alt+W")
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
    screen.until(lambda: screen.place("│")[0] == column + 6, "the divider has not moved")


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


ROWS = (
    prose, completion, answers, peek, restart, empty_click, dead, palette, keys_list, cells, find,
    search, menu, panes, alone, drag, presenting,
)  # fmt: skip
"""Rows that begin with `PAGE` in the editor."""
