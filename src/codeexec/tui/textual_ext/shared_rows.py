"""Rendered rows of a widget of which equal neighbours are one strip.

Most rows of an idle workbench are blank. Textual makes a strip with seven caches for each of them,
and the filtered, cut and divided strips of each are kept in those: 1.3 KB a strip, 4 MB a screen
of 200x50. With one strip for equal rows that follow each other, that work is done once as well.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.terminal_theme import TerminalTheme
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.content import Content
from textual.css.styles import StylesBase
from textual.geometry import Size, Spacing
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

_Title = tuple[Content, Color, Color, Style]


class SharedRows(StylesCache):
    """Cache of a widget's rows that takes the strip of the row above where both are equal."""

    def render_line(
        self,
        styles: StylesBase,
        y: int,
        size: Size,
        content_size: Size,
        padding: Spacing,
        base_background: Color,
        background: Color,
        render_content_line: Callable[[int], Strip],
        border_title: _Title | None,
        border_subtitle: _Title | None,
        opacity: float,
        ansi_theme: TerminalTheme,
        native_ansi: bool,
    ) -> Strip:
        strip = super().render_line(
            styles,
            y,
            size,
            content_size,
            padding,
            base_background,
            background,
            render_content_line,
            border_title,
            border_subtitle,
            opacity,
            ansi_theme,
            native_ansi,
        )
        above = self._cache.get(y - 1)
        return above if above is not None and _same(above, strip) else strip


def share_rows(widget: Widget) -> None:
    """Give a widget a cache whose equal rows are shared; its rows are rendered anew, once."""
    if type(widget._styles_cache) is StylesCache:
        widget._styles_cache = SharedRows()


def _same(one: Strip, other: Strip) -> bool:
    """Whether the cells are the same. Links are left out: rows of two links may look equal."""
    return (
        one.cell_length == other.cell_length
        and one._segments == other._segments
        and not any(style is not None and style.link for _, style, _ in one._segments)
    )
