"""Widgets in two terminals: one runs the code, one attaches later; both operate them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from support.programs import DEADLINE
from support.terminal_bench import attach
from support.tty import Tty, workbench

pytestmark = pytest.mark.slow

RUN_ALL, WIDGETS = "\x1b[19~", "\x1b[1;2R"
RIGHT = "\x1b[C"
CODE = """# %%
from tqdm.notebook import tqdm
for _ in tqdm(range(30), desc="steps"):
    pass
# %%
from ipywidgets import Button, IntSlider, VBox, interact
@interact(k=(0, 5))
def show(k=2):
    print("k is", k)
# %%
slider = IntSlider(value=3, max=9, description="n")
button = Button(description="Go")
button.on_click(lambda _: print("clicked at", slider.value))
VBox([slider, button])
"""


def click(tty: Tty, words: str, right: int, holds: Callable[[], object]) -> None:
    """Press the mouse so far right of the first place where the words stand, until that has had
    its effect: rows may move while the mouse is on its way."""
    until = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < until, tty.text
        lines = tty.text.splitlines()
        y = next((number for number, line in enumerate(lines) if words in line), None)
        if y is not None:
            x = lines[y].index(words) + right
            for end in "Mm":
                tty.press(f"\x1b[<0;{x + 1};{y + 1}{end}")
        again = time.monotonic() + 2
        while time.monotonic() < again and not holds():
            tty.idles(0.02)


def value(tty: Tty, name: str) -> int:
    """What stands at the end of the first slider of that name; -1 where there is none."""
    match = re.search(rf"{name} ━*●─* (\d+)", tty.text)
    return int(match[1]) if match else -1


def test_widgets_are_operated_by_a_client_that_attached_later() -> None:
    with workbench({"w.py": CODE}, columns=140, lines=60) as (tty, apart):
        tty.shows("IntSlider")
        tty.press(RUN_ALL)
        tty.shows("k is 2")
        tty.shows("30/30")
        tty.until(lambda: value(tty, "n") == 3)
        with attach(apart, columns=120, lines=50) as other:
            other.shows("k is 2")
            other.shows("30/30")
            click(other, "n ━", 20, lambda: value(other, "n") > 5)
            moved = value(other, "n")
            click(other, "[ Go ]", 2, lambda: f"clicked at {moved}" in other.text)
            click(other, "k ━", 24, lambda: "k is 5" in other.text)
            tty.until(lambda: value(tty, "n") == moved)
            tty.shows("k is 5")
            tty.press(WIDGETS)
            tty.shows("esc close")
            tty.press(RIGHT)
            tty.until(lambda: value(tty, "n") == moved + 1)
            other.until(lambda: value(other, "n") == moved + 1)
