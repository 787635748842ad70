"""Approximates LaTeX as Unicode text on one line: `\\frac{\\alpha}{2}` is `α/2`.

pylatexenc converts symbols. Structure that it drops is written out before: groups of exponents and
fractions become parentheses, if Unicode has no raised or lowered characters for them.
"""

from __future__ import annotations

import re

MOST_CHARS = 20_000
"""Maximum characters of a source; longer sources are shown unchanged."""

_MOST_NESTED = 50

_SUPER = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_SUB = str.maketrans("0123456789+-=()aeijoruvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₒᵣᵤᵥₓ")
_FRACTIONS = frozenset({"\\frac", "\\dfrac", "\\tfrac", "\\cfrac", "\\nicefrac", "\\sfrac"})
_BINOMIALS = frozenset({"\\binom", "\\dbinom", "\\tbinom"})
_ROOTS = {"2": "√", "3": "∛", "4": "∜"}
_MACRO = re.compile(r"\\(?:[A-Za-z]+|.)?", re.DOTALL)
_SINGLE = re.compile(r"\\[A-Za-z]+\s*|\\?.|\d+(?:\.\d+)?", re.DOTALL)
_PRODUCT = re.compile(r"(?:\w|\\[A-Za-z]++|[\s{}^()⁰¹²³⁴⁵⁶⁷⁸⁹ⁿⁱ₀₁₂₃₄₅₆₇₈₉.'])++")


def latex_to_text(source: str) -> str:
    """LaTeX as text; the source itself if it cannot be parsed."""
    from pylatexenc.latex2text import LatexNodes2Text  # type: ignore[import-untyped]
    from pylatexenc.latexwalker import LatexWalkerError  # type: ignore[import-untyped]

    bare = _without_fence(source.strip()).replace("\\displaystyle", "").strip()
    if len(bare) > MOST_CHARS:
        return bare
    try:
        converter = LatexNodes2Text(math_mode="text", fill_text=False)
        text: str = converter.latex_to_text(_with_groups(bare))
    except (LatexWalkerError, RecursionError, IndexError, ValueError):
        # pylatexenc raises these for truncated and deeply nested sources.
        return bare
    return "\n".join(_scripts(line) for line in text.strip().split("\n")) or bare


def _without_fence(source: str) -> str:
    for begin, end in (("$$", "$$"), ("$", "$"), ("\\[", "\\]"), ("\\(", "\\)")):
        is_longer = len(source) > len(begin) + len(end)
        if is_longer and source.startswith(begin) and source.endswith(end):
            return source[len(begin) : -len(end)].strip()
    return source


def _with_groups(source: str, depth: int = 0) -> str:
    """The same source with exponents, indices, fractions, roots and binomials written out."""
    if depth > _MOST_NESTED:
        raise ValueError("nested too deep")
    out: list[str] = []
    at = 0
    while at < len(source):
        character = source[at]
        if character == "\\":
            macro = _macro_at(source, at)
            at += len(macro)
            written, at = _written_macro(macro, source, at, depth)
            out.append(written)
        elif character in "^_":
            inner, at = _argument(source, at + 1)
            out.append(_raised(character, _with_groups(inner, depth + 1)))
        else:
            out.append(character)
            at += 1
    return "".join(out)


def _written_macro(macro: str, source: str, at: int, depth: int) -> tuple[str, int]:
    """A macro with its arguments from `at` on; other macros are unchanged."""
    if macro in _FRACTIONS or macro in _BINOMIALS:
        above, at = _argument(source, at)
        below, at = _argument(source, at)
        if not above.strip() and not below.strip():
            return macro, at
        first, second = (_with_groups(argument, depth + 1).strip() for argument in (above, below))
        if macro in _BINOMIALS:
            return f"C({{{first}}}, {{{second}}})", at
        above_text = first if _PRODUCT.fullmatch(first) else f"({first})"
        return f"{{{above_text}}}/{{{_grouped(second)}}}", at
    if macro == "\\sqrt":
        degree, at = _option(source, at)
        inner, at = _argument(source, at)
        root = _ROOTS.get(degree or "2")
        if root is None:
            raised = _raised("^", _with_groups(f"1/{degree}", depth + 1))
            return f"({_with_groups(inner, depth + 1)}){raised}", at
        return f"{root}({{{_with_groups(inner, depth + 1)}}})", at
    return macro, at


def _macro_at(source: str, at: int) -> str:
    match = _MACRO.match(source, at)
    return match[0] if match else source[at]


def _argument(source: str, at: int) -> tuple[str, int]:
    """The argument of a macro or `^` without braces, and the position after it."""
    while at < len(source) and source[at].isspace():
        at += 1
    if at >= len(source):
        return "", at
    if source[at] == "\\":
        macro = _macro_at(source, at)
        return macro, at + len(macro)
    if source[at] != "{":
        return source[at], at + 1
    end = _closing(source, at, "{", "}")
    return source[at + 1 : end], end + 1


def _option(source: str, at: int) -> tuple[str, int]:
    if at >= len(source) or source[at] != "[":
        return "", at
    end = _closing(source, at, "[", "]")
    return source[at + 1 : end].strip(), end + 1


def _closing(source: str, at: int, opening: str, closing: str) -> int:
    """The position where the bracket at `at` is closed, else the end of the source."""
    depth = 0
    while at < len(source):
        character = source[at]
        if character == "\\":
            at += 1
        elif character == opening:
            depth += 1
        elif character == closing:
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return len(source)


def _raised(mark: str, inner: str) -> str:
    """An exponent or index, in raised or lowered characters if all of them exist."""
    bare = inner.strip()
    table = _SUPER if mark == "^" else _SUB
    if bare and all(ord(character) in table for character in bare):
        return f"{{{bare.translate(table)}}}"  # braces end the name of a macro
    return f"{{{mark}{_grouped(bare)}}}" if bare else mark


def _grouped(bare: str) -> str:
    """The text in parentheses, unless it is a single term."""
    return bare if not bare or _SINGLE.fullmatch(bare) else f"({bare})"


def _scripts(text: str) -> str:
    """Raised and lowered characters, where pylatexenc has left `^` or `_`."""
    raised = re.sub(r"\^([0-9ni])(?![\w(])", lambda match: match[1].translate(_SUPER), text)
    return re.sub(r"_([0-9aeijoruvx])(?![\w(])", lambda match: match[1].translate(_SUB), raised)
