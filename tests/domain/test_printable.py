"""The door for text from outside: what becomes visible, and what stays as it is."""

from __future__ import annotations

import json
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.domain.text.printable import (
    _ACTING,
    _UNSEEN,
    _UNSEEN_LETTERS,
    MARK,
    _seen_row,
    _visible,
    printable,
    printable_json,
    printable_row,
    screen_row,
)
from support.hostile import HOSTILE, acting, unseen


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_visible_character_by_character(text: str) -> None:
    shown = printable(text)
    assert not acting(shown) and not unseen(shown)
    assert "\n" not in shown and "\t" not in shown
    assert len(shown) == len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;x\x07", "␛]0;x␇"),
        ("a\x9b31mb", "a·31mb"),
        ("ab\u202etxt.exe", "ab·txt.exe"),
        ("pass\u200bword", "pass·word"),
        ("a\u200db", "a·b"),
        ("soft\xadhyphen", "soft·hyphen"),
        ("\ud800", "·"),
        ("x\U000e0041\U000e0042", "x··"),
        ("a\ufe0fb", "a·b"),
        ("a\nb\tc\x7f", "a␊b␉c␡"),
        ("\u3164", "·"),
    ],
)
def test_each_kind_has_its_sign(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_newlines_and_tabs_stay_in_text_of_several_lines() -> None:
    assert printable("a\r\nb\tc\x0b", lines=True) == "a␍\nb\tc␋"


@pytest.mark.parametrize(
    "text",
    [
        "日本語の見出し 🏳️‍🌈",
        "👩‍👩‍👧‍👦 👨🏽‍💻 1️⃣ ❤️ ☀︎",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England
        "e\u0301 é 한국어 ｆｕｌｌ 〽️",
        "עברית مرحبا",
        "می\u200cخواهم",  # Persian: a joiner that parts two letters
        "क्\u200dष ക്\u200d",  # Devanagari and Malayalam: forms of a letter
        "葛\U000e0100",
        "1\u202f234\xa0€",
        "\ue0b0",  # fonts have their signs there
    ],
)
def test_writing_and_emoji_stay(text: str) -> None:
    assert printable(text) == text


def test_a_row_keeps_styles_and_links_and_nothing_else_that_acts() -> None:
    styled = "\x1b[1;31mred\x1b[0m \x1b]8;;https://example.org/\x1b\\link\x1b]8;;\x1b\\"
    assert printable_row(styled) == styled
    assert printable_row("\x1b]8;;javascript:x\x1b\\a\x1b[2J\x1b[1m\rb") == (
        "␛]8;;javascript:x␛\\a␛[2J\x1b[1m␍b"
    )
    named = "\x1b]8;id=1;http://a;b\x07x\x1b]8;;\x07"
    assert printable_row(named) == named
    assert printable_row("\x1b]8;id=1;file:///a\x1b\\") == "␛]8;id=1;file:///a␛\\"


@given(st.text())
def test_what_went_through_once_goes_through_unchanged(text: str) -> None:
    assert printable(printable(text)) == printable(text)
    assert printable_row(printable_row(text)) == printable_row(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_holds_the_same_value(text: str) -> None:
    shown = printable_json(json.dumps({text: text}, ensure_ascii=False))
    assert json.loads(shown) == {text: text}
    assert not acting(shown)


@pytest.mark.parametrize("text", HOSTILE)
def test_json_with_hostile_text(text: str) -> None:
    shown = printable_json(json.dumps(text, ensure_ascii=False))
    assert not acting(shown) and not unseen(shown)
    assert json.loads(shown) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_row_on_screen_hides_nothing(text: str) -> None:
    shown = screen_row(text)
    assert not unseen(shown)
    assert printable_row(text).count("\n") == shown.count("\n")


def test_a_row_on_screen_keeps_styles_links_and_emoji() -> None:
    row = (
        "\x1b[31mred\x1b[0m \x1b]8;;https://a.b/\x1b\\link\x1b]8;;\x1b\\ 👩‍👩‍👧 می\u200cخواهم\tend"
    )
    assert screen_row(row) == row
    assert screen_row("pass\u200bword") == "pass·word"
    assert printable_row("pass\u200bword") == "pass\u200bword"


def test_the_quick_look_finds_every_character_that_the_patterns_find() -> None:
    """Python's own table of printable characters grows with its version."""
    acting, unseen = re.compile(f"[{_ACTING}]"), re.compile(f"[{_UNSEEN}]")
    letters = list(map(chr, range(sys.maxunicode + 1)))
    assert not [letter for letter in letters if acting.match(letter) and letter.isprintable()]
    printable_unseen = {x for x in letters if unseen.match(x) and x.isprintable()}
    assert printable_unseen == _UNSEEN_LETTERS


_PIECES = [
    *("a", "é", "█", "\t", "\n", "\x1b", "\x1b[31m", "\x1b[2J", "\x7f", "\x90", "\u202e", "\u034f"),
    *("\u200d", "\ufe0f", "😀", "[0m", "\x1b]8;;https://a.b\x1b\\", "\x1b]8;;\x07", "\xad", "می"),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_the_quick_look_at_a_row_changes_nothing_of_what_is_shown(row: str) -> None:
    assert screen_row(row) == _seen_row().sub(_visible, row)


@pytest.mark.parametrize("unseen", sorted(_UNSEEN_LETTERS)[:: len(_UNSEEN_LETTERS) // 20])
def test_a_letter_that_shows_nothing_is_seen_in_short_and_in_long_texts(unseen: str) -> None:
    for text in ("é" + unseen, "é" * 1000 + unseen):
        assert printable(text).endswith(MARK)
        assert screen_row(text).endswith(MARK)
