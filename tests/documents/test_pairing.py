"""Notebook and script as a pair: saved in step, and never over what was changed by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codeexec.documents.formats import open_document, save_document
from codeexec.documents.model import Document
from codeexec.documents.pairing import counterpart, paired, save_counterpart
from codeexec.domain.errors import Conflict

OUTPUT = {"name": "stdout", "output_type": "stream", "text": ["1\n"]}


def write(path: Path, **jupytext: Any) -> Path:
    cells = [
        {"attachments": {}, "cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# T"]},
        {
            "cell_type": "code",
            "execution_count": 4,
            "id": "b",
            "metadata": {"tags": ["t"]},
            "outputs": [OUTPUT],
            "source": ["%time x\n", "y"],
        },
    ]
    metadata = {"jupytext": jupytext} if jupytext else {}
    data = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(data, indent=1) + "\n")
    return path


def save(document: Document, text: str) -> Document:
    saved = save_document(document, text)
    save_counterpart(document, saved)
    return saved


def test_a_paired_notebook_writes_its_script(tmp_path: Path) -> None:
    document = open_document(write(tmp_path / "a.ipynb", formats="ipynb,py:percent"))
    save(document, document.text.replace("T", "Title"))
    script = (tmp_path / "a.py").read_text()
    assert "formats: ipynb,py:percent" in script
    assert script.endswith('# %% [markdown]\n# # Title\n\n# %% tags=["t"]\n# %time x\ny\n')


def test_a_paired_script_writes_its_notebook_and_keeps_outputs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", formats="ipynb,py:percent")
    save(document := open_document(path), document.text)
    script = open_document(tmp_path / "a.py")
    assert counterpart(script) == path
    save(script, script.text.replace("# # T", "# # Title") + "\n# %%\nnew\n")
    title, code, new = json.loads(path.read_text())["cells"]
    assert (title["id"], title["source"], title["attachments"]) == ("a", ["# Title"], {})
    assert (code["id"], code["outputs"], code["execution_count"]) == ("b", [OUTPUT], 4)
    assert new["source"] == ["new"]


def test_a_new_pair_of_a_script(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("#!/usr/bin/env python\n# %%\nx = 1\n")
    document = open_document(path)
    assert counterpart(document) is None
    pair = paired(document)
    assert pair.text.startswith("#!/usr/bin/env python\n# ---\n# jupyter:\n")
    save(document, pair.text)
    made = json.loads((tmp_path / "a.ipynb").read_text())
    assert [cell["source"] for cell in made["cells"]] == [["x = 1"]]
    assert made["metadata"]["jupytext"]["formats"] == "ipynb,py:percent"


def test_pairing_a_notebook_keeps_the_other_options(tmp_path: Path) -> None:
    document = open_document(write(tmp_path / "a.ipynb", main_language="python"))
    assert counterpart(document) is None
    pair = paired(document)
    assert pair.notebook is not None
    assert pair.notebook.data["metadata"]["jupytext"] == {
        "main_language": "python",
        "formats": "ipynb,py:percent",
    }
    assert counterpart(pair) == tmp_path / "a.py"


def test_the_header_of_the_script_stays(tmp_path: Path) -> None:
    document = open_document(write(tmp_path / "a.ipynb", formats="ipynb,py:percent"))
    header = (
        "# ---\n# jupyter:\n#   jupytext:\n#     formats: ipynb,py:percent\n"
        "#     text_representation:\n#       jupytext_version: 1.16.4\n# ---\n\n"
    )
    save(document, document.text)
    script = (tmp_path / "a.py").read_text()
    body = script[script.index("# %%") :]
    (tmp_path / "a.py").write_text(header + body)
    save(document := open_document(document.path), document.text.replace("y", "z"))
    assert (tmp_path / "a.py").read_text() == header + body.replace("\ny", "\nz")


@pytest.mark.parametrize("changed", ["a.py", "a.ipynb"])
def test_a_file_that_was_changed_by_itself_is_not_written(tmp_path: Path, changed: str) -> None:
    document = open_document(write(tmp_path / "a.ipynb", formats="ipynb,py:percent"))
    save(document, document.text)
    other = tmp_path / changed
    other.write_text(other.read_text().replace("y", "mine"))
    before = other.read_text()
    mine = open_document(tmp_path / ("a.py" if changed == "a.ipynb" else "a.ipynb"))
    with pytest.raises(Conflict, match=f"{changed} is paired"):
        save(mine, mine.text.replace("T", "Title"))
    assert other.read_text() == before
    assert "Title" in mine.path.read_text()  # what was asked for is saved


@pytest.mark.parametrize(
    "formats", ["ipynb", "py:percent", "ipynb,md", "ipynb,py:light", "a//ipynb,b//py:percent", 5]
)
def test_other_pairs_are_left_to_jupytext(tmp_path: Path, formats: object) -> None:
    document = open_document(write(tmp_path / "a.ipynb", formats=formats))
    assert counterpart(document) is None
    assert save_counterpart(document, replace(document, text="")) is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.ipynb"]
