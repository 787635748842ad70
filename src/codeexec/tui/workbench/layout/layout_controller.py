"""Layout of the panes: sizes, folding, swapping, one alone, tabs in small terminals, and focus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from codeexec.tui.layout import (
    BESIDE_WIDTH,
    TINY_HEIGHT,
    TINY_WIDTH,
    PaneLayout,
    boxes,
    is_compact,
    output_rows,
    output_width,
)
from codeexec.tui.pane_registry import PANES, place_of
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.session.ask import TitleNoted
from codeexec.tui.widgets.chrome import Dragged, TabStrip
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.layout.pane_boxes import COLUMNS, PaneBoxes
from codeexec.tui.workbench.layout.panes import PaneSet

R = TypeVar("R")


class LayoutController:
    """`on_laid_out` is called after each change of what is on screen."""

    def __init__(self, screen: Screen[R], panes: PaneSet, on_laid_out: Callable[[], None]) -> None:
        self._screen = screen
        self._panes = panes
        self._on_laid_out = on_laid_out
        self._boxes = PaneBoxes(screen)
        self.arrangement = PaneLayout()
        self._everyday: PaneLayout | None = None
        """The layout that presentation mode has taken the place of."""
        self.alone = ""
        """The pane that is shown alone; empty while all are shown."""
        self.front = "console"
        """The pane that has, or last had, the keys."""
        self.is_chosen = False
        """Whether the user has gone to a pane, by a command or a tab."""
        self._has_console_news = False
        self._empty = {entry.name for entry in PANES if entry.starts_empty}

    def actions(self) -> Mapping[str, Handler]:
        return {
            "go": self.choose,
            "maximise_pane": self.maximise,
            "toggle_pane": self.toggle,
            "beside": self.toggle_beside,
            "terminal_beside": self.toggle_terminal_beside,
            "swap_panes": self.swap,
            "resize": self.resize,
            "presentation": lambda: self.present(not self.is_presenting),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {
            Dragged: self.drag,
            TabStrip.TabChosen: self.choose_tab,
            TitleNoted: lambda event: self._boxes.note_title(event.pane, event.words),
        }

    # -- what is on screen -----------------------------------------------------------------------

    def box(self, pane: str) -> Widget:
        return self._boxes.box(pane)

    def pane_of(self, widget: Widget | None) -> str:
        """The pane that a widget is in; empty for what is between panes."""
        return self._boxes.pane_of(widget)

    @property
    def is_compact(self) -> bool:
        return self._screen.has_class("compact")

    @property
    def is_presenting(self) -> bool:
        return self._screen.has_class("presenting")

    @property
    def is_console_shown(self) -> bool:
        return self._boxes.is_on_screen("console")

    def is_alone(self, pane: str) -> bool:
        """Whether no other pane is on screen."""
        return pane == (self.front if self.is_compact else self.alone)

    def mark_console(self) -> None:
        """Mark the console's tab: something has come while it was hidden."""
        if not self._has_console_news:
            self._has_console_news = True
            self._show_tabs()

    def note_content(self, pane: str, *, is_empty: bool) -> None:
        """A pane that `starts_empty` has got something in it, or nothing any more."""
        if is_empty != (pane in self._empty):
            self._empty ^= {pane}
            self._show_tabs()

    def output_columns(self) -> int:
        """Cells in a line of the console's output, also while the console is hidden."""
        view = self._screen.query_one(ConsoleView)
        if self.is_console_shown and view.size.width:
            return view.output_width
        size = self._screen.size
        return output_width(boxes(self.arrangement, size.width, size.height)["console"].width)

    def output_rows(self) -> int:
        """Lines of the console that a program has for its screen, also while it is hidden."""
        view = self._screen.query_one(ConsoleView)
        if self.is_console_shown and view.size.height:
            return output_rows(view.size.height)
        size = self._screen.size
        return output_rows(boxes(self.arrangement, size.width, size.height)["console"].height)

    def lay_out(self) -> None:
        """Bring what is on screen up to the layout."""
        if not self._screen.app.is_running:
            return  # the program ends: a worker that comes late finds some boxes gone already
        layout, size = self.arrangement, self._screen.size
        self._screen.set_class(size.width < TINY_WIDTH or size.height < TINY_HEIGHT, "tiny")
        compact = is_compact(size.width, size.height)
        self._screen.set_class(compact, "compact")
        if self.is_presenting:
            layout = self._for_audience(layout)
        single = self.front if compact else self.alone
        self._boxes.arrange(layout, single, lambda pane: self._has_room(pane, layout))
        if self.is_console_shown:
            self._has_console_news = False
        self._show_tabs()
        self._on_laid_out()

    def _has_room(self, pane: str, layout: PaneLayout) -> bool:
        """Whether a pane is shown while no pane stands alone."""
        if self.is_presenting and place_of(pane) == "side":
            return pane == self.front or (pane == "artifacts" and self._panes.has_artifacts)
        return layout.shows(pane)

    def _for_audience(self, layout: PaneLayout) -> PaneLayout:
        """What an audience sees: no pane that is empty, and none that was not gone to."""
        side = place_of(self.front) == "side" or self._panes.has_artifacts
        bare = layout._replace(files=False, outline=False, side=side, others=())
        return bare.showing(self.front)

    def _show_tabs(self) -> None:
        marked = "console" if self._has_console_news else ""
        self._boxes.show_tabs(self.front, marked, self._empty)

    def rearranged(self, layout: PaneLayout) -> None:
        """Take another layout."""
        self.arrangement = layout
        self.lay_out()

    @property
    def stored_arrangement(self) -> PaneLayout:
        """The layout to come back to another time."""
        return self._everyday or self.arrangement

    # -- which pane has the keys -----------------------------------------------------------------

    @property
    def here(self) -> str:
        """The pane that has the keys."""
        return self.pane_of(self._screen.focused) or self.front

    def note_focus(self) -> str:
        """The focus has moved: light the title of its pane; the name of that."""
        pane = self.here
        self._boxes.light(pane)
        if pane != self.front:
            self.front = pane
            if self.is_compact or self.is_presenting:
                self.lay_out()
        return pane

    def reveal(self, pane: str) -> None:
        """Have a pane on screen."""
        self.front = pane
        if self.alone:
            self.alone = pane
        if not self.arrangement.shows(pane):
            self.arrangement = self.arrangement.showing(pane)
        self.lay_out()

    def go(self, pane: str) -> None:
        """Give a pane the keys; `other` is the console in the editor, else the editor."""
        if pane == "other":
            pane = "console" if self.here == "editor" else "editor"
        self.reveal(pane)
        self._panes.focus(pane)

    def choose(self, pane: str) -> None:
        """Go where the user wants to be. Keys that come before that pane is built wait for it."""
        self.is_chosen = True
        self.go(pane)
        if not self._panes.is_mounted(self.front):
            self._screen.run_worker(self._focus_when_built(self.front), group="pane")

    async def _focus_when_built(self, pane: str) -> None:
        await self._panes.wait_until_complete()
        if self.front == pane:
            self.go(pane)

    def choose_tab(self, event: TabStrip.TabChosen) -> None:
        self.choose(event.key)

    # -- changes of the layout -------------------------------------------------------------------

    def maximise(self) -> None:
        """Show the pane that has the keys alone, or all panes again."""
        self.alone = "" if self.alone else self.here
        self.lay_out()

    def toggle(self, name: str) -> None:
        """Show or hide a pane, or both artifacts and variables with the name `side`."""
        if self._boxes.has_focus(name) or name in (self.front, place_of(self.front)):
            self.go("editor" if self.front != "editor" else "console")
        layout = self.arrangement
        if name == "side":
            self.rearranged(layout._replace(side=not layout.side))
        else:
            self.rearranged(layout.showing(name, not layout.shows(name)))

    def toggle_beside(self) -> None:
        """Editor and console side by side, or one above the other; a narrow terminal says why
        not."""
        layout = self.arrangement._replace(beside=not self.arrangement.beside)
        self.rearranged(layout)
        columns = self._screen.size.width
        if layout.beside and not layout.is_beside_in(columns):
            message = f"Editor and console have {layout.centre_in(columns)} columns together."
            title = f"Side by side from {BESIDE_WIDTH} columns on"
            self._screen.notify(
                f"{message} Hide panes (Ctrl+B, Alt+V) or enlarge the terminal.", title=title
            )

    def toggle_terminal_beside(self) -> None:
        """Console and terminal both on screen, or one in the other's place."""
        layout = self.arrangement
        self.rearranged(layout._replace(terminal_beside=not layout.terminal_beside))

    def swap(self) -> None:
        """Exchange the places of editor and console."""
        self.rearranged(self.arrangement._replace(swapped=not self.arrangement.swapped))

    def resize(self, right: int, down: int) -> None:
        """Make the pane that has the keys wider by cells, and taller by lines."""
        size = self._screen.size
        share = round(down * 100 / max(size.height, 1))
        self.rearranged(self.arrangement.resized(self.here, right, share, size.width))

    def present(self, presents: bool) -> None:
        """Begin or end presentation mode; it has sizes of its own, which are not stored."""
        if presents == self.is_presenting:
            return
        self._screen.set_class(presents, "presenting")
        if presents:
            self._everyday = self.arrangement
            self.arrangement = self.arrangement.presented(self._screen.app.size.width)
        elif self._everyday is not None:
            self.arrangement, self._everyday = self._everyday, None
        self.lay_out()

    def drag(self, event: Dragged) -> None:
        """Dividers move columns, titles move the split above them."""
        event.stop()
        layout, size = self.arrangement, self._screen.size
        share = round(event.down * 100 / max(size.height - 1, 1))
        match event.handle.id:
            case "left-divider":
                layout = layout.resized("files", event.right, 0, size.width)
            case "side-divider":
                layout = layout.resized("artifacts", -event.right, 0, size.width)
            case "centre-divider":
                pane = "console" if layout.swapped else "editor"
                layout = layout.resized(pane, event.right, 0, size.width)
            case "lower-divider":
                moved = event.right * 100 // max(layout.centre_in(size.width), 1)
                layout = layout.with_share("terminal", layout.share("terminal") - moved)
            case "console-title" | "terminal-tabs" | "editor-tabs":
                if not self._screen.has_class("beside"):
                    split = min(max(layout.editor_share + share, 10), 90)
                    layout = layout._replace(editor_share=split)
            case title:
                layout = _with_split_moved(layout, title or "", share)
        if layout != self.arrangement:
            self.rearranged(layout)


def _with_split_moved(layout: PaneLayout, title: str, share: int) -> PaneLayout:
    """The split above a pane of a column moved down by so many per cent of the height."""
    for place in COLUMNS:
        # A pane at the top of its column has no split above it.
        for name in layout.column(place)[1:]:
            if title == f"{name}-title":
                return layout.with_share(name, layout.share(name) - share)
    return layout
