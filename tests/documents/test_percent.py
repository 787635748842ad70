"""Percent scripts: separators in every comment style, and an index that agrees with a rescan."""

from __future__ import annotations

import jupytext
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents.model import CellKind
from codeexec.documents.percent.cells import CellIndex, split_cells
from codeexec.documents.percent.separators import (
    Separator,
    comment,
    escape,
    parse_separator,
    uncomment,
    unescape,
)
from support.steps import counted


@pytest.mark.parametrize(
    ("line", "marker", "expected"),
    [
        ("# %%", "#", Separator()),
        ("#%%", "#", Separator()),
        ("# %% load data", "#", Separator(title="load data")),
        ("// %% main [markdown]", "//", Separator(CellKind.MARKDOWN, "main")),
        ("-- %% [md]", "--", Separator(CellKind.MARKDOWN)),
        ("# %% [raw] key=1", "#", Separator(CellKind.RAW, "", "key=1")),
        ('# %% a title tags=["x"]', "#", Separator(title="a title", attributes='tags=["x"]')),
        ("  # %% indented", "#", Separator(title="indented")),
        ("# %%% sub", "#", Separator(title="sub")),
        ("#%% md", "#", Separator(CellKind.MARKDOWN)),
        ("# %% md", "#", Separator(title="md")),
        ("#%% md x", "#", Separator(title="md x")),
        ("# %% a [list] of", "#", Separator(title="a [list] of")),
    ],
)
def test_separator_lines(line: str, marker: str, expected: Separator) -> None:
    assert parse_separator(line, marker) == expected


@pytest.mark.parametrize("line", ["# %%time", "x = 1  # %%", "%%bash", "// %%", "# % %", ""])
def test_ordinary_lines_are_no_separators(line: str) -> None:
    assert parse_separator(line, "#") is None


def test_cells_know_lines_titles_and_sources() -> None:
    first, second, third = split_cells(
        "import os\n\n# %% load\nx = 1\n\n\n# %% [markdown]\n# # Hi\n#\n# there\n", "#"
    )
    assert (first.source, first.start, first.end, first.title) == ("import os", 0, 2, "")
    assert (second.source, second.start, second.body, second.end) == ("x = 1", 2, 3, 6)
    assert third.kind is CellKind.MARKDOWN
    assert third.source == "# Hi\n\nthere"


def test_text_without_separators_is_one_cell() -> None:
    (cell,) = split_cells("a\nb", "#")
    assert (cell.source, cell.start, cell.body, cell.end) == ("a\nb", 0, 0, 2)


def test_blank_preamble_is_no_cell() -> None:
    assert [c.source for c in split_cells("\n\n# %%\na", "#")] == ["a"]


@given(st.text(st.sampled_from("ab #\n"), max_size=40))
def test_comment_and_back(text: str) -> None:
    assert uncomment(comment(text, "#"), "#") == text


LINES = st.lists(
    st.sampled_from(["# %%", "# %% one", "x", "", "# %% two [markdown]", '"""', "y = '''a"]),
    max_size=6,
)


@pytest.mark.slow
@given(st.data())
def test_index_follows_edits_as_a_rescan_would(data: st.DataObject) -> None:
    lines = data.draw(LINES) or [""]
    index = CellIndex(lines, "#")
    for _ in range(4):
        first = data.draw(st.integers(0, len(lines)))
        removed = data.draw(st.integers(0, len(lines) - first))
        inserted = data.draw(LINES)
        lines = lines[:first] + inserted + lines[first + removed :]
        index.splice(first, removed, inserted)
        fresh = CellIndex(lines, "#")
        assert list(index.separators) == list(fresh.separators)
        assert [index.span(i) for i in range(len(index))] == [
            fresh.span(i) for i in range(len(fresh))
        ]
        keys = [index.key(i) for i in range(len(index))]
        assert len(set(keys)) == len(keys)
        for line in range(len(lines)):
            start, end = index.span(index.at(line))
            assert start <= line < end


def test_quotes_that_move_over_a_separator_make_it_text() -> None:
    lines = ["# %%", '"""', '"""', "# %%"]
    index = CellIndex(lines, "#")
    assert list(index.separators) == [0, 3]
    assert index.splice(2, 2, ["x", "# %%", '"""']) is True
    assert list(index.separators) == [0]


def test_keys_survive_shifts_and_retitling() -> None:
    lines = ["# %% a", "x", "# %% b", "y"]
    index = CellIndex(lines, "#")
    a, b = index.key(0), index.key(1)
    assert index.splice(1, 1, ["x", "x2", "x3"]) is False
    assert index.span(1) == (4, 6)
    assert index.splice(4, 1, ["# %% renamed"]) is True
    assert (index.key(0), index.key(1)) == (a, b)
    assert index.index_of(b) == 1


def test_fifty_thousand_lines_are_indexed_at_once() -> None:
    def edit(count: int) -> tuple[CellIndex, int, int]:
        """An index of so many lines, the steps to build it, and those of a key."""
        lines = ["# %% cell" if n % 10 == 0 else f"x{n} = {n} % 7" for n in range(count)]
        with counted() as built:
            index = CellIndex(lines, "#")
        with counted() as typed:
            index.splice(5, 1, ["y"])
        return index, built.count, typed.count

    (_, _, few), (index, built, many) = edit(50), edit(50_000)
    assert len(index) == 5_000
    assert built < 10 * 50_000  # 5 for each line
    assert many == few


@given(st.text(st.sampled_from("# %\\x"), max_size=12), st.sampled_from(["#", "//"]))
def test_an_escaped_line_is_no_separator_and_comes_back(line: str, marker: str) -> None:
    line = line.replace("#", marker)
    shown = escape(line, marker)
    assert parse_separator(shown, marker) is None
    assert unescape(shown, marker) == line


def test_the_text_of_a_notebook_has_the_sources_of_its_cells() -> None:
    lines = ["# %%", "%%writefile a.py", "# \\%% one", "# \\\\%%", "", "# %% [markdown]", "# a"]
    index = CellIndex(lines, "#", escaped=True)
    assert [cell.source for cell in index.cells(lines)] == [
        "%%writefile a.py\n# %% one\n# \\%%",
        "a",
    ]
    assert CellIndex(lines, "#").cells(lines)[0].source == "%%writefile a.py\n" + "\n".join(
        lines[2:4]
    )


def test_a_separator_in_a_string_of_several_lines_is_none() -> None:
    text = '# %% one\ns = """\n# %% no\n"""  # \'\'\'\n# %% two\nt = "it\'s"\n'
    text += '# %% three\n"""open\n# %% four'
    assert [cell.title for cell in split_cells(text, "#")] == ["one", "two", "three", "four"]
    assert len(split_cells(text.replace("#", "//"), "//")) == 5
    lines = text.split("\n")
    index = CellIndex(lines, "#", escaped=True)
    assert len(index) == 5
    # Writing the end of the last string makes what is below it part of it, and back.
    index = CellIndex(lines, "#")
    keys = [index.key(at) for at in range(4)]
    assert index.splice(9, 0, ['"""'])
    assert [index.key(at) for at in range(len(index))] == keys[:3]
    assert index.splice(9, 1, [])
    assert [index.key(at) for at in range(len(index))] == keys


MARKS = [
    "# In[3]:\n2\n# In[ ]:\n3\n# In[12]\n4\n",
    "# <codecell>\n1\n#In[3]:\n2\n",
    "a\n# In[a]:\nb\n# In[3]: x\nc\n# <markdowncell>\n# x\n",
    "# %%\n1\n  # In[ 3 4 ]:\n2\n",
    "# %%\nx = '''\n# In[3]:\n'''\n",
]


@pytest.mark.parametrize("text", MARKS)
def test_marks_of_older_tools_begin_cells_as_in_jupytext(text: str) -> None:
    read = jupytext.reads(text, fmt="py:percent")
    assert [cell.source for cell in split_cells(text, "#")] == [
        cell["source"] for cell in read.cells
    ]


def test_a_mark_of_older_tools_is_a_line_of_a_notebooks_cell() -> None:
    text = "# %%\n1\n# In[3]:\n2"
    (cell,) = split_cells(text, "#", escaped=True)
    assert cell.source == "1\n# In[3]:\n2"
    index = CellIndex(["1", "2"], "#")
    assert index.splice(1, 0, ["# In[3]:"])
    assert list(index.separators) == [1]
    index.escaped = True
    assert not index.separators
