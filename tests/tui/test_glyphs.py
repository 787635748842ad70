"""Our own glyphs take one cell: a wide one would tear rows where a terminal measures otherwise."""

from __future__ import annotations

import ast
from pathlib import Path
from unicodedata import east_asian_width

import pytest

import codeexec

SOURCES = Path(codeexec.__file__).parent


def _strings(file: Path) -> list[str]:
    if file.suffix != ".py":
        return [file.read_text("utf-8")]
    tree = ast.parse(file.read_text("utf-8"))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


@pytest.mark.slow
def test_no_glyph_of_ours_is_wide() -> None:
    files = [file for file in SOURCES.rglob("*") if file.suffix in (".py", ".tcss", ".txt")]
    wide = {
        f"{file.relative_to(SOURCES)}: {sign!r}"
        for file in files
        for text in _strings(file)
        if not text.isascii()
        for sign in text
        # An emoji, CJK, or the sign that turns the one before it into an emoji.
        if (east_asian_width(sign) in "WF" or sign == "\ufe0f") and not sign.isspace()
    }
    assert not wide
    assert len(files) > 200
