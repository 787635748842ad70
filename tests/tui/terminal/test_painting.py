"""Painting of cells in a theme: colours, attributes, cursor shapes, highlights."""

from __future__ import annotations

import pytest
from rich.style import Style
from textual.strip import Strip

from codeexec.domain.terminals import (
    BOLD,
    HIDDEN,
    OVERLINE,
    REVERSE,
    RGB,
    STRIKE,
    CellStyle,
    Span,
    TerminalRow,
)
from codeexec.tui.panes.terminal.painting import CellPainter, Highlight
from codeexec.tui.theme.colors import Color, contrast
from codeexec.tui.theme.theme import Theme, built_in_folder, find_theme


@pytest.fixture(scope="module")
def theme() -> Theme:
    return find_theme("harbour", [built_in_folder()])


@pytest.fixture
def painter(theme: Theme) -> CellPainter:
    return CellPainter(theme)


def style_of(painter: CellPainter, cell_style: CellStyle) -> Style:
    return painter.style(cell_style)


def color_at(strip: Strip, column: int) -> tuple[str | None, str | None]:
    """Foreground and background of a cell."""
    cell = next(iter(strip.crop(column, column + 1)))
    assert cell.style is not None
    ink, ground = cell.style.color, cell.style.bgcolor
    return (ink.name if ink else None, ground.name if ground else None)


def test_the_sixteen_colours_are_those_of_the_theme(painter: CellPainter, theme: Theme) -> None:
    for number in (1, 2, 4, 12):
        style = style_of(painter, CellStyle(foreground=number))
        assert style.color is not None and style.color.name == theme.ansi[number].hex


def test_palette_and_true_colours_are_exact_on_a_ground_of_their_own(painter: CellPainter) -> None:
    style = style_of(painter, CellStyle(foreground=231, background=196))
    assert style.color is not None and style.color.name == "#ffffff"
    assert style.bgcolor is not None and style.bgcolor.name == "#ff0000"
    style = style_of(painter, CellStyle(foreground=RGB + 0x102030, background=RGB + 0xE0F0FF))
    assert style.color is not None and style.color.name == "#102030"


@pytest.mark.parametrize("name", ["harbour", "paper", "beacon", "noon"])
def test_pairs_of_theme_colours_can_be_read(name: str) -> None:
    theme = find_theme(name, [built_in_folder()])
    painter = CellPainter(theme)
    for ink, ground in ((0, 3), (0, 2), (7, 4), (0, 7), (15, 1), (3, 0)):
        style = painter.style(CellStyle(foreground=ink, background=ground))
        assert style.color is not None and style.bgcolor is not None
        colors = Color.parse(style.color.name), Color.parse(style.bgcolor.name)
        assert contrast(*colors) >= 3.0, (name, ink, ground)


def test_reverse_exchanges_the_colours(painter: CellPainter) -> None:
    plain = CellStyle(foreground=231, background=196)
    style = style_of(painter, CellStyle(foreground=231, background=196, flags=REVERSE))
    assert style.color is not None and style.color.name == "#ff0000"
    assert style.bgcolor is not None and style.bgcolor.name == "#ffffff"
    assert plain != style


def test_attributes(painter: CellPainter) -> None:
    style = style_of(painter, CellStyle(flags=BOLD | STRIKE | OVERLINE))
    assert style.bold and style.strike and style.overline
    hidden = style_of(painter, CellStyle(foreground=231, background=196, flags=HIDDEN))
    assert hidden.color == hidden.bgcolor


@pytest.mark.parametrize(
    ("kind", "codes"), [(1, ""), (2, "21"), (3, "4:3"), (4, "4:4"), (5, "4:5")]
)
def test_kinds_of_underline(painter: CellPainter, kind: int, codes: str) -> None:
    style = style_of(painter, CellStyle(underline=kind, underline_color=RGB + 0x010203))  # type: ignore[arg-type]
    assert style.underline
    written = style.render("x")
    assert codes in written and "58:2::1:2:3" in written


def test_older_terminals_get_plain_underlines(theme: Theme) -> None:
    style = CellPainter(theme.at("256")).style(CellStyle(underline=3, underline_color=1))
    assert style.underline and "4:3" not in style.render("x")


def test_links_lead_to_the_web_or_nowhere(painter: CellPainter) -> None:
    assert style_of(painter, CellStyle(link="https://example.org/")).link == "https://example.org/"
    assert style_of(painter, CellStyle(link="file:///etc/passwd")).link is None


ROW = TerminalRow((Span("ab日", 4), Span("cd", 2, CellStyle(foreground=1))))


def test_a_row_is_as_wide_as_the_screen(painter: CellPainter) -> None:
    assert painter.strip(ROW, 10).text == "ab日cd    "
    assert painter.strip(ROW, 3).text == "ab "
    assert painter.strip(ROW, 3).cell_length == 3


def test_a_block_cursor_covers_a_wide_character(painter: CellPainter, theme: Theme) -> None:
    strip = painter.with_cursor(painter.strip(ROW, 10), ROW, 3, "block", is_lit=True)
    look = theme.style("cursor")
    assert strip.text == "ab日cd    "
    assert look.bgcolor is not None
    assert color_at(strip, 2)[1] == color_at(strip, 3)[1] == look.bgcolor.name
    assert color_at(strip, 4)[1] != look.bgcolor.name


def test_cursor_shapes_differ(painter: CellPainter) -> None:
    plain = painter.strip(ROW, 10)
    shapes = {
        shape: painter.with_cursor(plain, ROW, 8, shape, is_lit=True)
        for shape in ("block", "underline", "bar")
    }
    assert shapes["bar"].text == "ab日cd  ▏ "
    underlined = next(iter(shapes["underline"].crop(8, 9)))
    assert underlined.style is not None and underlined.style.underline
    blurred = painter.with_cursor(plain, ROW, 8, "block", is_lit=False)
    assert color_at(blurred, 8) != color_at(shapes["block"], 8)


def test_what_is_selected_has_the_ground_of_the_theme(painter: CellPainter, theme: Theme) -> None:
    strip = painter.strip(ROW, 10, [Highlight(1, 5, "selection")])
    ground = theme.style("selection").bgcolor
    assert ground is not None
    assert [color_at(strip, column)[1] == ground.name for column in (0, 1, 2, 4, 5)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert strip.text == "ab日cd    "
