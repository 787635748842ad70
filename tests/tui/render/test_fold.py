"""Rows that do not fit: prose is cut between words, tables anywhere, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from codeexec.tui.render.ansi import AnsiPainter, fold, is_prose, wrap_words
from codeexec.tui.theme.theme import built_in_folder, find_theme

THEME = find_theme("harbour", [built_in_folder()])
PROSE = "SyntaxError: leading zeros in decimal integer literals are not permitted; use an 0o prefix"
TABLE = "0       1.5     2.5     3.5     4.5     5.5"


def test_prose_is_cut_between_words() -> None:
    assert fold(PROSE, 46) == [
        "SyntaxError: leading zeros in decimal integer ",
        "literals are not permitted; use an 0o prefix",
    ]


def test_the_blank_stays_with_the_word_before_it() -> None:
    assert fold("four more words", 9) == ["four ", "more ", "words"]
    assert fold("four more words", 10) == ["four more ", "words"]


@pytest.mark.parametrize(
    "text", [TABLE, "│ a │ b │ c │", "| a | b | c |", "50%|█████     | 5/10", "a\tb\tc\td"]
)
def test_columns_are_cut_anywhere(text: str) -> None:
    assert not is_prose(text)
    assert all(len(line) == 7 for line in fold(text, 7)[:-1])


@pytest.mark.parametrize("text", [PROSE, "One sentence.  Another one.", "    return value + 1"])
def test_words_are_prose(text: str) -> None:
    assert is_prose(text)


def test_a_long_word_is_cut() -> None:
    assert fold("see https://example.org/a/long/address", 12) == [
        "see ",
        "https://exam",
        "ple.org/a/lo",
        "ng/address",
    ]


def test_an_indent_alone_is_no_line() -> None:
    assert fold("    abcdefghij", 8) == ["    abcd", "efghij"]


_PIECES = st.sampled_from([*"ab |", "日", "本", "e\u0301", "👩\u200d👩"])
_TEXTS = st.lists(st.lists(_PIECES, max_size=30).map("".join), max_size=4)


@given(_TEXTS, st.integers(2, 30))
def test_lines_make_up_the_row(texts: list[str], width: int) -> None:
    segments = [Segment(text, Style(bold=bool(at % 2))) for at, text in enumerate(texts)]
    row = "".join(texts)
    strips = wrap_words(segments, width)
    assert "".join(strip.text for strip in strips) == row
    if is_prose(row):
        assert [strip.text for strip in strips] == fold(row, width)
    for strip in strips:
        assert cell_len(strip.text) <= width
    bold = "".join(
        part.text for strip in strips for part in strip if part.style and part.style.bold
    )
    assert bold == "".join(texts[1::2])


def test_heights_and_lines_agree_with_and_without_colours() -> None:
    painter = AnsiPainter(THEME)
    plain = [strip.text for strip in painter.wrapped(PROSE, 45)]
    coloured = [strip.text for strip in painter.wrapped(f"\x1b[31m{PROSE}\x1b[0m", 45)]
    assert plain == coloured == fold(PROSE, 45)


def test_joiners_alone_are_folded_at_any_width() -> None:
    for width in (1, 2):
        assert "".join(fold("\u200d\u200d日", width)) == "\u200d\u200d日"
