"""All cards in order, and which line of which card stands where."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from codeexec.domain.outputs import Run
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.feed import Frame
from codeexec.tui.widgets.console.card import Card, Line
from codeexec.tui.widgets.console.paint import CardPainter
from codeexec.tui.widgets.console.rows import Pages


class Deck:
    """Knows no screen; `width` is that of the output, in cells."""

    def __init__(self) -> None:
        self.cards: list[Card] = []
        self.pages = Pages()
        self.width = 80
        self.code_limit = 8
        self._places: dict[str, int] = {}
        self._tops: list[int] = [0]

    @property
    def height(self) -> int:
        return self._tops[-1]

    @property
    def rows(self) -> int:
        """Rows of output of all cards."""
        return sum(card.view.total for card in self.cards)

    def __iter__(self) -> Iterator[Card]:
        return iter(self.cards)

    def get(self, key: str) -> Card | None:
        at = self._places.get(key)
        return None if at is None else self.cards[at]

    def place(self, card: Card) -> int:
        return self._places[card.key]

    # -- what changes ------------------------------------------------------------------------

    def take(self, frame: Frame, painter: CardPainter) -> bool:
        """Bring the cards of a frame up to date; whether anything is to be painted."""
        changed: list[int] = []
        for key, view in _in_order(frame):
            if view.silent:
                continue
            at = self._places.get(key)
            if at is None:
                at = self._places[key] = len(self.cards)
                self.cards.append(Card(view))
                self._tops.append(0)
            card = self.cards[at]
            wrapped = card.wraps
            if (row := frame.rewritten.get(key)) is not None:
                self.pages.forget(key, row)
                card.heights.cut(row)
            card.view = view
            card.take_answers(frame.answers.get(key, ()))
            if wrapped != card.wraps:
                card.heights.cut(0)
            self.measure(card, painter)
            changed.append(at)
        if changed:
            self.settle(min(changed))
        return bool(changed)

    def measure(self, card: Card, painter: CardPainter) -> bool:
        """Learn the heights of the last rows; whether one has changed."""
        news = False
        row = card.view.total - sum(run.rows for run in card.view.tail)
        for run in card.view.tail:
            if not run.is_text:
                news |= card.heights.set(row, painter.lines_of(card, run, self.width))
            elif card.wraps:
                for at, text in enumerate(run.text.split("\n"), row):
                    lines = painter.lines_of(card, Run(run.kind, text), self.width)
                    news |= card.heights.set(at, lines)
            row += run.rows
        return news

    def measure_page(self, key: str, start: int, rows: Iterable[Run], painter: CardPainter) -> bool:
        """The same for rows that were read."""
        card = self.get(key)
        if card is None:
            return False
        news = False
        row = start
        for run in rows:
            if not run.is_text:
                news |= card.heights.set(row, painter.lines_of(card, run, self.width))
            row += run.rows
        if news:
            self.settle(self.place(card))
        return news

    def measure_all(self, painter: CardPainter) -> None:
        """After a change of width or theme."""
        for card in self.cards:
            card.heights.cut(0)
            self.measure(card, painter)
        self.settle(0)

    def settle(self, first: int = 0) -> None:
        """Heights from the card `first` on have changed."""
        for at in range(first, len(self.cards)):
            self._tops[at + 1] = self._tops[at] + self.cards[at].height(self.code_limit)

    # -- where things are --------------------------------------------------------------------

    def locate(self, y: int) -> tuple[Card, Line] | None:
        """What stands in line `y` of all; None below the end."""
        if not 0 <= y < self.height:
            return None
        at = bisect_right(self._tops, y) - 1
        card = self.cards[at]
        return card, card.locate(y - self._tops[at], self.code_limit)

    def top(self, card: Card) -> int:
        return self._tops[self.place(card)]

    def bottom(self, card: Card) -> int:
        """The line after a card's last, its gap left out."""
        return self._tops[self.place(card) + 1] - 1

    def row_line(self, card: Card, row: int) -> int:
        """Where a row of output begins."""
        return self.top(card) + card.row_top(row, self.code_limit)

    def row(self, card: Card, row: int) -> Run | None:
        """A row's content: of the tail, or of a page; None while it is being read."""
        return card.tail_row(row) or self.pages.get(card.key, row)


def _in_order(frame: Frame) -> Iterator[tuple[str, ExecutionView]]:
    views = frame.snapshot.executions
    if len(frame.changed) == 1:
        (key,) = frame.changed
        if key in views:
            yield key, views[key]
        return
    yield from ((key, view) for key, view in views.items() if key in frame.changed)
