"""Which card is selected, and which row is marked as a match of the search."""

from __future__ import annotations

from typing import Literal

from codeexec.tui.panes.console.cards.card import Card, Line
from codeexec.tui.panes.console.cards.card_list import CardList

MarkedPart = Literal["output", "code"]


class CardCursor:
    """Moves among the cards of a list; knows no screen."""

    def __init__(self, card_list: CardList) -> None:
        self._card_list = card_list
        self.selected: Card | None = None
        self.marked_row: tuple[str, int] | None = None
        self.marked_part: MarkedPart = "output"
        """What `marked_row` counts: rows of the output, or lines of the code."""

    @property
    def current(self) -> Card | None:
        """The selected card, or the last."""
        cards = self._card_list.cards
        card = self.selected or (cards[-1] if cards else None)
        return self._card_list.shown(card) if card is not None else None

    def neighbour(self, by: int) -> Card | None:
        """The card before or after the selected one; the last where none is selected."""
        cards = self._card_list.cards
        if not cards:
            return None
        if self.selected is None:
            return self._card_list.shown(cards[-1])
        at = self._card_list.place(self.selected) + by
        return self._card_list.shown(cards[min(max(at, 0), len(cards) - 1)])

    def drop_missing(self) -> None:
        """Cards have gone: the selected one may be among them."""
        if self.selected is not None and self._card_list.get(self.selected.key) is None:
            self.selected = None

    def is_marked(self, card: Card, line: Line) -> bool:
        if self.marked_row is None:
            return False
        part = "code" if self.marked_part == "code" else "row"
        return line.part == part and self.marked_row == (card.key, line.index)
