"""Ordered list of all cards, with the position of each line."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from codeexec.domain.outputs import Run
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.view import OutputView
from codeexec.tui.panes.console.cards.card import Card, Line
from codeexec.tui.panes.console.paint import CardPainter
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.stored_outputs import is_stored

_FEWEST_COLLAPSED = 3
"""Cards that wait, from which on they take one line together."""

_NEAR = 50
"""Cards above one, among which the last of its kernel is looked for."""


class CardList:
    """Knows no screen; `output` is shared by the outputs of all cards."""

    def __init__(self, output: OutputContext) -> None:
        self.output = output
        self.cards: list[Card] = []
        self.code_limit = 8
        self.documents_beside: frozenset[str] = frozenset()
        """Documents that the editor shows at the same time: the code of their cells is not shown a
        second time."""
        self.stale: set[str] = set()
        """Cards whose execution has changed out of the snapshot: it is to be read."""
        self.shows_queue = False
        """Each card that waits is shown, until none does."""
        self._queue: list[Card] = []
        """The cards that one of them stands for."""
        self.rows = 0
        """Rows of output of all cards."""
        self._places: dict[str, int] = {}
        self._tops: list[int] = [0]

    @property
    def height(self) -> int:
        return self._tops[-1]

    @property
    def running(self) -> Card | None:
        """The newest card whose execution is open."""
        return next((card for card in reversed(self.cards) if card.view.is_open), None)

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
        numbers: set[int] | None = None
        for view in _in_order(frame):
            if view.options.silent:
                continue
            at = self._places.get(view.execution_id)
            if at is None:
                if numbers is None:
                    numbers = _numbers(frame)
                at = self._insert(view)
                self.cards[at].gap = view.number > 1 and view.number - 1 not in numbers
            self._update(self.cards[at], view, painter, frame.rewritten.get(view.execution_id))
            self._note_kernel(at)
            changed.append(at)
        if changed:
            self.settle(min(*changed, self._collapse()))
        self._note_stale(frame)
        return bool(changed)

    def toggle_queue(self) -> None:
        """Show each card that waits, or one line for all of them."""
        self.shows_queue = not self.shows_queue
        self.settle(self._collapse())

    def shown(self, card: Card) -> Card:
        """The card itself, or the one that stands for it."""
        return self._queue[0] if card.hidden else card

    def _collapse(self) -> int:
        """Let the first of many cards that wait stand for the others. Returns the place of the
        first card that is not as high as it was."""
        first = len(self.cards)
        while first and self.cards[first - 1].view.status == "queued":
            first -= 1
        waiting = self.cards[first:]
        if not waiting:
            self.shows_queue = False
        queue = [] if self.shows_queue or len(waiting) < _FEWEST_COLLAPSED else waiting
        if queue == self._queue:
            return len(self.cards)
        previous, self._queue = self._queue, queue
        for card in previous:
            card.queue, card.hidden = 0, False
        for card in queue:
            card.queue, card.hidden = 0, True
        if queue:
            queue[0].queue, queue[0].hidden = len(queue), False
        heads = (*previous[:1], *queue[:1])
        return min((self._places.get(card.key, 0) for card in heads), default=len(self.cards))

    def _note_kernel(self, at: int) -> None:
        """Whether a card and the next were run by other processes of their kernel than the last
        cards of that kernel above them."""
        for below in range(max(at, 1), min(at + 2, len(self.cards))):
            now = self.cards[below].view
            earlier = (card.view for card in reversed(self.cards[max(below - _NEAR, 0) : below]))
            generation = next((view.generation for view in earlier if view.kernel == now.kernel), 0)
            self.cards[below].rule = bool(generation and now.generation not in (0, generation))

    def _update(
        self, card: Card, view: ExecutionView, painter: CardPainter, rewritten: int | None = None
    ) -> None:
        """Show what the execution is now; its rows from `rewritten` on are other ones."""
        card.output.update(view, rewritten)
        self.measure_frame(card, painter)

    def _insert(self, view: ExecutionView) -> int:
        """A card in its place by number; returns the place."""
        at = len(self.cards)
        if self.cards and view.number < self.cards[-1].view.number:
            at = bisect_right(self.cards, view.number, key=lambda card: card.view.number)
        self.cards.insert(at, Card(OutputView(view, self.output)))
        self._tops.append(0)
        if at == len(self.cards) - 1:
            self._places[view.execution_id] = at
        else:
            self._replace()
        return at

    def _replace(self) -> None:
        self._places = {card.key: at for at, card in enumerate(self.cards)}

    def _note_stale(self, frame: Frame) -> None:
        """Cards that the frame concerns, and whose execution it does not have."""
        for key in frame.changed:
            if key in self._places and frame.view(key) is None:
                self.stale.add(key)
        if frame.updated:
            held = frame.snapshot.executions
            self.stale |= {
                card.key
                for card in self.cards
                if card.key not in held
                and any(display.display_id in frame.updated for display in card.view.displays)
            }

    def take_stale(self) -> list[str]:
        """Executions to read again, each told once."""
        stale = [key for key in self.stale if key in self._places]
        self.stale.clear()
        return stale

    def show_stored(self, views: Sequence[ExecutionView], painter: CardPainter) -> None:
        """Show these outputs of notebooks' files, and no others; they stand above all that ran."""
        by_id = {view.execution_id: view for view in views}
        held = {card.key: card for card in self.cards if is_stored(card.key)}
        self.cards = [
            card
            for card in self.cards
            if not is_stored(card.key) or by_id.get(card.key) is card.view
        ]
        self._tops = [0] * (len(self.cards) + 1)
        self._replace()
        for key, view in by_id.items():
            if key not in held or held[key].view is not view:
                self.measure(self.cards[self._insert(view)], painter)
        self.settle()

    # -- executions that were read -----------------------------------------------------------

    def refresh(self, view: ExecutionView, painter: CardPainter) -> None:
        """An execution that was read again."""
        at = self._places.get(view.execution_id)
        if at is not None:
            self._update(self.cards[at], view, painter, 0)
            self.settle(at)

    def put_page(
        self, views: Sequence[ExecutionView], more: bool, before: int, painter: CardPainter
    ) -> None:
        """Executions right before number `before`, in order; `more`: there are older ones."""
        for number, view in enumerate(views):
            at = self._places.get(view.execution_id)
            if at is None:
                at = self._insert(view)
                above = self.cards[at - 1].view.number if at else 0
                card = self.cards[at]
                card.gap = number == 0 and more and above != view.number - 1
                self.measure(card, painter)
                self._note_kernel(at)
            elif number:
                self.cards[at].gap = False
        at = bisect_left(self.cards, before, key=lambda card: card.view.number)
        if at < len(self.cards):
            below = self.cards[at]
            below.gap = below.view.number > before
        self.settle()

    def gaps(self, top: int, bottom: int) -> list[Card]:
        """Cards between two lines that may miss the ones before them."""
        first = max(bisect_right(self._tops, top) - 1, 0)
        last = bisect_left(self._tops, bottom)
        return [card for card in self.cards[first:last] if card.gap]

    def trim(self, keep: int) -> None:
        """Let the oldest cards go, down to `keep`; they can be read again."""
        excess = len(self.cards) - keep
        if excess > 0:
            del self.cards[:excess]
            self.cards[0].gap = not is_stored(self.cards[0].key)
            self._tops = [0] * (len(self.cards) + 1)
            self._replace()
            self.settle()

    def measure(self, card: Card, painter: CardPainter) -> None:
        """Learn the heights of a card's parts."""
        self.measure_frame(card, painter)
        card.output.measure()

    def measure_frame(self, card: Card, painter: CardPainter) -> None:
        """Learn the heights of what is above and below a card's output."""
        cell = card.view.cell
        is_whole = cell is not None and bool(cell.cell)
        card.code_is_beside = (
            cell is not None and is_whole and cell.document in self.documents_beside
        )
        if card.has_note:
            card.note_lines = len(painter.note(card, self.output.width))

    def measure_page(self, key: str, start: int, rows: Iterable[Run]) -> bool:
        """The same for rows that were read; whether a height has changed."""
        card = self.get(key)
        if card is None or not card.output.measure_page(start, rows):
            return False
        self.settle(self.place(card))
        return True

    def measure_all(self, painter: CardPainter) -> None:
        """After a change of width or theme."""
        for card in self.cards:
            self.measure_frame(card, painter)
            card.output.measure_again()
        self.settle(0)

    def settle(self, first: int = 0) -> None:
        """Heights from the card `first` on have changed."""
        for at in range(first, len(self.cards)):
            self._tops[at + 1] = self._tops[at] + self.cards[at].height(self.code_limit)
        self.rows = sum(card.output.execution.total for card in self.cards)

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


def _in_order(frame: Frame) -> Iterator[ExecutionView]:
    if len(frame.changed) == 1:
        (key,) = frame.changed
        if (view := frame.view(key)) is not None:
            yield view
        return
    yield from frame.left.values()
    yield from (view for key, view in frame.snapshot.executions.items() if key in frame.changed)


def _numbers(frame: Frame) -> set[int]:
    views = (*frame.snapshot.executions.values(), *frame.left.values())
    return {view.number for view in views}
