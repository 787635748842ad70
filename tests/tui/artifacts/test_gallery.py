"""The gallery: what is listed of a session, in which order, under which name and size."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from codeexec.domain.content.picture_head import picture_size
from codeexec.domain.events import Artifact, CellRef
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.output.contents import (
    Content,
    FormulaContent,
    JsonContent,
    MarkdownContent,
    NoContent,
    PictureContent,
    TableContent,
    TextContent,
    as_csv,
    prepare,
)
from codeexec.tui.panes.artifacts.index import ArtifactIndex, Learned
from codeexec.tui.panes.artifacts.items import item_of, shape_words
from support.displays import display, png, session_of, view


def test_plain_results_are_not_listed() -> None:
    assert item_of(display("a", {"text/plain": "42"}), None) is None
    assert item_of(display("a", {"text/plain": "42"}), None, rich_only=False) is not None
    repeated = display("a", {"text/plain": "x", "text/html": "<pre>x</pre>"})
    assert item_of(repeated, None) is None


def test_an_interactive_plot_is_a_page_for_a_browser() -> None:
    plot = display("a", {"text/plain": "Figure", "text/html": "<script>draw()</script>"})
    item = item_of(plot, None)
    assert item is not None
    assert (item.kind, item.file_name) == ("html", "page.html")


@pytest.mark.parametrize(
    ("forms", "kind", "detail"),
    [
        ({"image/png": png(64, 48)}, "picture", "64×48"),
        (
            {"image/jpeg": "AAAA", "text/plain": "<PIL.Image.Image image mode=RGB size=64x48>"},
            "picture",
            "64×48",
        ),
        (
            {"image/jpeg": "AAAA", "text/plain": "<Figure size 640x480 with 1 Axes>"},
            "picture",
            "4 B",
        ),
        (
            {"text/html": "<table></table><p>1,000 rows × 8 columns</p>"},
            "table",
            "1000×8",
        ),
        (
            {
                "text/html": "<table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td>"
                "<td>4</td></tr></tbody></table>"
            },
            "table",
            "2×2",
        ),
        ({"application/json": "{}"}, "json", "2 B"),
        ({"text/markdown": "# Hi"}, "markdown", "4 B"),
        ({"text/latex": "$x$"}, "latex", "3 B"),
        ({"image/svg+xml": "<svg/>"}, "picture", "6 B"),
        ({"image/svg+xml": '<svg width="400" height="100"/>'}, "picture", "400×100"),
    ],
)
def test_kind_and_size_without_fetching_anything(
    forms: dict[str, str], kind: str, detail: str
) -> None:
    item = item_of(display("a", forms), None)
    assert item is not None
    assert (item.kind, item.detail) == (kind, detail)


def test_names_come_from_the_cell_or_the_code() -> None:
    table = display("d", {"text/html": "<table><tbody><tr><td>1</td></tr></tbody></table>"})
    for code, name in [("x = 1\ndf", "df"), ("display(df)", "df"), ("df.head()", "table")]:
        item = item_of(table, view("e", [table], code=code))
        assert item is not None
        assert item.title == f"[1] {name}"
    titled = view("e", [table], cell=CellRef("a.py", title="Sales"))
    item = item_of(table, titled)
    assert item is not None
    assert (item.title, item.file_name) == ("[1] Sales", "Sales-1.html")


def test_newest_first_and_pinned_on_top() -> None:
    artifact_index = ArtifactIndex()
    assert artifact_index.take(session_of(5))
    assert [item.count for item in artifact_index.items()] == [5, 4, 3, 2, 1]
    artifact_index.pin("d2")
    items = artifact_index.items()
    assert [item.count for item in items] == [2, 5, 4, 3, 1]
    assert items[0].is_pinned
    assert artifact_index.newest(items) == "d5"
    assert artifact_index.newer(items, "d3") == 2
    artifact_index.pin("d2")
    assert [item.count for item in artifact_index.items()] == [5, 4, 3, 2, 1]


def test_files_stand_with_the_run_that_wrote_them() -> None:
    artifact_index = ArtifactIndex()
    snapshot = session_of(2)
    files = (
        Artifact("f1", "out/plot.png", "image/png", 10, "x" * 64, execution_id="e1"),
        Artifact("f2", "kept.bin", "application/octet-stream", 10, "y" * 64),
    )
    artifact_index.take(
        Snapshot(executions=snapshot.executions, artifacts=files),
    )
    assert [item.key for item in artifact_index.items()] == ["f2", "d2", "f1", "d1"]
    assert [item.key for item in artifact_index.items("picture")] == ["d2", "f1", "d1"]
    assert [item.key for item in artifact_index.items(execution_id="e1")] == ["f1", "d1"]
    assert artifact_index.kinds() == ["picture", "file"]


def test_only_what_changed_is_news() -> None:
    artifact_index = ArtifactIndex()
    snapshot = session_of(3)
    artifact_index.take(snapshot)
    assert not artifact_index.take(snapshot)
    grown = dict(snapshot.executions)
    before = grown["e3"]
    grown["e3"] = ExecutionView("e3", "x", count=3, total=9, displays=before.displays)
    assert not artifact_index.take(Snapshot(executions=grown)), "text that grows is not news here"
    grown = {**grown, "e3": view("e3", [display("d3", {"image/png": png(9, 9)})], count=3)}
    assert artifact_index.take(Snapshot(executions=grown))
    assert artifact_index.items()[0].detail == "9×9"
    assert artifact_index.take(Snapshot())
    assert artifact_index.items() == []


def test_what_content_tells_is_remembered() -> None:
    artifact_index = ArtifactIndex()
    large = Display("big", (MimePart("text/html", 99999, blob="a" * 64),))
    artifact_index.take(Snapshot(executions={"e": view("e", [large])}))
    [item] = artifact_index.items()
    assert item.kind == "html"
    assert artifact_index.learn(item, Learned("table", "70×3"))
    assert not artifact_index.learn(item, Learned("table", "70×3"))
    assert [found.detail for found in artifact_index.items("table")] == ["70×3"]


def test_sizes_are_read_from_heads() -> None:
    for form, size in (("PNG", (300, 7)), ("GIF", (12, 500))):
        file = io.BytesIO()
        Image.new("P", size).save(file, form)
        assert picture_size(file.getvalue()[:24]) == size
    assert picture_size(b"") is None
    assert picture_size(base64.b64decode("iVBORw0KGgo=")) is None
    assert shape_words("shape: (1_000, 8)") == "1000×8"


@pytest.mark.parametrize(
    ("mime", "data", "kind"),
    [
        ("image/png", b"anything", PictureContent),
        ("text/csv", b"a,b\n1,2\n", TableContent),
        ("text/html", b"<table><tr><th>a</th></tr><tr><td>1</td></tr></table>", TableContent),
        ("text/html", b"<p>Hello <b>there</b></p>", MarkdownContent),
        ("text/html", b"<h1>Hi</h1><table><tr><td>1</td></tr></table>", MarkdownContent),
        ("text/html", b"<script>x()</script>", NoContent),
        ("application/json", b'{"a": 1}', JsonContent),
        ("text/markdown", b"# Hi", MarkdownContent),
        ("text/latex", b"$\\alpha$", FormulaContent),
        ("text/x-python", b"print()", TextContent),
        ("application/octet-stream", b"\0\1", NoContent),
        ("application/octet-stream", b"words", TextContent),
        ("text/csv", b"", TextContent),
        ("text/markdown", b"\xff\xfe", MarkdownContent),
    ],
)
def test_content_is_made_ready(mime: str, data: bytes, kind: type[Content]) -> None:
    assert isinstance(prepare(mime, data), kind)


def test_long_text_is_cut_and_says_so() -> None:
    content = prepare("text/plain", b"x" * 500_000)
    assert isinstance(content, TextContent)
    assert content.text.endswith("100,000 more characters: save it to see them")


def test_a_table_as_csv_has_its_index() -> None:
    content = prepare("text/csv", b'a,b\n1,"x,y"\n')
    assert isinstance(content, TableContent)
    assert as_csv(content.page) == 'a,b\n1,"x,y"\n'
