"""The picture widget: its size, its keys, its faults, and the pixels it sends to a terminal."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw
from textual.app import App, ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from codeexec.tui.graphics import kitty
from codeexec.tui.graphics.cell_size import CellSize
from codeexec.tui.graphics.images import WHOLE
from codeexec.tui.graphics.probe import Graphics, ask_tmux
from codeexec.tui.widgets.picture import Picture
from support.graphics import (
    KittyTerminal,
    kitty_messages_in,
    sixel_pixels,
    sixels_in,
    tmux_messages_in,
    written_by,
)
from support.pane_app import until

APP = Path(__file__).parents[2] / "support" / "picture_app.py"
CELL = CellSize(10, 20)
DEADLINE = 90.0


def _drawing(width: int = 320, height: int = 240) -> Image.Image:
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, width // 2, height // 2), fill="#1f77b4", outline="black")
    draw.line((0, height, width, 0), fill="#d62728", width=3)
    return image


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


class Pane(App[None]):
    """One picture and what it has said of itself."""

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self.picture = picture
        self.shown: asyncio.Queue[str] = asyncio.Queue()

    def compose(self) -> ComposeResult:
        yield self.picture

    def on_picture_shown(self, shown: Picture.Shown) -> None:
        self.shown.put_nowait(shown.fault)

    async def is_shown(self) -> str:
        async with asyncio.timeout(DEADLINE):
            return await self.shown.get()

    async def shows(self, holds: Callable[[], object]) -> None:
        """Wait until that holds of what is shown: each size of the widget is painted and told."""
        async with asyncio.timeout(DEADLINE):
            while not holds():
                await self.shown.get()


async def test_a_picture_takes_the_cells_of_its_pixels() -> None:
    picture = Picture(_png(_drawing()), graphics=Graphics("quadrant", CELL))
    app = Pane(picture)
    async with app.run_test(size=(80, 24)) as pilot:
        assert await app.is_shown() == ""
        await pilot.pause()
        assert picture.pixel_size == (320, 240)
        assert picture.size.height == 12
        text = [picture.render_line(y).text for y in range(12)]
        assert any(glyph in "".join(text) for glyph in "▘▝▀▖▌▞▛▗▚▐▜▄▙▟")
        assert all(len(line) == 80 for line in text)


async def test_what_is_transparent_follows_the_theme() -> None:
    picture = Picture(_png(Image.new("RGBA", (80, 80))), graphics=Graphics("quadrant", CELL))
    app = Pane(picture)
    async with app.run_test(size=(80, 24)) as pilot:
        for theme in ("textual-dark", "textual-light"):
            app.theme = theme
            ground = picture.background_colors[1].rich_color
            async with asyncio.timeout(DEADLINE):
                while True:
                    await pilot.pause(0.01)
                    style = next(iter(picture.render_line(0))).style
                    ground = picture.background_colors[1].rich_color
                    if style is not None and ground in (style.bgcolor, style.color):
                        break
        assert ground.triplet is not None and sum(ground.triplet) > 500


async def test_a_small_pane_keeps_the_shape() -> None:
    picture = Picture(_png(_drawing(1280, 960)), graphics=Graphics("quadrant", CELL))
    app = Pane(picture)
    async with app.run_test(size=(30, 24)) as pilot:
        await app.is_shown()
        await pilot.pause()
        assert picture.size.height == 11


async def test_a_fault_is_told_in_the_pane() -> None:
    picture = Picture(b"nothing", graphics=Graphics("quadrant", CELL))
    app = Pane(picture)
    async with app.run_test(size=(90, 10)):
        assert "of no known kind" in await app.is_shown()
        assert "of no known kind" in picture.render_line(0).text
        picture.show(_png(_drawing()))
        await app.shows(lambda: picture.fault == "" and picture.pixel_size == (320, 240))


async def test_a_resize_while_new_data_is_decoded_shows_the_new_data() -> None:
    picture = Picture(_png(_drawing()), graphics=Graphics("quadrant", CELL))
    app = Pane(picture)
    async with app.run_test(size=(80, 24)):
        await app.is_shown()
        for height in (120, 60, 240):
            picture.show(_png(_drawing(200, height)))
            picture.on_resize()
            await app.shows(lambda height=height: picture.pixel_size == (200, height))  # type: ignore[misc]
            assert picture.fault == ""


async def test_hidden_and_shown_again_it_is_the_newest() -> None:
    picture = Picture(_png(_drawing()), graphics=Graphics("quadrant", CELL))
    app = Pane(picture)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.is_shown()
        picture.display = False
        await pilot.pause()
        picture.show(_png(_drawing(100, 50)))
        picture.display = True
        await app.shows(lambda: picture.pixel_size == (100, 50))


async def test_keys_zoom_and_pan_where_there_is_room() -> None:
    picture = Picture(_png(_drawing()), graphics=Graphics("half", CELL), navigable=True)
    picture.styles.height = "1fr"
    app = Pane(picture)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.is_shown()
        picture.focus()
        await pilot.press("plus", "plus")
        assert picture.view.zoom == pytest.approx(1.25**2)
        await pilot.press("right", "down")
        assert picture.view.x > 0.5 and picture.view.y > 0.5
        await pilot.press("0")
        assert picture.view == WHOLE
        await pilot.press("minus")
        assert picture.view == WHOLE


async def test_keys_pass_by_a_picture_in_a_pane() -> None:
    picture = Picture(_png(_drawing()), graphics=Graphics("half", CELL))
    app = Pane(picture)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.is_shown()
        picture.focus()
        await pilot.press("plus", "right")
        assert picture.view == WHOLE


async def test_the_mouse_drags_and_zooms() -> None:
    picture = Picture(_png(_drawing()), graphics=Graphics("half", CELL), navigable=True)
    picture.styles.height = "1fr"
    app = Pane(picture)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.is_shown()
        picture.zoom(2)
        await pilot.mouse_down(picture, offset=(40, 12))
        await pilot.hover(picture, offset=(30, 12))
        await pilot.mouse_up(picture, offset=(30, 12))
        assert picture.view.x > 0.5
        assert picture.view.y == 0.5


class Dialog(ModalScreen[None]):
    def compose(self) -> ComposeResult:
        yield Static("really?")


async def test_sixels_step_back_behind_a_dialog() -> None:
    picture = Picture(_png(_drawing()), graphics=Graphics("sixel", CELL))
    app = Pane(picture)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.is_shown()
        await pilot.pause()
        assert "\x1bP0;1q" in "".join(s.text for s in picture.render_lines(picture.size.region)[0])
        await app.push_screen(Dialog())
        await pilot.pause()
        row = "".join(s.text for s in picture.render_lines(picture.size.region)[0])
        assert "\x1bP" not in row
        app.pop_screen()
        await pilot.pause()
        assert "\x1bP0;1q" in "".join(s.text for s in picture.render_lines(picture.size.region)[0])


def _written(way: str, tmp_path: Path, *more: str) -> str:
    file = tmp_path / "drawing.png"
    file.write_bytes(_png(_drawing()))
    return written_by([sys.executable, "-P", str(APP), way, str(file), *more], 24, 80)


def _same(one: Image.Image, other: Image.Image) -> int:
    return max(ImageChops.difference(one.convert("RGB"), other.convert("RGB")).tobytes())


@pytest.mark.slow
def test_sixels_in_a_terminal_are_the_picture(tmp_path: Path) -> None:
    stream = _written("sixel", tmp_path)
    rows = [sixel_pixels(sequence) for sequence in sixels_in(stream)]
    assert len(rows) >= 12
    drawn = Image.new("RGB", (320, 240))
    for number, row in enumerate(rows[-12:]):
        drawn.paste(row, (0, number * 20))
    assert _same(drawn, _drawing()) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("tmux", [False, True])
def test_kitty_in_a_terminal_is_the_picture(tmp_path: Path, tmux: bool) -> None:
    stream = _written("kitty", tmp_path, *(["tmux"] if tmux else []))
    messages = tmux_messages_in(stream) if tmux else kitty_messages_in(stream)
    sent, _, deleted = messages.rpartition("\x1b_Ga=d")
    terminal = KittyTerminal()
    terminal.feed(sent)
    [(number, image)] = list(terminal.images.items())[-1:]
    assert _same(image, _drawing()) == 0
    assert terminal.placements[number] == (32, 12)
    red, green, blue = kitty.id_color(number)
    assert f"38;2;{red};{green};{blue}m{kitty.PLACEHOLDER}" in stream
    assert stream.count(kitty.PLACEHOLDER) >= 32 * 12
    terminal.feed("\x1b_Ga=d" + deleted)
    assert number not in terminal.images, "the terminal is left clean"


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_kitty_through_a_real_tmux(tmp_path: Path) -> None:
    settings = tmp_path / "tmux.conf"
    settings.write_text(
        "set -g allow-passthrough on\n"
        "set -g default-terminal tmux-256color\n"
        "set -ga terminal-features ',*:RGB'\n"
        "set -g status off\n"
    )
    file = tmp_path / "drawing.png"
    file.write_bytes(_png(_drawing()))
    inside = shlex.join([sys.executable, "-P", str(APP), "kitty", str(file), "tmux"])
    socket = str(tmp_path / "tmux.socket")
    stream = written_by(
        ["tmux", "-S", socket, "-f", str(settings), "-u", "new-session", inside], 24, 80
    )
    # tmux may end before it has passed on the last message, which makes the terminal forget.
    sent = re.sub(r"\x1b_Ga=d[^\x1b]*\x1b\\\Z", "", kitty_messages_in(stream))
    terminal = KittyTerminal()
    terminal.feed(sent)
    [(number, image)] = list(terminal.images.items())[-1:]
    assert _same(image, _drawing()) == 0
    red, green, blue = kitty.id_color(number)
    assert f"38;2;{red};{green};{blue}m" in stream
    assert stream.count(kitty.PLACEHOLDER) >= 32 * 12


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
async def test_tmux_says_whether_it_passes(tmp_path: Path) -> None:
    socket = str(tmp_path / "tmux.socket")
    environ = {**os.environ, "TERM": "xterm-256color", "TMUX": f"{socket},1,0"}

    def tmux(*arguments: str) -> None:
        subprocess.run(["tmux", "-S", socket, "-f", "/dev/null", *arguments], check=True)

    tmux("new-session", "-d", "-x", "80", "-y", "24", "sleep 600")
    try:
        assert "passthrough" not in (await ask_tmux(environ, timeout=90)).split()
        tmux("set", "-g", "allow-passthrough", "on")
        assert "passthrough" in (await ask_tmux(environ, timeout=90)).split()
    finally:
        tmux("kill-server")


def _animation(kind: str, loop: int | None = 0) -> bytes:
    """Three frames, red, green and blue."""
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "lime", "blue")]
    file = io.BytesIO()
    loops = {} if loop is None else {"loop": loop}
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=30, **loops)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
async def test_an_animation_plays_and_stops_by_a_key(kind: str) -> None:
    picture = Picture(_animation(kind), graphics=Graphics("half"), navigable=True)
    app = Pane(picture)
    async with app.run_test(size=(40, 20)) as pilot:
        await until(pilot, lambda: picture.pixel_size == (60, 40))
        picture.focus()
        seen: set[tuple[int, ...]] = set()

        def colour() -> tuple[int, ...]:
            assert picture._image is not None
            pixel = picture._image.getpixel((30, 20))
            assert isinstance(pixel, tuple)
            seen.add(tuple(round(value / 255) for value in pixel))
            return pixel

        await pilot.press("p")
        await until(pilot, lambda: colour() and len(seen) == 3)
        await pilot.press("p")
        await until(pilot, lambda: picture._player is None)
        assert picture.pixel_size == (60, 40)
        # Another picture that does not move takes its place.
        picture.show(_png(_drawing()))
        await until(pilot, lambda: picture.pixel_size == (320, 240))
        await pilot.press("p")
        await until(pilot, lambda: picture._player is None)


async def test_an_animation_that_is_shown_once_ends_at_its_last_frame() -> None:
    picture = Picture(_animation("GIF", None), graphics=Graphics("half"), navigable=True)
    app = Pane(picture)
    async with app.run_test(size=(40, 20)) as pilot:
        await until(pilot, lambda: picture.pixel_size == (60, 40))
        picture.focus()
        await pilot.press("p")
        await until(pilot, lambda: picture._animation is not None and picture._player is None)
        assert picture._image is not None
        assert picture._image.getpixel((30, 20)) == (0, 0, 255)
