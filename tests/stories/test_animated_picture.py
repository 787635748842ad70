"""An animated picture in a real terminal: its frames change by a key, and stand still by it."""

from __future__ import annotations

import time

import pytest
from PIL import Image

from support.programs import DEADLINE
from support.servers import user
from support.tty import Tty

pytestmark = pytest.mark.slow

COLOURS = {"ff0000": "red", "00ff00": "green", "0000ff": "blue"}


def colour_of(tty: Tty) -> str:
    """Of the picture: most cells of the screen have it."""
    cells = [cell for row in tty.screen.buffer.values() for cell in row.values()]
    counts = dict.fromkeys(COLOURS.values(), 0)
    for cell in cells:
        for colour in (cell.fg, cell.bg):
            if colour in COLOURS:
                counts[COLOURS[colour]] += 1
    name = max(counts, key=lambda each: counts[each])
    return name if counts[name] > 50 else ""


def test_the_frames_of_a_gif_change_by_a_key() -> None:
    with user() as near:
        frames = [Image.new("RGB", (60, 40), f"#{colour}") for colour in COLOURS]
        options = {"save_all": True, "append_images": frames[1:], "duration": 120, "loop": 0}
        frames[0].save(near.work / "moves.gif", "GIF", **options)
        env = {**near.environ, "COLORTERM": "truecolor"}
        with Tty((), home=near.folder, cwd=near.work, env=env) as tty:
            tty.shows("idle", deadline=DEADLINE)
            tty.press("\x0f")
            tty.shows("moves.gif", deadline=DEADLINE)
            tty.press("moves.gif\r")
            tty.until(lambda: colour_of(tty) == "red", DEADLINE)
            seen = set()

            def has_all() -> bool:
                seen.add(colour_of(tty))
                return seen >= set(COLOURS.values())

            tty.press("p")
            tty.until(has_all, DEADLINE)
            tty.press("p")
            still_since, last = time.monotonic(), ""

            def stands() -> bool:
                nonlocal still_since, last
                if colour_of(tty) != last:
                    still_since, last = time.monotonic(), colour_of(tty)
                return time.monotonic() - still_since > 1

            tty.until(stands, DEADLINE)
            tty.press("\x1b")
            tty.press("\x11")
            assert tty.ends(DEADLINE) == 0
