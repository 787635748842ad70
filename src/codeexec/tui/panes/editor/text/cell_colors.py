"""Syntax colours of cells in other languages than their text, such as fences of Markdown."""

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


def cell_spans(model: EditorModel, first: int, last: int) -> dict[int, list[Span]]:
    """Names for spans of those of lines `first` to `last` that are code in fences, or in cells of
    other languages than the text."""
    spans: dict[int, list[Span]] = {}
    cells = model.cells
    for index in range(cells.at(first), cells.at(last) + 1):
        form = cells.form(index)
        if cells.kind(index) is not CellKind.CODE or not (cells.is_fenced or form.language):
            continue
        cell = model.cell(index)
        if not cell.source or len(cell.source) > _MOST_CHARACTERS:
            continue
        colored = _colored(cell.source, model.named_language(form.language).lexer)
        for number, code in enumerate(cell.source.split("\n")):
            line = cell.body + number
            if first <= line <= last:
                # What comments a line out stands before its code.
                marker = len(model.lines[line]) - len(code) if form.is_commented else 0
                own = colored.get(number, [])
                spans[line] = [(start + marker, end + marker, name) for start, end, name in own]
                if marker:
                    spans[line].insert(0, (0, marker, "comment"))
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
