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
_FOREIGN = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\n)*%%(?:!|(?:bash|cmd|file|html|javascript|js|julia|latex|markdown|"
    r"mermaid|perl|R|ruby|script|sh|sql|svg|sx|system|writefile)\b)[^\n]*\n",
    re.IGNORECASE,
)
"""The head of a cell whose lines Python does not run."""


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
    plain text is prose, and so is a cell that a magic gives to another language than Python.
    """
    if language.name in _PROSE or (
        language.name == "python" and _FOREIGN.match(code, 0, offset) is not None
    ):
        return True
    openings = _openings(language.name, language.comment, language.block)
    at = 0
    while (opening := openings.search(code, at, offset)) is not None:
        if opening["quote"] is not None:
            at = _string_end(code, opening, offset, language.name)
            if at < 0:
                is_template = bool({"f", "t"} & set((opening["prefix"] or "").lower()))
                text = code[opening.end() : offset]
                return not (is_template and _in_expression(text, language))
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


def _in_expression(text: str, language: Language) -> bool:
    """Whether an f-string that begins with `text` is within the code of one of its expressions
    then, and not in a string there or in the format behind it."""
    expression = _open_expression(text)
    if expression is None:
        return False
    if (format_spec := _format_spec(expression)) is not None:
        return _in_expression(format_spec, language)
    return not is_prose(expression, len(expression), language)


def _open_expression(text: str) -> str | None:
    """What follows the brace of an f-string that is still open; None outside of expressions."""
    depth = start = at = 0
    while at < len(text):
        if depth == 0 and text[at : at + 2] in ("{{", "}}"):
            at += 2
            continue
        if text[at] == "{":
            depth += 1
            start = at + 1 if depth == 1 else start
        elif text[at] == "}" and depth:
            depth -= 1
        at += 1
    return text[start:] if depth else None


def _format_spec(expression: str) -> str | None:
    """What follows the colon of an expression in an f-string; None before it."""
    depth, quote = 0, ""
    for at, character in enumerate(expression):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == ":" and depth == 0:
            return expression[at + 1 :]
    return None
