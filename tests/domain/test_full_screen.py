"""Programs that use the whole screen are told by what they write."""

from __future__ import annotations

import pytest

from codeexec.domain.text.full_screen import FullScreenFilter


@pytest.mark.parametrize("mode", ["1049", "1047", "47", "1;1049", "1049;25"])
def test_what_is_drawn_on_the_alternate_screen_is_left_out(mode: str) -> None:
    screen = FullScreenFilter()
    text = f"before\n\x1b[?{mode}h\x1b[2;3Hdrawn\x1b[?{mode}lafter\n"
    assert screen.feed(text) == "before\nafter\n"
    assert screen.is_full


@pytest.mark.parametrize("at", range(1, 24))
def test_sequences_are_cut_anywhere(at: int) -> None:
    screen = FullScreenFilter()
    text = "a\x1b[?1049hdraw\x1b[?1049lb"
    kept = screen.feed(text[:at]) + screen.feed(text[at:], final=True)
    assert (kept, screen.is_full) == ("ab", True)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[?1000h\x1b[?1006h\x1b[?1002h",
        "\x1b[1;24r\x1b[10;1H\x1b[11;5Hx",
        "\x1b[5;1Ha\x1b[6;1Hb\x1b[7;1Hc",
    ],
)
def test_other_uses_of_the_screen(text: str) -> None:
    screen = FullScreenFilter()
    assert screen.feed(text) == text
    assert screen.is_full


@pytest.mark.parametrize(
    "text",
    [
        "plain\n",
        "\x1b[31mred\x1b[0m\n",
        "\x1b[2J\x1b[H\x1b[?25l50 %\r100 %\x1b[?25h\n",
        "\x1b[1A\x1b[2K\x1b[1A\x1b[2Kprogress\n",
        "\x1b[?2004hprompt\x1b[?2004l\n",
        "\x1b[?1048h\n",
    ],
)
def test_what_does_not_use_the_whole_screen(text: str) -> None:
    screen = FullScreenFilter()
    assert screen.feed(text, final=True) == text
    assert not screen.is_full


def test_the_beginning_of_a_sequence_at_the_end_is_not_lost() -> None:
    screen = FullScreenFilter()
    assert screen.feed("a\x1b[?10") + screen.feed("x", final=True) == "a\x1b[?10x"
    assert screen.feed("\x1b[") + screen.feed("", final=True) == "\x1b["
