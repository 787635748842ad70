"""Spelling of paths, patterns and differences: properties over what anybody may write."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.domain.errors import Denied
from codeexec.environments.base import Change, FileKind, WorkspaceEntry
from codeexec.environments.globs import glob
from codeexec.environments.paths import inside
from codeexec.environments.watch import difference, look

ROOT = PurePosixPath("/work/space")
part = st.sampled_from(["..", ".", "a", "b.py", "…", ""])


@given(st.lists(part, max_size=8), st.booleans())
def test_no_spelling_leads_out(parts: list[str], absolute: bool) -> None:
    path = "/".join([str(ROOT)] * absolute + parts)
    try:
        found = inside(ROOT, path)
    except Denied:
        return
    assert ".." not in found
    assert ROOT.joinpath(*found).is_relative_to(ROOT)


def test_absolute_paths_inside_are_fine_and_others_are_not() -> None:
    assert inside(ROOT, "/work/space/a/../b") == ("b",)
    assert inside(ROOT, "") == ()
    for path in ("/work/spaces", "/work", "/", "a/../../b", "../space/a"):
        with pytest.raises(Denied):
            inside(ROOT, path)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.py", "a.py", True),
        ("*.py", "sub/a.py", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "x/y/a.py", True),
        ("**", "x/y", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[x].py", "[x].py", True),
        ("*.py", "a.pyc", False),
    ],
)
def test_patterns(pattern: str, path: str, fits: bool) -> None:
    assert bool(glob(pattern)(path)) is fits


entries = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6
)


@given(entries, entries)
def test_a_difference_takes_the_one_to_the_other(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]
) -> None:
    def seen(found: dict[str, tuple[int, int]]) -> list[WorkspaceEntry]:
        return [WorkspaceEntry(PurePosixPath(n), FileKind.FILE, *info) for n, info in found.items()]

    names = {change: set[str]() for change in Change}
    for each in difference(look(seen(before)), look(seen(after))):
        names[each.change].add(str(each.path))
    assert names[Change.REMOVED] == before.keys() - after.keys()
    assert names[Change.CREATED] == after.keys() - before.keys()
    assert names[Change.MODIFIED] == {
        name for name in before.keys() & after.keys() if before[name] != after[name]
    }
