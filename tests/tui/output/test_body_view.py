"""The widget of one body, without the pane of artifacts."""

from __future__ import annotations

import base64

import pytest
from textual.app import App, ComposeResult

from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.body_view import BodyView
from codeexec.tui.output.contents import prepare
from codeexec.tui.output.text_view import TextView
from codeexec.tui.widgets.json_view import JsonView
from codeexec.tui.widgets.picture import Picture
from codeexec.tui.widgets.table import DataTableView
from support.pane_app import until

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


class Shown(App[None]):
    """A body view alone."""

    def __init__(self) -> None:
        super().__init__()
        self.body = BodyView(Graphics("half"))
        self.sizes: list[tuple[int, int]] = []

    def compose(self) -> ComposeResult:
        yield self.body

    def on_body_view_picture_measured(self, event: BodyView.PictureMeasured) -> None:
        self.sizes.append((event.width, event.height))


@pytest.mark.parametrize(
    ("mime", "data", "kind"),
    [
        ("text/csv", b"a,b\n1,2\n", DataTableView),
        ("application/json", b'{"a": [1]}', JsonView),
        ("text/markdown", b"# Head", TextView),
        ("text/plain", b"words", TextView),
        ("image/png", PIXEL, Picture),
    ],
)
async def test_a_content_is_shown_by_the_widget_of_its_kind(
    mime: str, data: bytes, kind: type
) -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.body.show(prepare("text/plain", b"before"))
        await app.body.show(prepare(mime, data))
        main = app.body.main
        assert main is not None and isinstance(main, kind)
        await until(pilot, lambda: main.region.height > 0)
        assert [part for part in app.body.children if part.display] == [app.body.main]


@pytest.mark.parametrize(
    ("mime", "data"),
    [
        ("text/csv", b"a,b\n1,2\n"),
        ("application/json", b'{"a": [1]}'),
        ("text/markdown", b"# Head"),
        ("image/png", PIXEL),
        ("application/x-thing", b"x"),
    ],
)
async def test_a_content_that_comes_after_the_view_was_removed_is_let_go(
    mime: str, data: bytes
) -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)):
        await app.body.remove()
        await app.body.show(prepare(mime, data))
        assert app.body.main is None


async def test_the_size_of_a_picture_is_told_when_it_is_painted() -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.body.show(prepare("image/png", PIXEL))
        await until(pilot, lambda: app.sizes)
        assert app.sizes == [(1, 1)]


async def test_what_cannot_be_shown_is_named_in_words() -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)):
        await app.body.show(prepare("application/x-thing", b"\0\1", "thing.bin"))
        assert app.body.main is not None and app.body.main.id == "words"
        assert "thing.bin cannot be shown here" in str(app.body.main.render())
