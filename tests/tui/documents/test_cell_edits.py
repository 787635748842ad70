"""Operations on whole cells: text, keys and what the notebook keeps, with undo of all of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents import cell_edits
from codeexec.documents.cell_blocks import CellEdit
from codeexec.documents.files import FileText
from codeexec.documents.model import Cell, CellKind, Document
from codeexec.documents.notebook.convert import dump_notebook, from_text, parse_notebook, to_text
from codeexec.languages.catalog import by_name
from codeexec.tui.panes.documents.cells.notebook_cells import NotebookCells
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.text import Location

PICTURE = {"a.png": {"image/png": "AAAA"}}


class Editor:
    """The part of an editor that whole cells need."""

    def __init__(self, model: EditorModel) -> None:
        self.model = model

    def cells(self) -> tuple[Cell, ...]:
        return self.model.all_cells()

    def sync(self) -> None:
        pass


class OpenNotebook:
    """A notebook in an editor, without a screen."""

    def __init__(self, *cells: dict[str, Any], minor: int = 5) -> None:
        data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}
        self.bytes = json.dumps(data, indent=1) + "\n"
        notebook = parse_notebook(self.bytes)
        self.model = EditorModel(to_text(notebook, "#"), by_name("python"))
        self.model.cells.escaped = True
        self.document = Document(FileText(Path(), ""), "", "#", notebook)
        editor: Any = Editor(self.model)
        self.cells = NotebookCells(lambda: editor, lambda: self.document)

    def do(self, operation: Callable[..., CellEdit], *arguments: Any) -> None:
        assert self.cells.apply(operation(self.cells.text, *arguments))
        assert self.model.cells.keys == tuple(cell.key for cell in self.model.all_cells())

    def save(self) -> list[dict[str, Any]]:
        notebook = self.document.notebook
        assert notebook is not None
        saved = from_text(notebook, self.model.buffer.text(), "#", self.cells.origins())
        self.document = Document(self.document.file, "", "#", saved)
        self.cells.note_saved()
        written = json.loads(dump_notebook(saved))
        nbformat.validate(written)
        cells: list[dict[str, Any]] = written["cells"]
        return cells


def code(name: str, source: str = "") -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": 3,
        "id": name,
        "metadata": {"own": name},
        "outputs": [{"name": "stdout", "output_type": "stream", "text": [name]}],
        "source": [source or f"x = '{name}'"],
    }


def prose(name: str, source: str = "") -> dict[str, Any]:
    return {
        "attachments": PICTURE,
        "cell_type": "markdown",
        "id": name,
        "metadata": {"own": name},
        "source": [source or f"Text {name}"],
    }


def ids(cells: list[dict[str, Any]]) -> list[str]:
    return [cell["id"] for cell in cells]


def test_move_takes_everything_along() -> None:
    notebook = OpenNotebook(code("a"), prose("b"), code("c"), code("d"))
    notebook.do(cell_edits.move_cells, 0, 1, 1)
    cells = notebook.save()
    assert ids(cells) == ["c", "a", "b", "d"]
    assert cells[1:3] == [code("a"), prose("b")]
    notebook.do(cell_edits.move_cells, 1, 2, -5)
    assert ids(notebook.save()) == ["a", "b", "c", "d"]


def test_a_moved_and_edited_cell_among_equal_ones_is_still_itself() -> None:
    notebook = OpenNotebook(code("a", "same"), code("b", "same"), code("c", "same"))
    notebook.do(cell_edits.move_cells, 2, 2, -2)
    start, _ = notebook.model.cells.span(0)
    at = Location(start + 1, 0)
    notebook.model.edit([(at, at, "# edited ")])
    cells = notebook.save()
    assert ids(cells) == ["c", "a", "b"]
    assert "".join(cells[0]["source"]) == "# edited same"


def test_a_deleted_cell_comes_back_whole_after_a_save() -> None:
    notebook = OpenNotebook(code("a"), prose("b"), code("c"))
    notebook.do(cell_edits.delete_cells, 1, 2)
    assert ids(notebook.save()) == ["a"]
    assert notebook.model.undo()
    assert notebook.save() == [code("a"), prose("b"), code("c")]
    assert notebook.model.redo()
    assert ids(notebook.save()) == ["a"]


def test_deleting_all_leaves_an_empty_cell() -> None:
    notebook = OpenNotebook(code("a"), prose("b"))
    notebook.do(cell_edits.delete_cells, 0, 1)
    (cell,) = notebook.save()
    assert (cell["cell_type"], cell["source"], cell["outputs"]) == ("code", [], [])


def test_copies_have_ids_of_their_own_and_a_cut_cell_keeps_its_id() -> None:
    notebook = OpenNotebook(code("a"), prose("b"))
    copied = notebook.cells.copied(1, 1)
    notebook.do(cell_edits.paste_cells, 0, copied)
    cells = notebook.save()
    assert len(set(ids(cells))) == 3
    assert [cell["source"] for cell in cells] == [["Text b"], ["x = 'a'"], ["Text b"]]
    assert cells[0]["attachments"] == PICTURE
    notebook.do(cell_edits.delete_cells, 2, 2)
    notebook.do(cell_edits.paste_cells, 0, copied)
    assert ids(notebook.save()) == ["b", cells[0]["id"], "a"]


def test_paste_into_an_older_notebook_writes_no_id() -> None:
    copied = OpenNotebook(prose("b")).cells.copied(0, 0)
    old = {key: value for key, value in code("a").items() if key != "id"}
    notebook = OpenNotebook(old, minor=4)
    notebook.do(cell_edits.paste_cells, 1, copied)
    cells = notebook.save()
    assert cells[0] == old
    assert {"id", "attachments"} & set(cells[1]) == {"attachments"}


def test_split_and_merge() -> None:
    notebook = OpenNotebook(prose("a", "one\ntwo"), code("b", "x = 1\ny = 2"))
    notebook.do(cell_edits.split_cell, 6, 0)
    cells = notebook.save()
    assert [cell["source"] for cell in cells[1:]] == [["x = 1"], ["y = 2"]]
    assert (cells[1]["id"], cells[1]["outputs"]) == ("b", code("b")["outputs"])
    assert (cells[2]["outputs"], cells[2]["metadata"]) == ([], {"own": "b"})
    notebook.do(cell_edits.merge_cells, 1, 2)
    assert notebook.save()[1]["source"] == ["x = 1\n", "\n", "y = 2"]
    notebook.do(cell_edits.split_cell, 2, 0)
    assert [cell["source"] for cell in notebook.save()[:2]] == [["one"], ["two"]]
    notebook.do(cell_edits.split_cell, 1, 4)  # within the word, after the comment marker
    halves = notebook.save()[:2]
    assert [cell["source"] for cell in halves] == [["on"], ["e"]]
    assert [cell["attachments"] for cell in halves] == [PICTURE, PICTURE]


def test_merged_prose_has_all_attachments() -> None:
    other = {**prose("b"), "attachments": {"b.png": {"image/png": "BBBB"}}}
    notebook = OpenNotebook(prose("a"), other, code("c"))
    notebook.do(cell_edits.merge_cells, 0, 2)
    (cell,) = notebook.save()
    assert cell["attachments"] == {**PICTURE, "b.png": {"image/png": "BBBB"}}
    assert cell["source"] == ["Text a\n", "\n", "Text b\n", "\n", "x = 'c'"]
    assert notebook.model.undo()
    assert notebook.save() == [prose("a"), other, code("c")]


def test_another_kind_keeps_id_and_metadata_and_undo_brings_outputs_back() -> None:
    notebook = OpenNotebook(code("a", "# %% odd\nx"), prose("b"))
    notebook.do(cell_edits.change_kind, 0, 1, CellKind.RAW)
    cells = notebook.save()
    assert [(cell["cell_type"], cell["id"]) for cell in cells] == [("raw", "a"), ("raw", "b")]
    assert cells[0]["source"] == ["# %% odd\nx"]
    assert notebook.model.undo()
    assert notebook.save() == [code("a", "# %% odd\nx"), prose("b")]
    notebook.do(cell_edits.change_kind, 1, 1, CellKind.CODE)
    assert notebook.save()[1] == {
        "cell_type": "code",
        "id": "b",
        "metadata": {"own": "b"},
        "source": ["Text b"],
        "execution_count": None,
        "outputs": [],
    }


def test_cleared_outputs_come_back_with_undo() -> None:
    notebook = OpenNotebook(code("a"), prose("b"), code("c"))
    before = notebook.model.buffer.text()
    notebook.do(cell_edits.clear_outputs, 0, 1)
    assert notebook.model.buffer.text() == before
    assert not notebook.model.history.is_saved
    cells = notebook.save()
    assert (cells[0]["id"], cells[0]["outputs"], cells[0]["execution_count"]) == ("a", [], None)
    assert cells[1:] == [prose("b"), code("c")]
    assert notebook.model.undo()
    assert notebook.save() == [code("a"), prose("b"), code("c")]


def test_insert_above_between_and_below() -> None:
    notebook = OpenNotebook(code("a"), code("b"))
    for at, kind in ((0, CellKind.MARKDOWN), (2, CellKind.CODE), (4, CellKind.RAW)):
        notebook.do(cell_edits.insert_cell, at, kind)
    kinds = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook.save()]
    assert kinds == [
        ("markdown", ""),
        ("code", "x = 'a'"),
        ("code", ""),
        ("code", "x = 'b'"),
        ("raw", ""),
    ]


@pytest.mark.parametrize("text", ["x = 1\n", "x = 1", "", "\n\n# %%\na\n# %% t\nb", "# %%"])
def test_scripts_with_and_without_separators(text: str) -> None:
    model = EditorModel(text, by_name("python"))
    editor: Any = Editor(model)
    cells = NotebookCells(lambda: editor, lambda: Document(FileText(Path(), ""), "", "#"))
    sources = [cell.source for cell in model.all_cells()]
    assert cells.apply(cell_edits.insert_cell(cells.text, len(model.cells)))
    kept = [cell.source for cell in model.all_cells()]
    assert [source for source in kept if source] == [source for source in sources if source]
    assert kept[-1] == ""
    assert model.undo()
    assert model.buffer.text() == text


def test_a_cell_keeps_its_id_where_a_copy_of_it_is_deleted_by_undo() -> None:
    notebook = OpenNotebook(*(code(f"n{number}") for number in range(4)))
    notebook.cells.apply(
        cell_edits.paste_cells(notebook.cells.text, 0, notebook.cells.copied(0, 0))
    )
    notebook.save()
    notebook.do(cell_edits.merge_cells, 1, 2)
    notebook.save()
    assert notebook.model.undo()
    assert notebook.model.undo()
    assert ids(notebook.save()) == ["n0", "n1", "n2", "n3"]


OPERATIONS: list[Callable[[OpenNotebook, int, int], CellEdit]] = [
    lambda notebook, a, b: cell_edits.move_cells(notebook.cells.text, a, b, 1),
    lambda notebook, a, b: cell_edits.delete_cells(notebook.cells.text, a, b),
    lambda notebook, a, b: cell_edits.merge_cells(notebook.cells.text, a, b),
    lambda notebook, a, b: cell_edits.insert_cell(notebook.cells.text, a),
    lambda notebook, a, b: cell_edits.clear_outputs(notebook.cells.text, a, b),
    lambda notebook, a, b: cell_edits.change_kind(notebook.cells.text, a, b, CellKind.CODE),
    lambda notebook, a, b: cell_edits.paste_cells(
        notebook.cells.text, a, notebook.cells.copied(a, b)
    ),
]


@given(st.data())
def test_any_operations_lose_nothing_and_are_undone(data: st.DataObject) -> None:
    sources = st.sampled_from(["", "x", "# %% a", "a\n\n\nb", "# c", "```\n%%\n```"])
    names = [f"n{n}" for n in range(data.draw(st.integers(1, 4)))]
    notebook = OpenNotebook(
        *(data.draw(st.sampled_from([code, prose]))(name, data.draw(sources)) for name in names)
    )
    original = notebook.model.buffer.text()
    keys = notebook.model.cells.keys
    done = 0
    for _ in range(data.draw(st.integers(1, 5))):
        first = data.draw(st.integers(0, len(notebook.model.cells) - 1))
        last = data.draw(st.integers(first, len(notebook.model.cells) - 1))
        edit = data.draw(st.sampled_from(OPERATIONS))(notebook, first, last)
        done += notebook.cells.apply(edit)
        assert notebook.model.cells.keys == edit.keys
        saved = notebook.save()
        assert len(saved) == len(edit.keys)
        assert len(set(ids(saved))) == len(saved)
    for _ in range(done):
        assert notebook.model.undo()
    assert notebook.model.buffer.text() == original
    assert notebook.model.cells.keys == keys
    assert notebook.save() == json.loads(notebook.bytes)["cells"]
