"""Syntax colours by Pygments for languages without a grammar."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text.columns import LONG

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pygments.lexer import Lexer

    from codeexec.tui.panes.editor.text.model import ForeignCell
    from codeexec.tui.panes.editor.text.text import TextBuffer, TextChange

Span = tuple[int, int, str]
"""First column, the column after the last, and what it is: `keyword`, `string` and so on."""

_TOKENS = {
    "Keyword.Constant": "constant",
    "Keyword.Type": "type",
    "Keyword": "keyword",
    "Name.Builtin": "builtin",
    "Name.Function": "function",
    "Name.Class": "type",
    "Name.Exception": "type",
    "Name.Decorator": "decorator",
    "Name.Namespace": "namespace",
    "Name.Attribute": "property",
    "Name.Constant": "constant",
    "Name.Tag": "tag",
    "Name": "variable",
    "Literal.String.Escape": "string.escape",
    "Literal.String": "string",
    "Literal.Number": "number",
    "Operator.Word": "keyword",
    "Operator": "operator",
    "Punctuation": "punctuation",
    "Comment": "comment",
    "Generic.Heading": "heading",
    "Generic.Subheading": "heading",
    "Error": "",
}


@lru_cache(maxsize=512)
def token_name(token: str) -> str:
    """The name of a Pygments token, written `Literal.String.Doc`; empty for plain text."""
    while token:
        if token in _TOKENS:
            return _TOKENS[token]
        token = token.rpartition(".")[0]
    return ""


class LexerSyntax:
    """Pygments, for languages without a grammar: the lines in view and some before them.

    A changed line is lexed for itself at once, and its surroundings when there is time.
    """

    _BEFORE = 80

    def __init__(
        self,
        buffer: TextBuffer,
        lexer: Lexer,
        foreign: Callable[[], Sequence[ForeignCell]] = tuple,
    ) -> None:
        """`foreign` tells the cells of other languages, which are left out."""
        self._buffer = buffer
        self._foreign = foreign
        self._lexer = lexer
        self._known: dict[int, list[Span]] = {}
        self._wanted = (0, 0)
        self._stale = True

    is_quick = False

    def changed(self, change: TextChange) -> None:
        shift = change.line_shift
        if shift or change.start.line != change.new_end.line:
            last = change.old_end.line
            self._known = {
                line + (shift if line > last else 0): spans
                for line, spans in self._known.items()
                if line < change.start.line or line > last
            }
        else:
            self._known.pop(change.start.line, None)
        self._stale = True

    def work(self, seconds: float) -> bool:
        if self._stale:
            first, last = self._wanted
            top = max(0, first - self._BEFORE)
            fresh = self._lex(top, min(last + 1, len(self._buffer.lines)))
            self._known = {line: fresh.get(line, []) for line in range(first, last + 1)}
            self._stale = False
        return True

    def spans(self, first: int, last: int) -> dict[int, list[Span]]:
        if first < self._wanted[0] or last > self._wanted[1]:
            self._wanted = (first, last)
            self._stale = True
        for line in range(first, last + 1):
            if line not in self._known:
                self._known[line] = self._lex(line, line + 1).get(line, [])
        return {line: self._known[line] for line in range(first, last + 1)}

    def _lex(self, first: int, end: int) -> dict[int, list[Span]]:
        lines = [line if len(line) < LONG else "" for line in self._buffer.lines[first:end]]
        for cell in self._foreign():
            low, high = max(cell.start + 1, first), min(cell.end, end)
            if low < high:
                lines[low - first : high - first] = [""] * (high - low)
        spans: dict[int, list[Span]] = {}
        line, column = first, 0
        for token, value in self._lexer.get_tokens("\n".join(lines)):
            name = token_name(str(token).removeprefix("Token."))
            for number, part in enumerate(value.split("\n")):
                if number:
                    line, column = line + 1, 0
                if name and part:
                    spans.setdefault(line, []).append((column, column + len(part), name))
                column += len(part)
        return spans
