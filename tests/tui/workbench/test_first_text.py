"""The text of a document in the first frame: where the editor will have it, and harmless."""

from __future__ import annotations

import json
from pathlib import Path

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents.notebook.convert import parse_notebook, to_text
from codeexec.tui.boot.preview import (
    document_text,
    front_document,
    notebook_text,
    panes_text,
    rows_text,
)
from codeexec.tui.layout import Box, PaneLayout, boxes

WIDE = PaneLayout()
EDITOR = boxes(WIDE, 200, 50)["editor"]


def seen(written: str, columns: int, lines: int) -> list[str]:
    """The rows of a terminal to which this was written."""
    screen = pyte.Screen(columns, lines)
    pyte.Stream(screen).feed(written)
    return [row.rstrip() for row in screen.display]


def test_the_text_stands_beside_the_files_below_the_tabs(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("first = 1\n\tsecond = 2\n")
    rows = seen(document_text(path, EDITOR), 200, 50)
    left = " " * (WIDE.files_in(200) + 1)
    assert rows[:4] == ["", f"{left}   1  first = 1", f"{left}   2      second = 2", f"{left}   3"]


def test_it_ends_where_the_console_begins(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1\n" * 1000)
    rows = seen(document_text(path, EDITOR), 200, 50)
    written = [number for number, row in enumerate(rows) if row]
    assert written[0] == 1
    assert written[-1] == 48 * WIDE.editor_share // 100


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"{not json", b"[1, 2]", b'{"cells": [3]}'])
def test_what_is_no_notebook_is_left_to_the_editor(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    assert document_text(path, EDITOR) == ""


def test_what_is_not_there_is_left_to_the_editor(tmp_path: Path) -> None:
    assert document_text(tmp_path / "none.py", EDITOR) == ""


@given(st.text())
def test_nothing_in_a_file_acts_on_the_terminal(text: str) -> None:
    from codeexec.tui.boot.preview import _plain

    assert all(sign.isprintable() for sign in _plain(text))


def test_a_notebook_reads_as_in_the_editor() -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "\n", "words"]},
        {"cell_type": "code", "metadata": {}, "source": "x = 1\nx", "outputs": []},
        {"cell_type": "code", "metadata": {}, "source": [], "outputs": []},
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    assert notebook_text(text) == to_text(parse_notebook(text), "#")


def test_the_first_file_that_is_there_is_in_front(tmp_path: Path) -> None:
    kept = tmp_path / "kept.py"
    kept.touch()
    assert front_document((Path("a.py"), Path("b.py")), (str(kept),)) == Path("a.py")
    assert front_document((), (str(tmp_path / "gone.py"), str(kept))) == kept
    assert front_document((), ()) is None


def test_panes_have_titles_and_lines_between_them() -> None:
    panes = boxes(PaneLayout(files_width=10, side_width=20), 100, 24)
    rows = seen(panes_text(panes, {"files": "Files", "console": "Console"}), 100, 24)
    assert rows[0].startswith(" Files    │")
    assert [row[10:11] for row in rows] == ["│"] * 23 + [""]
    assert [row[79:80] for row in rows] == ["│"] * 23 + [""]
    (console,) = [number for number, row in enumerate(rows) if " Console" in row]
    assert console + 1 == panes["console"].top


def test_rows_stay_in_their_box_and_cover_what_was_there() -> None:
    box = Box(5, 1, 8, 2)
    before = rows_text(["one and more than fits", "two", "three"], box)
    assert seen(before, 40, 5) == ["", "     one and", "     two", "", ""]
    assert seen(before + rows_text(["1"], box), 40, 5)[1] == "     1"
