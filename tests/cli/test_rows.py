"""Rows on a real terminal emulator look as the output says; in a pipe nothing is lost."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.cli.streams.live_rows import PipeSink, TerminalSink
from codeexec.cli.text_width import clip, height_of, width_of


class Screen:
    """A terminal of 20 columns and 10 lines."""

    def __init__(self, columns: int = 20, lines: int = 10) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.Stream(self.screen)
        self.sink = TerminalSink(
            lambda text: self.stream.feed(text.replace("\n", "\r\n")), lambda: (columns, lines)
        )

    def type(self, text: str) -> None:
        """What a person types, as the terminal echoes it."""
        self.stream.feed(text.replace("\n", "\r\n"))

    def lines(self) -> list[str]:
        shown = [line.rstrip() for line in self.screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return shown


def test_rows_come_one_below_the_other() -> None:
    screen = Screen()
    screen.sink.replace(0, ["a", "b"])
    screen.sink.replace(0, ["c"])
    assert screen.lines() == ["a", "b", "c"]


def test_a_bar_is_rewritten_in_place() -> None:
    screen = Screen()
    screen.sink.replace(0, ["begin", "10%|=    |"])
    screen.sink.replace(1, ["100%|====|"])
    screen.sink.replace(0, ["end"])
    assert screen.lines() == ["begin", "100%|====|", "end"]


def test_wrapped_rows_are_rewritten_whole() -> None:
    screen = Screen()
    screen.sink.replace(0, ["x" * 45, "y" * 20])
    screen.sink.replace(2, ["1", "2"])
    assert screen.lines() == ["1", "2"]


def test_a_footer_stays_below_and_leaves_nothing() -> None:
    screen = Screen()
    screen.sink.set_footer("cell 1 of 2")
    screen.sink.replace(0, ["a"])
    assert screen.lines() == ["a", "cell 1 of 2"]
    screen.sink.replace(1, ["ab", "c"])
    assert screen.lines() == ["ab", "c", "cell 1 of 2"]
    screen.sink.set_footer("")
    screen.sink.end()
    assert screen.lines() == ["ab", "c"]


def test_a_typed_line_is_not_overwritten() -> None:
    screen = Screen()
    screen.sink.replace(0, ["who"])
    screen.sink.say("name? ")
    screen.type("me\n")
    screen.sink.answered()
    screen.sink.replace(1, ["who knows", "end"])
    assert screen.lines() == ["who", "name? me", " knows", "end"]


ROWS = st.lists(st.text("abé世 ", max_size=25), max_size=6)


CHANGES = st.lists(st.tuples(st.integers(0, 4), ROWS), max_size=8)


def play(screen: Screen, changes: list[tuple[int, list[str]]]) -> list[str]:
    """Apply the changes; the rows as they are then."""
    rows: list[str] = []
    for count, new in changes:
        count = min(count, len(rows))
        screen.sink.replace(count, new)
        rows[len(rows) - count :] = new
    screen.sink.end()
    return rows


@pytest.mark.slow
@given(CHANGES)
def test_the_screen_shows_what_the_rows_are(changes: list[tuple[int, list[str]]]) -> None:
    screen = Screen(columns=60, lines=60)
    shown = [row.rstrip() for row in play(screen, changes)]
    while shown and not shown[-1]:
        shown.pop()
    assert screen.lines() == shown


# Without wide characters: the emulator cuts them at the edge, where terminals wrap them whole.
NARROW = st.lists(st.text("abé ", max_size=25), max_size=6)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 4), NARROW), max_size=8))
def test_rewriting_wrapped_rows_comes_to_drawing_them(
    changes: list[tuple[int, list[str]]],
) -> None:
    changed, fresh = Screen(columns=7, lines=400), Screen(columns=7, lines=400)
    rows = play(changed, changes)
    fresh.sink.replace(0, rows)
    assert changed.lines() == fresh.lines()


class Pipe:
    def __init__(self) -> None:
        self.text = ""
        self.sink = PipeSink(self._write)

    def _write(self, text: str) -> None:
        self.text += text


def test_a_growing_row_is_continued() -> None:
    pipe = Pipe()
    pipe.sink.replace(0, ["a"])
    pipe.sink.replace(1, ["ab"])
    pipe.sink.replace(1, ["abc", "d"])
    pipe.sink.end()
    assert pipe.text == "abc\nd\n"


def test_a_rewritten_row_comes_after_a_return() -> None:
    pipe = Pipe()
    pipe.sink.replace(0, ["x", "10%"])
    pipe.sink.replace(1, ["90%"])
    pipe.sink.replace(0, ["end"])
    pipe.sink.end()
    assert pipe.text == "x\n10%\r90%\nend\n"


@pytest.mark.slow
@given(st.lists(ROWS, max_size=8))
def test_what_only_grows_arrives_exactly(batches: list[list[str]]) -> None:
    pipe = Pipe()
    for rows in batches:
        pipe.sink.replace(0, rows)
    pipe.sink.end()
    whole = [row for rows in batches for row in rows]
    assert pipe.text == "".join(f"{row}\n" for row in whole)


def test_a_wide_character_stands_in_one_line() -> None:
    assert height_of("aa世世世世世世", 7) == 3
    assert height_of("a" * 14, 7) == 2
    assert height_of("", 7) == 1
    assert height_of("a\nb", 7) == 2


def test_clipping_counts_columns() -> None:
    assert clip("世界世界", 5) == "世界…"
    assert clip("abc", 3) == "abc"
    assert width_of("\x1b[31mab\x1b[0m") == 2
