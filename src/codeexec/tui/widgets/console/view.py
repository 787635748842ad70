"""The cards on screen: a scroll of lines of which only the visible ones are ever made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from codeexec.domain.outputs import Display, MimePart, Run
from codeexec.tui.feed import Frame
from codeexec.tui.render import traceback
from codeexec.tui.theme import Theme
from codeexec.tui.widgets.console.card import Card, Fold, Line
from codeexec.tui.widgets.console.deck import Deck
from codeexec.tui.widgets.console.paint import GUTTER, CardPainter
from codeexec.tui.widgets.console.rows import PageKey

_TICK = 0.1
"""Seconds between looks at the clock while something runs."""

_KEPT_LINES = 400
"""Painted lines that are kept: a few screens of them."""

_EMPTY = (
    ("Nothing has run yet.", "text"),
    ("", "text"),
    ("Type below, or run a cell.", "muted"),
)


class ConsoleView(ScrollView, can_focus=True):
    """Follows the end until the reader scrolls up, and then says what is new below."""

    ALLOW_SELECT = True
    DEFAULT_CSS = """
    ConsoleView {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    @dataclass
    class RowsWanted(Message):
        """Pages of rows that are to be read."""

        pages: list[PageKey]

    @dataclass
    class ImageWanted(Message):
        """A picture that is to be painted over at most `columns` by `rows` cells."""

        key: str
        part: MimePart
        columns: int
        rows: int

    @dataclass
    class CardOpened(Message):
        """A display was clicked, or opened by key."""

        display: Display

    @dataclass
    class FrameClicked(Message):
        """A frame of a traceback was clicked."""

        execution_id: str
        frame: traceback.Frame

    def __init__(self, theme: Theme, me: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._me = me
        self.deck = Deck()
        self.painter = CardPainter(theme, me)
        self.follows = True
        self.selected: Card | None = None
        self.marked_row: tuple[str, int] | None = None
        self._left = 0
        self._rows_seen = 0
        self._wanted_images: set[str] = set()
        self._ticker: Timer | None = None
        self._painted: LRUCache[object, Strip] = LRUCache(_KEPT_LINES)

    # -- what is shown ---------------------------------------------------------------------

    @property
    def output_width(self) -> int:
        return max(self.size.width - GUTTER - 1, 10)

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        before, self.painter = self.painter, CardPainter(theme, self._me)
        self.painter.language, self.painter.timestamps = before.language, before.timestamps
        self.painter.colors = before.colors
        self._wanted_images.clear()
        self.relayout()

    def show_colors(self, shows: bool) -> None:
        """Code in colours, or plain while its lexer is not ready."""
        self.painter.colors = shows
        self._painted.clear()
        self.refresh()

    def show_frame(self, frame: Frame) -> None:
        """Take in what a frame names; paints nothing when that is nothing of ours."""
        if frame.snapshot.kernel.language:
            self.painter.language = frame.snapshot.kernel.language
        if self.deck.take(frame, self.painter):
            self._resettle()
        running = frame.snapshot.running
        if self._ticker is not None:
            (self._ticker.resume if running is not None else self._ticker.pause)()

    def on_mount(self) -> None:
        self._ticker = self.set_interval(_TICK, self._tick, pause=True)

    def _tick(self) -> None:
        """Repaint the running time of the card that runs, where it is in view."""
        for card in reversed(self.deck.cards):
            if card.view.status == "running":
                y = self.deck.top(card) - self.scroll_offset.y
                if 0 <= y < self.size.height:
                    self.refresh(Region(0, y, self.size.width, 1))
                return

    def on_resize(self) -> None:
        if self.output_width != self.deck.width:
            self.relayout()
        elif self.follows:
            self._resettle()

    def relayout(self) -> None:
        """Measure everything again."""
        held = None if self.follows else self.deck.locate(self.scroll_offset.y)
        self.deck.width = self.output_width
        self.deck.measure_all(self.painter)
        self._painted.clear()
        self._resettle()
        if held is not None:
            self._scroll_now(self.deck.top(held[0]))

    def _resettle(self) -> None:
        """The number of lines may have changed: keep to the end, or stay where we are."""
        height = self.deck.height
        if height != self.virtual_size.height:
            # Not by the reactive: that lays out the whole screen, and only we have changed.
            self.set_reactive(Widget.virtual_size, Size(self.size.width, height))
            self._scroll_update(self.virtual_size)
        if self.follows:
            self._rows_seen = self.deck.rows
            self.set_reactive(Widget.scroll_target_y, float(self.max_scroll_y))
            self.scroll_y = float(self.max_scroll_y)
        self.refresh()

    # -- pages and pictures ------------------------------------------------------------------

    def take_rows(self, key: str, start: int, runs: Iterable[Run]) -> None:
        """Rows that were wanted have come."""
        kept = tuple(runs)
        self.deck.pages.put(key, start, kept)
        before = self.deck.locate(self.scroll_offset.y)
        if self.deck.measure_page(key, start, kept, self.painter):
            if before is not None and not self.follows and before[1].part == "row":
                self._resettle()
                card, line = before
                self._scroll_now(self.deck.row_line(card, line.index) + line.sub)
                return
            self._resettle()
        self.refresh()

    def take_image(self, key: str, lines: list[Strip]) -> None:
        """A picture that was wanted is painted."""
        self.painter.put_image(key, lines)
        for card in self.deck:
            if any(display.key == key for display in card.view.displays):
                self.deck.measure(card, self.painter)
                self.deck.settle(self.deck.place(card))
        self._resettle()

    def forget_image(self, key: str) -> None:
        """A picture could not be painted; it is asked for again when it changes."""
        self._wanted_images.discard(key)

    def _want_image(self, card: Card, display: Display) -> None:
        painted = self.painter.body(card, Run("display", display=display), self.deck.width)
        if painted.part is None or len(painted.lines) > 1:
            return
        wanted = f"{display.key} {self.deck.width} {painted.part.blob or hash(painted.part.text)}"
        if wanted in self._wanted_images:
            return
        self._wanted_images.add(wanted)
        rows = max(min(self.size.height * 2 // 3, 24), 6)
        self.post_message(
            self.ImageWanted(display.key, painted.part, min(self.deck.width, 100), rows)
        )

    # -- scrolling ---------------------------------------------------------------------------

    @property
    def news(self) -> int:
        """Rows that came below while the reader looked elsewhere."""
        return 0 if self.follows else max(self.deck.rows - self._rows_seen, 0)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        at_end = round(new_value) >= self.max_scroll_y
        if at_end != self.follows:
            self.follows = at_end
            self._rows_seen = self.deck.rows

    def go_to_end(self) -> None:
        self.follows = True
        self._left = 0
        self._resettle()

    def scroll_sideways(self, columns: int) -> None:
        """Move the rows that are too long to wrap."""
        self._left = max(self._left + columns, 0)
        self.refresh()

    def _scroll_now(self, y: int) -> None:
        self.scroll_to(y=y, animate=False, force=True)

    def reveal(self, card: Card, row: int | None = None) -> None:
        """Scroll so that a card's beginning, or a row of it, is in view."""
        y = self.deck.top(card) if row is None else self.deck.row_line(card, row)
        top, height = self.scroll_offset.y, self.size.height
        bottom = min(self.deck.bottom(card), y + height - 1) if row is None else y + 1
        if y < top:
            self._scroll_now(max(y - (0 if row is None else height // 3), 0))
        elif bottom > top + height:
            self._scroll_now(bottom - height if row is None else y - height // 2)
        self.refresh()

    # -- the selected card ---------------------------------------------------------------------

    def select(self, card: Card | None) -> None:
        self.selected = card
        if card is not None:
            self.reveal(card)
        self.refresh()

    def step(self, by: int) -> None:
        """Select the card before or after."""
        cards = self.deck.cards
        if not cards:
            return
        if self.selected is None:
            at = len(cards) - 1
        else:
            at = min(max(self.deck.place(self.selected) + by, 0), len(cards) - 1)
        self.select(cards[at])
        if at == len(cards) - 1 and by > 0:
            self.go_to_end()

    @property
    def current(self) -> Card | None:
        """The selected card, or the last."""
        return self.selected or (self.deck.cards[-1] if self.deck.cards else None)

    def toggle_fold(self, card: Card) -> None:
        card.fold = Fold.OPEN if card.fold is Fold.CLOSED else Fold.CLOSED
        self._rearranged(card)

    def toggle_code(self, card: Card) -> None:
        card.shows_all_code = not card.shows_all_code
        self._rearranged(card)

    def toggle_frames(self, card: Card) -> None:
        card.shows_all_frames = not card.shows_all_frames
        self.deck.measure(card, self.painter)
        self._rearranged(card)

    def _rearranged(self, card: Card) -> None:
        self.deck.settle(self.deck.place(card))
        was, self.follows = self.follows, False
        self._resettle()
        self.follows = was and self.scroll_offset.y >= self.max_scroll_y

    # -- mouse ---------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        if self._news_line(event.y):
            self.go_to_end()
            return
        found = self.deck.locate(self.scroll_offset.y + event.y)
        if found is None:
            self.select(None)
            return
        card, line = found
        self.selected = card
        self.refresh()
        if line.part == "more":
            (self.toggle_fold if card.fold is Fold.CLOSED else self.toggle_code)(card)
        elif line.part == "code" and event.x < GUTTER + 4:
            self.toggle_fold(card)
        elif line.part == "row" and (row := self.deck.row(card, line.index)) is not None:
            if row.kind == "error":
                self._click_traceback(card, row, line.sub)
            elif row.display is not None and event.chain == 2:
                self.post_message(self.CardOpened(card.display(row.display)))

    def _click_traceback(self, card: Card, row: Run, sub: int) -> None:
        rows = self.painter.body(card, row, self.deck.width).rows
        if sub < len(rows) and rows[sub].fold is not None:
            self.toggle_frames(card)
        elif sub < len(rows) and (frame := rows[sub].frame) is not None:
            self.post_message(self.FrameClicked(card.key, frame))

    def _news_line(self, y: int) -> bool:
        return self.news > 0 and y == self.size.height - 1

    # -- text selection ------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text between two places, as far as it is in hand."""
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self.deck.height - 1
        lines = {}
        for y in range(first, min(last, first + 100_000) + 1):
            found = self.deck.locate(y)
            if found is not None:
                card, line = found
                row = self.deck.row(card, line.index) if line.part == "row" else None
                indent = " " * self._indent(card, line.part)
                lines[y] = indent + self.painter.plain_text(card, line, row, self.deck.width)
        taken = []
        for y, text in lines.items():
            span = selection.get_span(y)
            if span is not None:
                start, end = span
                shown = text[start:] if end == -1 else text[start:end]
                taken.append(shown[max(GUTTER - start, 0) :] if start < GUTTER else shown)
        return "\n".join(taken), "\n"

    def _indent(self, card: Card, part: str) -> int:
        if part != "code":
            return GUTTER
        return GUTTER + (len(f"[{card.view.count}] ") if card.view.count is not None else 4)

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    # -- painting ------------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        lines = super().render_lines(crop)
        wanted = self.deck.pages.take_wanted()
        if wanted:
            self.post_message(self.RowsWanted(wanted))
        return lines

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if not self.deck.cards:
            return self._empty_line(y, width).apply_style(base)
        if self._news_line(y):
            return self._news_strip(width)
        at = self.scroll_offset.y + y
        strip = self._line(at)
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(at)) is not None:
            strip = self._selected(strip, *span)
        strip = strip.adjust_cell_length(width).apply_style(base)
        return strip.apply_offsets(0, at)

    def _line(self, at: int) -> Strip:
        """A line as it was painted before, where nothing that it shows has changed."""
        found = self.deck.locate(at)
        if found is None:
            return Strip([])
        card, line = found
        row = self.deck.row(card, line.index) if line.part == "row" else None
        if (row is None or not row.is_text) and (card.view.is_open or line.part == "row"):
            return self._paint(card, line, row)
        shown: object = row.text if row is not None else (card.view.status, card.fold)
        marked = self.marked_row == (card.key, line.index)
        key = (card.key, line, shown, card.wraps, self._left, marked, card is self.selected)
        strip = self._painted.get(key)
        if strip is None:
            strip = self._painted[key] = self._paint(card, line, row)
        return strip

    def _paint(self, card: Card, line: Line, row: Run | None) -> Strip:
        painter, width = self.painter, self.deck.width
        mark, body = " ", Strip([])
        match line.part:
            case "code":
                body = painter.code(card, line.index, width)
            case "more":
                body = painter.more(card, line.index)
            case "note":
                body = painter.note(card)
            case "row":
                if row is not None and row.display is not None:
                    self._want_image(card, row.display)
                mark, body = painter.row(card, row, line.sub, width, self._left)
                if self.marked_row == (card.key, line.index):
                    body = body.apply_style(self.painter.theme.style("search.match"))
        return Strip([*self._gutter(card, line.part, mark), *body])

    def _gutter(self, card: Card, part: str, mark: str) -> list[Segment]:
        style = self.painter.theme.style
        if card is self.selected and part != "gap":
            return [Segment("▎", style("accent")), Segment(mark, style("stream.stderr"))]
        if mark == "┆":
            return [Segment("┆ ", style("stream.stderr"))]
        if mark == "→":
            return [Segment("→ ", style("muted"))]
        return [Segment("  ", Style.null())]

    def _selected(self, strip: Strip, start: int, end: int) -> Strip:
        end = strip.cell_length if end == -1 else min(end, strip.cell_length)
        if start >= end:
            return strip
        ground = self.painter.theme.style("selection")
        before, chosen, after = strip.divide([start, end, strip.cell_length + 1])
        painted = [Segment(text, (style or Style.null()) + ground) for text, style, _ in chosen]
        return Strip([*before, *painted, *after])

    def _news_strip(self, width: int) -> Strip:
        words = f" ▼ {self.news:,} new {'line' if self.news == 1 else 'lines'} · End "
        room = max(width - len(words), 0)
        return Strip(
            [
                Segment(" " * (room // 2), self.rich_style),
                Segment(words, self.painter.theme.style("accent.ground")),
                Segment(" " * (room - room // 2), self.rich_style),
            ]
        )

    def _empty_line(self, y: int, width: int) -> Strip:
        at = y - max(self.size.height - len(_EMPTY), 0) // 2
        if not 0 <= at < len(_EMPTY):
            return Strip.blank(width)
        words, meaning = _EMPTY[at]
        words = words[:width]
        left = (width - len(words)) // 2
        return Strip(
            [Segment(" " * left), Segment(words, self.painter.theme.style(meaning))]
        ).adjust_cell_length(width)
