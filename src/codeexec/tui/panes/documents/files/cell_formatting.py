"""Code cells as a notebook that a formatter reads, and back into the text of a document."""

from __future__ import annotations

import json
from collections.abc import Sequence

from codeexec.documents.model import Cell
from codeexec.documents.percent.separators import escape
from codeexec.domain.text.parsing import load_json


def notebook_json(cells: Sequence[Cell]) -> str:
    """A notebook with the sources of these cells and nothing else."""
    code: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"c{number}",
            "metadata": {},
            "outputs": [],
            "source": cell.source,
        }
        for number, cell in enumerate(cells)
    ]
    language = {"language_info": {"name": "python"}}
    return json.dumps({"cells": code, "metadata": language, "nbformat": 4, "nbformat_minor": 5})


def sources_in(output: str) -> list[str]:
    """The sources of a notebook that a formatter has written; empty for anything else."""
    try:
        cells = load_json(output)["cells"]
        return ["".join(cell["source"]) for cell in cells]
    except (ValueError, KeyError, TypeError):
        return []


def with_sources(
    lines: Sequence[str], cells: Sequence[Cell], sources: Sequence[str], marker: str
) -> str:
    """The text of a notebook with other sources in these cells, which are in its order; blank
    lines at the ends of cells stay."""
    formatted: list[str] = []
    done = 0
    for cell, source in zip(cells, sources, strict=True):
        formatted += lines[done : cell.body]
        if source == cell.source:
            done = cell.body
            continue
        formatted += [escape(line, marker) for line in source.split("\n")]
        done = cell.body + len(cell.source.split("\n"))
    return "\n".join([*formatted, *lines[done:]])
