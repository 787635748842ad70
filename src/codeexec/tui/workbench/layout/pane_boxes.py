"""Boxes of the panes on the screen: shows a layout by display, size and order of widgets."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from codeexec.tui.layout import PaneLayout
from codeexec.tui.pane_registry import Place, pane_names, panes, panes_at, place_of
from codeexec.tui.widgets.chrome import Tab, TabStrip

R = TypeVar("R")

COLUMNS: tuple[Place, ...] = ("left", "side")
"""The columns beside the centre."""


class PaneBoxes:
    """Each pane stands with its title in a box `#PANE-box` of the screen; those of a place in a
    column `#PLACE`. Tabs for small terminals are in `#panes-bar`."""

    def __init__(self, screen: Screen[R]) -> None:
        self._screen = screen

    @property
    def size(self) -> Size:
        return self._screen.size

    def box(self, pane: str) -> Widget:
        return self._screen.query_one(f"#{pane}-box")

    def pane_of(self, widget: Widget | None) -> str:
        """The pane that a widget is in; empty for what is between panes."""
        while widget is not None:
            if widget.id is not None and widget.id.endswith("-box"):
                return widget.id.removesuffix("-box")
            widget = widget.parent if isinstance(widget.parent, Widget) else None
        return ""

    def has_focus(self, name: str) -> bool:
        """Whether the focus is in a pane, or in the column of that name."""
        focused = self._screen.focused
        container = self._screen.query_one(f"#{name}" if name in COLUMNS else f"#{name}-box")
        return focused is not None and container in focused.ancestors

    def is_on_screen(self, pane: str) -> bool:
        column = self._screen.query_one(f"#{place_of(pane)}")
        return self.box(pane).display and column.display

    def arrange(self, layout: PaneLayout, single: str, has_room: Callable[[str], bool]) -> None:
        """Show the panes that have room, or a `single` one alone."""
        size = self.size
        for pane in pane_names():
            self.box(pane).display = pane == single if single else has_room(pane)
        left, centre, side = (
            self._screen.query_one(f"#{name}") for name in ("left", "centre", "side")
        )
        column = place_of(single)
        left.display = column == "left" if single else layout.has_left
        side.display = column == "side" if single else layout.has_side
        centre.display = not single or column == "centre"
        self._screen.query_one("#left-divider").display = left.display and not single
        self._screen.query_one("#side-divider").display = side.display and not single
        # A column that stands alone has all the room there is.
        left.styles.width = "1fr" if single else layout.files_in(size.width)
        side.styles.width = "1fr" if single else layout.side_in(size.width)
        for place in COLUMNS:
            for entry in panes_at(place):
                self.box(entry.name).styles.height = f"{layout.share(entry.name)}fr"
        self._arrange_centre(layout, is_beside=not single and layout.is_beside_in(size.width))

    def _arrange_centre(self, layout: PaneLayout, *, is_beside: bool) -> None:
        """Editor and console one above the other, or side by side."""
        self._arrange_lower(layout)
        centre = self._screen.query_one("#centre")
        divider = self._screen.query_one("#centre-divider")
        self._screen.set_class(is_beside, "beside")
        divider.display = is_beside
        upper, lower, share = "editor", "console", layout.editor_share
        if layout.swapped:
            upper, lower, share = lower, upper, 100 - share
        first, second = self._half(upper), self._half(lower)
        if is_beside:
            width = layout.centre_in(self.size.width) - 1
            first.styles.width, second.styles.width = width * share // 100, "1fr"
            first.styles.height = second.styles.height = "1fr"
        else:
            first.styles.width = second.styles.width = "1fr"
            first.styles.height, second.styles.height = f"{share}fr", f"{100 - share}fr"
        children = list(centre.children)
        order = [children.index(widget) for widget in (first, divider, second)]
        if order != sorted(order):
            centre.move_child(divider, after=first)
            centre.move_child(second, after=divider)

    def _half(self, pane: str) -> Widget:
        """The half of the centre that has the editor, or console and terminal."""
        return self.box("editor") if pane == "editor" else self._screen.query_one("#lower")

    def _arrange_lower(self, layout: PaneLayout) -> None:
        """Console and terminal, one of them or both."""
        lower = self._screen.query_one("#lower")
        console, terminal = self.box("console"), self.box("terminal")
        lower.display = console.display or terminal.display
        is_right = layout.is_terminal_right_in(self.size.width)
        both = console.display and terminal.display
        divider = self._screen.query_one("#lower-divider")
        divider.display = both and is_right
        lower.styles.layout = "horizontal" if is_right else "vertical"
        share = layout.share("terminal") if both else 100
        for box, part in ((console, 100 - share if both else 100), (terminal, share)):
            box.styles.width = f"{part}fr" if is_right else "1fr"
            box.styles.height = "1fr" if is_right else f"{part}fr"

    def show_tabs(self, front: str, marked: str, empty: Collection[str]) -> None:
        """Show which pane is in front, and which is `marked` as having news; `empty` panes have a
        tab only in front."""
        tabs = [
            Tab(entry.name, entry.title, "●" if entry.name == marked else "", "accent")
            for entry in panes()
            if entry.name == front or entry.name not in empty
        ]
        bar = self._screen.query_one("#panes-bar", TabStrip)
        bar.show(tabs, front)
        bar.light(True)

    def note_title(self, pane: str, words: str) -> None:
        """Show words at the right end of a title, where the pane has one of its own."""
        for entry in panes():
            if entry.name == pane:
                for title in self._screen.query(f"#{entry.title_widget}").results(TabStrip):
                    title.say(words)

    def light(self, pane: str) -> None:
        """Light the title of the pane that has the keys."""
        for entry in panes():
            # The title that a pane brings is there when the pane is.
            for title in self._screen.query(f"#{entry.title_widget}").results(TabStrip):
                title.light(entry.name == pane)
