"""Screenshots of the workbench's lines as PNG, SVG and text."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
from PIL import Image
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.domain.errors import UsageError
from codeexec.tui.recording.drawing import CELL_HEIGHT, CELL_WIDTH
from codeexec.tui.recording.screenshot import screenshot
from codeexec.tui.theme.theme import built_in_folder, find_theme

HARBOUR = find_theme("harbour", [built_in_folder()])
LINES = [
    Strip([Segment("plain "), Segment("\u2588\u2588", Style.parse("#ff0000"))]),
    Strip([Segment("evil\x1b[2J\u202e <&> 日本", Style.parse("bold on #00ff00"))]),
]


def test_a_png_has_the_colours_of_the_cells() -> None:
    image = Image.open(io.BytesIO(screenshot(LINES, HARBOUR, ".png"))).convert("RGB")
    assert image.size[1] == 2 * CELL_HEIGHT
    assert image.getpixel((6 * CELL_WIDTH + 1, 1)) == (255, 0, 0)
    assert image.getpixel((4 * CELL_WIDTH, 2 * CELL_HEIGHT - 1)) == (0, 255, 0)


def test_an_svg_has_the_text_and_no_more() -> None:
    root = ET.fromstring(screenshot(LINES, HARBOUR, ".SVG"))
    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("<&>" in text for text in texts)
    assert all(text.replace("\xa0", " ").isprintable() for text in texts)
    assert not list(root.iter("{http://www.w3.org/2000/svg}set"))


def test_text_acts_on_no_terminal() -> None:
    text = screenshot(LINES, HARBOUR, ".txt").decode()
    assert text.startswith("plain \u2588\u2588\n")
    assert "\x1b" not in text and "\u202e" not in text


def test_other_suffixes_are_refused() -> None:
    for suffix in ("", ".bmp"):
        with pytest.raises(UsageError):
            screenshot(LINES, HARBOUR, suffix)
