"""The files of golden pictures: read as they were written, and differences named by their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style

from golden.pictures import differences, read, take, write

styles = st.sampled_from(
    [None, *map(Style.parse, ("red on #101010", "#ff0000 bold", "color(79) on color(235) italic"))]
)
rows = st.lists(
    st.lists(
        st.tuples(st.text("ab │日→|", min_size=1, max_size=5), styles), min_size=1, max_size=4
    ),
    min_size=1,
    max_size=4,
)


@given(rows)
def test_a_picture_is_read_as_it_was_written(parts: list[list[tuple[str, Style | None]]]) -> None:
    strips = [[Segment(text, style) for text, style in row] for row in parts]
    other = [[Segment(text, Style.parse("blue")) for text, _ in row] for row in parts]
    picture = take({"one": strips, "two": other})
    assert read(write(picture)) == picture
    assert differences(picture, picture) == []
    assert "".join(segment.text for segment in picture.segments("one")[0]) == picture.rows[0]


def test_what_differs_is_named_by_row_column_and_look() -> None:
    old = take({"day": [[Segment("ab"), Segment("cd", Style.parse("#ff0000"))]]})
    colour = take({"day": [[Segment("ab"), Segment("cd", Style.parse("#00ff00"))]]})
    word = take({"day": [[Segment("ab"), Segment("ce", Style.parse("#ff0000"))]]})
    assert differences(old, colour) == [
        "row 1, column 3: day: #ff0000 on default -> #00ff00 on default"
    ]
    assert differences(old, word) == ["row 1:\n  - abcd\n  + abce"]


def test_words_do_not_depend_on_the_look() -> None:
    with pytest.raises(ValueError, match="row 1 differs in night"):
        take({"day": [[Segment("a")]], "night": [[Segment("b")]]})


def test_a_picture_is_drawn() -> None:
    strips = [[Segment("word", Style.parse("#ff0000 on #101010")), Segment("─" * 3)]]
    svg = take({"day": strips}).svg("day")
    assert svg.startswith("<svg") and ">word</text>" in svg and "#ff0000" in svg
