"""The pure parts of the editor pane: marks, syntax errors, words, another text in its place."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from textual.app import App, ComposeResult

from codeexec.documents.model import Cell
from codeexec.documents.percent.cells import CellIndex
from codeexec.domain.snapshot import ExecutionStatus, ExecutionView
from codeexec.languages.catalog import by_name
from codeexec.tui.panes.documents.cells.marks import cell_marks, reference
from codeexec.tui.panes.documents.cells.syntax_errors import SyntaxChecker, error_of
from codeexec.tui.panes.documents.cells.word_completion import words_like
from codeexec.tui.panes.documents.files.recent import MOST, RecentFiles
from codeexec.tui.panes.documents.text_diff import replace_text
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.marks import CellState

TEXT = "# %% one\na = 1\n# %% two\nb = 2\n# %% three\nc = 3"


def cells_of(text: str) -> tuple[Cell, ...]:
    lines = text.split("\n")
    return CellIndex(lines, "#").cells(lines)


def ran(
    cell: Cell, token: str, status: ExecutionStatus = "ok", *, number: int = 0, whole: bool = True
) -> ExecutionView:
    return ExecutionView(
        f"x{number}",
        cell.source,
        status,
        cell=reference("f.py", cell, token, whole=whole),
        started_at=10.0 + number,
        finished_at=None if status in ("queued", "running") else 12.0 + number,
    )


def states(
    views: list[ExecutionView], cells: tuple[Cell, ...], token: str
) -> list[CellState | None]:
    marks = cell_marks(views, cells, token, 100.0)
    shown = [marks.get(cell.key) for cell in cells]
    return [
        None
        if mark is None
        else CellState.EDITED
        if mark.state is CellState.OK and mark.code != cell.source
        else mark.state
        for cell, mark in zip(cells, shown, strict=True)
    ]


def test_the_last_execution_of_a_cell_counts() -> None:
    cells = cells_of(TEXT)
    views = [ran(cells[0], "t", "error"), ran(cells[0], "t", "ok", number=1)]
    views += [ran(cells[1], "t", "running", number=2), ran(cells[2], "t", whole=False, number=3)]
    assert states(views, cells, "t") == [CellState.OK, CellState.RUNNING, None]
    marks = cell_marks(views, cells, "t", 100.0)
    assert (marks[cells[0].key].elapsed, marks[cells[1].key].elapsed) == (2.0, 88.0)


def test_what_ran_before_a_document_was_opened_again_finds_its_cell_by_its_code() -> None:
    old = cells_of(TEXT)
    views = [ran(cell, "old", number=number) for number, cell in enumerate(old)]
    # A cell more at the top: the keys, counted anew, mean other cells now. And "two" was edited.
    new = cells_of("# %% zero\n0\n" + TEXT.replace("b = 2", "b = 3"))
    assert states(views, new, "new") == [None, CellState.OK, CellState.EDITED, CellState.OK]


UNTITLED = "# %%\na = 1\n# %%\nb = [2]\n# %%\nc = 3"


def test_a_cell_that_was_edited_before_a_document_was_opened_again_is_edited() -> None:
    old = cells_of(UNTITLED)
    views = [ran(cell, "old", number=number) for number, cell in enumerate(old)]
    edited, ok = CellState.EDITED, CellState.OK
    in_its_line = cells_of(UNTITLED.replace("b = [2]", "print('other')"))
    assert states(views, in_its_line, "new") == [ok, edited, ok]
    further_down = cells_of(UNTITLED.replace("a = 1", "a = 1\n\n\na2").replace("[2]", "[2, 3]"))
    assert states(views, further_down, "new") == [edited, edited, ok]
    cell_more = cells_of("# %%\nnew()\n" + UNTITLED.replace("b = [2]", "b = [22]"))
    assert states(views, cell_more, "new") == [None, ok, edited, ok]


def test_a_cell_that_was_run_again_with_other_code_is_edited_where_it_has_the_first_code() -> None:
    cells = cells_of(UNTITLED)
    views = [ran(cells[0], "old")]
    views.append(structs.replace(views[0], execution_id="x1", number=1, code="a = 'other'"))
    assert states(views, cells, "new") == [CellState.EDITED, None, None]


def test_cells_of_the_same_code_are_told_apart_by_their_lines() -> None:
    cells = cells_of("# %%\na += 1\n# %%\na += 1\n# %%\nb")
    views = [ran(cells[1], "old"), ran(cells[0], "old", number=1)]
    assert states(views, cells, "new") == [CellState.OK, CellState.OK, None]


def test_a_cell_that_is_gone_in_this_opening_marks_no_other_cell() -> None:
    old = cells_of(UNTITLED)
    views = [ran(cell, "t", number=number) for number, cell in enumerate(old)]
    without = [dataclasses.replace(cell, key=f"new{cell.key}") for cell in cells_of("# %%\na = 2")]
    assert states(views, tuple(without), "t") == [None]


def test_a_cell_that_was_edited_while_it_ran_is_edited() -> None:
    before, after = cells_of(TEXT), cells_of(TEXT.replace("a = 1", "a = 5"))
    assert [cell.key for cell in before] == [cell.key for cell in after]
    assert states([ran(before[0], "t", "running")], after, "t")[0] is CellState.RUNNING
    assert states([ran(before[0], "t", "ok")], after, "t")[0] is CellState.EDITED


def test_what_an_earlier_kernel_ran_has_no_tick() -> None:
    cells = cells_of(TEXT)
    old = [ran(cells[0], "t"), ran(cells[1], "t", "lost", number=1)]
    new = structs.replace(ran(cells[2], "t", number=2), generation=2)
    marks = cell_marks([*old, new], cells, "t", 100.0, {"python": 2})
    assert {key: mark.state for key, mark in marks.items()} == {
        cells[1].key: CellState.LOST,
        cells[2].key: CellState.OK,
    }


def test_errors_have_their_line_in_the_text_and_what_ipython_takes_is_none() -> None:
    found = SyntaxChecker().check(["x = 1", "# %% two", "for i in:", "    pass"])
    assert [(mark.line, mark.start) for mark in found] == [(2, 8)]
    for fine in (
        "%matplotlib inline\nx = 1",
        "!ls\nif x:\n    %timeit f()",
        "files = !ls *.py\nfiles",
        "df?",
        "df.head??",
        "%%bash\nfor x in; do",
        "await f()",
        "x = (7\n% 3)",
        'print("100 %")',
        "'\\d'",
        "",
    ):
        assert error_of(fine) is None, fine
    error = error_of("%time f()\nx = = 2")
    assert error is not None
    assert error.line == 1


@given(st.text(max_size=60))
def test_whatever_is_typed_is_looked_at_without_harm(text: str) -> None:
    for mark in SyntaxChecker().check(text.split("\n")):
        assert 0 <= mark.line < text.count("\n") + 1


def test_words_of_the_text_complete_while_the_kernel_cannot() -> None:
    found = words_like("pri", ["price = price * 2\nprinted = 1", "prize"], python=True)
    assert found[0].text == "price"
    assert {"price", "printed", "prize", "print"} <= {item.text for item in found}
    assert words_like("", ["x"], python=True) == []


def test_recent_files_are_those_that_are_there(tmp_path: Path) -> None:
    store = RecentFiles(tmp_path / "state/recent.json")
    assert store.paths() == []
    for name in ("a.py", "b.py", "a.py"):
        (tmp_path / name).touch()
        store.add(tmp_path / name)
    assert store.paths() == [tmp_path / "a.py", tmp_path / "b.py"]
    (tmp_path / "a.py").unlink()
    assert RecentFiles(tmp_path / "state/recent.json").paths() == [tmp_path / "b.py"]
    store.add(tmp_path / "b.py", ("untitled:1:b", str(tmp_path / "a.py")))
    assert store.add(tmp_path / "b.py") == ("untitled:1:b", str(tmp_path / "a.py"))
    assert store.add(tmp_path / "c.py") == ()
    for number in range(MOST + 5):
        store.add(tmp_path / f"{number}.py")
    (tmp_path / "state/recent.json").write_text("{not json")
    assert store.paths() == []


class Host(App[None]):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.editor = CodeEditor(text, by_name("python"))

    def compose(self) -> ComposeResult:
        yield self.editor


async def test_another_text_is_one_edit_that_can_be_undone() -> None:
    app = Host("")
    async with app.run_test(size=(40, 8)):

        @given(*[st.text("ab\n", max_size=12)] * 2, st.integers(0, 12))
        def holds(old: str, new: str, line: int) -> None:
            editor = app.editor
            editor.load(old)
            model = editor.model
            model.select(model.cursor._replace(line=line))
            replace_text(editor, new)
            assert editor.text == new
            assert model.buffer.clamp(model.cursor) == model.cursor
            if old != new:
                model.undo()
            assert editor.text == old

        holds()
