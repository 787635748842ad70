"""Outlines of scripts in cells, of Markdown and of code; and what cells are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents.outline import (
    Definition,
    OutlineEntry,
    cell_name,
    entry_at,
    headings,
    outline,
    sections,
)
from codeexec.documents.percent.cells import CellIndex

SCRIPT = """\
# %% [markdown]
# # Reading
# some words
# ## Details
# %% load
import math

def area(r):
    return r

class Shape:
    def size(self):
        return 1
# %%

# the sum of all
print(area(2))
# %% [markdown]
# # Plots
# %% [markdown]
# only words
# %%
"""


def rows(entries: tuple[OutlineEntry, ...]) -> list[str]:
    return [f"{'  ' * entry.depth}{entry.title} {entry.line}" for entry in entries]


def of_script(text: str, definitions: list[Definition]) -> tuple[OutlineEntry, ...]:
    lines = text.split("\n")
    return outline(lines, CellIndex(lines, "#").cells(lines), definitions)


def test_cells_stand_below_headings_and_definitions_in_cells() -> None:
    definitions = [
        Definition("area", "function", 7),
        Definition("Shape", "class", 10),
        Definition("size", "function", 11),
        Definition("size", "function", 11),
        Definition("LIMIT", "constant", 5),
    ]
    entries = of_script(SCRIPT, definitions)
    assert {entry.kind.value for entry in entries if entry.title == "only words"} == {"prose"}
    assert rows(entries) == [
        "Reading 1",
        "  Details 3",
        "    load 4",
        "      area 7",
        "      Shape 10",
        "        size 11",
        "    the sum of all 13",
        "Plots 18",
        "  only words 19",
        "  empty cell 6 21",
    ]
    assert entry_at(entries, 0) is None
    assert entry_at(entries, 11) == 5
    assert entry_at(entries, 400) == 9


def test_a_script_without_cells_has_definitions_alone() -> None:
    entries = of_script("class A:\n    def f(self): ...\ndef g(): ...\n", [
        Definition("A", "class", 0), Definition("f", "method", 1), Definition("g", "function", 2),
    ])  # fmt: skip
    assert rows(entries) == ["A 0", "  f 1", "g 2"]
    assert of_script("\n\n# %% a\n1\n", [])[0].title == "a"


def test_headings_of_markdown_and_what_only_looks_like_one() -> None:
    text = """\
---
title: # not this
---
# One #
text
not a heading
Two
===
```python
# a comment
```
- item
---
Three
---
####### seven
#hashtag
###
   ### Four
    # code
~~~
```
# still code
~~~
## Five
"""
    found = [(one.level, one.title) for one in headings(text.split("\n"))]
    # Of a paragraph of several lines the last stands for all.
    assert found == [(1, "One"), (1, "Two"), (2, "Three"), (3, "Four"), (2, "Five")]
    entries = outline(text.split("\n"), is_markdown=True)
    assert rows(entries) == ["One 3", "Two 6", "  Three 13", "    Four 18", "  Five 24"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# %% a title\n1", "a title"),
        ("# %%\n\nx = 1\ny", "x = 1"),
        ("# %%\n# why\nx = 1", "why"),
        ("# %%\n\n", "empty cell 1"),
        ("# %% [markdown]\n# words\n# ## Sub", "Sub"),
        ("# %% [markdown]\n# words", "words"),
        ("# %% [raw]\n# text", "text"),
    ],
)
def test_a_cell_is_called_by_what_it_says(text: str, name: str) -> None:
    lines = text.split("\n")
    assert cell_name(CellIndex(lines, "#").cells(lines)[0]) == name


@given(st.lists(st.text(st.sampled_from("#`~-= a\t>"), max_size=8), max_size=12))
def test_each_heading_is_in_the_text_in_order(lines: list[str]) -> None:
    found = list(headings(lines))
    assert [one.line for one in found] == sorted({one.line for one in found})
    assert all(one.title in lines[one.line] and 1 <= one.level <= 6 for one in found)


def test_sections_are_the_cells_below_a_heading() -> None:
    text = """\
# %% [markdown]
# # One
# %%
a
# %% [markdown]
# ## Sub
# # in the same cell: the highest counts
# %% [markdown]
# ## Two
# %%
b
# %% [markdown]
# words
# %% [markdown]
# # Last
"""
    lines = text.removesuffix("\n").split("\n")
    cells = CellIndex(lines, "#").cells(lines)
    found = [(section.level, section.first_line, section.end_line) for section in sections(cells)]
    assert found == [(1, 2, 4), (1, 7, 13), (2, 9, 13)]
    assert [section.cell for section in sections(cells)] == [
        cells[index].key for index in (0, 2, 3)
    ]
    assert sections(()) == ()
