"""Scroll position of the console: at its end while that is followed, else at a card."""

from __future__ import annotations

from textual.scroll_view import ScrollView

from codeexec.tui.panes.console.cards.card import Card
from codeexec.tui.panes.console.cards.card_list import CardList
from codeexec.tui.panes.console.cards.cursor import CardCursor

_QUEUE_ROWS = 3
"""Rows of what waits that are seen below the card that runs."""

_LINES_AROUND = 3
"""Lines that are seen above and below a line that is revealed, where the view has room."""

Anchor = tuple[Card, int]
"""The card at the top of the screen, and how far above the screen it begins."""


class CardViewport:
    """Scrolls the view; `follows` until the reader scrolls up."""

    def __init__(self, view: ScrollView, card_list: CardList, cursor: CardCursor) -> None:
        self._view = view
        self._card_list = card_list
        self._cursor = cursor
        self.follows = True
        self._rows_seen = 0

    # -- following the end ---------------------------------------------------------------------

    @property
    def news(self) -> int:
        """Rows that came below while the reader looked elsewhere."""
        return 0 if self.follows else max(self._card_list.rows - self._rows_seen, 0)

    def is_news_line(self, y: int) -> bool:
        """Whether a line of the screen says how many rows came below."""
        # Asked for each line: nothing but `follows` while the end is followed.
        return not self.follows and y == self._view.size.height - 1 and self.news > 0

    def note_seen(self) -> None:
        """The end is in view: all that came has been seen."""
        self._rows_seen = self._card_list.rows

    def note_scroll(self, y: float) -> None:
        """The view has been scrolled to line `y`."""
        at_end = round(y) >= self.end_y
        if at_end != self.follows:
            self.follows = at_end
            self.note_seen()

    @property
    def end_y(self) -> int:
        """Where the end is followed: the output of the card that runs, not the cards that wait
        below it, of which the first is seen."""
        view, card_list = self._view, self._card_list
        if self._cursor.selected is None:
            for card in reversed(card_list.cards):
                if card.view.status == "running":
                    bottom = card_list.bottom(card) + _QUEUE_ROWS
                    return min(max(bottom - view.size.height, 0), view.max_scroll_y)
                if card.view.status != "queued":
                    break
        return view.max_scroll_y

    # -- places --------------------------------------------------------------------------------

    def anchor(self) -> Anchor | None:
        """What is at the top of the screen; None while the end is followed."""
        top = self._view.scroll_offset.y
        position = None if self.follows else self._card_list.locate(top)
        return (position[0], top - self._card_list.top(position[0])) if position else None

    def return_to(self, anchor: Anchor | None) -> None:
        """Cards have come or gone above: show again what was at the top."""
        if anchor is not None and self._card_list.get(anchor[0].key) is anchor[0]:
            self.scroll(self._card_list.top(anchor[0]) + anchor[1])

    def go_to(self, card: Card, line: int) -> None:
        """Scroll to a line of a card, or to its last where it has fewer."""
        top = self._card_list.top(card)
        self.scroll(min(top + line, max(self._card_list.bottom(card) - 1, top)))

    def scroll(self, y: int) -> None:
        """Scroll to a line at once."""
        self._view.scroll_to(y=y, animate=False, force=True)

    def reveal(self, card: Card) -> None:
        """Scroll so that a card's beginning is in view."""
        y = self._card_list.top(card)
        top, height = self._view.scroll_offset.y, self._view.size.height
        bottom = min(self._card_list.bottom(card), y + height - 1)
        if y < top:
            self.scroll(max(y, 0))
        elif bottom > top + height:
            self.scroll(bottom - height)

    def reveal_line(self, y: int) -> None:
        """Scroll so that a line is in view, with some lines around it."""
        top, height = self._view.scroll_offset.y, self._view.size.height
        around = min(_LINES_AROUND, height // 4)
        if y < top + around:
            self.scroll(max(y - height // 3, 0))
        elif y >= top + height - around:
            self.scroll(y - height // 2)
