"""What a card shows of objects: of a long text the beginning and the end."""

from __future__ import annotations

from codeexec.domain.outputs import Display, MimePart
from codeexec.tui.render.ansi import AnsiPainter
from codeexec.tui.theme import built_in_folder, find_theme
from codeexec.tui.widgets.console.bodies import MOST_LINES, BodyPainter

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
