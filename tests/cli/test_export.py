"""`export` of documents, and of sessions as pages."""

from __future__ import annotations

import json

import pytest

from support.programs import Desk


@pytest.mark.slow
def test_export_of_a_notebook(desk: Desk) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "a < b\n"}
    cell = {"cell_type": "code", "metadata": {}, "source": "x", "outputs": [output]}
    data = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (desk.folder / "a.ipynb").write_text(json.dumps(data))
    assert desk.run("export", "a.ipynb", "--to", "html").stdout == "written: a.html\n"
    assert "a &lt; b" in (desk.folder / "a.html").read_text()
    again = desk.run("export", "a.ipynb", "--to", "html")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    assert desk.run("export", "a.ipynb", "--to", "html", "--force").returncode == 0
    assert desk.run("export", "a.ipynb", "-o", "-", "--to", "md").stdout == (
        "```python\nx\n```\n\n```text\na < b\n```\n"
    )
    unknown = desk.run("export", "a.ipynb", "--to", "docx")
    assert (unknown.returncode, "Use html, md" in unknown.stderr) == (2, True)
