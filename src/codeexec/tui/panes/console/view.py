"""Scrollable view of the cards, in which only visible lines are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from codeexec.domain.outputs import Run
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.output.painter import GUTTER
from codeexec.tui.output.view import DisplayLink, FramesFold, SourceLink
from codeexec.tui.panes.console.card import Card, Fold
from codeexec.tui.panes.console.lines import CardLines
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.panes.console.paint import CardPainter, restarted
from codeexec.tui.render.plain import one_line
from codeexec.tui.session.feed import Frame
from codeexec.tui.theme.theme import Theme

MOST_CARDS = 400
KEPT_CARDS = 300
"""Cards in memory while the end is followed: above the first number, the oldest go."""

MOST_WHILE_READING = 2000
"""The same while the reader is elsewhere."""

_QUEUE_ROWS = 3
"""Rows of what waits that are seen below the card that runs."""

_ENDED = "Kernel ended. Enter starts a new one · F12 another · Ctrl+Q leaves"

_NOT_FOUND = "Enter or F12 chooses a kernel · Ctrl+Q leaves"
"""The keys where the kernel that was asked for is not there: the same one would fail again."""

_TICK = 0.1
"""Seconds between looks at the clock while something runs."""


class ConsoleView(CardLines, can_focus=True):
    """Follows the end until the reader scrolls up, and then says what is new below."""

    DEFAULT_CSS = """
    ConsoleView {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    # -- what is shown ---------------------------------------------------------------------

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        previous, self.painter = self.painter, CardPainter(theme, self._me)
        self.painter.language, self.painter.timestamps = previous.language, previous.timestamps
        self.painter.colors, self.painter.others = previous.colors, previous.others
        self.output.use(theme)
        self.relayout()

    def show_others(self, names: frozenset[str]) -> None:
        """Set the names of the other clients of the session, to label the cards of their runs."""
        if names != self.painter.others:
            self.painter.others = names
            self._painted.clear()
            self.refresh()

    def show_frame(self, frame: Frame) -> None:
        """Apply a frame; nothing is painted if no card of this view has changed."""
        if frame.snapshot.kernel.language:
            self.painter.language = frame.snapshot.kernel.language
        if frame.kernels_changed and self.painter.follow_kernels(frame.snapshot):
            self._painted.clear()
            self.refresh()
        is_new = self.card_list.take(frame, self.painter)
        if self._note_restart(frame) or is_new:
            self._trim()
            self._resettle()
        for key in self.card_list.take_stale():
            self.post_message(self.ExecutionStale(key))
        if self._ticker is not None:
            (self._ticker.resume if frame.snapshot.is_running else self._ticker.pause)()

    def show_stored(self, views: Sequence[ExecutionView]) -> None:
        """Show these outputs that notebooks' files hold, and no others."""
        held = None if self.follows else self._anchor()
        self.card_list.show_stored(views, self.painter)
        if self.selected is not None and self.card_list.get(self.selected.key) is None:
            self.selected = None
        self._restore(held)

    def _note_restart(self, frame: Frame) -> bool:
        """Say below the cards that another kernel has come; whether that has changed."""
        previous, kernel = self._last_words, frame.snapshot.kernel
        name = frame.snapshot.default_kernel
        views = (card.view for card in self.card_list.cards[-20:])
        last = max((view.generation for view in views if view.kernel == name), default=0)
        if kernel.state == "dead" and kernel.kernel is None:
            reason = kernel.death.message if kernel.death is not None else "There is no kernel."
            self._last_words = f"{one_line(reason)} {_NOT_FOUND}"
        elif kernel.state == "dead":
            self._last_words = _ENDED
        elif kernel.state in ("idle", "busy") and 0 < last < kernel.generation:
            self._last_words = restarted(kernel.ready_at)
        else:
            self._last_words = ""
        return previous != self._last_words

    @property
    def start_command(self) -> str:
        """The command that gets another kernel where this one is dead."""
        return "kernel.choose" if _NOT_FOUND in self._last_words else "kernel.restart"

    # -- executions that are not in hand -----------------------------------------------------

    def _trim(self) -> None:
        most = MOST_CARDS if self.follows else MOST_WHILE_READING
        if len(self.card_list.cards) <= most:
            return
        held = None if self.follows else self._anchor()
        self.card_list.trim(KEPT_CARDS if self.follows else most)
        if self.selected is not None and self.card_list.get(self.selected.key) is None:
            self.selected = None
        self._restore(held)

    def _anchor(self) -> tuple[Card, int] | None:
        """The card at the top of the screen, and how far above the screen it begins."""
        position = self.card_list.locate(self.scroll_offset.y)
        return (
            (position[0], self.scroll_offset.y - self.card_list.top(position[0]))
            if position
            else None
        )

    @property
    def place(self) -> tuple[str, int] | None:
        """The execution at the top, and its line there; None while the end is followed."""
        anchor = None if self.follows else self._anchor()
        return (anchor[0].key, anchor[1]) if anchor is not None else None

    def go_to_place(self, card: Card, line: int) -> None:
        """Scroll to a line of a card, or to its last where it has fewer."""
        top = self.card_list.top(card)
        self._scroll_now(min(top + line, max(self.card_list.bottom(card) - 1, top)))

    def _restore(self, held: tuple[Card, int] | None) -> None:
        """Cards have come or gone above: stay where we are."""
        self._resettle()
        if held is not None and self.card_list.get(held[0].key) is held[0]:
            self._scroll_now(self.card_list.top(held[0]) + held[1])

    def want_older(self) -> None:
        """Ask for what is missing right above the first line on screen, or soon will be."""
        if self._wanted_gap is not None:
            return
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        gaps = self.card_list.gaps(max(top - height, 0), top + height)
        if gaps:
            self.want_before(gaps[-1])

    def want_before(self, card: Card) -> None:
        """Ask for what is missing right above a card."""
        if self._wanted_gap is None:
            self._wanted_gap = card.view.number
            self.post_message(self.ExecutionsRequested(self._wanted_gap))

    def take_executions(self, views: Sequence[ExecutionView], more: bool, before: int) -> None:
        """Executions right before number `before` have been read."""
        self._wanted_gap = None
        held = None if self.follows else self._anchor()
        self.card_list.put_page(views, more, before, self.painter)
        self._restore(held)

    def give_up_executions(self) -> None:
        """They could not be read: they are wanted again at the next scroll."""
        self._wanted_gap = None

    def refresh_execution(self, view: ExecutionView) -> None:
        """An execution has been read again."""
        self.card_list.refresh(view, self.painter)
        self._resettle()

    def on_mount(self) -> None:
        self._ticker = self.set_interval(_TICK, self._tick, pause=True)

    def _tick(self) -> None:
        """Repaint the running time of the card that runs, where it is in view."""
        for card in reversed(self.card_list.cards):
            if card.view.status == "running":
                y = self.card_list.top(card) - self.scroll_offset.y
                if 0 <= y < self.size.height:
                    self.refresh(Region(0, y, self.size.width, 1))
                return

    def on_resize(self) -> None:
        self.output.picture_rows = max(min(self.size.height * 2 // 3, 24), 6)
        if self.output_width != self.output.width:
            self.relayout()
        elif self.follows:
            self._resettle()

    def show_beside(self, documents: frozenset[str], picture: str = "") -> None:
        """Leave the code of these documents to the editor, and the picture of the display with
        this key to the artifacts pane, which has it in large."""
        previous = self.output.picture_beside
        if (documents, picture) == (self.card_list.documents_beside, previous):
            return
        self.card_list.documents_beside = documents
        for key in {previous, picture}:
            self.output.pictures.forget(key)
            for card in self.card_list:
                card.output.forget_picture(key)
        self.output.picture_beside = picture
        self.relayout()

    def relayout(self) -> None:
        """Measure everything again."""
        held = None if self.follows else self.card_list.locate(self.scroll_offset.y)
        self.output.width = self.output_width
        self.card_list.measure_all(self.painter)
        self._painted.clear()
        self._resettle()
        if held is not None:
            self._scroll_now(self.card_list.top(held[0]))

    def _resettle(self) -> None:
        """The number of lines may have changed: keep to the end, or stay where we are."""
        height = self.card_list.height + len(self._last_lines())
        if height != self.virtual_size.height:
            # Not by the reactive: that lays out the whole screen, and only we have changed.
            self.set_reactive(Widget.virtual_size, Size(self.size.width, height))
            self._scroll_update(self.virtual_size)
        if self.follows:
            self._rows_seen = self.card_list.rows
            self.set_reactive(Widget.scroll_target_y, float(self.end_y))
            self.scroll_y = float(self.end_y)
        self.refresh()

    @property
    def end_y(self) -> int:
        """Where the end is followed: the output of the card that runs, not the cards that wait
        below it, of which the first is seen."""
        if self.selected is None:
            for card in reversed(self.card_list.cards):
                if card.view.status == "running":
                    bottom = self.card_list.bottom(card) + _QUEUE_ROWS
                    return min(max(bottom - self.size.height, 0), self.max_scroll_y)
                if card.view.status != "queued":
                    break
        return self.max_scroll_y

    # -- pages and pictures ------------------------------------------------------------------

    def take_rows(self, key: str, start: int, runs: Iterable[Run]) -> None:
        """Rows that were wanted have come."""
        rows = tuple(runs)
        self.output.pages.put(key, start, rows)
        position = self.card_list.locate(self.scroll_offset.y)
        if self.card_list.measure_page(key, start, rows):
            if position is not None and not self.follows and position[1].part == "row":
                self._resettle()
                card, line = position
                self._scroll_now(self.card_list.row_line(card, line.index) + line.sub)
                return
            self._resettle()
        self.refresh()

    def take_image(self, key: str, token: str, lines: list[Strip]) -> None:
        """A picture that was wanted is painted; one for another width is dropped."""
        if not self.output.pictures.accepts(key, token):
            return
        for card in self.card_list:
            if card.output.put_picture(key, lines):
                self.card_list.settle(self.card_list.place(card))
        self._resettle()

    # -- scrolling ---------------------------------------------------------------------------

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        at_end = round(new_value) >= self.end_y
        if at_end != self.follows:
            self.follows = at_end
            self._rows_seen = self.card_list.rows
        if not self.follows:
            self.want_older()

    def go_to_end(self) -> None:
        if self.follows and not self._left and self.scroll_y == self.end_y:
            return  # painting it again would delay what comes of the run
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
        if row is not None:
            self._reveal_line(self.card_list.row_line(card, row))
            return
        y = self.card_list.top(card)
        top, height = self.scroll_offset.y, self.size.height
        bottom = min(self.card_list.bottom(card), y + height - 1)
        if y < top:
            self._scroll_now(max(y, 0))
        elif bottom > top + height:
            self._scroll_now(bottom - height)
        self.refresh()

    def _reveal_line(self, y: int) -> None:
        """Scroll so that a line is in view, with some lines around it."""
        top, height = self.scroll_offset.y, self.size.height
        if y < top:
            self._scroll_now(max(y - height // 3, 0))
        elif y >= top + height:
            self._scroll_now(y - height // 2)
        self.refresh()

    def mark(self, card: Card, row: int, part: Literal["output", "code"]) -> None:
        """Mark a row of the output, or a line of the code, as a match, and have it in view."""
        self.marked_row, self.marked_part = (card.key, row), part
        if part == "output":
            self.reveal(card, row)
            return
        if row >= card.code_lines(self.card_list.code_limit)[0] or card.has_title_for_code:
            card.fold, card.shows_all_code = Fold.OPEN, True
            self._rearranged(card)
        self._reveal_line(self.card_list.top(card) + card.rule + row)

    # -- the selected card ---------------------------------------------------------------------

    def select(self, card: Card | None) -> None:
        self.selected = card
        if card is not None:
            self.reveal(card)
        self.refresh()

    def step(self, by: int) -> None:
        """Select the card before or after."""
        cards = self.card_list.cards
        if not cards:
            return
        if self.selected is None:
            at = len(cards) - 1
        else:
            if by < 0 and self.selected.gap:
                self.want_before(self.selected)
            at = min(max(self.card_list.place(self.selected) + by, 0), len(cards) - 1)
        self.select(self.card_list.shown(cards[at]))
        if at == len(cards) - 1 and by > 0:
            self.go_to_end()

    @property
    def current(self) -> Card | None:
        """The selected card, or the last."""
        card = self.selected or (self.card_list.cards[-1] if self.card_list.cards else None)
        return self.card_list.shown(card) if card is not None else None

    def toggle_fold(self, card: Card) -> None:
        if card.queue:
            self.card_list.toggle_queue()
            self._resettle()
            return
        card.fold = Fold.OPEN if card.fold is Fold.CLOSED else Fold.CLOSED
        self._rearranged(card)

    def toggle_code(self, card: Card) -> None:
        card.shows_all_code = not card.shows_all_code
        self._rearranged(card)

    def toggle_frames(self, card: Card) -> None:
        card.output.toggle_frames()
        self._rearranged(card)

    def _rearranged(self, card: Card) -> None:
        self.card_list.settle(self.card_list.place(card))
        was, self.follows = self.follows, False
        self._resettle()
        self.follows = was and self.scroll_offset.y >= self.max_scroll_y

    # -- mouse ---------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed_at = event.screen_offset

    def on_click(self, event: events.Click) -> None:
        if event.screen_offset != self._pressed_at:
            return  # the end of a drag, which has selected text
        if self._news_line(event.y) and event.button == 1:
            self.go_to_end()
            return
        position = self.card_list.locate(self.scroll_offset.y + event.y)
        if position is None:
            self.select(None)
            self.post_message(self.PromptRequested())
            return
        card, line = position
        self.selected = card
        self.refresh()
        if event.button != 1:
            return
        if line.part == "note" and card.view.stdin is not None:
            self.post_message(self.PromptRequested())
        elif line.part == "queue":
            self.toggle_fold(card)
        elif line.part == "more":
            (self.toggle_fold if card.fold is Fold.CLOSED else self.toggle_code)(card)
        elif line.part == "code" and event.x < GUTTER + 4:
            self.toggle_fold(card)
        elif line.part == "row":
            match card.output.click_target(line.index, line.sub):
                case FramesFold():
                    self.toggle_frames(card)
                case SourceLink(frame):
                    self.post_message(ConsoleMessages.SourceRequested(frame))
                case DisplayLink(display) if event.chain == 2:
                    self.post_message(ConsoleMessages.DisplayOpened(display))
                case _:
                    pass
