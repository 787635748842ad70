"""The artifact pane by keys and mouse, on snapshots made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from codeexec.domain.events import Variable
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.snapshot import ExecutionView, KernelView, Snapshot
from codeexec.tui.output.contents import JsonContent, NoContent, PictureContent
from codeexec.tui.panes.artifacts import index as gallery
from codeexec.tui.panes.artifacts.items import Item, item_of
from codeexec.tui.panes.artifacts.pane import ArtifactPane
from codeexec.tui.panes.artifacts.preview import Preview
from codeexec.tui.panes.artifacts.store import Blobs
from codeexec.tui.screens.viewer import ViewerScreen
from codeexec.tui.session.ask import CopyRequested, Failed, NoticePosted, SaveRequested
from codeexec.tui.widgets.picture import Picture
from codeexec.tui.widgets.row_list import Pieces, RowList
from codeexec.tui.widgets.table import DataTableView
from support.blobs import BlobClient
from support.displays import display, png, session_of, view
from support.pane_app import PaneApp, until
from support.steps import counted

ELIDED = (
    "<table><thead><tr><th></th><th>a</th></tr></thead><tbody><tr><th>0</th><td>1</td></tr>"
    "</tbody></table><p>1000 rows × 1 columns</p>"
)


def words(pane: ArtifactPane, name: str) -> str:
    return str(pane.query_one(f"#{name}", Static).content)


def with_json(count: int) -> Snapshot:
    """Pictures, and after them JSON."""
    snapshot = session_of(count)
    last = view("json", [display("j", {"application/json": "[1]"})], count=count + 1)
    return Snapshot(executions={**snapshot.executions, "json": last})


async def test_the_newest_is_followed_until_another_is_looked_at() -> None:
    pane = ArtifactPane()
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)) as pilot:
        assert "Plots and tables appear here" in words(pane, "empty")
        app.show(session_of(2))
        await pilot.pause()
        assert pane.selected is not None and pane.selected.key == "d2"
        pane.take_focus()
        await pilot.press("down")
        assert pane.selected.key == "d1"
        app.show(session_of(4))
        await pilot.pause()
        assert pane.selected.key == "d1"
        assert words(pane, "newer") == "3 newer ↑"
        await pilot.click("#newer")
        assert pane.selected.key == "d4"
        assert pane.follows
        app.show(session_of(5))
        await pilot.pause()
        assert pane.selected.key == "d5"
        assert words(pane, "newer") == ""


async def test_filters_by_kind_and_run() -> None:
    pane = ArtifactPane()
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(with_json(3))
        await pilot.pause()
        pane.take_focus()
        shelf = pane.query_one(RowList)
        await pilot.press("f")
        assert (words(pane, "filter"), len(shelf.rows)) == ("pictures", 3)
        await pilot.press("f")
        assert (words(pane, "filter"), len(shelf.rows)) == ("JSON", 1)
        await pilot.press("f", "s")
        assert (words(pane, "filter"), len(shelf.rows)) == ("of [4]", 1)
        await pilot.press("escape")
        assert len(shelf.rows) == 4
        await pilot.press("f")
        app.show(Snapshot(executions={"json": with_json(3).executions["json"]}))
        await pilot.pause()
        assert "No pictures" in words(pane, "empty")


async def test_pins_jump_and_open_are_wishes() -> None:
    pane = ArtifactPane()
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(session_of(3))
        await pilot.pause()
        pane.take_focus()
        await pilot.press("end", "p", "e", "enter")
        await pilot.pause()
        assert pane.query_one(RowList).cursor == 0
        assert app.heard_of(ArtifactPane.Pinned)[0].keys == {"d1"}
        assert app.heard_of(ArtifactPane.CardRequested)[0].execution_id == "e1"
        assert app.heard_of(ArtifactPane.ItemOpenRequested)[0].key == "d1"
        await pilot.click(RowList, offset=(5, 1), times=2)
        await pilot.pause()
        assert app.heard_of(ArtifactPane.ItemOpenRequested)[-1].key == "d3"


async def test_a_frame_displayed_in_part_opens_whole_while_the_kernel_has_it() -> None:
    pane = ArtifactPane()
    app = PaneApp(pane)
    runs = {"e": view("e", [display("t", {"text/html": ELIDED})], code="df")}
    async with app.run_test(size=(50, 20)) as pilot:
        app.show(Snapshot(executions=runs))
        await pilot.pause()
        assert words(pane, "filter") == "in part"
        pane.take_focus()
        await pilot.press("enter")
        await pilot.pause()
        assert [m.key for m in app.heard_of(ArtifactPane.ItemOpenRequested)] == ["t"]
        app.show(
            Snapshot(
                executions=dict(runs),
                kernels={
                    DEFAULT_KERNEL: KernelView(
                        "idle",
                        1,
                        variables=(Variable("df", "DataFrame", kind="table"),),
                        variables_generation=1,
                    )
                },
            )
        )
        await pilot.press("enter")
        await pilot.pause()
        assert [m.name for m in app.heard_of(ArtifactPane.TableRequested)] == ["df"]


async def test_save_copy_and_path(tmp_path: Path) -> None:
    pane = ArtifactPane()
    app = PaneApp(pane)
    async with app.run_test(size=(50, 20)) as pilot:
        app.show(with_json(1))
        await pilot.pause()
        pane.take_focus()
        await pilot.press("w", "c")
        await until(pilot, lambda: app.heard_of(CopyRequested))
        assert app.heard_of(CopyRequested)[0].text == "[1]"
        assert app.heard_of(SaveRequested)[0].name == "JSON-2.json"
        await pilot.press("down", "c")
        await until(pilot, lambda: len(app.heard_of(CopyRequested)) == 2)
        path = Path(app.heard_of(CopyRequested)[1].text)
        assert path.name == "plot-1.png"
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.parent.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("code", "kind"), [(0, NoticePosted), (3, Failed)])
async def test_opening_outside(
    code: int, kind: type[NoticePosted | Failed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\nexit {code}\n')
    opener.chmod(0o755)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    pane = ArtifactPane()
    app = PaneApp(pane)
    async with app.run_test(size=(50, 20)) as pilot:
        app.show(session_of(1))
        await pilot.pause()
        pane.take_focus()
        await pilot.press("O")
        await until(pilot, lambda: app.heard_of(kind))
        assert (tmp_path / "opened").read_text().endswith("/plot-1.png\n")


async def test_content_that_is_gone_is_said() -> None:
    pane = ArtifactPane(BlobClient({}))
    app = PaneApp(pane)
    gone = Display("g", (MimePart("image/png", 9999, blob="0" * 64),))
    async with app.run_test(size=(50, 20)) as pilot:
        app.show(Snapshot(executions={"e": view("e", [gone])}))
        preview = pane.query_one(Preview)
        await until(pilot, lambda: isinstance(preview.body.content, NoContent))
        pane.take_focus()
        await pilot.press("w")
        await until(pilot, lambda: app.heard_of(Failed))


async def test_a_table_keeps_its_order_through_an_update() -> None:
    pane = ArtifactPane()
    app = PaneApp(pane)

    def frame(*values: int) -> Snapshot:
        rows = "".join(f"<tr><th>{at}</th><td>{v}</td></tr>" for at, v in enumerate(values))
        html = f"<table><tr><th></th><th>n</th></tr><tbody>{rows}</tbody></table>"
        return Snapshot(executions={"e": view("e", [display("t", {"text/html": html})])})

    async with app.run_test(size=(50, 20)) as pilot:
        app.show(frame(3, 1))
        await until(pilot, lambda: pane.query(DataTableView))
        table = pane.query_one(DataTableView)
        await until(pilot, lambda: table.size_of_table == (2, 1))
        table.focus()
        await pilot.press("s")
        app.show(frame(3, 9, 2))
        await until(pilot, lambda: table.size_of_table == (3, 1))
        assert table.order == ("n", False)
        await until(pilot, lambda: table.render_line(1).text.split() == ["2", "2"])


async def test_the_viewer_goes_on_and_follows_updates() -> None:
    pane = ArtifactPane()
    app = PaneApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        app.show(with_json(2))
        await pilot.pause()
        first = pane.artifact_index.items()[0]
        viewer = ViewerScreen(pane.artifact_index, pane.store, first)
        await app.push_screen(viewer)
        preview = viewer.query_one(Preview)
        await until(pilot, lambda: isinstance(preview.body.content, JsonContent))
        changed = view("json", [display("j", {"application/json": "[2]"})], count=3)
        app.show(Snapshot(executions={**session_of(2).executions, "json": changed}))
        await until(pilot, lambda: preview.body.content == JsonContent("[2]"))
        await pilot.press("right_square_bracket")
        await until(
            pilot, lambda: isinstance(preview.body.main, Picture) and preview.body.main.has_focus
        )
        picture = viewer.query_one(Picture)
        await pilot.press("plus", "right")
        assert picture.view.zoom > 1
        await pilot.press("escape")
        assert app.screen is not viewer


async def test_blobs_are_asked_for_once_and_let_go_by_age() -> None:
    client = BlobClient({name: name.encode() * 40 for name in "abc"})
    blobs = Blobs(client, limit=100)
    assert [await blobs.read(name) for name in "aba"] == [b"a" * 40, b"b" * 40, b"a" * 40]
    assert client.asked == ["a", "b"]
    await blobs.read("c")
    assert "b" not in blobs
    assert "a" in blobs


async def test_five_hundred_displays_stay_fluid(monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[str] = []
    painted: list[str] = []
    pieces = Item.pieces

    def counted_item(display: Display, execution: ExecutionView) -> Item | None:
        derived.append(display.key)
        return item_of(display, execution)

    def counted_pieces(item: Item, width: int) -> Pieces:
        painted.append(item.key)
        return pieces(item, width)

    pane = ArtifactPane()
    app = PaneApp(pane)
    async with app.run_test(size=(40, 20)) as pilot:
        app.show(session_of(500))
        await until(pilot, lambda: isinstance(pane.query_one(Preview).body.content, PictureContent))
        shelf = pane.query_one(RowList)
        monkeypatch.setattr(gallery, "item_of", counted_item)
        monkeypatch.setattr(Item, "pieces", counted_pieces)
        runs = app.snapshot.executions
        with counted() as frames:
            for at in range(50):
                key = f"e{501 + at}"
                new = view(key, [display(f"n{at}", {"application/json": "1"})], count=501 + at)
                runs = {**runs, key: new}
                app.show(Snapshot(executions=runs))
        assert derived == [f"n{at}" for at in range(50)]  # each once, and no other again
        with counted() as keys:
            for _ in range(50):
                pane.action_step(1)
                pane.follow_cursor(RowList.Moved(shelf, shelf.cursor))
        assert len(derived) == 50
        # Some 15 lines for each item are run, where one look at each for each would be 500.
        assert max(frames.count, keys.count) < 50 * 550 * 100
        # A frame and a key paint nothing by themselves; the screen then paints what is seen.
        assert painted == []
        shelf.render_lines(shelf.size.region)
        assert 0 < len(painted) == shelf.size.height < 20


async def test_a_picture_fills_a_pane_that_has_the_screen_for_itself() -> None:
    pane = ArtifactPane()
    app = PaneApp(pane)
    async with app.run_test(size=(80, 30)) as pilot:
        app.show(Snapshot(executions={"e": view("e", [display("d", {"image/png": png(40, 30)})])}))
        await until(pilot, lambda: len(pane.query(Picture)) == 1)
        picture = pane.query_one(Picture)
        await until(pilot, lambda: picture.size.height in range(1, 6))
        pane.fill(True)
        await until(pilot, lambda: picture.size.height > 20)
        pane.fill(False)
        await until(pilot, lambda: picture.size.height in range(1, 6))


async def test_an_svg_is_listed_with_its_own_size() -> None:
    pane = ArtifactPane()
    app = PaneApp(pane)
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 100"><rect width="9"/></svg>'
    async with app.run_test(size=(80, 30)) as pilot:
        app.show(Snapshot(executions={"e": view("e", [display("d", {"image/svg+xml": svg})])}))
        await until(pilot, lambda: [one.pixel_size for one in pane.query(Picture)] == [(1600, 400)])
        assert pane.selected is not None
        assert pane.selected.detail == "400×100"
