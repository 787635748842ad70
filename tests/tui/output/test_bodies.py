"""What a card shows of objects: of a long text the beginning and the end."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest
from PIL import Image

from codeexec.domain.outputs import Display, MimePart
from codeexec.tui.graphics.probe import Graphics, Way
from codeexec.tui.output.bodies import MOST_LINES, BodyPainter
from codeexec.tui.output.contents import NoContent, prepare
from codeexec.tui.output.pictures import PictureRequest, paint_picture
from codeexec.tui.render.ansi import AnsiPainter
from codeexec.tui.theme.theme import built_in_folder, find_theme

THEME = find_theme("harbour", [built_in_folder()])


def shown(text: str) -> list[str]:
    display = Display("d", (MimePart("text/plain", len(text), text),))
    painted = BodyPainter(THEME, AnsiPainter(THEME)).display(display, 80)
    return [strip.text for strip in painted.lines]


def test_the_last_line_of_a_long_frame_says_its_shape() -> None:
    lines = [f"{number}  0.5" for number in range(100)] + ["", "[100 rows x 1 columns]"]
    seen = shown("\n".join(lines))
    assert seen[-3:] == ["… 42 more lines", "", "[100 rows x 1 columns]"]
    assert seen[:-3] == lines[: MOST_LINES - 2]


def test_a_text_that_fits_is_whole() -> None:
    lines = [str(number) for number in range(MOST_LINES)]
    assert shown("\n".join(lines)) == lines


def test_an_object_that_only_names_its_class_is_shown_by_its_other_forms() -> None:
    forms = {"text/plain": "<IPython.core.display.HTML object>", "text/html": "<p>3.2 <b>s</b>"}
    parts = tuple(MimePart(mime, len(text), text) for mime, text in forms.items())
    painted = BodyPainter(THEME, AnsiPainter(THEME)).display(Display("d", parts), 80)
    assert [strip.text for strip in painted.lines] == ["3.2 s"]


def test_a_chart_has_a_line_with_its_title_until_it_is_drawn() -> None:
    text = json.dumps({"data": [], "layout": {"title": {"text": "Sales \x1b[2J"}}})
    part = MimePart("application/vnd.plotly.v1+json", 60, text)
    painted = BodyPainter(THEME, AnsiPainter(THEME)).display(Display("d", (part,)), 80)
    assert [strip.text for strip in painted.lines] == ["▣ plotly chart “Sales ␛[2J” · 60 B"]
    assert painted.part == part


def test_a_formula_is_text_until_it_is_drawn() -> None:
    part = MimePart("text/latex", 13, r"$\frac{a}{b}$")
    painted = BodyPainter(THEME, AnsiPainter(THEME)).display(Display("d", (part,)), 80)
    assert [strip.text for strip in painted.lines] == ["a/b"]
    assert painted.part == part


def test_a_sound_whose_page_is_stored_elsewhere_says_what_it_is() -> None:
    plain = "<IPython.lib.display.Audio object>"
    parts = (MimePart("text/plain", len(plain), plain), MimePart("text/html", 43_000, None))
    painted = BodyPainter(THEME, AnsiPainter(THEME)).display(Display("d", parts), 80)
    assert [strip.text for strip in painted.lines] == ["▤ audio · 43 kB · O opens it"]


def test_the_viewer_says_how_large_a_sound_is() -> None:
    page = b'<audio controls><source src="data:audio/wav;base64,AAAA"></audio>'
    assert prepare("text/html", page) == NoContent("Wav audio, 3 B.\nO opens it elsewhere.")


BAR = '{"data": [{"type": "bar", "x": ["a"], "y": [1], "marker": {"color": "#ff0000"}}]}'


@pytest.mark.parametrize("way", ["kitty", "sixel", "half"])
def test_a_chart_is_painted_in_the_colours_of_the_theme(way: Way) -> None:
    part = MimePart("application/vnd.plotly.v1+json", len(BAR), BAR)
    request = PictureRequest("d", "d", part, 60, 20)
    lines, sent = paint_picture(BAR.encode(), request, Graphics(way), THEME)
    assert len(lines) == 18
    assert bool(sent) == (way == "kitty")
    if way == "half":
        styles = [segment.style for line in lines for segment in line if segment.style]
        colors = {color.name for style in styles for color in (style.color, style.bgcolor) if color}
        assert THEME.color("surface") in colors
        assert "#ff0000" in colors


@pytest.mark.parametrize(("rows", "size"), [(40, (40, 10)), (8, (32, 8))])
def test_a_picture_takes_twice_its_own_size_where_there_is_room(
    rows: int, size: tuple[int, int]
) -> None:
    data = io.BytesIO()
    Image.new("RGB", (200, 100), "red").save(data, "PNG")
    part = MimePart("image/png", data.tell())
    for enlargement, (columns, lines) in ((1, (20, 5)), (2, size)):
        request = PictureRequest("d", "d", part, 90, rows, enlargement)
        painted, _ = paint_picture(data.getvalue(), request, Graphics("half"), THEME)
        assert (painted[0].cell_length, len(painted)) == (columns, lines)


def test_what_cannot_be_drawn_is_a_line_and_a_formula_stays_text() -> None:
    chart = MimePart("application/vnd.plotly.v1+json", 2, "{}")
    lines, _ = paint_picture(
        b"{}", PictureRequest("d", "d", chart, 60, 20), Graphics("half"), THEME
    )
    assert [line.text for line in lines] == [
        "▣ plotly chart is not drawn: it is empty · O opens it"
    ]
    formula = MimePart("text/latex", 7, "$a$ $b$")
    request = PictureRequest("d", "d", formula, 60, 20)
    assert paint_picture(b"$a$ $b$", request, Graphics("kitty"), THEME) == ([], "")


def test_a_frame_that_is_wider_than_the_pane_is_shown_by_its_outer_columns() -> None:
    frame = pd.DataFrame({f"column_{n}": [n * 1.5] * 3 for n in range(12)})
    forms = {"text/plain": repr(frame), "text/html": frame.to_html(notebook=True)}
    parts = tuple(MimePart(mime, len(text), text) for mime, text in forms.items())
    display = Display("d", parts)
    painter = BodyPainter(THEME, AnsiPainter(THEME))
    lines = [strip.text for strip in painter.display(display, 50).lines]
    assert lines[0].split() == ["column_0", "column_1", "…", "column_10", "column_11"]
    assert lines[1].split() == ["0", "0.0", "1.5", "…", "15.0", "16.5"]
    assert lines[-1] == "[3 rows x 12 columns]"
    assert all(len(line) <= 50 for line in lines)
    whole = [strip.text for strip in painter.display(display, 200).lines]
    assert whole == repr(frame).split("\n")
    # Where not even the labels fit, all of the text is there, cut anywhere.
    narrow = painter.display(display, 3).lines
    assert "".join(strip.text for strip in narrow) == repr(frame).replace("\n", "")
