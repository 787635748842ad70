"""Paint the lines of all cards, keeping those that were painted last."""

from __future__ import annotations

from collections.abc import Mapping

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Size
from textual.selection import Selection
from textual.strip import Strip

from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.painter import GUTTER
from codeexec.tui.panes.console.cards.card import Card, Line
from codeexec.tui.panes.console.cards.card_list import CardList
from codeexec.tui.panes.console.cards.cursor import CardCursor
from codeexec.tui.panes.console.paint import CardPainter
from codeexec.tui.render.counts import counted
from codeexec.tui.render.plain import fitted

_KEPT_LINES = 400
"""Painted lines that are kept: a few screens of them."""

_MOST_COPIED = 100_000
"""Lines of a selection that are copied at most."""

_EMPTY = (
    ("Nothing has run yet.", "text"),
    ("", "text"),
    ("Type below, or run a cell.", "muted"),
    ("{file.open} open   {file.new} new file   {app.quit} quit", "muted"),
)


class CardLines:
    """Lines are counted from 0 over all cards; `left` is the first column of rows that are too
    long to wrap, and `below` is what stands under the last card."""

    def __init__(self, card_list: CardList, cursor: CardCursor, painter: CardPainter) -> None:
        self._card_list = card_list
        self._output: OutputContext = card_list.output
        self._cursor = cursor
        self.painter = painter
        self.left = 0
        self.below = ""
        self._painted: LRUCache[object, Strip] = LRUCache(_KEPT_LINES)

    def forget(self) -> None:
        """Something that shows in many lines has changed: paint them again."""
        self._painted.clear()

    @property
    def height(self) -> int:
        """Lines of all cards, and of what stands below them."""
        return self._card_list.height + len(self._below_lines())

    # -- text selection ------------------------------------------------------------------------

    def text(self, selection: Selection) -> str:
        """The text between two places, as far as it is in hand."""
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self._card_list.height - 1
        taken: list[str] = []
        for y in range(first, min(last, first + _MOST_COPIED) + 1):
            position, span = self._card_list.locate(y), selection.get_span(y)
            if position is None or span is None:
                continue
            card, line = position
            text = " " * _indent(card, line.part)
            text += self.painter.plain_text(card, line, self._output.width)
            start, end = span
            part = text[start:] if end == -1 else text[start:end]
            part = part[max(GUTTER - start, 0) :] if start < GUTTER else part
            if taken and self.painter.is_continued(card, line):
                taken[-1] += part
            else:
                taken.append(part)
        return "\n".join(taken)

    def chosen(self, strip: Strip, start: int, end: int) -> Strip:
        """A line with the ground of a selection from one column to another; -1: to its end."""
        end = strip.cell_length if end == -1 else min(end, strip.cell_length)
        if start >= end:
            return strip
        ground = self.painter.theme.style("selection")
        chosen = strip.crop(start, end)
        painted = [Segment(text, (style or Style.null()) + ground) for text, style, _ in chosen]
        return Strip([*strip.crop(0, start), *painted, *strip.crop(end)])

    # -- painting ------------------------------------------------------------------------------

    def line(self, at: int) -> Strip:
        """A line as it was painted before, where nothing that it shows has changed."""
        position = self._card_list.locate(at)
        if position is None:
            below, number = self._below_lines(), at - self._card_list.height
            return Strip([Segment("  "), *below[number]]) if number < len(below) else Strip([])
        card, line = position
        row = card.output.row(line.index) if line.part == "row" else None
        if (row is None or not row.is_text) and (card.view.is_open or line.part == "row"):
            return self._paint(card, line)
        state: object = row.text if row is not None else (card.view.status, card.fold)
        marked, selected = self._cursor.is_marked(card, line), card is self._cursor.selected
        key = (card.key, line, state, card.output.wraps, self.left, marked, selected)
        strip = self._painted.get(key)
        if strip is None:
            strip = self._painted[key] = self._paint(card, line)
        return strip

    def _below_lines(self) -> list[Strip]:
        """Folded where it does not fit."""
        return self.painter.rule_lines(self.below, self._output.width) if self.below else []

    def _paint(self, card: Card, line: Line) -> Strip:
        painter, width = self.painter, self._output.width
        mark, body = " ", Strip([])
        match line.part:
            case "code":
                body = painter.code(card, line.index, width)
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
                mark, body = card.output.paint(line.index, line.sub, self.left)
        if self._cursor.is_marked(card, line):
            body = body.apply_style(painter.theme.style("search.match"))
        return Strip([self._gutter(card, line.part, mark), *body])

    def _gutter(self, card: Card, part: str, mark: str) -> Segment:
        if card is self._cursor.selected and part != "gap":
            # A mark stays in its column, so that nothing moves where a card is selected.
            accent = self.painter.theme.style("accent")
            return Segment(f"{mark} " if mark != " " else "▎ ", accent)
        return self._output.painter.gutter(mark)

    def news_line(self, rows: int, width: int, base: Style) -> Strip:
        """How many rows came below."""
        label = f" ▼ {counted(rows, 'new line')} · End "
        room = max(width - len(label), 0)
        return Strip(
            [
                Segment(" " * (room // 2), base),
                Segment(label, self.painter.theme.style("accent.ground")),
                Segment(" " * (room - room // 2), base),
            ]
        )

    def empty_line(self, y: int, size: Size, keys: Mapping[str, str]) -> Strip:
        """A line of the screen while nothing has run; `keys` are those of the keymap."""
        number = y - max(size.height - len(_EMPTY), 0) // 2
        if not 0 <= number < len(_EMPTY):
            return Strip.blank(size.width)
        text, meaning = _EMPTY[number]
        text = fitted(named_keys(text, keys), size.width)
        indent = (size.width - len(text)) // 2
        return Strip(
            [Segment(" " * indent), Segment(text, self.painter.theme.style(meaning))]
        ).adjust_cell_length(size.width)


def _indent(card: Card, part: str) -> int:
    if part != "code":
        return GUTTER
    return GUTTER + (len(f"[{card.view.count}] ") if card.view.count is not None else 4)
