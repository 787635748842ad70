"""Code that is typed as soon as the program is called, in a terminal, on a real kernel."""

from __future__ import annotations

import pytest

from support.tty import workbench

pytestmark = pytest.mark.slow


def test_what_is_typed_at_once_is_run_once_and_what_is_not_whole_waits_in_the_prompt() -> None:
    with workbench() as (tty, _):
        tty.write(b"seen = globals().get('seen', 0) + 1\rprint('seen', seen * 1001)\r'left o")
        tty.shows("● idle")
        tty.shows("seen 1001")
        tty.shows("[3] 'left o")
        tty.write(b"ver'\r")
        tty.shows("→ 'left over'")
        assert tty.text.count("seen 1001") == 1
        tty.write(b"print('and', seen)\r")
        tty.shows("and 1")


def test_a_loop_that_is_typed_at_once_is_finished_in_the_prompt() -> None:
    with workbench() as (tty, _):
        tty.write(b"for i in range(3):\rprint('round', i)\r\r")
        tty.shows("round 2")
        tty.shows("● idle")
        assert "[2]" in tty.text
