"""Whether a place in code is prose: within a comment or a string, by a small scanner."""

from __future__ import annotations

import re
from functools import cache

from codeexec.languages.model import Language

_TRIPLE = ("python", "julia")
_BACKTICK = ("javascript", "typescript", "go")
_NO_SINGLE = ("rust", "julia")
"""Languages in which a single quote is also a lifetime or an operator."""
_SLASH_STAR = ("cpp", "c", "javascript", "typescript", "go", "rust", "java", "css", "sql")
_LONG_STRINGS = ("bash", "r", "julia", "sql")
"""Languages in which a string with single marks goes on over lines."""
_PROSE = ("markdown", "text")


@cache
def _openings(name: str, comment: str, block: tuple[str, ...]) -> re.Pattern[str]:
    """What begins a comment or a string in a language."""
    marks = [("line", re.escape(comment))] if comment and not block else []
    blocks = [block[0].strip()] if block else []
    if name in _SLASH_STAR:
        blocks.append("/*")
    if blocks:
        marks.append(("block", "|".join(map(re.escape, blocks))))
    quotes = ['"""', "'''"] if name in _TRIPLE else []
    quotes += ['"'] if name in _NO_SINGLE else ['"', "'"]
    quotes += ["`"] if name in _BACKTICK else []
    marks.append(("quote", r"(?P<prefix>\b[A-Za-z]{1,2})?(?P<mark>" + "|".join(quotes) + ")"))
    return re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in marks))


def is_prose(code: str, offset: int, language: Language) -> bool:
    """Whether the character before `offset` of `code` is in a comment or a string of the language.

    `code` begins outside of both. An expression in a Python f-string is code. All of a Markdown or
    plain text is prose.
    """
    if language.name in _PROSE:
        return True
    openings = _openings(language.name, language.comment, language.block)
    at = 0
    while (opening := openings.search(code, at, offset)) is not None:
        if opening["quote"] is not None:
            at = _string_end(code, opening, offset, language.name)
            if at < 0:
                return not _in_expression(code[opening.end() : offset], opening["prefix"] or "")
        elif block := opening.groupdict().get("block"):
            closing = "-->" if block == "<!--" else "*/"
            end = code.find(closing, opening.end(), offset)
            if end < 0:
                return True
            at = end + len(closing)
        else:
            end = code.find("\n", opening.end(), offset)
            if end < 0:
                return True
            at = end
    return False


@cache
def _endings(mark: str, is_long: bool) -> re.Pattern[str]:
    """What to look at within a string: escapes, its closing mark, and line ends that end it."""
    return re.compile(rf"\\.|{mark}" + ("" if is_long else r"|\n"), re.DOTALL)


def _string_end(code: str, opening: re.Match[str], offset: int, language: str) -> int:
    """The place after the closing quote, or where the line ends an open one; -1 when `offset` is
    within."""
    mark = opening["mark"]
    is_long = len(mark) == 3 or mark == "`" or language in _LONG_STRINGS
    for ending in _endings(mark, is_long).finditer(code, opening.end(), offset):
        if ending[0][0] != "\\":
            return ending.end() if ending[0] == mark else ending.start()
    return -1


def _in_expression(text: str, prefix: str) -> bool:
    """Whether an f-string that begins with `text` is within one of its expressions then."""
    if "f" not in prefix.lower():
        return False
    text = text.replace("{{", "").replace("}}", "")
    return text.count("{") > text.count("}")
