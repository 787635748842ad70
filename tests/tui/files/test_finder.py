"""Which file is meant by a few letters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codeexec.tui.panes.files.finder import best
from support.steps import counted

PATHS = ["src/app.py", "src/tui/app_theme.py", "docs/apple.md", "tests/test_theme.py", "README.md"]


def first(query: str) -> str:
    return best(query, PATHS)[0].path


def test_the_name_counts_more_than_the_folder() -> None:
    assert first("theme") == "tests/test_theme.py"
    assert first("app") == "src/app.py"
    assert first("tui theme") == "src/tui/app_theme.py"
    assert first("tth") == "tests/test_theme.py"
    assert first("rdm") == "README.md"
    assert best("xyz", PATHS) == []
    assert [hit.path for hit in best("", PATHS, 2)] == PATHS[:2]


def test_the_letters_that_are_meant_are_told() -> None:
    (hit, *_) = best("apthm", PATHS)
    assert hit.path == "src/tui/app_theme.py"
    assert "".join(hit.path[at] for at in sorted(hit.places)) == "apthm"


@given(
    st.lists(st.text("ab/._é", min_size=1, max_size=12), max_size=8), st.text("ab_é ", max_size=5)
)
def test_whatever_is_found_has_the_letters_in_order(paths: list[str], query: str) -> None:
    for hit in best(query, paths):
        for word in query.split():
            rest = iter(hit.path)
            assert all(sign in rest for sign in word)


def test_a_long_query_over_many_files_is_quick() -> None:
    paths = [f"{'eeeee' * 6}/{number}/eeeeeee{number}.py" for number in range(20_000)]
    with counted("") as steps:  # all: the matcher of another library would count as well
        assert len(best("eeeeeeeeeeee py 7", paths)) == 200
    assert steps.count < 100 * 20_000  # 35 for each file, however often its letters fit
