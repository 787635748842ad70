"""The outline of the document in front: filtered, jumped to, and marked as cells run."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.documents.outline import OutlineEntry, OutlineKind
from codeexec.tui.panes.outline.pane import OutlinePane
from codeexec.tui.panes.outline.rows import entry_to_fold, fold_key, outline_rows
from support.bench import Bench, open_bench

pytestmark = pytest.mark.slow

SCRIPT = """\
# %% [markdown]
# # Reading
# %% load
def area(r):
    return r
# %%
1 / 0
"""


def pane(bench: Bench) -> OutlinePane:
    return bench.workbench.query_one(OutlinePane)


def listed(bench: Bench) -> list[str]:
    return ["".join(text for text, _ in row.pieces(30)).rstrip() for row in pane(bench).rows]


def current(bench: Bench) -> str:
    return next((row.entry.title for row in pane(bench).rows if row.is_current), "")


async def test_the_outline_follows_the_document_in_front(tmp_path: Path) -> None:
    files = {"a.py": SCRIPT, "notes.md": "# Title\n\n## Sub\n", "never_shown.py": "class A: ...\n"}
    async with open_bench(tmp_path, files, size=(120, 35)) as bench:
        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        documents = bench.workbench.documents
        await bench.press("alt+1")
        documents.front.bring(documents.sheets[0])
        await bench.until(lambda: documents.sheets[0].editor.has_focus, "the editor")
        await bench.press("alt+6")
        whole = ["# Reading", "  ▷ load", "    ƒ area", "  ▷ 1 / 0"]
        await bench.until(lambda: listed(bench) == whole, "headings, cells, definitions")
        await bench.write("0")
        await bench.until(lambda: listed(bench) == ["▷ 1 / 0"], "what fits")
        await bench.press("enter")
        await bench.until(lambda: bench.editor.line == "# %%", "the cell")
        await bench.until(lambda: documents.sheets[0].editor.has_focus, "the keys in the editor")
        await bench.until(lambda: current(bench) == "1 / 0", "the current cell")
        await bench.press("f5")
        await bench.until(lambda: "  ✗ 1 / 0" in listed(bench), "how it ran")

        bench.editor.at("# # Reading")
        await bench.press("end", "x")
        await bench.until(lambda: listed(bench)[0] == "# Readingx", "the text as it is typed")

        rows = pane(bench).query_one("#outline-rows")
        await bench.click(rows, 8, 2)
        await bench.until(lambda: bench.editor.line == "def area(r):", "the line clicked on")

        documents.front.bring(documents.sheets[1])
        await bench.until(lambda: listed(bench) == ["# Title", "  # Sub"], "the other document")
        documents.front.bring(documents.sheets[2])
        await bench.until(lambda: listed(bench) == ["C A"], "one that was parsed just now")
        documents.front.bring(documents.sheets[1])
        await bench.until(lambda: listed(bench) == ["# Title", "  # Sub"], "the other document")
        await bench.press("alt+6", "x", "escape")
        await bench.until(lambda: len(listed(bench)) == 2, "the filter emptied")
        await bench.press("escape")
        await bench.until(lambda: documents.sheets[1].editor.has_focus, "the editor again")
        await bench.choose("hide the outline")
        await bench.until(
            lambda: not bench.workbench.pane_layout.box("outline").display, "no outline"
        )


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_outline_is_a_pane_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with open_bench(tmp_path, {"a.py": SCRIPT}, size=size) as bench:
        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        await bench.press("alt+6")
        await bench.sees("ƒ area")
        await bench.press("down", "down", "enter")
        await bench.until(lambda: bench.editor.line == "def area(r):", "the line")
        await bench.sees("def area(r):")
        assert bench.workbench.pane_layout.box("outline").display == (size[0] == 200)


async def test_sections_fold(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.py": SCRIPT}, size=(120, 35)) as bench:
        await bench.until(lambda: bench.workbench.panes.are_complete, "the panes")
        await bench.press("alt+6")
        whole = ["# Reading", "  ▷ load", "    ƒ area", "  ▷ 1 / 0"]
        await bench.until(lambda: listed(bench) == whole, "headings, cells, definitions")
        await bench.press("down", "down", "f3")  # of the function: what it is below
        await bench.until(lambda: listed(bench) == [*whole[:1], "  ▷ load +1", whole[3]], "load")
        await bench.press("up", "f3")
        await bench.until(lambda: listed(bench) == ["# Reading +3"], "the section")
        await bench.write("area")
        await bench.until(lambda: listed(bench) == ["ƒ area"], "a filter finds what is folded")
        await bench.press("escape")
        await bench.until(lambda: listed(bench) == ["# Reading +3"], "the section again")
        await bench.press("f3")
        await bench.until(lambda: listed(bench) == [*whole[:1], "  ▷ load +1", whole[3]], "open")


def test_a_folded_section_stands_for_the_entry_with_the_caret() -> None:
    entries = [
        OutlineEntry("One", 0, 0, OutlineKind.HEADING, "a"),
        OutlineEntry("x", 2, 1, OutlineKind.CELL, "b"),
        OutlineEntry("Two", 4, 0, OutlineKind.HEADING, "c"),
    ]
    rows = outline_rows(entries, lambda _: None, 1, "", {fold_key(entries[0])})
    assert [(row.entry.title, row.is_current, row.hidden) for row in rows] == [
        ("One", True, 1),
        ("Two", False, 0),
    ]
    assert entry_to_fold(entries, 1) is entries[0]
    assert entry_to_fold(entries, 2) is None
