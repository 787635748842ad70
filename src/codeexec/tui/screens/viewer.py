"""One artifact on the whole screen: pictures zoomed and walked about in, tables and text whole."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from codeexec.tui.feed import Frame
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.widgets.artifacts.desk import Desk
from codeexec.tui.widgets.artifacts.gallery import Gallery
from codeexec.tui.widgets.artifacts.items import Item
from codeexec.tui.widgets.artifacts.preview import Preview
from codeexec.tui.widgets.picture import Picture

_KEYS = "[ ] others  w save  O outside  esc close"
_PICTURE_KEYS = "+ − zoom  "


class ViewerScreen(ModalScreen[str]):
    """Shows items of a gallery; what is dismissed with is the key of the last one.

    `item` may be one that the gallery does not list, such as a plain result: then it stands alone.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", id="viewer.close"),
        Binding("right_square_bracket,full_stop", "step(1)", "Next", id="viewer.next"),
        Binding("left_square_bracket,comma", "step(-1)", "Previous", id="viewer.previous"),
        Binding("w", "save", "Save as…", id="viewer.save"),
        Binding("c,y", "copy", "Copy", id="viewer.copy"),
        Binding("Y", "copy_path", "Copy its path", id="viewer.copy_path"),
        Binding("O", "outside", "Open in another program", id="viewer.outside"),
    ]

    DEFAULT_CSS = """
    ViewerScreen { background: $surface; }
    ViewerScreen #head { height: 1; padding: 0 1; background: $panel; }
    ViewerScreen #title { width: 1fr; text-style: bold; }
    ViewerScreen #keys { width: auto; padding: 0 0 0 2; color: $text-muted; }
    ViewerScreen Preview { padding: 0 1; }
    """

    def __init__(
        self, gallery: Gallery, desk: Desk, item: Item, graphics: Graphics | None = None
    ) -> None:
        super().__init__()
        self._gallery = gallery
        self._desk = desk
        self._item = item
        self._graphics = graphics or Graphics()
        self._content = ""

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield Static("", id="title")
            yield Static(_KEYS, id="keys")
        yield Preview(self._graphics, navigable=True)

    def on_mount(self) -> None:
        self._look()

    @property
    def item(self) -> Item:
        """The one that is shown."""
        return self._item

    def show_frame(self, frame: Frame) -> None:
        """Follow updates of what is shown."""
        self._gallery.take(frame.snapshot)
        found = self._gallery.find(self._item.key)
        if found is not None and found.content != self._content:
            self._item = found
            self._look()

    def _look(self) -> None:
        self._content = self._item.content
        words = f"{self._item.title}  {self._item.detail}"
        self.query_one("#title", Static).update(Content(words))
        keys = _PICTURE_KEYS + _KEYS if self._item.kind == "picture" else _KEYS
        self.query_one("#keys", Static).update(Content(keys if self.size.width >= 72 else ""))
        self.run_worker(self._show(self._item), group="show", exclusive=True)

    async def _show(self, item: Item) -> None:
        preview = self.query_one(Preview)
        await preview.show(await self._desk.content(item), item.title)
        if preview.main is not None and not preview.main.has_focus:
            preview.main.focus()

    @on(Preview.PictureSeen)
    def note_size(self, event: Preview.PictureSeen) -> None:
        event.stop()
        words = f"{self._item.title}  {event.width}×{event.height}"
        picture = self.query_one(Picture)
        if picture.view.zoom > 1:
            words += f"  {picture.view.zoom:.1f}×"
        self.query_one("#title", Static).update(Content(words))

    # -- keys ----------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        items = self._gallery.items()
        keys = [item.key for item in items]
        if self._item.key in keys:
            at = keys.index(self._item.key) + by
            if 0 <= at < len(items):
                self._item = items[at]
                self._look()

    def action_close(self) -> None:
        self.dismiss(self._item.key)

    def action_save(self) -> None:
        self.run_worker(self._desk.save(self._item), group="content")

    def action_copy(self) -> None:
        self.run_worker(self._desk.copy(self._item), group="content")

    def action_copy_path(self) -> None:
        self.run_worker(self._desk.copy_path(self._item), group="content")

    def action_outside(self) -> None:
        self.run_worker(self._desk.open_outside(self._item), group="content")
