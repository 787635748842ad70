"""Documents: scripts and notebooks open, save and become one another."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from codeexec.documents.formats import open_as_text, open_document, save_as, save_document
from codeexec.documents.selection import above, below, cell_at, following, runnable
from codeexec.domain.errors import Conflict, DocumentError, NotFound

SCRIPT = "import os\n# %% one\na = 1\n# %% [markdown]\n# text\n# %% two\nb = 2\n# %%\n"


def script(tmp_path: Path) -> Path:
    path = tmp_path / "x.py"
    path.write_text(SCRIPT)
    return path


def test_cells_are_found_by_index_and_title(tmp_path: Path) -> None:
    document = open_document(script(tmp_path))
    assert document.cell("two").source == "b = 2"
    assert document.cell(0).source == "import os"
    assert document.cell(-1).is_blank
    assert document.line_count == 9
    for missing in (9, "three"):
        with pytest.raises(NotFound):
            document.cell(missing)


def test_selections_for_running(tmp_path: Path) -> None:
    cells = open_document(script(tmp_path)).cells
    at = cell_at(cells, 6)
    assert at is not None
    assert at.title == "two"
    assert [c.source for c in above(cells, 6)] == ["import os", "a = 1"]
    assert [c.source for c in below(cells, 2)] == ["a = 1", "b = 2"]
    assert [c.source for c in runnable(cells)] == ["import os", "a = 1", "b = 2"]
    after = following(cells, 1)
    assert after is not None
    assert after.kind == "markdown"
    assert following(cells, 7) is None
    assert cell_at((), 0) is None


def test_script_becomes_notebook_and_back(tmp_path: Path) -> None:
    document = open_document(script(tmp_path))
    saved = save_as(document, document.text, tmp_path / "x.ipynb")
    nbformat.validate(json.loads(saved.path.read_text()))
    again = open_document(saved.path)
    assert again.notebook is not None
    assert [c.source for c in again.cells if not c.is_blank] == [
        "import os",
        "a = 1",
        "text",
        "b = 2",
    ]
    assert again.cell("one").source == "a = 1"
    edited = save_document(again, again.text.replace("b = 2", "b = 3"))
    assert "b = 3" in edited.path.read_text()
    plain = save_as(edited, edited.text, tmp_path / "y.py")
    assert plain.notebook is None
    assert "# %% one\na = 1\n" in plain.path.read_text()
    with pytest.raises(Conflict):
        save_as(edited, edited.text, tmp_path / "y.py")


def test_new_and_broken_files(tmp_path: Path) -> None:
    fresh = open_document(tmp_path / "new.ipynb", create=True)
    save_document(fresh, "# %%\n1\n")
    assert json.loads((tmp_path / "new.ipynb").read_text())["nbformat_minor"] == 5
    with pytest.raises(NotFound):
        open_document(tmp_path / "none.py")
    broken = tmp_path / "b.ipynb"
    broken.write_text("{")
    with pytest.raises(DocumentError):
        open_document(broken)
    assert open_as_text(broken).text == "{"
