"""What the first frame makes of keys that come before there is a program to read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.tui.boot.first_frame import begins_at_prompt, first_line, frame, plain_line

ANSWERS = b"\x1b[?62;4c\x1bP>|tmux 3.4\x1b\\"
UP = b"\x1b[A"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (b"1+1", "1+1"),
        (b"q\x7f1+1", "1+1"),
        (b"\x7f\x7fa", "a"),
        (b"1+1\rx", "1+1"),
        (b"a\x1b[?62;4cb", "ab"),
        (b"a\x1bP>|tmux 3.4\x1b\\b", "ab"),
        (b"a" + UP + b"b", "a"),
        (b"a\x1bOPb", "a"),
    ],
)
def test_plain_characters_are_shown_up_to_another_key(typed: bytes, shown: str) -> None:
    assert plain_line(typed) == shown


@pytest.mark.parametrize(
    ("typed", "line", "left"),
    [
        (b"1+1", None, b"1+1"),
        (b"1+1\r", "1+1", b""),
        (b"1+2\x7f1\rxy", "1+1", b"xy"),
        (b"\r\r", "", b"\r"),
        (b"pri" + ANSWERS + b"nt()\rx", "print()", ANSWERS + b"x"),
        ("größe\r".encode(), "größe", b""),
        # The key asks for what was run before: no line of its own, whatever follows.
        (UP + b"\r", None, UP + b"\r"),
        (b"a" + UP + b"b\r", None, b"a" + UP + b"b\r"),
        (b"a\tb\r", None, b"a\tb\r"),
        (b"cut \xff short\r", None, b"cut \xff short\r"),
    ],
)
def test_a_line_is_whole_with_its_enter(typed: bytes, line: str | None, left: bytes) -> None:
    assert first_line(typed) == (line, left)


def test_only_a_start_without_files_begins_at_the_prompt(tmp_path: Path) -> None:
    assert begins_at_prompt(())
    assert begins_at_prompt((str(tmp_path),))
    assert not begins_at_prompt((str(tmp_path), "a.py"))


def test_the_first_frame_says_what_is_opened() -> None:
    assert "codeexec-tui" in frame(80, 24, ())
    assert "a.py  b.py" in frame(80, 24, ("some/where/a.py", "b.py"))
