"""Pages are asked for once and dropped by age; heights agree with a plain list of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codeexec.domain.outputs import Run
from codeexec.tui.output.rows import KEPT_PAGES, PAGE, Heights, RowPages


def page_of(number: int) -> tuple[Run, ...]:
    return (Run("stdout", "\n".join(f"row {number * PAGE + at}" for at in range(PAGE))),)


def test_a_page_is_wanted_once_and_then_there() -> None:
    pages = RowPages()
    assert pages.get("a", PAGE + 3) is None
    assert pages.get("a", PAGE + 4) is None
    assert pages.take_wanted() == [("a", 1)]
    assert pages.get("a", PAGE + 3) is None
    assert pages.take_wanted() == []
    pages.put("a", PAGE, page_of(1))
    found = pages.get("a", PAGE + 3)
    assert found is not None
    assert found.text == f"row {PAGE + 3}"


def test_old_pages_make_room() -> None:
    pages = RowPages()
    for number in range(KEPT_PAGES + 1):
        pages.put("a", number * PAGE, page_of(number))
    assert pages.get("a", 0) is None
    assert pages.get("a", PAGE) is not None


def test_rewritten_rows_are_read_again() -> None:
    pages = RowPages()
    pages.put("a", 0, page_of(0))
    pages.put("a", PAGE, page_of(1))
    pages.forget("a", PAGE + 10)
    assert pages.get("a", 5) is not None
    assert pages.get("a", PAGE + 10) is None


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=40),
    st.integers(0, 35),
)
def test_heights_are_those_of_a_plain_list(told: list[tuple[int, int]], cut: int) -> None:
    heights, plain = Heights(), [1] * 40
    for row, lines in told:
        assert heights.set(row, lines) == (plain[row] != lines)
        plain[row] = lines
    heights.cut(cut)
    plain[cut:] = [1] * (40 - cut)
    for row in range(41):
        assert heights.top(row) == sum(plain[:row])
    expected = [(row, sub) for row, lines in enumerate(plain) for sub in range(lines)]
    assert [heights.locate(line) for line in range(sum(plain))] == expected
