"""What we send is what a terminal would draw: decoded back to pixels and compared."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from codeexec.tui.graphics import kitty, sixel
from codeexec.tui.graphics.images import Extent
from support.graphics import KittyTerminal, sixel_pixels, through_tmux


def _plot(width: int = 320, height: int = 240) -> Image.Image:
    """Smooth lines on white, with the in-between colours that real plots have."""
    large = Image.new("RGB", (width * 2, height * 2), "white")
    draw = ImageDraw.Draw(large)
    for number, color in enumerate(("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728")):
        points = [(x, height + (x * (number + 1) % 97) * 3 - 150) for x in range(0, width * 2, 9)]
        draw.line(points, fill=color, width=5)
    draw.text((20, 20), "Damped waves", fill="black")
    return large.resize((width, height), Image.Resampling.LANCZOS)


def _noise(width: int, height: int, seed: int = 7) -> Image.Image:
    return Image.frombytes(
        "RGB", (width, height), random.Random(seed).randbytes(width * height * 3)
    )


@pytest.mark.parametrize("image", [_plot(), _noise(97, 61), Image.new("RGB", (1, 1), "red")])
@pytest.mark.parametrize("tmux", [False, True])
def test_kitty_is_exact(image: Image.Image, tmux: bool) -> None:
    terminal = KittyTerminal()
    number = kitty.new_id()
    stream = kitty.transmit(image, number, Extent(32, 12), tmux=tmux)
    terminal.feed(through_tmux(stream) if tmux else stream)
    assert ImageChops.difference(terminal.images[number], image).getbbox() is None
    assert terminal.placements[number] == (32, 12)
    stream = kitty.delete(number, tmux=tmux)
    terminal.feed(through_tmux(stream) if tmux else stream)
    assert not terminal.images and not terminal.placements


def test_kitty_numbers_differ_and_fit_a_colour() -> None:
    numbers = [kitty.new_id() for _ in range(1000)]
    assert len(set(numbers)) == 1000
    for number in numbers:
        red, green, blue = kitty.id_color(number)
        assert red << 16 | green << 8 | blue == number


def test_placeholders_number_rows_and_columns() -> None:
    from rich.cells import cell_len

    rows = kitty.placeholders(Extent(5, 3))
    assert len(rows) == 3
    for row_number, row in enumerate(rows):
        assert cell_len(row) == 5
        for column in range(5):
            mark, across, down = row[column * 3], row[column * 3 + 2], row[column * 3 + 1]
            assert mark == kitty.PLACEHOLDER
            assert kitty.DIACRITICS.index(down) == row_number
            assert kitty.DIACRITICS.index(across) == column
    assert len(set(kitty.DIACRITICS)) == kitty.MAX_SIDE == 297
    assert len(kitty.placeholders(Extent(400, 400))) == kitty.MAX_SIDE


def _nearly(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any part of any pixel."""
    return max(ImageChops.difference(one.convert("RGB"), other.convert("RGB")).tobytes())


def test_few_colours_pass_sixel_but_for_the_hundredths() -> None:
    image = Image.new("RGB", (50, 31), "#12345f")
    ImageDraw.Draw(image).rectangle((10, 5, 30, 20), fill="#e0a030", outline="white")
    drawn = sixel_pixels(sixel.encode(sixel.quantise(image)))
    assert _nearly(drawn, image) <= 2
    assert drawn.getextrema()[3] == (255, 255)  # type: ignore[misc]


@pytest.mark.parametrize("image", [_plot(), _plot(321, 241), _noise(64, 40)])
def test_sixel_draws_what_was_quantised(image: Image.Image) -> None:
    quantised = sixel.quantise(image)
    assert _nearly(sixel_pixels(sixel.encode(quantised)), quantised) <= 2


def test_sixel_of_a_plot_is_near_the_plot() -> None:
    image = _plot()
    drawn = sixel_pixels(sixel.encode(sixel.quantise(image))).convert("RGB")
    difference = ImageChops.difference(drawn, image).convert("L").histogram()
    mean = sum(value * count for value, count in enumerate(difference)) / sum(difference)
    assert mean < 3


@pytest.mark.parametrize("cell_height", [12, 17, 20, 33])
def test_rows_of_sixels_stack_to_the_picture(cell_height: int) -> None:
    quantised = sixel.quantise(_plot(200, 150))
    whole = Image.new("RGBA", quantised.size)
    for row, sequence in enumerate(sixel.encode_rows(quantised, cell_height)):
        part = sixel_pixels(sequence)
        assert part.height <= cell_height
        whole.paste(part, (0, row * cell_height))
    assert _nearly(whole, quantised) <= 2
    assert whole.getextrema()[3] == (255, 255)  # type: ignore[misc]


def test_sixel_survives_tmux() -> None:
    quantised = sixel.quantise(_plot(80, 60))
    sequence = sixel.encode(quantised)
    assert through_tmux(kitty.wrapped(sequence, True)) == sequence


pictures = st.builds(
    lambda width, height, seed: _noise(width, height, seed).quantize(6).convert("RGB"),
    st.integers(1, 40),
    st.integers(1, 20),
    st.integers(0, 1000),
)


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_any_picture_of_few_colours_comes_back(image: Image.Image) -> None:
    assert _nearly(sixel_pixels(sixel.encode(sixel.quantise(image))), image) <= 2
    terminal = KittyTerminal()
    terminal.feed(kitty.transmit(image, 99, Extent(1, 1)))
    assert _nearly(terminal.images[99], image) == 0


def test_a_png_goes_from_bytes_to_the_terminal_unchanged() -> None:
    from codeexec.tui.graphics.images import decode, scaled
    from codeexec.tui.theme.colors import Color

    file = io.BytesIO()
    _plot(160, 120).save(file, "PNG")
    image = scaled(decode(file.getvalue(), Color(0, 0, 0)), 160, 120)
    terminal = KittyTerminal()
    terminal.feed(kitty.transmit(image, 7, Extent(16, 6)))
    assert _nearly(terminal.images[7], _plot(160, 120)) == 0
