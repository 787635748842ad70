"""Short turns of the interpreter end with the last work that wanted them."""

from __future__ import annotations

import sys

import pytest

from codeexec.tui.turns import begin_short_turns, end_short_turns, short_turns


def test_turns_are_as_before_once_all_work_that_overlaps_is_over() -> None:
    usual = sys.getswitchinterval()
    begin_short_turns()
    short = sys.getswitchinterval()
    assert short < usual
    with short_turns():
        end_short_turns()
        assert sys.getswitchinterval() == short
    assert sys.getswitchinterval() == usual


def test_work_that_fails_leaves_the_turns_as_they_were() -> None:
    usual = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError), short_turns():
        raise ZeroDivisionError
    assert sys.getswitchinterval() == usual
