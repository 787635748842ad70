"""Cells as they are listed to be gone to."""

from __future__ import annotations

from dataclasses import replace

from codeexec.documents.model import Cell, CellKind
from codeexec.tui.panes.documents.going import cell_places


def cell(index: int, source: str, title: str = "", kind: CellKind = CellKind.CODE) -> Cell:
    start = index * 10
    return Cell(index, kind, title, start, start + 1, start + 10, source)


def test_a_cell_is_listed_by_title_heading_or_first_line_of_code() -> None:
    places = cell_places(
        [
            cell(0, "# Sales\n\nAll of them.", kind=CellKind.MARKDOWN),
            cell(1, "\nimport pandas as pd\ndf = 1"),
            cell(2, "plt.plot(x)", title="plot"),
            cell(3, ""),
            replace(cell(4, "int x;"), language="cpp"),
        ]
    )
    assert [(one.title, one.line, one.detail) for one in places] == [
        ("1  Sales", 0, "markdown"),
        ("2  import pandas as pd", 10, ""),
        ("3  plot", 20, "plt.plot(x)"),
        ("4  empty cell 4", 30, ""),
        ("5  int x;", 40, "C++"),
    ]
