"""Block with the Markdown of a cell as it reads."""

from __future__ import annotations

import re

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.documents.outline import headings
from codeexec.tui.theme.theme import Theme

MOST_CHARACTERS = 20_000
"""Characters of a cell that are rendered; a longer one stays as it is written."""

_MATH = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$(?![\s$])([^$\n]+?)(?<!\s)\$(?![\w$])", re.DOTALL)
_CODE = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`)", re.DOTALL)
_INKS = {
    "heading": "syntax.heading",
    "link": "accent",
    "code": "syntax.string",
    "muted": "muted",
    "bullet": "accent",
}


class MarkdownBlock:
    """Content of a block of the editor: `source` rendered at `width`."""

    def __init__(self, source: str, width: int, lines: list[Strip]) -> None:
        self.source = source
        self.is_heading = next(headings(source.split("\n")), None) is not None
        self.width = width
        self.lines = lines or [Strip([])]

    @property
    def height(self) -> int:
        return len(self.lines)

    def render_row(self, row: int, width: int) -> Strip:
        return self.lines[row].crop(0, width) if row < len(self.lines) else Strip([])


def render_markdown(source: str, width: int, theme: Theme) -> MarkdownBlock:
    """Render a cell; takes about a millisecond, and 60 ms for the first one."""
    from codeexec.tui.output.text_view import markdown_lines  # not at the start

    if not source.strip():
        empty = Strip([Segment("Empty Markdown cell", theme.style("muted"))])
        return MarkdownBlock(source, width, [empty])
    inks = {name: theme.style(meaning) for name, meaning in _INKS.items()}
    inks["heading"] += Style(bold=True)
    inks["link"] += Style(underline=True)
    lines = markdown_lines(_with_math(source), max(width, 8), inks)
    return MarkdownBlock(source, width, lines)


def _with_math(source: str) -> str:
    """Formulas between dollar signs in characters, outside code."""
    if "$" not in source:
        return source
    from codeexec.documents.displays.latex import latex_to_text  # not at the start

    def text(match: re.Match[str]) -> str:
        block, inline = match.groups()
        if block is None:
            return _escaped(latex_to_text(inline))
        return f"\n\n```\n{latex_to_text(block.strip())}\n```\n\n"

    parts = _CODE.split(source)
    return "".join(part if at % 2 else _MATH.sub(text, part) for at, part in enumerate(parts))


def _escaped(text: str) -> str:
    """Text in which nothing is taken for Markdown."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", " ".join(text.split()))
