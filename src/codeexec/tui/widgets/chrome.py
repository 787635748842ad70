"""Titles, tabs and dividers between panes, which can be dragged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from codeexec.tui.render.plain import one_line
from codeexec.tui.theme.theme import Theme


class Dragged(Message):
    """A handle was dragged by so many cells."""

    def __init__(self, handle: Widget, right: int, down: int) -> None:
        super().__init__()
        self.handle = handle
        self.right = right
        self.down = down


class Handle(Widget):
    """Draggable widget; posts by how many cells."""

    _held: tuple[int, int] | None = None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.button != 1:
            return
        self._held = (event.screen_x, event.screen_y)
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._held is None:
            return
        right, down = event.screen_x - self._held[0], event.screen_y - self._held[1]
        if right or down:
            self._held = (event.screen_x, event.screen_y)
            self.post_message(Dragged(self, right, down))

    def on_mouse_up(self) -> None:
        if self._held is not None:
            self._held = None
            self.release_mouse()


class Divider(Handle):
    """A line one cell wide between two columns of panes."""

    DEFAULT_CSS = """
    Divider { width: 1; height: 1fr; }
    """

    def __init__(self, theme: Theme, id: str) -> None:
        super().__init__(id=id)
        self._theme = theme

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def render_line(self, y: int) -> Strip:
        # The title bars of the first row run on through it.
        bar = self._theme.style("bar" if y == 0 else "border")
        return Strip([Segment("│", self.rich_style + bar + self._theme.style("border"))], 1)


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: `mark` is shown behind the title (such as ● for unsaved)."""

    key: str
    title: str
    mark: str = ""
    meaning: str = "muted"
    closable: bool = False


def _printable(tabs: Sequence[Tab]) -> tuple[Tab, ...]:
    return tuple(replace(tab, title=one_line(tab.title)) for tab in tabs)


class TabStrip(Handle):
    """One line of tabs, or a title: the chosen one stands out, the rest is quiet.

    `side` is said at the right end.
    """

    DEFAULT_CSS = """
    TabStrip { height: 1; }
    """

    @dataclass
    class TabChosen(Message):
        strip: TabStrip
        key: str

    @dataclass
    class CloseRequested(Message):
        strip: TabStrip
        key: str

    def __init__(self, theme: Theme, tabs: Sequence[Tab] = (), id: str | None = None) -> None:
        super().__init__(id=id)
        self._theme = theme
        self._tabs = _printable(tabs)
        self._chosen = tabs[0].key if tabs else ""
        self._side: tuple[str, str] = ("", "muted")
        self._lit = False
        self._spans: list[tuple[int, int, Tab]] = []

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def show(self, tabs: Sequence[Tab], chosen: str) -> None:
        tabs = _printable(tabs)
        if (tabs, chosen) != (self._tabs, self._chosen):
            self._tabs, self._chosen = tabs, chosen
            self.refresh()

    def say(self, text: str, meaning: str = "muted") -> None:
        """Words at the right end."""
        text = one_line(text)
        if (text, meaning) != self._side:
            self._side = (text, meaning)
            self.refresh()

    def light(self, lit: bool) -> None:
        """Whether the pane below has the keys."""
        if lit != self._lit:
            self._lit = lit
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        if event.button == 3:
            return
        for start, end, tab in self._spans:
            if start <= event.x < end:
                is_on_mark = self._has_mark(tab) and event.x >= end - 2
                closes = tab.closable and (event.button == 2 or is_on_mark)
                message = self.CloseRequested if closes else self.TabChosen
                self.post_message(message(self, tab.key))

    def _has_mark(self, tab: Tab) -> bool:
        """Whether a sign behind the title closes the tab."""
        return bool(tab.mark) or tab.key == self._chosen

    def render_line(self, y: int) -> Strip:
        style, base, width = self._theme.style, self.rich_style, self.size.width
        base += style("bar")
        segments: list[Segment] = []
        self._spans = []
        used = 0
        side_text, meaning = self._side
        room = width - (cell_len(side_text) + 1 if side_text else 0)
        for tab in self._visible(room):
            chosen = tab.key == self._chosen
            look = style("bar.muted")
            if chosen:
                look = style("bar.focused" if self._lit else "bar")
            label = f" {tab.title} "
            mark = f"{tab.mark} " if tab.mark else ("× " if tab.closable and chosen else "")
            if used + cell_len(label + mark) > room:
                segments.append(Segment("…", style("bar.muted")))
                used += 1
                break
            segments.append(Segment(label, look))
            if mark:
                look_of_mark = self._theme.style_on(tab.meaning, "bar")
                segments.append(Segment(mark, look_of_mark if tab.mark else style("bar.muted")))
            size = cell_len(label + mark)
            self._spans.append((used, used + size, tab))
            used += size
        segments.append(Segment(" " * max(room - used, 0)))
        if side_text:
            segments.append(Segment(f"{side_text} ", self._theme.style_on(meaning, "bar")))
        return Strip(segments).adjust_cell_length(width).apply_style(base)

    def _visible(self, room: int) -> Sequence[Tab]:
        """The tabs from the first that lets the chosen one be seen."""
        tabs = list(self._tabs)
        places = [tab.key for tab in tabs]
        if self._chosen not in places:
            return tabs
        chosen = places.index(self._chosen)
        while chosen > 0:
            size = sum(cell_len(tab.title) + 4 for tab in tabs[: chosen + 1])
            if size <= room:
                break
            del tabs[0]
            chosen -= 1
        return tabs
