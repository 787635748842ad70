"""Output documents: rows as a terminal would leave them, patches that lose nothing."""

from __future__ import annotations

import io
import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress
from tqdm import tqdm
from wcwidth import wcwidth

from codeexec.domain.outputs import (
    LIVE_ROWS,
    ErrorInfo,
    MimePart,
    Run,
    Runs,
    count_rows,
    iter_rows,
    plain,
)
from codeexec.session.output.document import OutputDocument, safe_text
from codeexec.session.output.terminal import NARROW, PLAIN
from support.steps import counted
from support.terminal_text import (
    Folded,
    Model,
    StreamName,
    assert_safe,
    bursts,
    hostile_texts,
    pen_after,
    rows_of,
    shown,
    texts,
)

STREAMS: st.SearchStrategy[StreamName] = st.sampled_from(["stdout", "stderr"])


def rows(document: OutputDocument) -> list[str]:
    patch = document.take_patch()
    return [run.text for run in iter_rows(patch.runs)] if patch else []


def runs_of(document: OutputDocument) -> Runs:
    patch = document.take_patch()
    return patch.runs if patch else ()


def written(*texts: str) -> list[str]:
    document = OutputDocument()
    for text in texts:
        document.write("stdout", text)
    return rows(document)


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[a:b] for a, b in itertools.pairwise(edges)]


# -- what text comes to ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\n", ["a", "b"]),
        ("a\n\nb", ["a", "", "b"]),
        ("\n", [""]),
        ("a\r\nb", ["a", "b"]),
        ("50%\r100%\n", ["100%"]),
        ("100%\r50%", ["50%%"]),
        ("abc\b\bX", ["aXc"]),
        ("abc\r\x1b[Kx", ["x"]),
        ("abc\x1b[2Dx\x1b[K", ["ax"]),
        ("abcdef\x1b[3D\x1b[1K", ["    ef"]),
        ("a\nb\nc\n\x1b[2A\x1b[2Kx\n", ["a", "x", "c"]),
        ("a\nb\x1b[A\rX", ["X", "b"]),
        ("a\nb\nc\x1b[2A\r\x1b[J", ["", "", ""]),
        ("\x1b[10Gx", ["         x"]),
        ("a\tb", ["a\tb"]),
        ("a\tb\r\x1b[2Cx", ["a x     b"]),
        ("漢字\rx", ["x 字"]),
        ("a\x1b[Hb\x1b[2Jc", ["abc"]),
        ("\x1b[31ma\nb\x1b[0mc", ["\x1b[31ma\x1b[0m", "\x1b[31mb\x1b[0mc"]),
        ("\x1b[31m\x1b[1ma\x1b[0;31mb", ["\x1b[1;31ma\x1b[0;31mb\x1b[0m"]),
        ("\x1b[31m\n\n", ["", ""]),
        ("\x9b31ma", ["\x1b[31ma\x1b[0m"]),
        ("\x1b[38:2::1:2:3ma", ["\x1b[38;2;1;2;3ma\x1b[0m"]),
        ("\x1b[38;5;300ma", ["a"]),
        ("\x1b]0;title\x07a\x1b]52;c;x\x1b\\b", ["ab"]),
        ("\x1b]8;;http://x/\x07a\x1b]8;;\x07b", ["\x1b]8;;http://x/\x1b\\a\x1b]8;;\x1b\\b"]),
        ("\x1b]8;;javascript:x\x07a", ["a"]),
        ("\x1bPq#0~~\x1b\\a", ["a"]),
        ("\x1b[?25la\x1b[?25h\x1b(B", ["a"]),
        ("a\u202eb\ud800\x00\x07c", ["ab\ufffdc"]),
        ("\x1b]unfinished\nnext", ["", "next"]),
        ("\x1b[31", []),
        ("\x1b[31m", []),
    ],
)
def test_text_as_a_terminal_would_leave_it(text: str, expected: list[str]) -> None:
    assert written(text) == expected
    assert written(*text) == expected


def test_a_bar_on_stderr_stays_one_while_stdout_prints() -> None:
    document = OutputDocument()
    for step in range(5):
        document.write("stderr", f"\r{step}/5")
        document.write("stdout", f"line {step}\n")
    document.write("stderr", "\r5/5\n")
    patch = document.take_patch()
    assert patch is not None
    assert [(run.kind, run.text) for run in patch.runs] == [
        ("stderr", "5/5"),
        ("stdout", "line 0\nline 1\nline 2\nline 3\nline 4"),
    ]


def test_text_of_an_open_row_that_others_have_passed_begins_a_new_one() -> None:
    document = OutputDocument()
    document.write("stdout", "a")
    document.write("stderr", "warning")
    document.write("stdout", "b")
    document.write("stderr", "\n")
    document.write("stdout", "c\n")
    assert rows(document) == ["a", "warning", "bc"]


def test_a_patch_says_whether_its_last_row_goes_on() -> None:
    document = OutputDocument()
    steps = {"a": True, "b": True, "\n": False, "50%": True, "\r60%": True, "\x1b[1B": False}
    for text, unfinished in steps.items():
        document.write("stdout", text)
        patch = document.take_patch()
        assert patch is not None and patch.unfinished is unfinished, text
    assert document.take_patch() is None


def test_text_after_an_object_begins_a_new_row() -> None:
    document = OutputDocument()
    document.write("stdout", "a")
    document.show(shown("k"))
    document.write("stdout", "b")
    patch = document.take_patch()
    assert patch is not None
    assert rows_of(patch.runs) == [("stdout", "a"), ("k", ""), ("stdout", "b")]


def test_nested_bars_stay_two_rows() -> None:
    document = OutputDocument()
    for outer in range(3):
        document.write("stderr", f"\router {outer}")
        for inner in range(3):
            document.write("stderr", f"\n\rinner {inner}\x1b[A")
            document.write("stdout", "x\n")
    assert rows(document)[:3] == ["outer 2", "inner 2", "x"]


def test_a_bar_that_scrolled_out_of_reach_begins_again_at_the_end() -> None:
    document = OutputDocument()
    document.write("stderr", "\r1%")
    document.write("stdout", "x\n" * LIVE_ROWS)
    document.write("stderr", "\r2%")
    assert rows(document) == ["1%", *["x"] * LIVE_ROWS, "2%"]


def test_real_nested_tqdm_bars_end_as_their_last_state() -> None:
    sink = io.StringIO()
    for _ in tqdm(range(4), file=sink, desc="outer", mininterval=0, ncols=60):
        for _ in tqdm(range(3), file=sink, desc="inner", mininterval=0, ncols=60, leave=False):
            pass
    found = written(*sink.getvalue())
    assert found[0].startswith("outer: 100%")
    assert [row.strip() for row in found[1:]] == [""]


def test_real_rich_bars_stay_where_they_are() -> None:
    sink = io.StringIO()
    console = Console(file=sink, force_terminal=True, width=60, color_system="truecolor")
    with Progress(console=console, auto_refresh=False) as progress:
        first, second = progress.add_task("first", total=3), progress.add_task("second", total=3)
        for step in range(3):
            progress.advance(first)
            progress.advance(second)
            progress.refresh()
            console.print(f"step {step}")
    found = [plain(row) for row in written(*sink.getvalue())]
    assert [row.split()[0] for row in found] == ["step", "step", "step", "first", "second"]
    assert all("100%" in row for row in found[3:])


# -- clear, displays, errors -----------------------------------------------------------


def test_clear_takes_all_rows_away_at_once_or_with_the_next_output() -> None:
    document = OutputDocument(first_row=7)
    document.write("stdout", "a\nb")
    document.clear(wait=True)
    assert rows(document) == ["a", "b"]
    document.write("stdout", "c")
    patch = document.take_patch()
    assert patch is not None
    assert (patch.start, patch.total, patch.runs) == (0, 1, (Run("stdout", "c", open=True),))
    document.clear(wait=False)
    patch = document.take_patch()
    assert patch is not None
    assert (patch.start, patch.total, patch.runs) == (0, 0, ())
    assert document.take_patch() is None


def test_a_display_that_is_carried_again_is_the_current_one() -> None:
    document = OutputDocument()
    document.write("stdout", "bar")
    document.show(shown("k", "id"))
    assert document.take_patch() is not None
    parts = (MimePart("text/plain", 3, "new"),)
    document.update_display("id", parts, {"w": 1})
    assert document.take_patch() is None
    document.write("stdout", "\rBAR")
    patch = document.take_patch()
    assert patch is not None
    assert patch.start == 0
    assert patch.runs[1].display is not None
    assert patch.runs[1].display.parts == parts


def test_a_traceback_is_made_safe() -> None:
    document = OutputDocument()
    document.fail(ErrorInfo("E\x1b[2J", "v\x07", ("\x1b[31mred\x1b[0m\x1b]0;x\x07", "b\r\nc")))
    patch = document.take_patch()
    assert patch is not None
    assert patch.runs[0].error == ErrorInfo("E", "v", ("\x1b[31mred\x1b[0m", "b\nc"))


# -- properties --------------------------------------------------------------------


@pytest.mark.slow
@given(
    st.lists(st.tuples(STREAMS, hostile_texts, st.lists(st.integers(0), max_size=4)), max_size=6)
)
@settings(max_examples=300, deadline=None)
def test_no_escape_but_sgr_and_hyperlinks_gets_through(
    writes: list[tuple[StreamName, str, list[int]]],
) -> None:
    document = OutputDocument()
    for stream, text, places in writes:
        for piece in cut(text, places):
            document.write(stream, piece)
            for run in runs_of(document):
                for row in run.text.split("\n"):
                    assert_safe(row)
                    assert pen_after(row) == PLAIN
                    row.encode()


@pytest.mark.slow
@given(
    st.lists(st.tuples(STREAMS, hostile_texts, st.lists(st.integers(0), max_size=6)), max_size=6)
)
@settings(max_examples=300, deadline=None)
def test_how_text_is_cut_into_writes_makes_no_difference(
    writes: list[tuple[StreamName, str, list[int]]],
) -> None:
    whole, parts, folded = OutputDocument(), OutputDocument(), Folded()
    for stream, text, places in writes:
        whole.write(stream, text)
        for piece in cut(text, places):
            parts.write(stream, piece)
            folded.take(parts)
    patch = whole.take_patch()
    assert folded.rows == (rows_of(patch.runs) if patch else [])


@given(
    st.lists(
        st.one_of(
            st.tuples(STREAMS, st.one_of(texts, bursts)),
            st.tuples(STREAMS, st.integers(1, 2 * LIVE_ROWS).map(lambda n: "row\n" * n)),
            st.just(("", "key")),
        ),
        max_size=10,
    ),
    st.sets(st.integers(0, 10)),
)
@settings(max_examples=500, deadline=None)
@pytest.mark.slow
def test_rows_and_patches_are_those_of_a_plain_model(
    steps: list[tuple[StreamName, str]], taken: set[int]
) -> None:
    document, model, folded = OutputDocument(), Model(), Folded()
    for number, (stream, text) in enumerate(steps):
        if stream:
            document.write(stream, text)
            model.write(stream, text)
        else:
            document.show(shown(text))
            model.show(text)
        if number in taken:
            folded.take(document)
            assert folded.rows == model.rendered()
    folded.take(document)
    assert folded.rows == model.rendered()


@given(hostile_texts)
@example("\n\n\n\x1b[70A\x1b[31ma")
def test_safe_text_is_safe_and_stays_as_it_is(text: str) -> None:
    once = safe_text(text)
    for row in once.split("\n"):
        assert_safe(row)
    assert safe_text(once) == once


def test_narrow_characters_are_those_of_one_cell() -> None:
    narrow = [chr(code) for code in range(0x3000) if NARROW.fullmatch(chr(code))]
    assert len(narrow) > 1000
    assert {wcwidth(char) for char in narrow} == {1}


# -- size and speed ----------------------------------------------------------------


def test_what_was_printed_is_let_go() -> None:
    document = OutputDocument()
    for _ in range(50):
        document.write("stdout", "x" * 99 + "\n")
        document.write("stderr", "y" * 99 + "\n" * 1000)
        patch = document.take_patch()
        assert patch is not None
        assert count_rows(patch.runs) == patch.total - patch.start
    assert len(document._rows._live) == LIVE_ROWS
    assert document._rows._frozen == []


@pytest.mark.parametrize(
    "text", ["x" * 65 + "\n", "\r" + "x" * 69], ids=["lines", "carriage returns"]
)
def test_floods_are_quick(text: str) -> None:
    """A hundred times as much costs the same, but for what C does at the speed of memory."""

    def steps(times: int) -> int:
        document = OutputDocument()
        with counted() as found:
            document.write("stdout", text * times)
            assert document.take_patch() is not None
        return found.count

    assert steps(100_000) < 2 * steps(1000)


def test_a_stream_keeps_whether_its_newline_came() -> None:
    document = OutputDocument()
    document.write("stdout", "a")
    document.write("stderr", "b\nc")
    document.write("stdout", "d\ne")
    patch = document.take_patch()
    assert patch is not None
    assert [(run.text, run.open) for run in patch.runs] == [
        ("a", True),
        ("b\nc", True),
        ("d\ne", True),
    ]
    document.write("stderr", "\n")
    document.write("stdout", "\n")
    patch = document.take_patch()
    assert patch is not None
    assert [(run.text, run.open) for run in patch.runs] == [("c", False), ("d\ne", False)]
