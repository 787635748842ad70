"""Rendered rows of a widget of which equal neighbours are one strip.

Most rows of an idle workbench are blank. Textual makes a strip with seven caches for each of them,
and the filtered, cut and divided strips of each are kept in those: 1.3 KB a strip, 4 MB a screen
of 200x50. With one strip for equal rows that follow each other, that work is done once as well.

A row of a widget without border, padding or effect is the strip that the widget made, and no copy
of it: a widget that keeps its strips, as the console does, has them filtered, cut and written as
codes of the terminal once, wherever on the screen they are after it has scrolled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

    _is_plain = False
    """Whether the styles of the widget add nothing to its rows."""

    def render(self, styles: StylesBase, *arguments: Any, **options: Any) -> list[Strip]:
        self._is_plain = _adds_nothing(styles)
        return super().render(styles, *arguments, **options)

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
        if self._is_plain and opacity == 1.0 and y < content_size.height:
            inner, _ = self.get_inner_outer(base_background, background)
            strip = render_content_line(y)
            strip = strip.adjust_cell_length(content_size.width, inner.rich_style)
            return self._shared(y, strip)
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
        return self._shared(y, strip)

    def _shared(self, y: int, strip: Strip) -> Strip:
        above = self._cache.get(y - 1)
        return above if above is not None and _same(above, strip) else strip


def _adds_nothing(styles: StylesBase) -> bool:
    """Whether a widget with these styles shows its rows as it made them, but for its opacity."""
    if styles.gutter or styles.tint.a or styles.text_opacity != 1.0:
        return False
    if styles.has_rule("hatch") and styles.hatch != "none":
        return False
    return not any(edge for edge, _ in styles.outline)


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
