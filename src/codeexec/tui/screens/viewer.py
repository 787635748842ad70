"""Full-screen viewer of one artifact: pictures with zoom and pan, whole tables and text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.geometry import Region
from textual.widgets import Static

from codeexec.tui.commands.table import bindings
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.panes.artifacts.actions import ItemActions
from codeexec.tui.panes.artifacts.index import ArtifactIndex
from codeexec.tui.panes.artifacts.items import Item
from codeexec.tui.panes.artifacts.preview import Preview
from codeexec.tui.panes.artifacts.store import ArtifactStore
from codeexec.tui.render.plain import plain_words
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.modal import Modal
from codeexec.tui.widgets.picture import ZOOM_STEP, Picture

_HINTS = (
    Hint("[", "before", "step(-1)"),
    Hint("]", "next", "step(1)"),
    Hint("w", "save", "save"),
    Hint("O", "outside", "outside"),
    Hint("esc", "close", "close"),
)
_TABLE_HINT = Hint("F", "filter", "table")
_PICTURE_HINTS = (Hint("+", "zoom", "zoom(1)"), Hint("−", "out", "zoom(-1)"))
_MOVING = ("image/gif", "image/webp", "image/apng")
"""Types of pictures that may be animated, which is known when they are played."""
_PLAY_HINT = Hint("p", "play", "play")


class ViewerScreen(ItemActions, Modal[str]):
    """Viewer of artifacts; dismissed with the key of the last item.

    `item` may be an item that the index does not list, such as a plain result: then it is shown
    alone.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("viewer")]

    DEFAULT_CSS = """
    ViewerScreen { background: $surface; }
    ViewerScreen #head { height: 1; padding: 0 1; background: $panel; }
    ViewerScreen #title { width: 1fr; text-style: bold; }
    ViewerScreen #keys { width: auto; padding: 0 0 0 2; color: $text-muted; LINKS }
    ViewerScreen Preview { padding: 0 1; }
    """.replace("LINKS", LINKS)

    def __init__(
        self,
        artifact_index: ArtifactIndex,
        store: ArtifactStore,
        item: Item,
        graphics: Graphics | None = None,
        show_table: Callable[[str, Region], Awaitable[bool]] | None = None,
    ) -> None:
        """`show_table` shows the table of a variable at a place, in cells of the screen, until the
        user leaves it; whether code of a view was put into the editor then."""
        super().__init__()
        self._show_table = show_table
        self._artifact_index = artifact_index
        self.store = store
        self._item = item
        self._graphics = graphics or Graphics()

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield Static("", id="title")
            yield Static(hint_line(_HINTS), id="keys")
        yield Preview(self.store, self._graphics, navigable=True)

    def on_mount(self) -> None:
        self._look()

    @property
    def selected(self) -> Item:
        """The one that is shown."""
        return self._item

    def show_frame(self, frame: Frame) -> None:
        """Follow updates of what is shown."""
        self._artifact_index.take(frame.snapshot)
        self._renew()

    def _renew(self) -> None:
        item = self._artifact_index.find(self.selected.key)
        if item is not None and item != self.selected:
            self._item = item
            self._look()

    def _look(self) -> None:
        item = self.selected
        self.query_one("#title", Static).update(plain_words(f"{item.title}  {item.detail}"))
        hints = (*_PICTURE_HINTS, *_HINTS) if item.kind == "picture" else _HINTS
        if item.variable and self._show_table is not None and item.kind == "table":
            hints = (_TABLE_HINT, *hints)
        if item.mime in _MOVING:
            hints = (_PLAY_HINT, *hints)
        room = hints if self.size.width >= 90 else hints[-1:]
        self.query_one("#keys", Static).update(hint_line(room))
        self.query_one(Preview).look(item)

    @on(Preview.DetailLearned)
    def learn(self, event: Preview.DetailLearned) -> None:
        event.stop()
        self._artifact_index.learn(event.item, event.learned)
        self._renew()

    @on(Preview.ItemShown)
    def give_keys(self, event: Preview.ItemShown) -> None:
        event.stop()
        if event.widget is not None:
            event.widget.focus()

    # -- keys ----------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        items = self._artifact_index.items()
        keys = [item.key for item in items]
        if self._item.key in keys:
            at = keys.index(self._item.key) + by
            if 0 <= at < len(items):
                self._item = items[at]
                self._look()

    def action_zoom(self, way: int) -> None:
        for picture in self.query(Picture):
            picture.zoom(ZOOM_STEP**way)

    def action_play(self) -> None:
        for picture in self.query(Picture):
            picture.play()

    @work(group="table", exclusive=True)
    async def action_table(self) -> None:
        """Filter and sort the table where it is shown."""
        if self._show_table is None:
            return
        place = self.query_one(Preview).region
        if await self._show_table(self._item.variable, place):
            self.action_close()

    def action_close(self) -> None:
        self.dismiss(self._item.key)
