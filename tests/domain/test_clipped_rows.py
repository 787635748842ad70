"""Rows that are too long to travel are cut; all others stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codeexec.domain.outputs import ROW_CHARS, Run, clip_row, clip_runs

ROWS = st.sampled_from(
    [
        "",
        "short",
        "x" * (ROW_CHARS + 900),
        "\x1b[31m" + "é" * 9000,
        "\x1b]8;;https://a.b\x1b\\" * 600,
    ]
)


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_each_row_of_a_text_is_clipped_by_itself(rows: list[str]) -> None:
    error = Run("error")
    runs = (Run("stdout", "\n".join(rows), open=True), error)
    clipped = clip_runs(runs)
    assert clipped[0].text.split("\n") == [clip_row(row) for row in rows]
    assert clipped[0].open and clipped[1] is error
    assert clip_runs(clipped) == clipped
    assert all(len(row) < 2 * ROW_CHARS for row in clipped[0].text.split("\n"))


def test_a_clipped_row_says_how_much_is_left_out() -> None:
    clipped = clip_row("x" * 1_000_000)
    shown = clipped.partition("\x1b")[0]
    assert set(shown) == {"x"}
    assert clipped.endswith(f"… {1_000_000 - len(shown):,} more characters")
    runs = (Run("stdout", "short\nrows"),)
    assert clip_runs(runs) is runs
