"""Outline of a document, read in slices so that keys are answered in between."""

from __future__ import annotations

import asyncio

from codeexec.documents.outline import Definition, OutlineEntry, outline
from codeexec.tui.panes.editor.code_editor import CodeEditor

_MOST_LINES_WITH_DEFINITIONS = 20_000
"""Lines of a text whose definitions are looked for; more would hold up the keyboard."""

_LINES_AT_A_TIME = 400
"""Lines that are looked through for definitions between two looks at the keyboard: 5 ms."""


async def read_outline(editor: CodeEditor, *, is_markdown: bool) -> tuple[OutlineEntry, ...] | None:
    """Headings, cells and definitions of the text; in a very long text no definitions. None where
    the text has changed meanwhile."""
    lines, version = editor.model.lines, editor.model.buffer.version
    definitions = []
    count = len(lines) if len(lines) <= _MOST_LINES_WITH_DEFINITIONS else 0
    for first in range(0, count, _LINES_AT_A_TIME):
        symbols = editor.symbols(first, first + _LINES_AT_A_TIME - 1)
        definitions += [Definition(symbol.name, symbol.kind, symbol.line) for symbol in symbols]
        await asyncio.sleep(0)
        if version != editor.model.buffer.version:
            return None
    return outline(lines, editor.cells(), definitions, is_markdown=is_markdown)
