"""Themes in 256 and in 16 colours: every meaning is chosen, readable, and of the palette."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as TextualColor

from codeexec.domain.errors import UsageError
from codeexec.tui.theme import limited as theme_limited
from codeexec.tui.theme.colors import Color, contrast
from codeexec.tui.theme.palette import color_of, nearest, numbers
from codeexec.tui.theme.palette_filter import PaletteFilter
from codeexec.tui.theme.tables import Limited
from codeexec.tui.theme.theme import Theme, built_in_folder, load_theme, load_themes
from codeexec.tui.theme.tokens import RULES, ansi_contrast, is_text, open_grounds

THEMES = load_themes([built_in_folder()])
DEPTHS: tuple[Limited, ...] = ("256", "16")
BASE = """
[base]
surface = "#2b1f33"
text = "#f0e0f0"
accent = "#8050ff"
red = "#ff5f50"
yellow = "#ffe080"
green = "#40a040"
cyan = "#209090"
blue = "#3050c0"
violet = "#903080"
"""
LIGHT = """
dark = false
[base]
surface = "#fdf6e3"
text = "#073642"
accent = "#b58900"
red = "#dc322f"
yellow = "#b58900"
green = "#859900"
cyan = "#2aa198"
blue = "#268bd2"
violet = "#6c71c4"
"""
USERS = (BASE, LIGHT, f"contrast = 7.0\n{BASE}", f"monochrome = true\n{BASE}")


def _palette(depth: Limited) -> set[Color]:
    return {color_of(number) for number in numbers(depth)}


def _faint(theme: Theme, least: float) -> set[str]:
    """Words that could not be read on a ground on which they are written."""
    grounds = open_grounds(theme.meanings)
    return {
        f"{name} {nearest(meaning.color, depth)} on {nearest(ground, depth)}"
        for name, meaning in theme.meanings.items()
        if meaning.color is not None and is_text(name)
        for ground in ((meaning.ground,) if meaning.ground else grounds)
        # A ground of the user's own choice may be one on which nothing stands out more.
        if contrast(meaning.color, ground) < (min(least, 4.5) if meaning.ground else least)
        for depth in [_limited(theme)]
    }


def _limited(theme: Theme) -> Limited:
    assert theme.depth != "truecolor"
    return theme.depth


@pytest.fixture(params=sorted(THEMES))
def theme(request: pytest.FixtureRequest) -> Theme:
    return THEMES[request.param]


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_meaning_has_a_colour_that_its_file_chose(theme: Theme, depth: Limited) -> None:
    limited = theme.at(depth)
    assert set(limited.meanings) == set(RULES)
    for meaning in limited.meanings.values():
        assert {meaning.color, meaning.ground} - {None} <= _palette(depth)
    for name, meaning in theme.meanings.items():
        chosen = limited.meanings[name]
        assert meaning.ground is None or chosen.ground is not None or chosen.attributes, name
    assert not theme_limited.left_to_chance(theme, depth)


@pytest.mark.parametrize("depth", DEPTHS)
def test_words_are_readable_on_every_ground(theme: Theme, depth: Limited) -> None:
    least = theme.contrast if depth == "256" else theme_limited.LEAST_OF_16
    assert not _faint(theme.at(depth), least)


@pytest.mark.parametrize("depth", DEPTHS)
def test_colours_of_programs_show_on_the_surface(theme: Theme, depth: Limited) -> None:
    limited = theme.at(depth)
    surface = limited.meaning("surface").ground
    assert surface is not None
    least = ansi_contrast(theme.contrast if depth == "256" else theme_limited.LEAST_OF_16)
    assert [n for n, color in enumerate(limited.ansi) if contrast(color, surface) < least] == []


@pytest.mark.parametrize("depth", DEPTHS)
def test_what_must_be_told_apart_is(theme: Theme, depth: Limited) -> None:
    limited = theme.at(depth)
    ends = ["run.queued", "run.running", "run.ok", "run.failed", "run.cancelled", "run.lost"]
    assert len({limited.meaning(name) for name in ends}) == len(ends)
    problems = ["problem.error", "problem.warn", "problem.info"]
    assert len({limited.meaning(name) for name in problems}) == len(problems)
    assert all("underline" in limited.meaning(name).attributes for name in problems)
    code = ["text", "keyword", "string", "comment", "number", "function"]
    names = ["text", *(f"syntax.{name}" for name in code[1:])]
    looks = {(m.color, m.attributes) for name in names for m in [limited.meaning(name)]}
    assert len(looks) >= (4 if theme.monochrome else len(code))
    bar, surface = limited.meaning("bar").ground, limited.meaning("surface").ground
    assert bar is not None and surface is not None and contrast(bar, surface) > 1.15
    assert limited.meaning("bar.focused") != limited.meaning("bar")


def test_grounds_of_rows_and_titles_are_grey(theme: Theme) -> None:
    for name in ("surface", "panel", "raised", "row.current", "cursor.line", "bar"):
        ground = theme.at("256").meaning(name).ground
        assert ground is not None
        assert ground.red == ground.green == ground.blue, name


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    "text", [BASE, LIGHT, f"contrast = 7.0\n{BASE}", f"monochrome = true\n{BASE}"]
)
def test_a_users_theme_without_tables_is_readable_too(
    tmp_path: Path, text: str, depth: Limited
) -> None:
    (tmp_path / "mine.toml").write_text(text)
    theme = load_theme(tmp_path / "mine.toml")
    limited = theme.at(depth)
    assert set(limited.meanings) == set(RULES)
    for meaning in limited.meanings.values():
        assert {meaning.color, meaning.ground} - {None} <= _palette(depth)
    assert not _faint(limited, theme.contrast if depth == "256" else theme_limited.LEAST_OF_16)


def test_a_users_table_is_taken_as_it_is(tmp_path: Path) -> None:
    table = '[colors-256]\nred = 217\n"run.ok" = "46 on 22 bold"\n'
    (tmp_path / "mine.toml").write_text(BASE + '[meaning]\n"run.lost" = "red italic"\n' + table)
    limited = load_theme(tmp_path / "mine.toml").at("256")
    assert limited.color("run.lost") == color_of(217).hex
    assert "italic" in limited.meaning("run.lost").attributes
    assert limited.meaning("run.ok").ground == color_of(22)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("[colors-256]\nteal = 30\n", "colors-256.teal is not the name"),
        ("[colors-256]\nred = 256\n", "colors-256.red has 256"),
        ("[colors-16]\nred = 16\n", "colors-16.red has 16"),
        ("[colors-16]\nred = '#ff0000'\n", "colors are numbers".replace("colors", "colours")),
        ("[colors-88]\nred = 1\n", "colors-88 is not part"),
        ("[colors-16]\nred = true\n", "must be text"),
    ],
)
def test_a_fault_in_a_table_is_named(tmp_path: Path, table: str, says: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(BASE + table)
    with pytest.raises(UsageError, match=says):
        load_theme(file)


channels = st.integers(0, 255)
colors = st.builds(Color, channels, channels, channels)


@given(colors, st.sampled_from(DEPTHS))
@settings(max_examples=60, deadline=None)
def test_the_nearest_colour_keeps_greys_grey(color: Color, depth: Limited) -> None:
    number = nearest(color, depth)
    assert number in numbers(depth)
    grey = Color(color.green, color.green, color.green)
    red, green, blue = color_of(nearest(grey, depth))
    assert red == green == blue
    assert nearest(color_of(number), depth) == number
    if depth == "256" and not color.green < 8:
        assert abs(red - color.green) <= 5 or color.green > 238


def test_dark_blue_grounds_are_not_navy() -> None:
    assert color_of(nearest(Color.parse("#1b212b"), "256")) == Color(28, 28, 28)
    assert color_of(nearest(Color.parse("#f4efe3"), "256")) == Color(238, 238, 238)


@pytest.mark.parametrize("depth", DEPTHS)
def test_what_is_drawn_is_of_the_palette(depth: Limited) -> None:
    limit = PaletteFilter(depth, Color(0, 0, 0))
    drawn = [
        Segment("word", Style.parse("#123456 on #654321")),
        Segment("▀", Style.parse("#123457 on #123458")),
        Segment("x", Style.parse("color(200) on color(3) bold italic")),
        Segment("plain", None),
    ]
    for segment in limit.apply(drawn, TextualColor(0, 0, 0)):
        for color in (segment.style.color, segment.style.bgcolor) if segment.style else ():
            assert color is not None
            assert color.number in range(256 if depth == "256" else 16)
            assert not color.is_default
    assert limit.apply(drawn, TextualColor(0, 0, 0))[2].style.bold  # type: ignore[union-attr]


def test_words_never_vanish_in_their_ground() -> None:
    limit = PaletteFilter("256", Color(0, 0, 0))
    word, block = limit.apply(
        [Segment(text, Style.parse("#1b1b1b on #1c1c1c")) for text in ("word", "▀")],
        TextualColor(0, 0, 0),
    )
    assert word.style is not None and block.style is not None
    assert word.style.color != word.style.bgcolor
    assert block.style.color == block.style.bgcolor


def test_a_picture_by_number_is_not_taken_for_a_colour() -> None:
    placeholder = Segment("\U0010eeee", Style.parse("#000102"))
    assert PaletteFilter("256", Color(0, 0, 0)).apply([placeholder], TextualColor(0, 0, 0)) == [
        placeholder
    ]
