"""Container of the visible documents: one, or two halves with a divider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from textual.containers import Container
from textual.message import Message
from textual.widget import Widget

from codeexec.tui.panes.documents.view import ViewTitle
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.chrome import Divider, Dragged

Direction = Literal["beside", "below"]

LEAST_WIDTH, LEAST_HEIGHT = 61, 10
"""Cells of a pane whose halves can be read: 30 columns each, or four rows and a title."""

_GOOD_WIDTH, _GOOD_HEIGHT = 101, 16
"""Cells from which a half holds a line of code, or a cell of it."""


def direction_for(width: int, height: int, wish: Direction | None = None) -> Direction | None:
    """How a pane of that size is divided; None where it is too small. A `wish` is followed where
    it fits."""
    fits: dict[Direction, bool] = {"beside": width >= LEAST_WIDTH, "below": height >= LEAST_HEIGHT}
    if wish is not None and fits[wish]:
        return wish
    if width >= _GOOD_WIDTH:
        return "beside"
    if height >= _GOOD_HEIGHT:
        return "below"
    return next((direction for direction in fits if fits[direction]), None)


@dataclass(frozen=True, slots=True)
class Split:
    """Which widgets (by id) stand in the two halves, which half has the keys (0 or 1), the wish
    how to divide (None: by size), and the share of the first half in per cent."""

    halves: tuple[str, str]
    active: int = 1
    wish: Direction | None = None
    share: int = 50

    @property
    def current(self) -> str:
        return self.halves[self.active]

    @property
    def other(self) -> str:
        return self.halves[1 - self.active]

    def with_current(self, widget_id: str) -> Split:
        """The same with another widget in the half that has the keys."""
        first, second = self.halves
        halves = (first, widget_id) if self.active else (widget_id, second)
        return replace(self, halves=halves)


class Stage(Container):
    """Holds all documents; `current` is the id of the one with the keys, `split` what is beside."""

    DEFAULT_CSS = """
    Stage { height: 1fr; layout: vertical; overflow: hidden hidden; }
    Stage.-beside { layout: horizontal; }
    Stage > * { display: none; width: 1fr; height: 1fr; }
    Stage > .shown { display: block; }
    Stage > Divider { width: 1; height: 1fr; }
    """

    @dataclass
    class Rearranged(Message):
        """Other halves are on screen than before: their size allows it, or does not any more."""

        stage: Stage

    def __init__(self, theme: Theme, current: str, id: str) -> None:
        super().__init__(id=id)
        self._current = current
        self.split: Split | None = None
        self.divider = Divider(theme, "split-divider")
        self._seen: tuple[str, ...] = ()

    @property
    def current(self) -> str:
        return self.split.current if self.split is not None else self._current

    @current.setter
    def current(self, widget_id: str) -> None:
        if self.split is not None:
            self.split = self.split.with_current(widget_id)
        self._current = widget_id
        self.show_halves()

    async def add(self, widget: Widget) -> None:
        """Put a widget on the stage; it is shown once it is `current` or in a half."""
        await self.mount(widget)

    def divide(self, split: Split | None) -> None:
        """Show two halves, or with None the one that has the keys alone."""
        if split is None and self.split is not None:
            self._current = self.split.current
        self.split = split
        self.show_halves()

    @property
    def direction(self) -> Direction | None:
        """How the halves stand now; None while one is shown alone."""
        if self.split is None or not self.size:
            return None
        return direction_for(self.size.width, self.size.height, self.split.wish)

    @property
    def shown(self) -> tuple[str, ...]:
        """Ids of what is on screen, in order."""
        if self.split is not None and self.direction is not None:
            return self.split.halves
        return (self.current,)

    def on_mount(self) -> None:
        self.show_halves()

    def on_resize(self) -> None:
        self.show_halves()

    def show_halves(self) -> None:
        """Bring what is on screen up to `current` and `split`."""
        visible_ids, direction = self.shown, self.direction if len(self.shown) == 2 else None
        self.set_class(direction == "beside", "-beside")
        for child in self.children:
            child.set_class(child.id in visible_ids, "shown")
        self.divider.set_class(direction == "beside", "shown")
        widgets = [child for name in visible_ids for child in self.children if child.id == name]
        if direction is not None and len(widgets) == 2 and self.split is not None:
            first, second = widgets
            self._put_in_order([first, self.divider, second])
            self._share(first, self.split.share, direction)
            self._share(second, 100 - self.split.share, direction)
        else:
            for widget in widgets:
                widget.styles.width = widget.styles.height = "1fr"
        if (direction or "", *visible_ids) != self._seen:
            self._seen = (direction or "", *visible_ids)
            self.post_message(self.Rearranged(self))

    def _put_in_order(self, widgets: list[Widget]) -> None:
        places = [self.children.index(widget) for widget in widgets]
        if places != sorted(places):
            for first, second in pairwise(widgets):
                self.move_child(second, after=first)

    @staticmethod
    def _share(widget: Widget, share: int, direction: Direction) -> None:
        widget.styles.width = f"{share}fr" if direction == "beside" else "1fr"
        widget.styles.height = f"{share}fr" if direction == "below" else "1fr"

    def on_dragged(self, event: Dragged) -> None:
        """The divider, or the title of the lower half, moves the division."""
        if self.split is None or not (
            event.handle is self.divider or isinstance(event.handle, ViewTitle)
        ):
            return
        event.stop()
        across = self.direction == "beside"
        cells = event.right if across else event.down
        room = max((self.size.width if across else self.size.height) - 1, 1)
        share = min(max(self.split.share + round(cells * 100 / room), 15), 85)
        if cells and share != self.split.share:
            self.divide(replace(self.split, share=share))
