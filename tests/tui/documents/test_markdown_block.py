"""Markdown of a page: HTML in it reads as its text."""

from __future__ import annotations

import pytest

from codeexec.tui.panes.documents.page.markdown_block import render_markdown
from codeexec.tui.theme.theme import built_in_folder, find_theme

THEME = find_theme("harbour", [built_in_folder()])
BADGE = '<a href="https://a.org/x"><img src="https://a.org/badge.svg"/></a>'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (BADGE, ["▣ https://a.org/badge.svg"]),
        (
            '<a href="x"><img alt="Build" src="a.svg"></a> <img alt="Docs" src="b.svg">',
            ["[Build] [Docs]"],
        ),
        (
            "above\n\n<table><tr><td>a</td><td>b</td></tr></table>\n\nbelow",
            ["above", "", "a  b", "", "below"],
        ),
        ("<details>\n<summary>More</summary>\n\ntext *x*\n\n</details>", ["More", "", "text x"]),
        ('<div class="alert"><b>Note:</b> read <code>x</code></div>', ["Note: read x"]),
        ("<script>alert(1)</script>\n\ntext", ["text"]),
        ("<!-- to do -->", ["<!-- to do -->"]),
        ("one<br>two<BR/>three", ["one", "two", "three"]),
        ("a <b>bold</b> word", ["a bold word"]),
        ("`<br>` stays", ["<br> stays"]),
    ],
)
def test_html_reads_as_its_text(source: str, expected: list[str]) -> None:
    block = render_markdown(source, 60, THEME)
    assert [line.text.rstrip() for line in block.lines] == expected
