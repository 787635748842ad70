"""What the first frame shows of keys that come before there is a program to read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.tui.first_paint import begins_at_prompt, frame, plain_line


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (b"1+1", "1+1"),
        (b"q\x7f1+1", "1+1"),
        (b"\x7f\x7fa", "a"),
        (b"1+1\rx", "1+1"),
        (b"a\x1b[?62;4cb", "ab"),
        (b"a\x1bP>|tmux 3.4\x1b\\b", "ab"),
    ],
)
def test_plain_characters_are_shown_up_to_another_key(typed: bytes, shown: str) -> None:
    assert plain_line(typed) == shown


def test_only_a_start_without_files_begins_at_the_prompt(tmp_path: Path) -> None:
    assert begins_at_prompt(())
    assert begins_at_prompt((str(tmp_path),))
    assert not begins_at_prompt((str(tmp_path), "a.py"))
    assert "[1]" in frame(80, 24, ())
    assert "[1]" not in frame(80, 24, ("a.py",))
