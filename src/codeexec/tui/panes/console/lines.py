"""Scroll view of card lines: painted on demand, cached, selected by mouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Offset, Region
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.layout import output_width
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.loader import requests_of
from codeexec.tui.output.painter import GUTTER
from codeexec.tui.panes.console.card import Card, Line
from codeexec.tui.panes.console.card_list import CardList
from codeexec.tui.panes.console.paint import CardPainter
from codeexec.tui.render.counts import counted
from codeexec.tui.render.plain import fitted
from codeexec.tui.theme.theme import Theme

_KEPT_LINES = 400
"""Painted lines that are kept: a few screens of them."""

_EMPTY = (
    ("Nothing has run yet.", "text"),
    ("", "text"),
    ("Type below, or run a cell.", "muted"),
    ("{file.open} open   {file.new} new file   {app.quit} quit", "muted"),
)


class CardLines(ScrollView):
    """Paints a card list; the subclass handles scrolling and actions."""

    ALLOW_SELECT = True

    @dataclass
    class ExecutionsRequested(Message, namespace="console_view"):
        """Executions right before number `before` that are to be read."""

        before: int

    @dataclass
    class ExecutionStale(Message, namespace="console_view"):
        """An execution that is to be read again."""

        execution_id: str

    @dataclass
    class PromptRequested(Message, namespace="console_view"):
        """What is typed next is meant for the prompt, or for the answer that is waited for."""

    def __init__(self, theme: Theme, me: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._me = me
        self.output = OutputContext(theme)
        self.card_list = CardList(self.output)
        self.painter = CardPainter(theme, me)
        self.follows = True
        self.selected: Card | None = None
        self.marked_row: tuple[str, int] | None = None
        self.marked_part: Literal["output", "code"] = "output"
        """What `marked_row` counts: rows of the output, or lines of the code."""
        self._base = Style.null()
        self._left = 0
        self._rows_seen = 0
        self._wanted_gap: int | None = None
        self._pressed_at: Offset | None = None
        """Where on screen the mouse button went down last."""
        self._ticker: Timer | None = None
        self._last_words = ""
        """A line below the cards: of a kernel that ended, or of one that has run nothing yet."""
        self._painted: LRUCache[object, Strip] = LRUCache(_KEPT_LINES)

    # -- what is shown ---------------------------------------------------------------------

    @property
    def output_width(self) -> int:
        return output_width(self.size.width)

    @property
    def news(self) -> int:
        """Rows that came below while the reader looked elsewhere."""
        return 0 if self.follows else max(self.card_list.rows - self._rows_seen, 0)

    def _news_line(self, y: int) -> bool:
        return self.news > 0 and y == self.size.height - 1

    def show_colors(self, shows: bool) -> None:
        """Code in colours, or plain while its lexer is not ready."""
        self.painter.colors = shows
        self._painted.clear()
        self.refresh()

    # -- text selection ------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text between two places, as far as it is in hand."""
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self.card_list.height - 1
        taken: list[str] = []
        for y in range(first, min(last, first + 100_000) + 1):
            position, span = self.card_list.locate(y), selection.get_span(y)
            if position is None or span is None:
                continue
            card, line = position
            indent = self._indent(card, line.part)
            text = " " * indent + self.painter.plain_text(card, line, self.output.width)
            start, end = span
            part = text[start:] if end == -1 else text[start:end]
            part = part[max(GUTTER - start, 0) :] if start < GUTTER else part
            if taken and self.painter.is_continued(card, line):
                taken[-1] += part
            else:
                taken.append(part)
        return "\n".join(taken), "\n"

    def _indent(self, card: Card, part: str) -> int:
        if part != "code":
            return GUTTER
        return GUTTER + (len(f"[{card.view.count}] ") if card.view.count is not None else 4)

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    # -- painting ------------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        # Looked up once for all lines: it goes through all ancestors, 0.1 ms a time.
        self._base = self.rich_style
        lines = super().render_lines(crop)
        for message in requests_of(self.output):
            self.post_message(message)
        return lines

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self._base or self.rich_style
        if not self.card_list.cards and not self._last_words:
            return self._empty_line(y, width).apply_style(base)
        if self._news_line(y):
            return self._news_strip(width)
        at = self.scroll_offset.y + y
        strip = self._line(at)
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(at)) is not None:
            strip = self._selected(strip, *span)
        # In this order both are kept with the strip, which is the same while nothing changes.
        return strip.apply_style(base).adjust_cell_length(width, base).apply_offsets(0, at)

    def _line(self, at: int) -> Strip:
        """A line as it was painted before, where nothing that it shows has changed."""
        position = self.card_list.locate(at)
        if position is None:
            last, number = self._last_lines(), at - self.card_list.height
            return Strip([Segment("  "), *last[number]]) if number < len(last) else Strip([])
        card, line = position
        row = card.output.row(line.index) if line.part == "row" else None
        if (row is None or not row.is_text) and (card.view.is_open or line.part == "row"):
            return self._paint(card, line)
        state: object = row.text if row is not None else (card.view.status, card.fold)
        marked = self._is_marked(card, line)
        key = (card.key, line, state, card.output.wraps, self._left, marked, card is self.selected)
        strip = self._painted.get(key)
        if strip is None:
            strip = self._painted[key] = self._paint(card, line)
        return strip

    def _is_marked(self, card: Card, line: Line) -> bool:
        part = "code" if self.marked_part == "code" else "row"
        return line.part == part and self.marked_row == (card.key, line.index)

    def _last_lines(self) -> list[Strip]:
        """The words below the cards, folded where they do not fit."""
        message = self._last_words
        return self.painter.rule_lines(message, self.output.width) if message else []

    def _paint(self, card: Card, line: Line) -> Strip:
        painter, width = self.painter, self.output.width
        mark, body = " ", Strip([])
        match line.part:
            case "code":
                body = painter.code(card, line.index, width)
                if self._is_marked(card, line):
                    body = body.apply_style(painter.theme.style("search.match"))
            case "rule":
                body = painter.rule(painter.restarted(card.view), width)
            case "more":
                body = painter.more(card, line.index)
            case "queue":
                body = painter.queue(card)
            case "note":
                lines = painter.note(card, width)
                body = lines[line.sub] if line.sub < len(lines) else body
            case "row":
                mark, body = card.output.paint(line.index, line.sub, self._left)
                if self._is_marked(card, line):
                    body = body.apply_style(self.painter.theme.style("search.match"))
        return Strip([self._gutter(card, line.part, mark), *body])

    def _gutter(self, card: Card, part: str, mark: str) -> Segment:
        if card is self.selected and part != "gap":
            # A mark stays in its column, so that nothing moves where a card is selected.
            accent = self.painter.theme.style("accent")
            return Segment(f"{mark} " if mark != " " else "▎ ", accent)
        return self.output.painter.gutter(mark)

    def _selected(self, strip: Strip, start: int, end: int) -> Strip:
        end = strip.cell_length if end == -1 else min(end, strip.cell_length)
        if start >= end:
            return strip
        ground = self.painter.theme.style("selection")
        chosen = strip.crop(start, end)
        painted = [Segment(text, (style or Style.null()) + ground) for text, style, _ in chosen]
        return Strip([*strip.crop(0, start), *painted, *strip.crop(end)])

    def _news_strip(self, width: int) -> Strip:
        label = f" ▼ {counted(self.news, 'new line')} · End "
        room = max(width - len(label), 0)
        return Strip(
            [
                Segment(" " * (room // 2), self.rich_style),
                Segment(label, self.painter.theme.style("accent.ground")),
                Segment(" " * (room - room // 2), self.rich_style),
            ]
        )

    def _empty_line(self, y: int, width: int) -> Strip:
        at = y - max(self.size.height - len(_EMPTY), 0) // 2
        if not 0 <= at < len(_EMPTY):
            return Strip.blank(width)
        text, meaning = _EMPTY[at]
        text = fitted(named_keys(text, self.app._keymap), width)
        indent = (width - len(text)) // 2
        return Strip(
            [Segment(" " * indent), Segment(text, self.painter.theme.style(meaning))]
        ).adjust_cell_length(width)
