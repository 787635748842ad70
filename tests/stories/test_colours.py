"""How many colours the workbench writes to a terminal, and what the terminal says of it late."""

from __future__ import annotations

import re

import pytest

from support.tty import workbench

pytestmark = pytest.mark.slow

KEPT = b"\x1bP1$r48:2::1:2:3m\x1b\\"
_TRUE = re.compile(rb"\x1b\[(?:[\d;]*;)?[34]8;2;\d")
_NUMBERED = re.compile(rb"\x1b\[(?:[\d;]*;)?[34]8;5;\d")
_QUESTION = b"\x1b[48;2;1;2;3m"


def test_a_late_answer_brings_true_colour_and_types_nothing() -> None:
    with workbench(environ={"TERM": "xterm-256color", "COLORTERM": ""}) as (tty, _):
        tty.shows("● idle")
        tty.shows("[1]")
        assert _QUESTION in tty.raw
        assert not _TRUE.search(tty.raw.replace(_QUESTION, b""))
        assert _NUMBERED.search(tty.raw)
        seen = len(tty.raw)
        tty.write(b"6 *" + KEPT[:7])
        tty.idles(0.4)  # as over a slow line
        tty.write(KEPT[7:] + b"\x1b[?62;4c 7\r")
        tty.shows("→ 42")
        tty.until(lambda: _TRUE.search(tty.raw, seen))
        assert "48:2" not in tty.text


def test_sixteen_colours_where_there_are_no_more() -> None:
    with workbench(environ={"TERM": "linux", "COLORTERM": ""}) as (tty, _):
        tty.shows("● idle")
        tty.shows("[1]")
        assert b"$q" not in tty.raw
        assert not _TRUE.search(tty.raw)
        assert not _NUMBERED.search(tty.raw)
        assert re.search(rb"\x1b\[(?:[\d;]*;)?(?:3[0-7]|9[0-7])[;m]", tty.raw)
