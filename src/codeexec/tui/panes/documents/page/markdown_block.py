"""Block with the Markdown of a cell as it reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.documents.outline import headings
from codeexec.tui.panes.documents.page.picture_slot import PictureSlot
from codeexec.tui.render.highlight import SYNTAX_MEANINGS
from codeexec.tui.render.plain import one_line
from codeexec.tui.theme.theme import Theme

MOST_CHARACTERS = 20_000
"""Characters of a cell that are rendered; a longer one stays as it is written. Data in the
addresses of pictures does not count."""

_DATA = re.compile(r"\((\s*<?data:image/)[^)\s]{200,}")
_MATH = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$(?![\s$])([^$\n]+?)(?<!\s)\$(?![\w$])", re.DOTALL)
_CODE = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`)", re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>(?!\s*$)", re.IGNORECASE)
_INKS = {
    "heading": "syntax.heading",
    "link": "accent",
    "code": "syntax.string",
    "muted": "muted",
    "bullet": "accent",
}


class MarkdownBlock:
    """Content of a block of the editor: `source` rendered at `width`, text and pictures."""

    def __init__(
        self, source: str, width: int, parts: Sequence[Sequence[Strip] | PictureSlot]
    ) -> None:
        self.source = source
        self.is_heading = next(headings(source.split("\n")), None) is not None
        self.width = width
        self.pictures = [part for part in parts if isinstance(part, PictureSlot)]
        self._parts = parts
        self._rows: list[tuple[Strip, PictureSlot | None]] = []
        self.arrange()

    def arrange(self) -> None:
        """Put the rows of all parts below one another; a picture may be another one now."""
        self._rows = [
            (row, part if isinstance(part, PictureSlot) else None)
            for part in self._parts
            for row in (part.rows if isinstance(part, PictureSlot) else part)
        ] or [(Strip([]), None)]

    @property
    def lines(self) -> list[Strip]:
        return [row for row, _ in self._rows]

    @property
    def height(self) -> int:
        return len(self._rows)

    def render_row(self, row: int, width: int) -> Strip:
        if row >= len(self._rows):
            return Strip([])
        strip, picture = self._rows[row]
        if picture is not None:
            picture.is_in_view = True
        return strip.crop(0, width)


def is_too_long(source: str) -> bool:
    """Whether a cell stays as it is written."""
    if len(source) <= MOST_CHARACTERS:
        return False
    return len(_DATA.sub("", source)) > MOST_CHARACTERS


def render_markdown(
    source: str, width: int, theme: Theme, *, draws_inline: bool = True
) -> MarkdownBlock:
    """Render a cell; takes about a millisecond, and 60 ms for the first one. Pictures within a line
    are named there, and with `draws_inline` drawn below the paragraph, list or table."""
    from codeexec.documents.displays.markdown_pictures import (  # not at the start
        MarkdownPicture,
        parts_with_inline,
        picture_parts,
    )

    if not source.strip():
        empty = Strip([Segment("Empty Markdown cell", theme.style("muted"))])
        return MarkdownBlock(source, width, [[empty]])
    parts: list[Sequence[Strip] | PictureSlot] = []
    divided = [
        piece
        for part in picture_parts(source)
        for piece in (parts_with_inline(part) if draws_inline and isinstance(part, str) else [part])
    ]
    for part in divided:
        if parts:
            parts.append([Strip([])])
        if isinstance(part, MarkdownPicture):
            parts.append(PictureSlot(part, theme))
        else:
            parts.append(_text_lines(part, width, theme) or _html_lines(part, width, theme))
    return MarkdownBlock(source, width, parts)


def _text_lines(text: str, width: int, theme: Theme) -> list[Strip]:
    from codeexec.tui.output.text_view import markdown_lines  # not at the start

    inks = {name: theme.style(meaning) for name, meaning in _INKS.items()}
    inks["heading"] += Style(bold=True)
    inks["link"] += Style(underline=True)
    inks |= {name: theme.style(name) for name in SYNTAX_MEANINGS}
    source = _with_breaks(_with_math(_DATA.sub(r"(\1", text)))
    return _spaced(markdown_lines(source, max(width, 8), inks))


def _html_lines(text: str, width: int, theme: Theme) -> list[Strip]:
    """What HTML without words stands for, such as badges in links; the source, if that is nothing
    else, such as a comment."""
    from codeexec.documents.displays.html import html_to_text  # not at the start

    words = one_line(html_to_text(text) or text)
    return [Strip([Segment(words, theme.style("muted"))]).crop(0, max(width, 8))]


def _spaced(lines: list[Strip]) -> list[Strip]:
    """The lines with one blank row between blocks, of which some have blank rows of their own, and
    none around all. Blank rows inside of code stay."""
    spaced: list[Strip] = []
    blanks: list[Strip] = []
    for line in lines:
        if not line.text.strip():
            blanks.append(line)
            continue
        is_between = any(not blank.cell_length for blank in blanks)
        spaced += ([Strip([])] if is_between else blanks) if spaced else []
        blanks = []
        spaced.append(line)
    return spaced


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


def _with_breaks(source: str) -> str:
    """Breaks of lines by a tag as those of Markdown, which in the rows of tables are blanks."""
    if "<br" not in source.lower():
        return source
    parts = _CODE.split(source)
    return "".join(part if at % 2 else _BREAK.sub(_break_at, part) for at, part in enumerate(parts))


def _break_at(match: re.Match[str]) -> str:
    start = match.string.rfind("\n", 0, match.start()) + 1
    return " " if "|" in match.string[start : match.start()] else "\\\n"


def _escaped(text: str) -> str:
    """Text in which nothing is taken for Markdown."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", " ".join(text.split()))
