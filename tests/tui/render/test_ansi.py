"""Program output in the theme's colours: codes understood, cells counted, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style

from codeexec.domain.outputs import plain
from codeexec.tui.render.ansi import AnsiPainter
from codeexec.tui.render.sgr import PLAIN, Sgr, apply
from codeexec.tui.theme.colors import Color, contrast, palette_color
from codeexec.tui.theme.theme import Theme, built_in_folder, load_themes

THEMES = load_themes([built_in_folder()])
HARBOUR = THEMES["harbour"]


@pytest.fixture
def painter() -> AnsiPainter:
    return AnsiPainter(HARBOUR)


def _color(style: Style | None) -> str | None:
    return style.color.name if style and style.color else None


def _ground(style: Style | None) -> str | None:
    return style.bgcolor.name if style and style.bgcolor else None


def test_plain_text_has_the_colour_of_its_stream(painter: AnsiPainter) -> None:
    [segment] = painter.segments("hello", "stream.stderr")
    assert segment.text == "hello"
    assert _color(segment.style) == HARBOUR.color("stream.stderr")


def test_codes_become_theme_colours(painter: AnsiPainter) -> None:
    red, rest = painter.segments("\x1b[1;31mred\x1b[0m rest")
    assert (red.text, rest.text) == ("red", " rest")
    assert _color(red.style) == HARBOUR.color("ansi.1")
    assert red.style is not None and red.style.bold
    assert rest.style == HARBOUR.style("stream.stdout")


@pytest.mark.parametrize(
    ("codes", "pen"),
    [
        ("", PLAIN),
        ("31", Sgr(1)),
        ("91", Sgr(9)),
        ("107", Sgr(None, 15)),
        ("38;5;208", Sgr(208)),
        ("38;2;1;2;3", Sgr(Color(1, 2, 3))),
        ("48:2::1:2:3", Sgr(None, Color(1, 2, 3))),
        ("38:2:1:2:3", Sgr(Color(1, 2, 3))),
        ("38:5:9;1", Sgr(9, None, 1)),
        ("38;5;300;4", Sgr(None, None, 8)),
        ("1;3;22", Sgr(None, None, 4)),
        ("4:0", PLAIN),
        ("31;39;44;49", PLAIN),
        ("38;5", PLAIN),
        ("38", PLAIN),
        ("999999999;31", PLAIN._replace(color=1)),
        ("1;0", PLAIN),
    ],
)
def test_codes_are_understood(codes: str, pen: Sgr) -> None:
    assert apply(PLAIN, codes) == pen


def test_links_are_links(painter: AnsiPainter) -> None:
    before, link, after = painter.segments(
        "see \x1b]8;id=1;https://example.org/a;b\x1b\\docs\x1b]8;;\x1b\\ now"
    )
    assert link.style is not None and link.style.link == "https://example.org/a;b"
    assert link.style.underline
    assert before.style == after.style
    assert after.style is not None and after.style.link is None


def test_reverse_swaps_what_is_really_there(painter: AnsiPainter) -> None:
    [segment] = painter.segments("\x1b[7mx")
    assert _color(segment.style) == HARBOUR.color("surface")
    assert _ground(segment.style) == HARBOUR.color("stream.stdout")


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("codes", [*(f"4{n}" for n in range(8)), *(f"10{n}" for n in range(8))])
def test_default_text_shows_on_ansi_grounds(theme: Theme, codes: str) -> None:
    [segment] = AnsiPainter(theme).segments(f"\x1b[{codes}mx")
    color, ground = _color(segment.style), _ground(segment.style)
    assert color and ground
    assert contrast(Color.parse(color), Color.parse(ground)) >= 3


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("codes", ["30", "97", "38;5;16", "38;5;231", "2", "2;37", "38;2;9;9;9"])
def test_no_foreground_vanishes_on_the_surface(theme: Theme, codes: str) -> None:
    [segment] = AnsiPainter(theme).segments(f"\x1b[{codes}mx")
    color = _color(segment.style)
    assert color
    assert contrast(Color.parse(color), Color.parse(theme.color("surface"))) >= 3


def test_monochrome_has_no_hue() -> None:
    segments = AnsiPainter(THEMES["ink"]).segments("\x1b[31ma\x1b[38;5;208mb\x1b[48;2;9;99;200mc")
    for segment in segments:
        for name in (_color(segment.style), _ground(segment.style)):
            assert name is None or len(set(Color.parse(name))) == 1


def test_the_cube_of_colours() -> None:
    assert palette_color(16) == Color(0, 0, 0)
    assert palette_color(208) == Color(255, 135, 0)
    assert palette_color(231) == Color(255, 255, 255)
    assert palette_color(232) == Color(8, 8, 8)
    assert palette_color(255) == Color(238, 238, 238)


def test_strip_cuts_at_cells(painter: AnsiPainter) -> None:
    assert painter.strip("abcdef", 3).text == "abc"
    assert painter.strip("abcdef", 3, left=2).text == "cde"
    assert painter.strip("\x1b[31mab\x1b[0mcdef", 3, left=1).text == "bcd"
    assert painter.strip("日本語", 4).text == "日本"
    assert painter.strip("日本語", 3).cell_length == 3
    assert painter.strip("日本語", 3, left=1).text == " 本"


def test_tabs_stop_every_eight_cells(painter: AnsiPainter) -> None:
    assert painter.strip("a\tb", 20).text == "a       b"
    assert painter.strip("日\x1b[31m\t\x1b[0mb", 20).text == "日      b"
    assert "".join(s.text for s in painter.segments("\t\tx")) == " " * 16 + "x"


def test_wrapping_keeps_wide_characters_whole(painter: AnsiPainter) -> None:
    assert [row.text for row in painter.wrapped("日本語", 5)] == ["日本", "語"]
    assert [row.text for row in painter.wrapped("日本語", 1)] == ["日", "本", "語"]
    assert [row.text for row in painter.wrapped("abcdef", 4)] == ["abcd", "ef"]
    assert [row.text for row in painter.wrapped("", 4)] == [""]


def test_colours_run_on_through_a_block(painter: AnsiPainter) -> None:
    first, second = painter.block(["\x1b[31mone", "two\x1b[0m!"])
    assert _color(first[0].style) == _color(second[0].style) == HARBOUR.color("ansi.1")
    assert _color(second[1].style) == HARBOUR.color("stream.stdout")


texts = st.lists(
    st.sampled_from(
        ["a", "word ", "日本", "é", "e\u0301", "🙂", "\x1b[31m", "\x1b[0m", "\x1b[48;5;3m"]
    )
    | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=8),
    max_size=30,
).map("".join)


@given(texts, st.integers(2, 40))
def test_wrapping_loses_nothing_and_fits(text: str, width: int) -> None:
    rows = AnsiPainter(HARBOUR).wrapped(text, width)
    assert "".join(row.text for row in rows) == plain(text)
    assert all(row.cell_length <= width for row in rows)


@given(texts, st.integers(0, 30), st.integers(1, 40))
def test_a_strip_is_never_wider_than_asked(text: str, left: int, width: int) -> None:
    strip = AnsiPainter(HARBOUR).strip(text, width, left=left)
    assert strip.cell_length <= width
    assert strip.cell_length == Segment.get_line_length(list(strip))
