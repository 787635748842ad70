"""Preview of one artifact: reads its content, and shows it in a body view."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.body_view import BodyView
from codeexec.tui.output.contents import MarkdownContent, PictureContent, TableContent
from codeexec.tui.panes.artifacts.index import Learned
from codeexec.tui.panes.artifacts.items import Item
from codeexec.tui.panes.artifacts.store import ArtifactStore
from codeexec.tui.render.registry import Kind


class Preview(Vertical):
    """What was shown before stays until the next item is ready; `navigable` as in `BodyView`."""

    DEFAULT_CSS = """
    Preview { height: 1fr; padding: 0 0 0 1; }
    """

    @dataclass
    class DetailLearned(Message):
        """What the content of an item says of its kind and size."""

        item: Item
        learned: Learned

    @dataclass
    class ItemShown(Message):
        """What was asked for is there; `widget` is what shows it, and may be given the keys."""

        widget: Widget | None

    def __init__(
        self,
        store: ArtifactStore,
        graphics: Graphics | None = None,
        *,
        navigable: bool = False,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._store = store
        self.body = BodyView(graphics, navigable=navigable)
        self._wanted: Item | None = None
        self._shown: Item | None = None
        self._is_looking = False

    def compose(self) -> ComposeResult:
        yield self.body

    def look(self, item: Item) -> None:
        """Show this item. One is shown at a time and then the newest wish, so that a flood of
        new ones never keeps the screen empty."""
        self._wanted = item
        if not self._is_looking and self._is_due():
            self._is_looking = True
            self.run_worker(self._catch_up(), group="look")

    def _is_due(self) -> bool:
        next_item, current = self._wanted, self._shown
        return next_item is not None and (
            current is None or (next_item.key, next_item.content) != (current.key, current.content)
        )

    async def _catch_up(self) -> None:
        try:
            while self._is_due() and (item := self._wanted) is not None:
                content = await self._store.content(item)
                self._shown = item
                if isinstance(content, TableContent):
                    self._tell(item, "table", f"{content.page.rows}×{content.page.columns}")
                elif isinstance(content, MarkdownContent) and item.kind == "table":
                    self._tell(item, "html", item.detail)
                await self.body.show(content, f"{item.title} {item.detail}")
                self.post_message(self.ItemShown(self.body.main))
        finally:
            self._is_looking = False

    def _tell(self, item: Item, kind: Kind, detail: str) -> None:
        if (kind, detail) != (item.kind, item.detail):
            self.post_message(self.DetailLearned(item, Learned(kind, detail)))

    @on(BodyView.PictureMeasured)
    def tell_size(self, event: BodyView.PictureMeasured) -> None:
        event.stop()
        content = self.body.content
        if isinstance(content, PictureContent) and content.data is event.data and self._shown:
            self._tell(self._shown, "picture", f"{event.width}×{event.height}")
