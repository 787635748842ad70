"""Scrollable view of the cards, in which only visible lines are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from codeexec.domain.outputs import Run
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.layout import output_width
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.ipywidgets.messages import WidgetPressed
from codeexec.tui.output.links import DisplayLink, FramesFold, SourceLink, WidgetLink
from codeexec.tui.output.loader import requests_of
from codeexec.tui.output.painter import GUTTER
from codeexec.tui.output.table_place import table_place
from codeexec.tui.panes.console.cards.card import Card, Fold, Line
from codeexec.tui.panes.console.cards.card_list import CardList
from codeexec.tui.panes.console.cards.cursor import CardCursor, MarkedPart
from codeexec.tui.panes.console.kernel_note import KernelNote
from codeexec.tui.panes.console.lines import CardLines
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.panes.console.paint import CardPainter
from codeexec.tui.panes.console.viewport import Anchor, CardViewport
from codeexec.tui.session.feed import Frame
from codeexec.tui.theme.theme import Theme

MOST_CARDS = 400
KEPT_CARDS = 300
"""Cards in memory while the end is followed: above the first number, the oldest go."""

MOST_WHILE_READING = 2000
"""The same while the reader is elsewhere."""

_TICK = 0.1
"""Seconds between looks at the clock while something runs."""


class _RowLook(NamedTuple):
    """What all rows of one paint have in common."""

    size: Size
    """The size of the view in cells."""
    top: int
    """The line that is the first on the screen."""
    style: Style
    selection: Selection | None

    @classmethod
    def of(cls, view: ScrollView) -> _RowLook:
        return cls(view.size, view.scroll_offset.y, view.rich_style, view.text_selection)


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
    class ExecutionsRequested(Message):
        """Executions right before number `before` that are to be read."""

        before: int

    @dataclass
    class ExecutionStale(Message):
        """An execution that is to be read again."""

        execution_id: str

    @dataclass
    class PromptFocusRequested(Message):
        """What is typed next is meant for the prompt, or for the answer that is waited for."""

    def __init__(self, theme: Theme, me: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self._me = me
        self.output = OutputContext(theme)
        self.card_list = CardList(self.output)
        self.cursor = CardCursor(self.card_list)
        self.viewport = CardViewport(self, self.card_list, self.cursor)
        self.painter = CardPainter(theme, me)
        self.kernel_note = KernelNote()
        self._lines = CardLines(self.card_list, self.cursor, self.painter)
        self._look: _RowLook | None = None
        self._wanted_gap: int | None = None
        """Executions before this number are being read."""
        self._pressed_at: Offset | None = None
        """Where on screen the mouse button went down last."""
        self._ticker: Timer | None = None

    # -- what is shown ---------------------------------------------------------------------

    @property
    def output_width(self) -> int:
        return output_width(self.size.width)

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        self.painter = self.painter.in_theme(theme)
        self._lines.painter = self.painter
        self.output.use(theme)
        self.relayout()

    def show_colors(self, shows: bool) -> None:
        """Code in colours, or plain while its lexer is not ready."""
        self.painter.colors = shows
        self._paint_again()

    def show_others(self, names: frozenset[str]) -> None:
        """Set the names of the other clients of the session, to label the cards of their runs."""
        if names != self.painter.others:
            self.painter.others = names
            self._paint_again()

    def _paint_again(self) -> None:
        self._lines.forget()
        self.refresh()

    def show_frame(self, frame: Frame) -> None:
        """Apply a frame; nothing is painted if no card of this view has changed."""
        if frame.snapshot.kernel.language:
            self.painter.language = frame.snapshot.kernel.language
        if frame.kernels_changed and self.painter.follow_kernels(frame.snapshot):
            self._paint_again()
        is_new = self.card_list.take(frame, self.painter)
        if self.kernel_note.follow(frame, self.card_list) or is_new:
            self._lines.below = self.kernel_note.text
            self._trim()
            self._resettle()
        for key in self.card_list.take_stale():
            self.post_message(self.ExecutionStale(key))
        if self._ticker is not None:
            (self._ticker.resume if frame.snapshot.is_running else self._ticker.pause)()

    def draw_widgets(self) -> None:
        """The user has operated a widget: draw it again."""
        for at, card in enumerate(self.card_list.cards):
            if card.output.has_widgets and card.output.measure():
                self.card_list.settle(at)
        self._resettle()

    def show_stored(self, views: Sequence[ExecutionView]) -> None:
        """Show these outputs that notebooks' files hold, and no others."""
        anchor = self.viewport.anchor()
        self.card_list.show_stored(views, self.painter)
        self.cursor.drop_missing()
        self._restore(anchor)

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

    # -- executions that are not in hand -----------------------------------------------------

    def _trim(self) -> None:
        follows = self.viewport.follows
        most = MOST_CARDS if follows else MOST_WHILE_READING
        if len(self.card_list.cards) > most:
            anchor = self.viewport.anchor()
            self.card_list.trim(KEPT_CARDS if follows else most)
            self.cursor.drop_missing()
            self._restore(anchor)

    def _restore(self, anchor: Anchor | None) -> None:
        """Cards have come or gone above: stay where we are."""
        self._resettle()
        self.viewport.return_to(anchor)

    def _want_older(self) -> None:
        """Ask for what is missing right above the first line on screen, or soon will be."""
        if self._wanted_gap is None:
            top, height = self.scroll_offset.y, max(self.size.height, 1)
            gaps = self.card_list.gaps(max(top - height, 0), top + height)
            if gaps:
                self._want_before(gaps[-1])

    def _want_before(self, card: Card) -> None:
        """Ask for what is missing right above a card."""
        if self._wanted_gap is None:
            self._wanted_gap = card.view.number
            self.post_message(self.ExecutionsRequested(self._wanted_gap))

    def take_executions(self, views: Sequence[ExecutionView], more: bool, before: int) -> None:
        """Executions right before number `before` have been read."""
        self._wanted_gap = None
        anchor = self.viewport.anchor()
        self.card_list.put_page(views, more, before, self.painter)
        self._restore(anchor)

    def give_up_executions(self) -> None:
        """They could not be read: they are wanted again at the next scroll."""
        self._wanted_gap = None

    def refresh_execution(self, view: ExecutionView) -> None:
        """An execution has been read again."""
        self.card_list.refresh(view, self.painter)
        self._resettle()

    # -- layout ------------------------------------------------------------------------------

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
        elif self.viewport.follows:
            self._resettle()
        self.post_message(ConsoleMessages.OutputResized())

    def relayout(self) -> None:
        """Measure everything again."""
        anchor = self.viewport.anchor()
        self.output.width = self.output_width
        self.card_list.measure_all(self.painter)
        self._lines.forget()
        self._resettle()
        if anchor is not None:
            self.viewport.scroll(self.card_list.top(anchor[0]))

    def _resettle(self) -> None:
        """The number of lines may have changed: keep to the end, or stay where we are."""
        height = self._lines.height
        if height != self.virtual_size.height:
            # Not by the reactive: that lays out the whole screen, and only we have changed.
            self.set_reactive(Widget.virtual_size, Size(self.size.width, height))
            self._scroll_update(self.virtual_size)
        if self.viewport.follows:
            self.viewport.note_seen()
            end = float(self.viewport.end_y)
            self.set_reactive(Widget.scroll_target_y, end)
            self.scroll_y = end
        self.refresh()

    # -- pages and pictures ------------------------------------------------------------------

    def take_rows(self, key: str, start: int, runs: Iterable[Run]) -> None:
        """Rows that were wanted have come."""
        rows = tuple(runs)
        self.output.pages.put(key, start, rows)
        position = self.card_list.locate(self.scroll_offset.y)
        if self.card_list.measure_page(key, start, rows):
            self._resettle()
            if position is not None and not self.viewport.follows and position[1].part == "row":
                card, line = position
                self.viewport.scroll(self.card_list.row_line(card, line.index) + line.sub)
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
        self.viewport.note_scroll(new_value)
        if not self.viewport.follows:
            self._want_older()

    def go_to_end(self) -> None:
        viewport = self.viewport
        if viewport.follows and not self._lines.left and self.scroll_y == viewport.end_y:
            return  # painting it again would delay what comes of the run
        viewport.follows = True
        self._lines.left = 0
        self._resettle()

    def scroll_sideways(self, columns: int) -> None:
        """Move the rows that are too long to wrap."""
        self._lines.left = max(self._lines.left + columns, 0)
        self.refresh()

    @property
    def place(self) -> tuple[str, int] | None:
        """The execution at the top, and its line there; None while the end is followed."""
        anchor = self.viewport.anchor()
        return (anchor[0].key, anchor[1]) if anchor is not None else None

    # -- the selected card ---------------------------------------------------------------------

    def select(self, card: Card | None) -> None:
        self.cursor.selected = card
        if card is not None:
            self.viewport.reveal(card)
        self.refresh()

    def output_place(self, card: Card) -> Region:
        """Where the output of a card is on the screen, with room for some rows of a table."""
        top = self.card_list.row_line(card, 0) - int(self.scroll_offset.y)
        return table_place(self.content_region, top, card.output.height, GUTTER)

    def step(self, by: int) -> None:
        """Select the card before or after."""
        previous, card = self.cursor.selected, self.cursor.neighbour(by)
        if card is None:
            return
        if by < 0 and previous is not None and previous.gap:
            self._want_before(previous)
        self.select(card)
        if by > 0 and card is self.card_list.shown(self.card_list.cards[-1]):
            self.go_to_end()

    def mark(self, card: Card, row: int, part: MarkedPart) -> None:
        """Mark a row of the output, or a line of the code, as a match, and have it in view."""
        self.cursor.marked_row, self.cursor.marked_part = (card.key, row), part
        if part == "output":
            self.viewport.reveal_line(self.card_list.row_line(card, row))
        else:
            if row >= card.code_lines(self.card_list.code_limit)[0] or card.has_title_for_code:
                card.fold, card.shows_all_code = Fold.OPEN, True
                self._rearranged(card)
            self.viewport.reveal_line(self.card_list.top(card) + card.rule + row)
        self.refresh()

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
        viewport = self.viewport
        self.card_list.settle(self.card_list.place(card))
        follows, viewport.follows = viewport.follows, False
        self._resettle()
        viewport.follows = follows and self.scroll_offset.y >= self.max_scroll_y

    # -- mouse ---------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed_at = event.screen_offset

    def on_click(self, event: events.Click) -> None:
        if event.screen_offset != self._pressed_at:
            return  # the end of a drag, which has selected text
        if self.viewport.is_news_line(event.y) and event.button == 1:
            self.go_to_end()
            return
        position = self.card_list.locate(self.scroll_offset.y + event.y)
        if position is None:
            self.select(None)
            self.post_message(self.PromptFocusRequested())
            return
        self.cursor.selected = position[0]
        self.refresh()
        if event.button == 1:
            self._click(*position, event)

    def _click(self, card: Card, line: Line, event: events.Click) -> None:
        """A click on a line of a card."""
        if line.part == "note" and card.view.stdin is not None:
            self.post_message(self.PromptFocusRequested())
        elif line.part == "note" and card.offers_terminal:
            self.post_message(ConsoleMessages.TerminalRequested(card.view))
        elif line.part == "queue" or (line.part == "code" and event.x < GUTTER + 4):
            self.toggle_fold(card)
        elif line.part == "more":
            (self.toggle_fold if card.fold is Fold.CLOSED else self.toggle_code)(card)
        elif line.part == "row":
            match card.output.click_target(line.index, line.sub, event.x - GUTTER):
                case FramesFold():
                    self.toggle_frames(card)
                case SourceLink(frame):
                    self.post_message(ConsoleMessages.SourceRequested(frame))
                case WidgetLink(control, column):
                    self.post_message(WidgetPressed(control, column))
                case DisplayLink(display) if event.chain == 2:
                    self.post_message(ConsoleMessages.DisplayOpened(display))
                case _:
                    pass

    # -- text selection and painting -----------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return self._lines.text(selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        # Looked up once for all lines: Textual goes through all ancestors for each of these.
        self._look = _RowLook.of(self)
        try:
            lines = super().render_lines(crop)
        finally:
            self._look = None
        for message in requests_of(self.output):
            self.post_message(message)
        return lines

    def render_line(self, y: int) -> Strip:
        size, top, base, selection = self._look or _RowLook.of(self)
        width = size.width
        if not self.card_list.cards and not self.kernel_note.text:
            return self._lines.empty_line(y, size, self.app._keymap).apply_style(base)
        if self.viewport.is_news_line(y):
            return self._lines.news_line(self.viewport.news, width, base)
        at = top + y
        strip = self._lines.line(at)
        if selection is not None and (span := selection.get_span(at)) is not None:
            strip = self._lines.chosen(strip, *span)
        # In this order both are kept with the strip, which is the same while nothing changes.
        return strip.apply_style(base).adjust_cell_length(width, base).apply_offsets(0, at)
