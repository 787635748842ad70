"""Cells of Markdown: fences with code that runs, and the prose between."""

from __future__ import annotations

from collections import UserList
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents import cell_edits
from codeexec.documents.cell_blocks import CellEdit, CellText
from codeexec.documents.fenced.cells import FencedCells
from codeexec.documents.model import CellKind

RUNS = {"python": "python", "py": "python", "ipython": "python", "bash": "bash", "r": "r"}


def index_of(lines: Sequence[str]) -> FencedCells:
    return FencedCells(lines, lambda name: RUNS.get(name, ""))


def cells(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{cell.kind[0]}:{cell.source}" for cell in index_of(lines).cells(lines)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["m:"]),
        ("words\n", ["m:words"]),
        ("```python\nx = 1\n```", ["c:x = 1"]),
        ("\n\n```python\nx\n```\n\n", ["m:", "c:x"]),
        ("a\n\n```py\nx\n\n```\n\nb\n", ["m:a", "c:x", "m:b"]),
        ("~~~python\nx\n~~~\n", ["c:x"]),
        ("````python\n```\n````\n", ["c:```"]),
        ("```python\nx\n", ["m:```python\nx"]),  # as it is typed
        ("```python\n```\n", ["c:"]),
        ("# A\ntext\n## B\n", ["m:# A\ntext", "m:## B"]),
        ("```\nplain\n# no heading\n```\n", ["m:```\nplain\n# no heading\n```"]),
        ("```text\na\n```\n```python\nx\n```\n", ["m:```text\na\n```", "c:x"]),
        # The first language that runs is that of the document.
        ("```bash\nls\n```\n```python\nx\n```\n", ["c:ls", "c:x"]),
        # Where fences are marked to be run, the others are not.
        ("```python\nx\n```\n```{python}\ny\n```\n", ["m:```python\nx\n```", "c:y"]),
        ("```{r plot, echo=FALSE}\nplot(1)\n```\n", ["c:plot(1)"]),
        ("```{note}\nwords\n```\n```python\nx\n```\n", ["m:```{note}\nwords\n```", "c:x"]),
        ("```{code-cell} ipython3\n:tags: [a]\nx\n```\n", ["c:x"]),
        ("```{code-cell} ipython\n:tags: [a]\nx\n```\n", ["c:x"]),
        ("```{code-cell}\n---\ntags: [a]\n---\nx\n```\n", ["c:x"]),
        ("```{.python}\nx\n```\n", ["m:```{.python}\nx\n```"]),
        (
            "---\ntitle: a\n# no heading\n---\n# B\n",
            ["r:---\ntitle: a\n# no heading\n---", "m:# B"],
        ),
    ],
)
def test_cells_of_a_text(text: str, expected: list[str]) -> None:
    assert cells(text) == expected


PARTS = st.sampled_from(
    ["", "a", "# A", "# B", "```python", "```", "~~~", "```bash", "---", " b", "```{python}"]
)
LINES = st.lists(PARTS, min_size=1, max_size=12)


@given(LINES, st.data())
def test_an_index_that_follows_edits_is_that_of_the_text(
    lines: list[str], data: st.DataObject
) -> None:
    index = index_of(lines)
    for _ in range(3):
        first = data.draw(st.integers(0, len(lines) - 1))
        removed = data.draw(st.integers(1, len(lines) - first))
        inserted = data.draw(st.lists(PARTS, min_size=1, max_size=4))
        lines[first : first + removed] = inserted
        index.splice(first, removed, inserted)
        fresh = index_of(lines)
        assert [cell[:-1] for cell in as_tuples(index, lines)] == [
            cell[:-1] for cell in as_tuples(fresh, lines)
        ]
        assert len(set(index.keys)) == len(index)
        assert index.language == fresh.language
        assert [at for at in range(len(lines)) if index.is_foot(at)] == [
            at for at in range(len(lines)) if fresh.is_foot(at)
        ]
        assert [index.at(line) for line in range(len(lines))] == [
            place for place in range(len(index)) for _ in range(*index.span(place))
        ]


def as_tuples(index: FencedCells, lines: list[str]) -> list[tuple[object, ...]]:
    return [
        (cell.kind, cell.start, cell.body, cell.end, cell.source, cell.key)
        for cell in index.cells(lines)
    ]


def test_cells_keep_their_keys_while_others_are_edited() -> None:
    lines = ["# A", "", "```python", "x", "```", "", "words", "", "```python", "y", "```"]
    index = index_of(lines)
    before = index.keys
    lines[3:4] = ["x1", "x2"]
    assert not index.splice(3, 1, ["x1", "x2"])
    assert index.keys == before
    lines[7:8] = ["words", "", "```python", "new", "```"]
    index.splice(7, 1, lines[7:12])
    assert [key for key in index.keys if key in before] == list(before)
    assert len(index) == len(before) + 1


class CountedLines(UserList[str]):
    """Lines that count how often one is read."""

    reads = 0

    def __getitem__(self, at: Any) -> Any:
        self.reads += 1
        return super().__getitem__(at)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "inserted"),
    [
        *((place, lines) for place in (3, 7) for lines in (["y"], ["y", "z"], [""])),
        (0, ["# B"]),
    ],
)
def test_an_edit_within_a_cell_reads_no_other_cells(place: int, inserted: list[str]) -> None:
    lines = CountedLines(["# A", "", "```python", "x", "z", "```", "words", "more", ""] * 2000)
    index = index_of(lines)
    first = 9 * 1000 + place
    lines[first : first + 1] = inserted
    lines.reads = 0
    assert not index.splice(first, 1, inserted)
    assert lines.reads <= 2
    fresh = index_of(list(lines))
    assert [index.span(at) for at in range(len(index))] == [
        fresh.span(at) for at in range(len(fresh))
    ]


def test_language_of_the_fence_around_a_line() -> None:
    lines = ["```python", "x", "```", "```bash", "ls", "```", "```", "plain", "```", "words"]
    index = index_of(lines)
    assert [index.language_at(line) for line in range(len(lines))] == [
        *["", "python", "", "", "bash", "", "", "", "", ""]
    ]


TEXT = "# A\n\n```python\nx = 1\ny\n```\n\nwords\n\n```python\nz\n```\n"


def after(edit: CellEdit, lines: list[str]) -> str:
    return "\n".join([*lines[: edit.first_line], *edit.lines, *lines[edit.end_line :]])


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("delete_cells", (1, 1), "# A\n\nwords\n\n```python\nz\n```\n"),
        ("delete_cells", (0, 3), "```python\n\n```\n"),
        (
            "move_cells",
            (1, 1, 1),
            "# A\n\nwords\n\n```python\nx = 1\ny\n```\n\n```python\nz\n```\n",
        ),
        ("insert_cell", (1,), TEXT.replace("# A\n\n", "# A\n\n```python\n\n```\n\n")),
        ("merge_cells", (1, 2), "# A\n\n```python\nx = 1\ny\n\nwords\n```\n\n```python\nz\n```\n"),
        ("split_cell", (4, 0), TEXT.replace("1\ny", "1\n```\n\n```python\ny")),
        ("change_kind", (3, 3, CellKind.MARKDOWN), TEXT.replace("```python\nz\n```", "z")),
        ("change_kind", (2, 2, CellKind.CODE), TEXT.replace("words", "```python\nwords\n```")),
        ("change_kind", (1, 2, CellKind.RAW), TEXT),
        ("clear_outputs", (0, 3), TEXT),
    ],
)
def test_operations_on_cells(name: str, arguments: tuple[object, ...], expected: str) -> None:
    lines = TEXT.split("\n")
    edit = getattr(cell_edits, name)(CellText(lines, index_of(lines)), *arguments)
    assert after(edit, lines) == expected


def test_a_copied_fence_is_pasted_with_its_words() -> None:
    lines = ["```{python} ", "x", "```", "", "text"]
    text = CellText(lines, index_of(lines))
    copied = cell_edits.copy_cells(text, 0, 0)
    assert after(cell_edits.paste_cells(text, 1, copied), lines) == (
        "```{python} \nx\n```\n\n```{python}\nx\n```\n\ntext"
    )
    backticks = [copied[0].__class__(CellKind.CODE, copied[0].separator, "```", "k")]
    assert "````{python}\n```\n````" in after(cell_edits.paste_cells(text, 1, backticks), lines)
