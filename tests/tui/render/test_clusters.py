"""Emoji of several code points: drawn in as many cells, whoever measures them."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from codeexec.tui.render.clusters import ClusterFilter, width_safe


def _cells_one_by_one(text: str) -> int:
    """What a terminal takes that knows nothing of clusters."""
    return sum(
        0 if combining(sign) or sign in "\u200d\ufe0e\ufe0f" else
        2 if east_asian_width(sign) in "WF" else 1
        for sign in text
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("👩\u200d💻 x", "👩 x"),
        ("👨\u200d👩\u200d👧\u200d👦", "👨"),
        ("👍🏽!", "👍!"),
        ("🇩🇪 🇫🇷", "DE FR"),
        ("❤\ufe0f.", "❤ ."),
        ("1\ufe0f\u20e3.", "1 ."),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f|", "🏴|"),
        ("e\u0301 日本 नमस्ते", "e\u0301 日本 नमस्ते"),
        ("plain 😀", "plain 😀"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_a_cluster_is_drawn_as_its_first_code_point(text: str, drawn: str) -> None:
    assert width_safe(text) == drawn
    assert cell_len(drawn) == cell_len(text)


emoji = st.text(st.sampled_from("👩👨💻👍🏽🏿🇩🇪🇫❤⚠1#\u200d\ufe0f\u20e3 ab日"), max_size=12)


@given(emoji)
@example("\u200d1\ufe0f")
def test_rows_are_as_wide_as_they_were_measured(text: str) -> None:
    drawn = width_safe(text)
    assert cell_len(drawn) == cell_len(text)


def test_no_terminal_measures_a_row_otherwise() -> None:
    text = "│👩\u200d💻│🇩🇪│👍🏽│❤\ufe0f│1\ufe0f\u20e3│🏳\ufe0f\u200d🌈│"
    [segment] = ClusterFilter().apply([Segment(text)], Color(0, 0, 0))
    assert _cells_one_by_one(segment.text) == cell_len(text) == cell_len(segment.text)
