"""Syntax colours of the code in fences of Markdown, by the language of the fence."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from codeexec.documents.model import CellKind
from codeexec.tui.panes.editor.text.lexer_syntax import LexerSyntax, Span
from codeexec.tui.panes.editor.text.text import TextBuffer

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.text.model import EditorModel

_MOST_CHARACTERS = 20_000
"""Longest cell that is coloured: it is lexed as a whole, within a key."""


def fence_spans(model: EditorModel, first: int, last: int) -> dict[int, list[Span]]:
    """Names for spans of those of lines `first` to `last` that are code in fences."""
    spans: dict[int, list[Span]] = {}
    lexer = model.code_language.lexer
    for index in range(model.cells.at(first), model.cells.at(last) + 1):
        if model.cells.kind(index) is not CellKind.CODE:
            continue
        cell = model.cell(index)
        if not cell.source or len(cell.source) > _MOST_CHARACTERS:
            continue
        colored = _colored(cell.source, lexer)
        for number in range(cell.source.count("\n") + 1):
            if first <= cell.body + number <= last:
                spans[cell.body + number] = colored.get(number, [])
    return spans


@lru_cache(maxsize=256)
def _colored(source: str, lexer_name: str) -> dict[int, list[Span]]:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(lexer_name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return {}
    syntax, last = LexerSyntax(TextBuffer(source), lexer), source.count("\n")
    syntax.spans(0, last)
    syntax.work(1.0)
    return syntax.spans(0, last)
