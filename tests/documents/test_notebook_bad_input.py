"""Notebooks that are too much, or not what the format says: refused in words, and never lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from codeexec.documents.formats import open_document, save_document
from codeexec.documents.model import Document
from codeexec.documents.notebook.source import MOST_CELLS, TooManyCells
from codeexec.domain.errors import CodeexecError, DocumentError
from codeexec.domain.events import CellRef
from codeexec.tui.panes.documents.files.reading import file_note, read
from codeexec.tui.session.stored_outputs import stored_view

CELL = '{"cell_type":"code","metadata":{},"source":"x","outputs":[]}'


def write(path: Path, **members: Any) -> Path:
    whole = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **members}
    path.write_text(json.dumps(whole))
    return path


def code(*outputs: Any, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": "x", "outputs": outputs, **more}


@pytest.mark.slow
def test_a_million_cells_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cells = ",".join([CELL] * 1_000_000)
    path.write_text(f'{{"cells":[{cells}],"metadata":{{}},"nbformat":4,"nbformat_minor":4}}')
    before = (path.stat().st_mtime_ns, path.stat().st_size)
    with pytest.raises(DocumentError, match="1,000,000 cells, and 100,000 can be edited") as caught:
        read(path)  # also not as text, which would be one line of 60 MB
    assert isinstance(caught.value.__cause__, TooManyCells)
    assert caught.value.next_step
    assert (path.stat().st_mtime_ns, path.stat().st_size) == before


def test_as_many_cells_as_can_be_edited_are_counted_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeexec.documents.notebook.source.MOST_CELLS", 3)
    assert len(open_document(write(tmp_path / "a.ipynb", cells=[code()] * 3)).cells) == 3
    with pytest.raises(DocumentError, match="4 cells"):
        open_document(write(tmp_path / "a.ipynb", cells=[code()] * 4))
    assert MOST_CELLS == 100_000


@pytest.mark.slow
@pytest.mark.parametrize("line", ["x = 1\n", "x"])
def test_a_cell_of_ten_megabytes_is_edited(tmp_path: Path, line: str) -> None:
    source = line * (10_000_000 // len(line))
    path = write(tmp_path / "a.ipynb", cells=[code(source=source), code(source="last")])
    document = open_document(path)
    assert not document.file.read_only
    save_document(document, document.text.replace("last", "end"), origins=[0, 1])
    first, last = json.loads(path.read_text())["cells"]
    assert (first["source"] == source, last["source"]) == (True, ["end"])


def _opened_as_text(path: Path, says: str) -> Document:
    before = path.read_text()
    with pytest.raises(DocumentError, match=says):
        open_document(path)
    document = read(path)
    assert (document.notebook, document.text) == (None, before)
    assert "no valid notebook" in file_note(document)
    save_document(document, document.text)
    assert path.read_text() == before
    return document


@pytest.mark.parametrize("version", [5, 99, "4", None, 4.5, True])
def test_unknown_nbformat(tmp_path: Path, version: object) -> None:
    says = "newer than the 4" if version in (5, 99) else "is JSON, but no notebook"
    _opened_as_text(write(tmp_path / "a.ipynb", nbformat=version), says)


@pytest.mark.parametrize("metadata", [[], "text", 5, True])
def test_metadata_that_is_no_object(tmp_path: Path, metadata: object) -> None:
    says = "metadata is .*, it must be an object"
    _opened_as_text(write(tmp_path / "a.ipynb", metadata=metadata), says)
    cells = [code(), code(metadata=metadata)]
    _opened_as_text(write(tmp_path / "b.ipynb", cells=cells), rf"cells\[1\]\.{says}")
    output = {"output_type": "display_data", "data": {}, "metadata": metadata}
    cells = [code(output)]
    _opened_as_text(write(tmp_path / "c.ipynb", cells=cells), rf"outputs\[0\]\.{says}")


@pytest.mark.parametrize(
    ("output", "rows"),
    [
        ({"output_type": "display_data"}, 1),
        ({"output_type": "execute_result", "data": None}, 1),
        ({"output_type": "stream"}, 1),
        ({"output_type": "error"}, 1),
        ({"output_type": "unheard_of", "data": {"a/b": 1}}, 0),
        ({}, 0),
    ],
)
def test_outputs_without_data_are_shown_and_kept(
    tmp_path: Path, output: dict[str, Any], rows: int
) -> None:
    text = {"output_type": "stream", "name": "stdout", "text": "after\n"}
    path = write(tmp_path / "a.ipynb", cells=[code(output, text)])
    document = open_document(path)
    assert document.notebook is not None
    cell = document.cells[0]
    view = stored_view(document.notebook.data["cells"][0], cell, CellRef("a", "c0", 0, ""), 1)
    assert view.total >= rows + 1 if output.get("output_type") != "stream" else view.total
    assert view.tail[-1].text.endswith("after")
    save_document(document, document.text.replace("x", "y"), origins=[0])
    assert json.loads(path.read_text())["cells"][0]["outputs"] == [output, text]


def test_deep_outputs_are_refused(tmp_path: Path) -> None:
    deep = "[" * 5000 + "]" * 5000
    path = tmp_path / "a.ipynb"
    path.write_text(
        f'{{"cells": [{{"cell_type": "code", "metadata": {{}}, "source": "x", "outputs": '
        f'[{{"output_type": "display_data", "data": {{"a/b": {deep}}}}}]}}], "metadata": {{}}, '
        '"nbformat": 4}'
    )
    before = path.read_bytes()
    with pytest.raises(DocumentError, match="nested too deeply"):
        open_document(path)
    assert path.read_bytes() == before


def test_two_lists_of_cells_are_refused(tmp_path: Path) -> None:
    cell = '{"cell_type": "code", "metadata": {}, "source": "x", "outputs": []}'
    path = tmp_path / "a.ipynb"
    path.write_text(f'{{"cells": [{cell}], "nbformat": 4, "nbformat_minor": 4, "cells": []}}')
    with pytest.raises(DocumentError, match="several lists of cells"):
        open_document(path)


def test_cells_with_the_same_id_keep_it_and_what_is_new_has_another(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "raw", "metadata": {"n": n}, "source": "x", "id": "same"} for n in range(2)
    ]
    path = tmp_path / "a.ipynb"
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(book))
    document = open_document(path)
    save_document(document, document.text)
    assert json.loads(path.read_text()) == book
    save_document(open_document(path), f"{document.text}\n\n# %%\nnew")
    *old, new = json.loads(path.read_text())["cells"]
    assert [cell["metadata"] for cell in old] == [{"n": 0}, {"n": 1}]
    assert new["id"] != "same"


def test_a_file_of_a_gigabyte_and_a_pipe_are_refused_at_once(tmp_path: Path) -> None:
    sparse, pipe = tmp_path / "sparse.ipynb", tmp_path / "pipe.ipynb"
    with sparse.open("wb") as file:
        file.truncate(1 << 30)
    os.mkfifo(pipe)
    with pytest.raises(DocumentError, match="too much for an editor"):
        open_document(sparse)
    with pytest.raises(CodeexecError, match="named pipe"):
        open_document(pipe)


@pytest.mark.slow
def test_a_mapped_notebook_may_be_cut_by_another_program(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    data = {"image/png": "iVBORw0K" * 500_000}
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    cell = {
        "cell_type": "code",
        "metadata": {},
        "source": "plot()",
        "execution_count": 1,
        "outputs": [output],
    }
    book = {"cells": [cell] * 6, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(book))
    document = open_document(path)
    assert document.notebook is not None
    os.truncate(path, 10)  # the pages of a plain mapping would end this process (SIGBUS)
    assert list(document.notebook.outputs(5)) == [output]
    save_document(document, document.text, overwrite=True)
    assert json.loads(path.read_text()) == book
