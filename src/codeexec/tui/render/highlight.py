"""Syntax highlighting by Pygments in the theme's colours, without a grammar."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment

from codeexec.domain.text.printable import printable
from codeexec.tui.theme.theme import Theme

if TYPE_CHECKING:
    # Loaded with the first code that is painted: 10 ms that no start has to wait for.
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

_MEANINGS: dict[str, str] = {
    "Token": "syntax.text",
    "Token.Comment": "syntax.comment",
    "Token.Error": "syntax.error",
    "Token.Keyword": "syntax.keyword",
    "Token.Keyword.Constant": "syntax.constant",
    "Token.Keyword.Type": "syntax.type",
    "Token.Literal": "syntax.string",
    "Token.Literal.Number": "syntax.number",
    "Token.Literal.String": "syntax.string",
    "Token.Literal.String.Escape": "syntax.string.escape",
    "Token.Literal.String.Interpol": "syntax.string.escape",
    "Token.Name": "syntax.variable",
    "Token.Name.Attribute": "syntax.property",
    "Token.Name.Builtin": "syntax.builtin",
    "Token.Name.Builtin.Pseudo": "syntax.constant",
    "Token.Name.Class": "syntax.type",
    "Token.Name.Constant": "syntax.constant",
    "Token.Name.Decorator": "syntax.decorator",
    "Token.Name.Exception": "syntax.type",
    "Token.Name.Function": "syntax.function",
    "Token.Name.Namespace": "syntax.namespace",
    "Token.Name.Tag": "syntax.tag",
    "Token.Operator": "syntax.operator",
    "Token.Operator.Word": "syntax.keyword",
    "Token.Punctuation": "syntax.punctuation",
    "Token.Generic.Heading": "syntax.heading",
    "Token.Generic.Subheading": "syntax.heading",
}

MOST_COLORED = 20_000
"""Characters that are coloured, up to the end of a line."""

SYNTAX_MEANINGS = frozenset(_MEANINGS.values())
"""Names of the meanings in which code is painted."""


@lru_cache(maxsize=256)
def meaning_of(token: _TokenType) -> str:
    """The name of meaning of a Pygments token: its own, or that of its nearest kin."""
    kin: _TokenType | None = token
    while kin is not None:
        if (meaning := _MEANINGS.get(str(kin))) is not None:
            return meaning
        kin = kin.parent
    return "syntax.text"


def highlight(code: str, language: str, theme: Theme) -> list[list[Segment]]:
    """The code as rows of segments, one for each line; plain where the language is not known.

    Printable, and with as many characters as before; tabs stay. What comes after `MOST_COLORED`
    characters is plain: a megabyte would take 15 s.
    """
    code = printable(code, lines=True)
    end = code.find("\n", MOST_COLORED) if len(code) > MOST_COLORED else -1
    code, plain_lines = (code[:end], code[end + 1 :].split("\n")) if end >= 0 else (code, [])
    rows: list[list[Segment]] = [[]]
    lexer = _lexer(language)
    for token, text in lexer.get_tokens(code):
        style = theme.style(meaning_of(token))
        first, *others = text.split("\n")
        if first:
            rows[-1].append(Segment(first, style))
        rows += [[Segment(other, style)] if other else [] for other in others]
    line_count = code.count("\n") + 1
    rows = (rows + [[]] * line_count)[:line_count]
    plain = theme.style("syntax.text")
    return rows + [[Segment(line, plain)] if line else [] for line in plain_lines]


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    options = {"stripnl": False, "ensurenl": False}
    try:
        return get_lexer_by_name(language, **options)
    except ClassNotFound:
        return get_lexer_by_name("text", **options)
