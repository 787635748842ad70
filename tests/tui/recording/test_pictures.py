"""GIF, SVG and HTML of a recording: colours and times frame by frame, and hostile text."""

from __future__ import annotations

import io
import json
import os
import re
import xml.etree.ElementTree as ET

import psutil
import pytest
from PIL import Image
from PIL.GifImagePlugin import GifImageFile

from codeexec.documents.recordings.blocks import BLOCKS
from codeexec.documents.recordings.html import HtmlWriter
from codeexec.documents.recordings.model import (
    XTERM,
    Marker,
    RecordingInfo,
    RecordingWriter,
    ScreenFrame,
)
from codeexec.documents.recordings.svg import MOST_USES, SvgWriter
from codeexec.domain.errors import UsageError
from codeexec.domain.terminals import RGB, CellStyle, Span, TerminalRow
from codeexec.tui.recording.drawing import CELL_HEIGHT, CELL_WIDTH
from codeexec.tui.recording.gif import GifWriter

EVIL = "</script><script>alert(1)</script>&<!--\u2028]]>\"'"
INFO = RecordingInfo(10, 3, f"title {EVIL}", 0.0, XTERM)
RED, BLUE, GREEN = 0xFF0000, 0x0000FF, 0x00FF00


def block(character: str, color: int, ground: int = -1) -> TerminalRow:
    background = RGB + ground if ground >= 0 else -1
    return TerminalRow((Span(character, 1, CellStyle(RGB + color, background)),))


def played(writer: RecordingWriter) -> bytes:
    """Red on the first row at 0 s, its lower half blue from 1.5 s on, text at 1.51 s and 4 s."""
    writer.mark(Marker(0.0, EVIL))
    writer.write(ScreenFrame(0.0, {0: block("\u2588", RED)}))
    writer.write(ScreenFrame(1.5, {0: block("\u2580", RED, BLUE)}))
    writer.write(ScreenFrame(1.51, {2: TerminalRow((Span(EVIL[:10], 10),))}))
    writer.write(ScreenFrame(4.0, {1: block("\u2597", GREEN), 2: TerminalRow()}))
    return writer.finish(5.0)


def opened(content: bytes) -> GifImageFile:
    image = Image.open(io.BytesIO(content))
    assert isinstance(image, GifImageFile)
    return image


@pytest.mark.slow
def test_a_long_gif_is_made_by_processes_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def written() -> bytes:
        writer = GifWriter(INFO)
        for number in range(200):
            text = f"row {number}"
            rows = {number % 3: TerminalRow((Span(text, len(text)),))}
            writer.write(ScreenFrame(number / 10, rows))
        return writer.finish(20.0)

    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    by_processes = written()
    left = {child.pid for child in psutil.Process().children(recursive=True)} - before
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert by_processes == written()
    # What shares the numbers of their semaphores goes on for later pools.
    assert all("resource_tracker" in " ".join(psutil.Process(pid).cmdline()) for pid in left)


def test_a_gif_has_each_frame_at_its_time() -> None:
    image = opened(played(GifWriter(INFO)))
    assert image.size == (10 * CELL_WIDTH, 3 * CELL_HEIGHT)
    assert image.info["loop"] == 0
    background = (0x12, 0x12, 0x12)
    durations: list[int] = []
    pixels: list[tuple[object, ...]] = []
    places = ((0, 0), (0, CELL_HEIGHT - 1), (1, CELL_HEIGHT + 1), (7, 2 * CELL_HEIGHT - 1))
    for number in range(image.n_frames):
        image.seek(number)
        durations.append(image.info["duration"])
        pixels.append(tuple(image.convert("RGB").getpixel(place) for place in places))
    # The text at 1.51 s is 10 ms early: browsers show no frame for so short.
    assert durations == [1500, 2500, 4000]
    red, blue, green = (255, 0, 0), (0, 0, 255), (0, 255, 0)
    assert pixels == [
        (red, red, background, background),
        (red, blue, background, background),
        (red, blue, background, green),
    ]


def test_a_long_pause_of_a_gif_is_as_long() -> None:
    writer = GifWriter(INFO)
    writer.write(ScreenFrame(0.0, {0: block("\u2588", RED)}))
    image = opened(writer.finish(2000.0))
    total = 0
    for number in range(image.n_frames):
        image.seek(number)
        total += image.info["duration"]
    assert total == 2_003_000


@pytest.mark.slow
def test_a_gif_takes_pictures_of_many_colours() -> None:
    writer = GifWriter(RecordingInfo(60, 20, "", 0.0, XTERM))
    rows = {
        number: TerminalRow(
            tuple(
                Span("\u2580", 1, CellStyle(RGB + (number << 19 | column << 2), RGB + column * 999))
                for column in range(60)
            )
        )
        for number in range(20)
    }
    writer.write(ScreenFrame(0.0, rows))
    image = Image.open(io.BytesIO(writer.finish(0.0))).convert("RGB")
    wanted = (10 << 3, 0, 50 << 2)
    found = image.getpixel((50 * CELL_WIDTH, 10 * CELL_HEIGHT))
    assert isinstance(found, tuple)
    assert all(abs(one - two) < 24 for one, two in zip(found, wanted, strict=True))


def test_an_svg_shows_each_row_for_its_time() -> None:
    content = played(SvgWriter(INFO))
    root = ET.fromstring(content)
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("width") == str(10 * CELL_WIDTH)
    assert root.findtext(f"{space}title", "").startswith("title </script>")
    shown = {
        (element.get("begin"), element.get("dur"), element.get("to"))
        for element in root.iter(f"{space}set")
    }
    assert shown == {
        ("m.begin+0.000s", "1.500s", "visible"),
        ("m.begin+1.510s", "2.490s", "visible"),
        ("m.begin", "1.500s", "hidden"),  # until the end, and in what does not animate
        ("m.begin", "4.000s", "hidden"),
    }
    assert {element.tag.removeprefix(space) for element in root.iter()} <= {
        *("svg", "title", "defs", "g", "rect", "text", "use", "set", "animate")
    }
    fills = {element.get("fill") for element in root.iter(f"{space}rect")}
    assert {"#ff0000", "#0000ff", "#00ff00"} <= fills


@pytest.mark.slow
def test_an_svg_that_no_browser_draws_is_refused() -> None:
    writer = SvgWriter(RecordingInfo(10, 1, "", 0.0, XTERM))
    rows = [block("\u2588", RED), block("\u2588", BLUE)]
    with pytest.raises(UsageError):
        for number in range(MOST_USES + 2):
            writer.write(ScreenFrame(float(number), {0: rows[number % 2]}))


def test_a_page_has_its_own_script_and_nothing_else() -> None:
    page = played(HtmlWriter(INFO)).decode()
    assert page.count("<script") == 2 and page.count("</script>") == 2
    assert "alert(1)" not in re.sub(r'(?s)<script type="application/json".*?</script>', "", page)[
        page.index("<main") :
    ].replace("&lt;script&gt;alert(1)", "")
    assert "default-src 'none'" in page and "unsafe" not in page
    assert "http:" not in page and "https:" not in page
    text = re.search(r'(?s)id="recording">(.*?)</script>', page)
    assert text is not None
    recording = json.loads(text[1])
    assert [at for at, _ in recording["frames"]] == [0.0, 1.5, 1.51, 4.0]
    assert recording["markers"][0][0] == 0.0 and recording["end"] == 5.0
    assert recording["blocks"]["\u2588"] == [[0.0, 0.0, 1.0, 1.0]]
    first = recording["lines"][recording["frames"][0][1][0][1]]
    assert recording["looks"][first[0][2]][0] == "#ff0000"


def test_blocks_cover_what_their_names_say() -> None:
    assert len(BLOCKS) == 4 + 8 + 7 + 10
    area = {character: sum(w * h for _, _, w, h in parts) for character, parts in BLOCKS.items()}
    assert area["\u2588"] == 1.0 and area["\u2584"] == area["\u258c"] == area["\u259a"] == 0.5
    assert area["\u2599"] == 0.75 and area["\u2596"] == 0.25 and area["\u2581"] == 0.125
