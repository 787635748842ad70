"""Syntax tree that follows edits and is queried only for visible lines."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from codeexec.tui.panes.editor.text.columns import LONG
from codeexec.tui.panes.editor.text.lexer_syntax import LexerSyntax, Span
from codeexec.tui.panes.editor.text.tree_parse import TreeParse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tree_sitter import Language as Grammar
    from tree_sitter import Node, Query, Tree

    from codeexec.languages.model import Language
    from codeexec.tui.panes.editor.text.model import ForeignCell
    from codeexec.tui.panes.editor.text.text import TextBuffer, TextChange

_CAPTURES = {
    "constructor": "type",
    "escape": "string.escape",
    "embedded": "text",
    "module": "namespace",
    "label": "constant",
    "boolean": "constant",
    "attribute": "decorator",
    "character": "string",
    "delimiter": "punctuation",
    "conditional": "keyword",
    "repeat": "keyword",
    "include": "keyword",
    "method": "function",
    "float": "number",
    "function.builtin": "builtin",
    "string.escape": "string.escape",
    "string.special": "string.escape",
    "variable.parameter": "parameter",
    "text.title": "heading",
    "text.literal": "string",
    "text.uri": "string.escape",
}
_NAMES = frozenset(
    {
        *("keyword", "string", "comment", "number", "function", "type", "operator", "variable"),
        *("parameter", "property", "constant", "decorator", "namespace", "builtin", "tag"),
        *("heading", "punctuation", "error", "text"),
    }
)
_EXTRA = {
    "python": """
        (decorator) @decorator
        (decorator (identifier) @decorator)
        (class_definition name: (identifier) @type)
        (parameters (identifier) @parameter)
        (default_parameter name: (identifier) @parameter)
        (typed_parameter (identifier) @parameter)
        (keyword_argument name: (identifier) @parameter)
        ["(" ")" "[" "]" "{" "}" "," ":" "."] @punctuation
    """
}
"""What the query of a grammar leaves out."""
_SMALL = 0.0012
"""Seconds that a parse may have taken last for it to be done within a key."""
_SLOW = 0.008
"""Seconds from which a parse is too long for slices between keys."""
_MOST_OLD = 3
"""Trees of former texts that are kept until nobody types: each may take some 20 MB."""
_ENDLESS = 10 * LONG
"""Characters of a line from which a text is data: one token of that size stops the parser."""


class Syntax(Protocol):
    """Names for spans of lines. `changed` and `spans` are quick; `work` does the rest."""

    def changed(self, change: TextChange) -> None:
        """The buffer has changed."""

    def work(self, seconds: float) -> bool:
        """Catch up with the text for about so long; True when there is nothing left to do."""

    def spans(self, first: int, last: int) -> dict[int, list[Span]]:
        """What lines `first` to `last` hold; a later span is painted over an earlier."""


def _name(capture: str, node: Node) -> str:
    if capture.startswith("operator") and node.type.replace(" ", "").isalpha():
        return "keyword"
    head = capture.split(".")[0]
    name = _CAPTURES.get(capture) or _CAPTURES.get(head) or head
    return name if name in _NAMES or name == "string.escape" else ""


@cache
def _grammar(module: str, language: str) -> tuple[Grammar, Query, Query | None] | None:
    """A grammar, its highlight and tags queries, if the package is installed and fits."""
    try:
        from tree_sitter import Language, Query, QueryError

        package = importlib.import_module(module)
        loaded = Language(package.language())
    except (ImportError, AttributeError, ValueError):
        # No package, one with several grammars, or one made for another tree-sitter.
        return None
    source = getattr(package, "HIGHLIGHTS_QUERY", None)
    if source is None:
        bundled = Path(package.__file__ or "").parent / "queries" / "highlights.scm"
        source = bundled.read_text("utf-8") if bundled.is_file() else ""
    tags = getattr(package, "TAGS_QUERY", None)
    try:
        query = Query(loaded, source + _EXTRA.get(language, ""))
        return loaded, query, Query(loaded, tags) if tags else None
    except QueryError:
        return None


class TreeSyntax:
    """tree-sitter: the tree is edited with each key and parsed again in small slices.

    Until a parse is done the edited old tree answers, which is right but for the word that
    is being typed.
    """

    def __init__(
        self,
        buffer: TextBuffer,
        grammar: Grammar,
        query: Query,
        tags: Query | None = None,
        foreign: Callable[[], Sequence[ForeignCell]] = tuple,
    ) -> None:
        """`foreign` tells the cells of other languages, which are no part of the tree."""
        from tree_sitter import Parser, QueryCursor

        self._buffer = buffer
        self._parser = Parser(grammar)
        self._cursor = QueryCursor(query)
        self._tags = tags
        self._tree: Tree | None = None
        self._old_trees: list[Tree] = []
        self._stale = True
        self._parse: TreeParse | None = None
        """The parse that is not done yet."""
        self._last = 1.0
        self._foreign = foreign
        self._left_out: tuple[str, ...] = ()
        """The names of the cells that the last parse has left out."""
        buffer.byte_offset(buffer.end)

    @property
    def is_quick(self) -> bool:
        """Was the last parse so short that the next can be done within a key?"""
        return self._last < _SMALL and self._parse is None

    @property
    def is_slow(self) -> bool:
        """Did the last parse take so long that the next is made in a thread?"""
        return self._tree is not None and self._last > _SLOW

    def changed(self, change: TextChange) -> None:
        self._stale = True
        if self._tree is None and self._parse is None:
            return
        start, at = change.start_byte, change.start
        head = self._buffer.byte_column(at)
        edit = (
            start,
            start + len(change.removed.encode("utf-8", "surrogatepass")),
            start + len(change.inserted.encode("utf-8", "surrogatepass")),
            (at.line, head),
            (change.old_end.line, _byte_end(change.removed, head)),
            (change.new_end.line, _byte_end(change.inserted, head)),
        )
        if self._tree is not None:
            self._tree.edit(*edit)
        if self._parse is not None:
            self._parse.note(edit)

    def work(self, seconds: float) -> bool:
        if not self._stale:
            return True
        parse = self._begin()
        return self._take(parse) if parse.step(seconds) else False

    async def work_in_thread(self, is_wanted: Callable[[], bool] = lambda: False) -> bool:
        """The same to the end of one parse, while keys are handled; it waits while other work
        wants the interpreter."""
        parse = self._begin()
        return self._take(parse) if await parse.finish_in_thread(is_wanted) else False

    def _begin(self) -> TreeParse:
        if self._parse is None:
            lines = list(self._buffer.lines)
            foreign = self._foreign()
            for cell in foreign:
                # As many bytes: the tree has the places of the text.
                lines[cell.start + 1 : cell.end] = map(_blank, lines[cell.start + 1 : cell.end])
            left_out = tuple(cell.name for cell in foreign)
            known = self._tree if left_out == self._left_out else None
            self._left_out = left_out
            self._parse = TreeParse(self._parser, lines, known)
        return self._parse

    def _take(self, parse: TreeParse) -> bool:
        old_tree = self._tree
        self._tree, self._stale = parse.result(lambda: self._buffer.lines)
        self._last = parse.spent
        self._parse = None
        if old_tree is not None and self.is_slow:
            self._old_trees = [*self._old_trees[1 - _MOST_OLD :], old_tree]
        return not self._stale

    def free_old_trees(self) -> None:
        """Free the trees of former texts: of 50,000 lines one takes up to 30 ms, in which no key is
        handled."""
        self._old_trees.clear()

    def spans(self, first: int, last: int) -> dict[int, list[Span]]:
        spans_by_line: dict[int, list[Span]] = {}
        if self._tree is None:
            return spans_by_line
        for start, end in self._runs(first, last):
            self._cursor.set_point_range((start, 0), (end + 1, 0))
            captures = [
                (node.start_byte - node.end_byte, pattern, node, capture)
                for pattern, names in self._cursor.matches(self._tree.root_node)
                for capture, nodes in names.items()
                for node in nodes
            ]
            captures.sort(key=lambda entry: entry[:2])
            for _, _, node, capture in captures:
                if name := _name(capture, node):
                    self._paint(spans_by_line, node, name, start, end)
        return spans_by_line

    def symbols(self, first: int = 0, last: int | None = None) -> list[tuple[str, str, int]]:
        """Name, kind and line of what the text defines, by the tags query of the grammar; of the
        lines `first` to `last` alone, where they are given."""
        from tree_sitter import QueryCursor

        if self._tree is None or self._tags is None:
            return []
        definitions = []
        cursor = QueryCursor(self._tags)
        if last is not None:
            cursor.set_point_range((first, 0), (last + 1, 0))
        for _, names in cursor.matches(self._tree.root_node):
            kind = next((name for name in names if name.startswith("definition.")), "")
            for node in names.get("name", []) if kind else []:
                row, byte_column = node.start_point
                is_asked = row >= first and (last is None or row <= last)
                if not is_asked or row >= len(self._buffer.lines):
                    continue  # the tree may be of a longer text: it is parsed again soon
                line = self._buffer.lines[row]
                text = line[_column(line, byte_column) : _column(line, node.end_point[1])]
                definitions.append((text, kind.removeprefix("definition."), row))
        return sorted(definitions, key=lambda entry: entry[2])

    def _runs(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The lines without the very long ones: a query over them would take too long."""
        start = first
        for line in range(first, last + 1):
            if len(self._buffer.lines[line]) > LONG:
                if start < line:
                    yield start, line - 1
                start = line + 1
        if start <= last:
            yield start, last

    def _paint(
        self, spans: dict[int, list[Span]], node: Node, name: str, first: int, last: int
    ) -> None:
        (top, left), (bottom, right) = node.start_point, node.end_point
        for line in range(max(top, first), min(bottom, last) + 1):
            text = self._buffer.lines[line]
            start = _column(text, left) if line == top else 0
            end = _column(text, right) if line == bottom else len(text)
            if end > start:
                spans.setdefault(line, []).append((start, end, name))


def _blank(line: str) -> str:
    return " " * len(line.encode("utf-8", "surrogatepass"))


def _byte_end(text: str, head: int) -> int:
    _, newline, tail = text.rpartition("\n")
    size = len(tail.encode("utf-8", "surrogatepass"))
    return size if newline else head + size


def _column(line: str, byte: int) -> int:
    if line.isascii():
        return min(byte, len(line))
    return len(line.encode("utf-8", "surrogatepass")[:byte].decode("utf-8", "ignore"))


class NoSyntax:
    """Plain text."""

    is_quick = True

    def changed(self, change: TextChange) -> None:
        """Nothing to follow."""

    def work(self, seconds: float) -> bool:
        return True

    def spans(self, first: int, last: int) -> dict[int, list[Span]]:
        return {}


def syntax_for(
    language: Language,
    buffer: TextBuffer,
    foreign: Callable[[], Sequence[ForeignCell]] = tuple,
) -> TreeSyntax | LexerSyntax | NoSyntax:
    """The best that there is for a language: tree-sitter, else Pygments, else nothing. `foreign`
    tells cells of other languages."""
    if any(len(line) > _ENDLESS for line in buffer.lines):
        return NoSyntax()
    if language.grammar and (grammar := _grammar(language.grammar, language.name)):
        return TreeSyntax(buffer, *grammar, foreign=foreign)
    if language.lexer == "text":
        return NoSyntax()
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language.lexer, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return NoSyntax()
    return LexerSyntax(buffer, lexer, foreign)
