"""Pictures in Markdown: lines that are pictures, and where their bytes may come from."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from codeexec.documents.displays.markdown_pictures import (
    MarkdownPicture,
    parts_with_inline,
    picture_data,
    picture_parts,
)
from codeexec.domain.errors import CodeexecError


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a\n\n![b](c.png)\n\nd", ["a\n", MarkdownPicture("b", "c.png"), "\nd"]),
        ('![](<a b.png> "title")', [MarkdownPicture("", "a b.png")]),
        ("![a](b.png){width=3}", ["![a](b.png){width=3}"]),
        ("in ![a](b.png) text", ["in ![a](b.png) text"]),
        ("```\n![a](b.png)\n```", ["```\n![a](b.png)\n```"]),
        ("<img src='a.png' alt=\"b\" width=3>", [MarkdownPicture("b", "a.png")]),
        ("<img alt='none'>", ["<img alt='none'>"]),
        ("", [""]),
    ],
)
def test_pictures_on_lines_of_their_own(source: str, expected: list[object]) -> None:
    assert picture_parts(source) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ![b](c.png) d\n\nmore", ["a ![b](c.png) d", MarkdownPicture("b", "c.png"), "\nmore"]),
        (
            "- ![b](<c d.png>) one\n- two\n\nend",
            ["- ![b](<c d.png>) one\n- two\n", MarkdownPicture("b", "c%20d.png"), "end"],
        ),
        (
            "![b][c]\n\nd\n\n[c]: e.png",
            ["![b][c]\n\nd\n\n[c]: e.png", MarkdownPicture("b", "e.png")],
        ),
        ("`![b](c.png)` ![d](https://e/f.png)", ["`![b](c.png)` ![d](https://e/f.png)"]),
        ("no picture", ["no picture"]),
    ],
)
def test_pictures_within_a_line_stand_behind_its_block(text: str, expected: list[object]) -> None:
    assert parts_with_inline(text) == expected


def test_data_of_attachments_and_addresses(tmp_path: Path) -> None:
    data = base64.b64encode(b"picture").decode()
    attachments = {"a b.png": {"image/png": data}, "s.svg": {"image/svg+xml": ["<svg>", "</svg>"]}}
    assert picture_data("attachment:a%20b.png", attachments, None) == b"picture"
    assert picture_data("attachment:s.svg", attachments, None) == b"<svg></svg>"
    assert picture_data(f"data:image/png;base64,{data}", {}, None) == b"picture"
    assert picture_data("data:image/svg+xml,%3Csvg/%3E", {}, None) == b"<svg/>"
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a b.png").write_bytes(b"file")
    assert picture_data("sub/a%20b.png?raw=true#x", {}, folder) == b"file"
    assert picture_data("./sub/../sub/a b.png", {}, folder) == b"file"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("https://example.org/a.png", "It is in the network."),
        ("//example.org/a.png", "It is in the network."),
        ("file:///etc/passwd", "It is in the network."),
        ("/etc/passwd", "It is not below the folder of the document."),
        ("../outside.png", "It is not below the folder of the document."),
        ("link.png", "It is not below the folder of the document."),
        ("linked/outside.png", "It is not below the folder of the document."),
        ("missing.png", "There is no such file."),
        ("large.png", "It is larger than 16 MB."),
        ("attachment:none.png", "There is no such attachment."),
        ("attachment:odd.png", "There is no such attachment."),
        ("data:text/html,<b>", "It is no picture."),
        ("data:image/png;base64,***", "Its data is damaged."),
        ("", "It is not below the folder of the document."),
    ],
)
def test_what_is_no_picture_says_why(tmp_path: Path, target: str, reason: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "outside.png").write_bytes(b"secret")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "linked").symlink_to(tmp_path)
    with (folder / "large.png").open("wb") as file:
        os.truncate(file.fileno(), 16_000_001)
    with pytest.raises(CodeexecError) as error:
        picture_data(target, {"odd.png": "text"}, folder)
    assert error.value.message == reason


def test_a_pipe_is_no_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(CodeexecError):
        picture_data("a.png", {}, tmp_path)
