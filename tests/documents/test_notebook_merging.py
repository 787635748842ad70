"""Three-way merge of notebooks: cells by id, or by source in notebooks without ids."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents.notebook.convert import Notebook, parse_notebook
from codeexec.documents.notebook.merging import Merged, merge_notebooks


def cell(name: str, source: str = "", *, output: str = "", **more: Any) -> dict[str, Any]:
    outputs = [{"name": "stdout", "output_type": "stream", "text": output}] if output else []
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": outputs,
        "source": source or name,
        **more,
    }


def notebook(*cells: dict[str, Any], has_ids: bool = True, **metadata: Any) -> Notebook:
    if not has_ids:
        cells = tuple({k: v for k, v in each.items() if k != "id"} for each in cells)
    minor = 5 if has_ids else 4
    data = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}
    return parse_notebook(json.dumps(data))


def sources(merged: Merged) -> list[str]:
    return [cell["source"] for cell in merged.notebook.data["cells"]]


@pytest.mark.parametrize("has_ids", [True, False])
def test_changes_of_different_cells_are_merged(has_ids: bool) -> None:
    base = notebook(cell("a"), cell("b"), cell("c"), has_ids=has_ids)
    mine = notebook(cell("a", "a1"), cell("b"), cell("new"), cell("c"), has_ids=has_ids)
    theirs = notebook(cell("x"), cell("a"), cell("b", "b1", output="5"), has_ids=has_ids)
    merged = merge_notebooks(base, mine, theirs, both=False)
    assert sources(merged) == ["x", "a1", "b1", "new"]
    assert merged.clashes == ()
    assert merged.places == (None, 0, 1, 2)
    assert merged.notebook.data["cells"][2]["outputs"][0]["text"] == "5"
    assert merged.taken == 3


def test_parts_of_one_cell_are_merged() -> None:
    base = notebook(cell("a", metadata={"tags": ["x"]}))
    mine = notebook(cell("a", "mine", metadata={"tags": ["x"]}))
    theirs = notebook(cell("a", metadata={"tags": ["y"]}, output="3"))
    merged = merge_notebooks(base, mine, theirs, both=False)
    assert merged.clashes == ()
    (only,) = merged.notebook.data["cells"]
    assert (only["source"], only["metadata"], len(only["outputs"])) == (
        "mine",
        {"tags": ["y"]},
        1,
    )


def test_two_edits_of_one_cell_clash_and_both_can_be_kept() -> None:
    base, mine, theirs = (notebook(cell("a", text), cell("b")) for text in ("", "me", "they"))
    merged = merge_notebooks(base, mine, theirs, both=False)
    assert (merged.clashes, sources(merged)) == ((0,), ["me", "b"])
    merged = merge_notebooks(base, mine, theirs, both=True)
    assert (merged.clashes, sources(merged)) == ((0,), ["me", "they", "b"])
    ids = [each["id"] for each in merged.notebook.data["cells"]]
    assert (ids[0], ids[2], len(set(ids))) == ("a", "b", 3)


def test_the_same_edit_on_both_sides_is_no_clash() -> None:
    base, mine, theirs = (notebook(cell("a", text)) for text in ("", "same", "same"))
    merged = merge_notebooks(base, mine, theirs, both=False)
    assert (merged.clashes, sources(merged)) == ((), ["same"])


def test_an_edited_cell_is_not_deleted_by_the_other_side() -> None:
    base = notebook(cell("a"), cell("b"), cell("c"))
    mine = notebook(cell("a", "edited"), cell("c"))
    theirs = notebook(cell("b", "edited too"), cell("c"))
    merged = merge_notebooks(base, mine, theirs, both=False)
    assert sorted(sources(merged)) == ["c", "edited", "edited too"]
    assert len(merged.clashes) == 2


def test_cells_moved_here_stay_where_they_are() -> None:
    base = notebook(cell("a"), cell("b"), cell("c"))
    mine = notebook(cell("c"), cell("a"), cell("b"))
    theirs = notebook(cell("a"), cell("b", "b1"), cell("c"), cell("d"))
    assert sources(merge_notebooks(base, mine, theirs, both=False)) == ["c", "d", "a", "b1"]


def test_metadata_of_the_notebook_is_merged() -> None:
    base = notebook(kernelspec={"name": "a"}, widgets={})
    mine = notebook(kernelspec={"name": "b"}, widgets={})
    theirs = notebook(kernelspec={"name": "a"}, widgets={"x": 1}, colab=True)
    merged = merge_notebooks(base, mine, theirs, both=False)
    assert merged.notebook.data["metadata"] == {
        "kernelspec": {"name": "b"},
        "widgets": {"x": 1},
        "colab": True,
    }


EDITS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["keep", "edit", "delete"])),
    max_size=4,
    unique_by=lambda edit: edit[0],
)


def _changed(edits: list[tuple[str, str]], text: str) -> Notebook:
    chosen = dict(edits)
    return notebook(*(
        cell(name, name + text * (chosen.get(name) == "edit"))
        for name in "abcd"
        if chosen.get(name) != "delete"
    ))  # fmt: skip


@given(EDITS, EDITS)
def test_no_edit_is_lost(mine: list[tuple[str, str]], theirs: list[tuple[str, str]]) -> None:
    merged = merge_notebooks(
        notebook(*map(cell, "abcd")), _changed(mine, "+"), _changed(theirs, "-"), both=True
    )
    edited = {f"{name}+" for name, edit in mine if edit == "edit"}
    edited |= {f"{name}-" for name, edit in theirs if edit == "edit"}
    assert edited <= set(sources(merged))
    assert len({each["id"] for each in merged.notebook.data["cells"]}) == len(sources(merged))
