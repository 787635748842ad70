"""Source code to segments, by Pygments, in the colours of the theme."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment

from codeexec.tui.theme import Theme

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_LONGEST = 20_000
"""Characters; what is longer is shown without colours."""

_MEANINGS = {
    "Keyword.Constant": "constant",
    "Keyword.Type": "type",
    "Keyword": "keyword",
    "Literal.String.Escape": "string.escape",
    "Literal.String.Interpol": "string.escape",
    "Literal.String": "string",
    "Literal.Number": "number",
    "Name.Function": "function",
    "Name.Class": "type",
    "Name.Exception": "type",
    "Name.Decorator": "decorator",
    "Name.Builtin": "builtin",
    "Name.Namespace": "namespace",
    "Name.Tag": "tag",
    "Name.Attribute": "property",
    "Name.Constant": "constant",
    "Operator.Word": "keyword",
    "Operator": "operator",
    "Punctuation": "punctuation",
    "Comment": "comment",
    "Generic.Heading": "heading",
    "Generic.Error": "error",
    "Error": "text",
}


@lru_cache(maxsize=512)
def _meaning(token: str) -> str:
    """`Token.Keyword.Constant` to `syntax.constant`: the longest name that has a meaning."""
    name = token.removeprefix("Token.")
    while name:
        if name in _MEANINGS:
            return f"syntax.{_MEANINGS[name]}"
        name = name.rpartition(".")[0]
    return "syntax.text"


@lru_cache(maxsize=16)
def _lexer(language: str) -> Lexer:
    # Imported when the first code is shown: a start without any pays nothing.
    from pygments.lexers.special import TextLexer

    options = {"stripnl": False, "ensurenl": False, "tabsize": 4}
    if language in ("python", "ipython", ""):
        from pygments.lexers.python import PythonLexer

        return PythonLexer(**options)
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, **options)
    except ClassNotFound:
        return TextLexer(**options)


def spans(code: str, language: str = "python") -> list[tuple[str, str]]:
    """The code in pieces, each with the name of its meaning."""
    if len(code) > _LONGEST:
        return [(code, "syntax.text")]
    tokens = _lexer(language).get_tokens(code)
    return [(text, _meaning(str(token))) for token, text in tokens]


@lru_cache(maxsize=256)
def _lines(code: str, language: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    lines: list[list[tuple[str, str]]] = [[]]
    for text, meaning in spans(code, language):
        first, *rest = text.split("\n")
        if first:
            lines[-1].append((first, meaning))
        lines.extend([(part, meaning)] if part else [] for part in rest)
    return tuple(map(tuple, lines))


def highlight(code: str, theme: Theme, language: str = "python") -> list[list[Segment]]:
    """A list of segments for each line of the code."""
    return [
        [Segment(text, theme.style(meaning)) for text, meaning in line]
        for line in _lines(code, language)
    ]
