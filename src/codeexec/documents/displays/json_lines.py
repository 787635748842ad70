"""Reads JSON lines, one value a line, as a table."""

from __future__ import annotations

import json

from codeexec.documents.displays.tables import MAX_COLUMNS, MAX_ROWS
from codeexec.domain.requests import TablePage
from codeexec.domain.text.parsing import load_json

MOST_CELLS = 5_000_000
"""Cells of a table: where each line has keys of its own, most are empty."""

VALUE = "value"
"""Column of the lines that hold no object."""
NOT_JSON = "not JSON"
"""Column of the lines that cannot be read, as they stand."""


def from_json_lines(text: str) -> TablePage | None:
    """A row for each line that is not blank, a column for each key in the order in which they come;
    the index has the numbers of the lines. Values within a value stay JSON. None where all lines
    are blank. The table is cut at MAX_ROWS, MAX_COLUMNS and about MOST_CELLS."""
    columns: dict[str, int] = {}
    rows: list[dict[str, str]] = []
    index: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(rows) == MAX_ROWS or (len(rows) + 1) * len(columns) > MOST_CELLS:
            break
        row = _row(line)
        for name in row:
            if name not in columns and len(columns) < MAX_COLUMNS:
                columns[name] = len(columns)
        rows.append(row)
        index.append(str(number))
    if not rows:
        return None
    names = tuple(columns)
    return TablePage(
        names=names,
        types=("",) * len(names),
        index=tuple(index),
        cells=tuple(tuple(row.get(name, "") for name in names) for row in rows),
        start=0,
        rows=len(rows),
        columns=len(names),
    )


def _row(line: str) -> dict[str, str]:
    try:
        value = load_json(line)
    except ValueError:
        return {NOT_JSON: line.strip()}
    if not isinstance(value, dict):
        return {VALUE: _cell(value)}
    return {str(name): _cell(each) for name, each in value.items()}


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
