"""Arrangement of the panes: sizes, folding, swapping, one alone, tabs in small terminals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.widget import Widget

from codeexec.tui.commands.table import bindings
from codeexec.tui.layout import (
    BESIDE_WIDTH,
    TINY_HEIGHT,
    TINY_WIDTH,
    PaneLayout,
    boxes,
    is_compact,
    output_width,
)
from codeexec.tui.pane_registry import Place, pane_names, panes, panes_at, place_of
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.textual_ext.screen import StageScreen
from codeexec.tui.widgets.chrome import Dragged, Tab, TabStrip

if TYPE_CHECKING:
    from textual import events

_COLUMNS: tuple[Place, ...] = ("left", "side")


class Arrangement(StageScreen):
    """Each pane stands with its title in a box `#PANE-box`; those in a column `#COLUMN`."""

    arrangement = PaneLayout()
    _everyday: PaneLayout | None = None
    """The layout that presentation mode has taken the place of."""
    alone = ""
    front = "console"

    def __init__(self) -> None:
        super().__init__(bindings("anywhere"))
        self._has_console_news = False

    def box(self, pane: str) -> Widget:
        return self.query_one(f"#{pane}-box")

    @property
    def is_compact(self) -> bool:
        return self.has_class("compact")

    @property
    def is_console_shown(self) -> bool:
        return self.box("console").display and self.query_one("#centre").display

    def mark_console(self, has_news: bool) -> None:
        """Mark the console's tab: something has come while it was hidden."""
        if has_news != self._has_console_news:
            self._has_console_news = has_news
            self._show_bar()

    def output_columns(self) -> int:
        """Cells in a line of the console's output, also while the console is hidden."""
        view = self.query_one(ConsoleView)
        if self.is_console_shown and view.size.width:
            return view.output_width
        places = boxes(self.arrangement, self.size.width, self.size.height)
        return output_width(places["console"].width)

    def lay_out(self) -> None:
        """Bring what is on screen up to the layout."""
        layout, size = self.arrangement, self.size
        self.set_class(size.width < TINY_WIDTH or size.height < TINY_HEIGHT, "tiny")
        compact = is_compact(size.width, size.height)
        self.set_class(compact, "compact")
        single = self.front if compact else self.alone
        if self.is_presenting:
            layout = self._without_spared(layout)
        for pane in pane_names():
            self.box(pane).display = pane == single if single else self._has_room(pane, layout)
        files_column, centre, side = (
            self.query_one(f"#{name}") for name in ("left", "centre", "side")
        )
        column = place_of(single)
        files_column.display = column == "left" if single else layout.has_left
        side.display = column == "side" if single else layout.has_side
        centre.display = not single or column == "centre"
        self.query_one("#left-divider").display = files_column.display and not single
        self.query_one("#side-divider").display = side.display and not single
        # A column that stands alone has all the room there is.
        files_column.styles.width = "1fr" if single else layout.files_in(size.width)
        side.styles.width = "1fr" if single else layout.side_in(size.width)
        for place in _COLUMNS:
            for entry in panes_at(place):
                self.box(entry.name).styles.height = f"{layout.share(entry.name)}fr"
        self._lay_out_centre(layout, is_beside=not single and layout.is_beside_in(size.width))
        if self.is_console_shown:
            self._has_console_news = False
            self.console_came()
        self._show_bar()

    def console_came(self) -> None:
        """Called when the console is on screen."""

    def _has_room(self, pane: str, layout: PaneLayout) -> bool:
        """Whether a pane is shown while no pane stands alone."""
        if self.is_presenting and place_of(pane) == "side":
            return pane == self.front or (pane == "artifacts" and self.has_content(pane))
        return layout.shows(pane)

    def _without_spared(self, layout: PaneLayout) -> PaneLayout:
        """What an audience sees: no pane that is empty, and none that was not gone to."""
        side = place_of(self.front) == "side" or self.has_content("artifacts")
        bare = replace(layout, files=False, outline=False, side=side, others=())
        return bare.showing(self.front)

    def note_presenting(self) -> None:
        """Presentation mode has begun or ended."""

    def has_content(self, pane: str) -> bool:
        """Whether there is anything to be seen in a pane."""
        return True

    def _lay_out_centre(self, layout: PaneLayout, *, is_beside: bool) -> None:
        """Editor and console one above the other, or side by side."""
        centre, divider = self.query_one("#centre"), self.query_one("#centre-divider")
        self.set_class(is_beside, "beside")
        divider.display = is_beside
        upper, lower, share = "editor", "console", layout.editor_share
        if layout.swapped:
            upper, lower, share = lower, upper, 100 - share
        first, second = self.box(upper), self.box(lower)
        if is_beside:
            width = layout.centre_in(self.size.width) - 1
            first.styles.width, second.styles.width = width * share // 100, "1fr"
            first.styles.height = second.styles.height = "1fr"
        else:
            first.styles.width = second.styles.width = "1fr"
            self._share(upper, lower, share)
        children = list(centre.children)
        order = [children.index(widget) for widget in (first, divider, second)]
        if order != sorted(order):
            centre.move_child(divider, after=first)
            centre.move_child(second, after=divider)

    def _share(self, upper: str, lower: str, share: int) -> None:
        self.box(upper).styles.height = f"{share}fr"
        self.box(lower).styles.height = f"{100 - share}fr"

    def _show_bar(self) -> None:
        mark = "●" if self._has_console_news else ""
        tabs = [
            Tab(entry.name, entry.title, mark if entry.name == "console" else "", "accent")
            for entry in panes()
        ]
        bar = self.query_one("#panes-bar", TabStrip)
        bar.show(tabs, self.front)
        bar.light(True)

    def rearranged(self, layout: PaneLayout) -> None:
        """Take another layout."""
        self.arrangement = layout
        self.lay_out()

    def on_resize(self, event: events.Resize) -> None:
        self.lay_out()

    # -- which pane has the keys ---------------------------------------------------------------

    @property
    def here(self) -> str:
        """The pane that has the keys."""
        return self.pane_of(self.focused) or self.front

    def pane_of(self, widget: Widget | None) -> str:
        """The pane that a widget is in; empty for what is between panes."""
        while widget is not None:
            if widget.id is not None and widget.id.endswith("-box"):
                return widget.id.removesuffix("-box")
            widget = widget.parent if isinstance(widget.parent, Widget) else None
        return ""

    def reveal(self, pane: str) -> None:
        """Have a pane on screen."""
        self.front = pane
        if self.alone:
            self.alone = pane
        if not self.arrangement.shows(pane):
            self.arrangement = self.arrangement.showing(pane)
        self.lay_out()

    # -- actions ---------------------------------------------------------------------------------

    def action_maximise_pane(self) -> None:
        self.alone = "" if self.alone else self.here
        self.lay_out()

    def action_toggle_pane(self, name: str) -> None:
        """Show or hide a pane, or both artifacts and variables with the name `side`."""
        layout = self.arrangement
        container = self.query_one("#side" if name == "side" else f"#{name}-box")
        if self.focused is not None and container in self.focused.ancestors:
            self.action_go("editor" if self.front != "editor" else "console")
        if name == "side":
            self.rearranged(replace(layout, side=not layout.side))
        else:
            self.rearranged(layout.showing(name, not layout.shows(name)))

    def action_beside(self) -> None:
        """Editor and console side by side, or one above the other; a narrow terminal says why
        not."""
        layout = replace(self.arrangement, beside=not self.arrangement.beside)
        self.rearranged(layout)
        if layout.beside and not layout.is_beside_in(self.size.width):
            message = (
                f"Editor and console have {layout.centre_in(self.size.width)} columns together."
            )
            title = f"Side by side from {BESIDE_WIDTH} columns on"
            self.notify(
                f"{message} Hide panes (Ctrl+B, Alt+V) or enlarge the terminal.", title=title
            )

    def action_swap_panes(self) -> None:
        self.rearranged(replace(self.arrangement, swapped=not self.arrangement.swapped))

    def action_resize(self, right: int, down: int) -> None:
        share = round(down * 100 / max(self.size.height, 1))
        self.rearranged(self.arrangement.resized(self.here, right, share, self.size.width))

    @property
    def is_presenting(self) -> bool:
        return self.has_class("presenting")

    def action_presentation(self) -> None:
        self.present(not self.is_presenting)

    def present(self, presents: bool) -> None:
        """Begin or end presentation mode; it has sizes of its own, which are not kept."""
        if presents == self.is_presenting:
            return
        self.set_class(presents, "presenting")
        if presents:
            self._everyday = self.arrangement
            self.arrangement = self.arrangement.presented(self.app.size.width)
        elif self._everyday is not None:
            self.arrangement, self._everyday = self._everyday, None
        self.note_presenting()
        self.lay_out()

    @property
    def kept_arrangement(self) -> PaneLayout:
        """The layout to come back to another time."""
        return self._everyday or self.arrangement

    def action_go(self, pane: str) -> None:
        """Give a pane the keys."""
        raise NotImplementedError

    def on_dragged(self, event: Dragged) -> None:
        """Dividers move columns, titles move the split above them."""
        event.stop()
        layout = self.arrangement
        share = round(event.down * 100 / max(self.size.height - 1, 1))
        match event.handle.id:
            case "left-divider":
                layout = layout.resized("files", event.right, 0, self.size.width)
            case "side-divider":
                layout = layout.resized("artifacts", -event.right, 0, self.size.width)
            case "centre-divider":
                pane = "console" if layout.swapped else "editor"
                layout = layout.resized(pane, event.right, 0, self.size.width)
            case "console-title" | "editor-tabs" if not self.has_class("beside"):
                layout = replace(layout, editor_share=min(max(layout.editor_share + share, 10), 90))
            case title:
                layout = self._with_split_moved(layout, title or "", share)
        if layout != self.arrangement:
            self.rearranged(layout)

    def _with_split_moved(self, layout: PaneLayout, title: str, share: int) -> PaneLayout:
        """The split above a pane of a column moved down by so many per cent of the height."""
        for place in _COLUMNS:
            # A pane at the top of its column has no split above it.
            for name in layout.column(place)[1:]:
                if title == f"{name}-title":
                    return layout.with_share(name, layout.share(name) - share)
        return layout
