"""Notebooks of other programs: an edit of one cell leaves every other byte as it was."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import nbformat
import pytest

from codeexec.documents.formats import open_document, save_document
from support.public_notebooks import ALL


@pytest.mark.parametrize("name", ALL)
def test_a_notebook_of_another_program_is_saved_unchanged(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(ALL[name], "utf-8")
    nbformat.validate(json.loads(ALL[name]))
    document = open_document(path)
    save_document(document, document.text)
    assert path.read_text("utf-8") == ALL[name]


@pytest.mark.parametrize(
    ("name", "line", "written"),
    [
        ("old.ipynb", "g * 3", '    "g * 3 * 2"'),
        ("vscode.ipynb", "total", '    "total * 2"'),
        (
            "colab.ipynb",
            "    print('<' + letter + '>')",
            "        \"    print('<' + letter + '>') * 2\"",
        ),
    ],
)
def test_an_edit_of_a_cell_changes_its_line_alone(
    tmp_path: Path, name: str, line: str, written: str
) -> None:
    path = tmp_path / name
    path.write_text(ALL[name], "utf-8")
    document = open_document(path)
    assert document.text.count(f"\n{line}\n") == 1
    save_document(document, document.text.replace(f"\n{line}\n", f"\n{line} * 2\n"))
    before, after = ALL[name].split("\n"), path.read_text("utf-8").split("\n")
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changes = [
        after[low:high] for kind, _, _, low, high in matcher.get_opcodes() if kind != "equal"
    ]
    assert [one.replace("\\u003c", "<").replace("\\u003e", ">") for one in changes[0]] == [written]
    assert len(changes) == 1
    nbformat.validate(json.loads(path.read_text("utf-8")))
