"""Stored outputs of opened notebooks, shown without a kernel and marked as stored."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from textual import on
from textual.app import ComposeResult

from codeexec.documents.notebook.convert import Notebook
from codeexec.domain.events import CellRef
from codeexec.domain.outputs import ErrorInfo, Run
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.panes.artifacts.index import ArtifactIndex
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import NoticePosted
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.stored_outputs import MOST_CELLS, MOST_ROWS, stored_views
from codeexec.tui.theme.theme import built_in_folder, find_theme
from support.pane_app import PaneApp, until
from support.programs import write_notebook

THEME = find_theme("harbour", [built_in_folder()])
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()


def code(source: str, *outputs: Mapping[str, object], count: int = 1) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": f"c{abs(hash(source))}",
        "metadata": {},
        "source": source,
        "execution_count": count,
        "outputs": list(outputs),
    }


def stream(text: object, name: str = "stdout") -> dict[str, object]:
    return {"output_type": "stream", "name": name, "text": text}


def views_of(*cells: dict[str, object]) -> tuple[ExecutionView, ...]:
    notebook = Notebook({"cells": list(cells), "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    return stored_views(
        notebook, notebook.cells, lambda cell: CellRef("a.ipynb", cell.key or str(cell.index)), -9
    )


def test_outputs_of_every_kind() -> None:
    data = {"text/plain": ["a\n", "b"], "image/png": PNG}
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t1", "t2"]}
    shown = {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 4}
    none, view = code("x"), code("y", stream(["1\n", "2\n"]), stream("w", "stderr"), shown, error)
    (got,) = views_of(none, view, {"cell_type": "markdown", "metadata": {}, "source": "# T"})
    assert (got.code, got.count, got.number, got.status) == ("y", 1, -9, "error")
    assert got.tail[:2] == (Run("stdout", "1\n2"), Run("stderr", "w"))
    (display,) = got.displays
    assert (display.role, display.count) == ("result", 4)
    parts = {part.mime: part.text for part in display.parts}
    assert parts == {"text/plain": "a\nb", "image/png": PNG}
    assert got.tail[3].error == ErrorInfo("E", "v", ("t1", "t2"))
    assert got.total == 5


@pytest.mark.parametrize("value", [{"mark": "bar"}, '{"mark": "bar"}'])
def test_a_chart_of_altair_is_there_as_object_or_as_text(value: object) -> None:
    mime = "application/vnd.vegalite.v6.json"
    shown = {"output_type": "display_data", "data": {mime: value}, "metadata": {}}
    ((part,),) = (display.parts for display in views_of(code("x", shown))[0].displays)
    assert (part.mime, part.text) == (mime, '{"mark": "bar"}')


def test_text_of_a_file_does_not_act_on_the_terminal() -> None:
    evil = "\x1b]0;title\x07\x1b[2J"
    plain = {"output_type": "display_data", "data": {"text/plain": evil}, "metadata": {}}
    error = {"output_type": "error", "ename": evil, "evalue": evil, "traceback": [evil]}
    (view,) = views_of(code("x", stream(f"\x1b[31mred\x1b[0m{evil}"), plain, error))
    text, display, failure = view.tail
    assert text.text.startswith("\x1b[31mred\x1b[0m␛")
    assert display.display is not None
    assert failure.error is not None
    texts = [display.display.parts[0].text or "", failure.error.name, *failure.error.traceback]
    assert all("\x1b" not in each and "\x07" not in each for each in texts)


def test_a_bar_shows_its_last_state() -> None:
    (view,) = views_of(code("x", stream("10%\r50%\r100%\ndone\r\n")))
    assert view.tail == (Run("stdout", "100%\ndone"),)


def test_large_outputs_are_bounded() -> None:
    rows = "".join(f"{n}\n" for n in range(5000))
    (view,) = views_of(code("x", stream(rows), stream("late\n", "stderr")))
    lines = [line for run in view.tail for line in run.text.split("\n")]
    assert len(lines) == MOST_ROWS + 2 == view.total
    assert lines[-2:] == ["… 4,700 more rows in the file", "… 1 more row in the file"]
    many = [code(f"x{n}", stream("a")) for n in range(MOST_CELLS + 50)]
    assert len(views_of(*many)) == MOST_CELLS


def test_wrong_values_are_shown_as_they_are() -> None:
    odd = {"output_type": "display_data", "data": {"application/json": {"a": 1}}}
    (view,) = views_of(code("x", {"output_type": "stream"}, odd, {"output_type": "pyout"}))
    assert view.displays[0].parts[0].text == '{"a": 1}'


def test_artifacts_have_them_below_what_ran() -> None:
    artifact_index = ArtifactIndex()
    picture = {"output_type": "display_data", "data": {"image/png": PNG}, "metadata": {}}
    views = views_of(code("x", picture, count=7))
    assert artifact_index.show_stored(views)
    (item,) = artifact_index.items()
    assert (item.kind, item.is_stored, item.count) == ("picture", True, 7)
    assert "stored" in "".join(text for text, _ in item.pieces(60))
    assert not artifact_index.show_stored(views)
    assert artifact_index.show_stored(())
    assert artifact_index.items() == []


class Both(PaneApp):
    """Documents over cards, joined as the workbench joins them; no session."""

    CSS = "DocumentsPane { height: 1fr; }"

    def __init__(self) -> None:
        self.documents = DocumentsPane(THEME, me="test")
        self.cards = ConsoleView(THEME)
        super().__init__(self.documents)

    def compose(self) -> ComposeResult:
        yield self.documents
        yield self.cards

    @on(DocumentsPane.StoredChanged)
    def show_stored(self) -> None:
        self.cards.show_stored(self.documents.stored.views)

    @property
    def shown(self) -> list[str]:
        return [card.view.code for card in self.cards.card_list.cards]


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_cards_show_them_until_the_cell_runs(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "a.ipynb"
    notebook = json.loads(write_notebook("one = 1", "two = 2"))
    for number, cell in enumerate(notebook["cells"], 1):
        cell["outputs"] = [stream(f"out {number}\n")]
    path.write_text(json.dumps(notebook))
    before = path.read_bytes()
    app = Both()
    async with app.run_test(size=size) as pilot:
        sheet = await app.documents.opener.open(path)
        assert sheet is not None
        await until(pilot, lambda: app.shown == ["one = 1", "two = 2"])
        strips = [app.cards.render_line(y).text for y in range(app.cards.size.height)]
        assert any("one = 1" in line and line.rstrip().endswith("stored") for line in strips)
        assert any(line.strip() == "out 2" for line in strips)
        view = ExecutionView(
            "e1",
            "one = 1",
            "running",
            cell=sheet.cell_states.ref(sheet.notebook_cells.cells()[0]),
            number=1,
        )
        frame = Frame(Snapshot(seq=3, executions={"e1": view}), Snapshot(seq=2), frozenset({"e1"}))
        app.documents.show_frame(frame)
        app.cards.show_frame(frame)
        await until(pilot, lambda: app.shown == ["two = 2", "one = 1"])
        await app.documents.closer.close(sheet)
        await until(pilot, lambda: app.shown == ["one = 1"])
    assert path.read_bytes() == before


async def test_cells_that_are_left_out_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cells = [code(f"x{n}", stream("a")) for n in range(MOST_CELLS + 3)]
    notebook = {"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    path.write_text(json.dumps(notebook))
    app = Both()
    async with app.run_test() as pilot:
        await app.documents.opener.open(path)
        await until(pilot, lambda: len(app.shown) == MOST_CELLS)
        assert [one.message for one in app.heard if isinstance(one, NoticePosted)] == [
            f"Stored outputs of the first {MOST_CELLS} cells are shown, of 3 not."
        ]
