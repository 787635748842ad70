"""LaTeX formulas as SVG, by ziamath, which has a font for mathematics."""

from __future__ import annotations

import re

from codeexec.rendering.faults import Fault
from codeexec.rendering.inks import Inks

MOST_CHARS = 5000
_SIZE = 16
"""Pixels of the font: with a margin, about the height of a row of text."""

_ALIGNED = re.compile(
    r"\\begin\{(equation|displaymath|math)\*?\}|\\end\{(equation|displaymath|math)\*?\}"
)
_ROWS = re.compile(r"\\(begin|end)\{(align|gather|eqnarray|multline)\*?\}")
_LABEL = re.compile(r"\\(?:label|tag)\*?\{[^{}]*\}|\\(?:nonumber|notag|displaystyle)(?![A-Za-z])")
_FENCES = (("$$", "$$"), ("$", "$"), ("\\[", "\\]"), ("\\(", "\\)"))


def formula_svg(text: str, ground: str) -> str:
    """The formula, transparent, in the ink for the ground. Raises Fault, and what ziamath raises
    for a source that it cannot read."""
    source = bare_formula(text)
    if not source or len(source) > MOST_CHARS:
        raise Fault("it is no formula")
    from ziamath.zmath import Latex

    return str(Latex(source, size=_SIZE, color=Inks(ground).ink, inline=False).svg())


def bare_formula(text: str) -> str:
    """The source of one formula without dollars and environments that only number it."""
    source = text.strip()
    for begin, end in _FENCES:
        is_longer = len(source) > len(begin) + len(end)
        if is_longer and source.startswith(begin) and source.endswith(end):
            inner = source[len(begin) : -len(end)]
            if begin not in inner:
                source = inner
                break
    if "$" in source:
        raise Fault("it is text with formulas in it")
    source = _LABEL.sub("", _ALIGNED.sub("", source))
    return _ROWS.sub(lambda match: f"\\{match[1]}{{aligned}}", source).strip()
