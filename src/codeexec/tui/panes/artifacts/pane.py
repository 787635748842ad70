"""The artifacts pane: list of artifacts, newest first, over a preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from codeexec.client.api import SessionClient
from codeexec.domain.requests import ListDisplays
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.commands.table import bindings
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.panes.artifacts.actions import ItemActions
from codeexec.tui.panes.artifacts.index import ArtifactIndex, Filter
from codeexec.tui.panes.artifacts.items import NOUNS, Item
from codeexec.tui.panes.artifacts.preview import Preview
from codeexec.tui.panes.artifacts.store import ArtifactStore
from codeexec.tui.panes.pane import BuildContext, PaneState
from codeexec.tui.session.ask import ask_quietly
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.label_text import tell
from codeexec.tui.widgets.row_list import RowList

_FEW = 10
"""Items that fill the list: with fewer, older ones are read at once."""

_EMPTY = "Plots and tables appear here"


def build(context: BuildContext) -> ArtifactPane:
    return ArtifactPane(context.session, context.graphics, id="artifacts")


class ArtifactPane(ItemActions, Vertical):
    """`show_frame` takes frames; content is asked of the session when it is looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("artifacts")]

    DEFAULT_CSS = """
    ArtifactPane #shelf { height: auto; max-height: 34%; min-height: 1; }
    ArtifactPane #state { height: 1; padding: 0 1; color: $text-muted; }
    ArtifactPane #filter { width: 1fr; }
    ArtifactPane #newer { width: auto; color: $text-accent; }
    ArtifactPane #empty { height: 1fr; display: none; padding: 0 2;
        content-align: center middle; text-align: center; color: $text-muted; }
    ArtifactPane.-empty #empty { display: block; }
    ArtifactPane.-empty #shelf, ArtifactPane.-empty #state { display: none; }
    ArtifactPane.-empty Preview { display: none; }
    """

    @dataclass
    class ItemOpenRequested(Message):
        """Show this item alone on the screen (`ViewerScreen`)."""

        key: str

    @dataclass
    class TableRequested(Message):
        """The display holds only part of a data frame: show the whole of it (`TableScreen`)."""

        name: str

    @dataclass
    class CardRequested(Message):
        """Show the execution that made it."""

        execution_id: str

    @dataclass
    class Pinned(Message):
        """The set of pinned keys has changed; the layout stores it."""

        keys: frozenset[str]

    def __init__(
        self,
        session: SessionClient | None = None,
        graphics: Graphics | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.artifact_index = ArtifactIndex()
        self.store = ArtifactStore(self, session)
        self._graphics = graphics or Graphics()
        self._items: list[Item] = []
        self._selected = ""
        self._follows = True
        self._reads = False
        self._is_ready = False
        self._fills = False
        self._kind: Filter = "all"
        self._execution = ""
        self._tables: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        # Kept here: a pane that is removed while it is mounted finds no children by a query.
        self._list = RowList(id="shelf")
        self._preview = Preview(self.store, self._graphics)
        self._words = {name: Static(id=name) for name in ("filter", "newer")}
        self._words["empty"] = Static(_EMPTY, id="empty")
        yield self._list
        with Horizontal(id="state"):  # always there, so that nothing moves under the mouse
            yield self._words["filter"]
            yield self._words["newer"]
        yield self._preview
        yield self._words["empty"]

    def on_mount(self) -> None:
        self._preview.body.fill(self._fills)
        self._is_ready = True  # Textual counts it as mounted before this is called
        self._arrange()
        self._fill()

    # -- what comes in -------------------------------------------------------------------

    def connect(self, session: SessionClient) -> None:
        """Ask this session from now on."""
        self.store.blobs.session = session

    def use(self, graphics: Graphics) -> None:
        """Show pictures in another way from now on."""
        self._graphics = graphics
        if self.is_mounted:
            self._preview.body.use(graphics)

    def fill(self, grow: bool) -> None:
        """Whether pictures are enlarged: the pane has the screen for itself."""
        self._fills = grow
        if self._is_ready:
            self._preview.body.fill(grow)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at, whatever the filter."""
        return not self.artifact_index.items()

    def show_frame(self, frame: Frame) -> None:
        """Follow what is."""
        now = frame.snapshot
        kernel = now.kernel
        alive = kernel.variables_generation == kernel.generation
        self._tables = frozenset(v.name for v in kernel.variables if alive and v.kind == "table")
        if self.artifact_index.take(now) and self._is_ready:
            self._arrange()
        self._fill()

    def show_stored(self, views: Sequence[ExecutionView]) -> None:
        """Show these outputs that notebooks' files hold, below all others."""
        if self.artifact_index.show_stored(views) and self._is_ready:
            self._arrange()

    def _fill(self) -> None:
        """Read older displays where the list is short."""
        if self._is_ready and len(self._items) < _FEW:
            self._want_older()

    def _want_older(self) -> None:
        if self.artifact_index.has_older and not self._reads:
            self._reads = True
            self.run_worker(self._read_older(), group="older")

    async def _read_older(self) -> None:
        """Read older displays, until there is one that is not in the list."""
        try:
            while self.artifact_index.has_older:
                request = ListDisplays(before=self.artifact_index.lowest)
                page = await ask_quietly(self.store.blobs.session, request)
                if page is None:
                    return
                if self.artifact_index.take_page(page):
                    self._arrange(chosen=not self._follows)
                    return
        finally:
            self._reads = False

    @property
    def selected(self) -> Item | None:
        """The item that is looked at."""
        return next((item for item in self._items if item.key == self._selected), None)

    @property
    def follows(self) -> bool:
        """Whether the newest is shown as it comes."""
        return self._follows

    def select(self, key: str) -> bool:
        """Look at this one, whatever the filter; whether it is there."""
        if self.artifact_index.find(key) is None:
            return False
        if not any(item.key == key for item in self._items):
            self._kind, self._execution = "all", ""
        self._selected = key
        self._arrange(chosen=True)
        return True

    def pane_state(self) -> PaneState:
        """Keys of the pinned items."""
        return {"pins": sorted(self.artifact_index.pins)}

    def restore_pane_state(self, state: Mapping[str, object]) -> None:
        """Pin what was pinned when the layout was stored."""
        pins = state.get("pins")
        if isinstance(pins, list):
            self.artifact_index.pins = frozenset(key for key in pins if isinstance(key, str))
        if self._is_ready:
            self._arrange()

    def take_focus(self) -> None:
        self._list.focus()

    # -- what is shown -------------------------------------------------------------------

    def _arrange(self, chosen: bool = False) -> None:
        """Update list, labels and preview from the index and the filters.

        `chosen`: the user moved the cursor, so the selection stays unless it is the newest item.
        """
        self._items = self.artifact_index.items(self._kind, self._execution)
        newest = self.artifact_index.newest(self._items)
        keys = [item.key for item in self._items]
        if chosen:
            self._follows = newest == self._selected
        if self._follows or self._selected not in keys:
            self._selected, self._follows = newest, True
        self._list.show(self._items, keys.index(self._selected) if keys else 0)
        self.set_class(not self._items, "-empty")
        self._say()
        if item := self.selected:
            self._preview.look(item)

    def _say(self) -> None:
        """Say what is filtered and what is new, only if there is something to say."""
        item = self.selected
        labels = [] if self._kind == "all" else [NOUNS[self._kind][1]]
        if self._execution:
            number = f"[{item.count}]" if item and item.count is not None else "one run"
            labels.append(f"of {number}")
        empty = f"No {' '.join(labels)}\n\nescape shows all" if labels else _EMPTY
        if item is not None and item.is_elided:
            labels.append("in part · enter shows all" if self._is_live(item) else "in part")
        if item is not None and item.is_stored:
            labels.append("stored in the notebook")
        newer = 0 if self._follows else self.artifact_index.newer(self._items, self._selected)
        tell(self._words["filter"], " ".join(labels))
        tell(self._words["newer"], f"{newer} newer ↑" if newer else "")
        tell(self._words["empty"], empty)

    def _is_live(self, item: Item) -> bool:
        """Whether the kernel still has the whole of what was displayed in part."""
        return item.is_elided and item.variable in self._tables

    @on(Preview.DetailLearned)
    def learn(self, event: Preview.DetailLearned) -> None:
        """Take in what the content has told of kind and size."""
        event.stop()
        if self.artifact_index.learn(event.item, event.learned):
            self._arrange()

    # -- keys and mouse ------------------------------------------------------------------

    @on(RowList.Moved)
    def follow_cursor(self, event: RowList.Moved) -> None:
        event.stop()
        if event.at < len(self._items):
            self._selected = self._items[event.at].key
            self._arrange(chosen=True)
        if event.at >= len(self._items) - 1:
            self._want_older()

    @on(RowList.RowChosen)
    def open_chosen(self, event: RowList.RowChosen) -> None:
        event.stop()
        self.action_open()

    def on_click(self, event: events.Click) -> None:
        if event.widget is not None and event.widget.id == "newer":
            self.action_newest()

    def action_step(self, by: int) -> None:
        self._list.step(by)

    def action_newest(self) -> None:
        self.select(self.artifact_index.newest(self._items))

    def action_oldest(self) -> None:
        self._list.go(len(self._items) - 1)
        self._want_older()

    def action_open(self) -> None:
        """The item alone; of a data frame that was displayed in part, the whole of it."""
        item = self.selected
        if item is not None and self._is_live(item):
            self.post_message(self.TableRequested(item.variable))
        elif item is not None:
            self.post_message(self.ItemOpenRequested(item.key))

    def action_pin(self) -> None:
        if item := self.selected:
            self.artifact_index.pin(item.key)
            self.post_message(self.Pinned(self.artifact_index.pins))
            self._arrange(chosen=True)

    def action_filter(self) -> None:
        """All, then each kind that there is."""
        order: list[Filter] = ["all", *self.artifact_index.kinds()]
        at = order.index(self._kind) if self._kind in order else 0
        self._kind = order[(at + 1) % len(order)]
        self._arrange()

    def action_filter_cell(self) -> None:
        item = self.selected
        self._execution = "" if self._execution or item is None else item.execution_id
        self._arrange()

    def action_back(self) -> None:
        if not self._list.has_focus and self._items:
            self._list.focus()
        elif self._kind != "all" or self._execution:
            self._kind, self._execution = "all", ""
            self._arrange()
            self._list.focus()

    def action_jump(self) -> None:
        item = self.selected
        if item is not None and item.execution_id:
            self.post_message(self.CardRequested(item.execution_id))
