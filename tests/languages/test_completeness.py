"""Whether code is whole: told without a kernel for plain Python, and for nothing else."""

from __future__ import annotations

import pytest

from codeexec.languages.completeness import completeness


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 + 1", "complete"),
        ("for x in y:", "incomplete"),
        ("for x in y:\n    f(x)", "incomplete"),
        ("for x in y:\n    f(x)\n", "complete"),
        ("f(1,", "incomplete"),
        ("%timeit x", "unknown"),
        ("!ls", "unknown"),
        ("await f()", "unknown"),
        ('"""open', "incomplete"),
    ],
)
def test_completeness_is_told_without_a_kernel_where_it_can_be(code: str, said: str) -> None:
    assert completeness(code) == said


def test_another_language_is_for_its_kernel_to_judge() -> None:
    assert completeness("1 + 1", "r") == "unknown"
