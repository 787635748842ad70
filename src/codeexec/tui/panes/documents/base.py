"""Base of the editor pane: the open documents and the pane's messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.containers import Vertical
from textual.message import Message

from codeexec.documents.swap import Swap, SwapStore
from codeexec.domain.events import CellRef
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.going import PlaceToGo
from codeexec.tui.panes.documents.stage import Stage
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.chrome import Tab, TabStrip
from codeexec.tui.widgets.status import Position


class DocumentsBase(Vertical):
    """Container of the open documents and their tabs."""

    @dataclass
    class DocumentCloseRequested(Message):
        """A tab with unsaved text is to be closed."""

        sheet: DocumentView

    @dataclass
    class SaveAsRequested(Message):
        sheet: DocumentView

    @dataclass
    class ConflictFound(Message):
        """The document cannot be saved because its file has changed on disk since it was read."""

        sheet: DocumentView

    @dataclass
    class CompareRequested(Message):
        """Show `DocumentView.compare`: the file has changed on disk, and so has the text here."""

        sheet: DocumentView

    @dataclass
    class SwapFound(Message):
        """Unsaved text of this document was found in a swap file."""

        sheet: DocumentView
        swap: Swap

    @dataclass
    class RestartRequested(Message):
        """Cells are to be run on a fresh kernel: `(code, where it is from)`."""

        cells: tuple[tuple[str, CellRef], ...]

    @dataclass
    class StoredChanged(Message):
        """Other outputs of notebooks' files are to be shown: those of `stored`."""

    class Edited(Message):
        """The text of a document was changed."""

    @dataclass
    class PositionChanged(Message):
        position: Position

    @dataclass
    class ChoiceRequested(Message):
        """The user is to choose one of these lines."""

        title: str
        entries: list[PlaceToGo]
        current: int = -1
        """The line of the entry that the cursor is in."""

    @dataclass
    class TabsChanged(Message):
        """Which documents are open, in order."""

        paths: tuple[str, ...]

    tabs: TabStrip

    def __init__(
        self, theme: Theme, swaps: SwapStore | None = None, me: str = "", id: str = "editor"
    ) -> None:
        """`me` is the name of this client; `swaps` stores unsaved text."""
        super().__init__(id=id)
        self._theme = theme
        self._swaps = swaps
        self.me = me
        self._sheets: list[DocumentView] = []
        self.stage = Stage(theme, "welcome", id="sheets")

    @property
    def sheets(self) -> Sequence[DocumentView]:
        return tuple(self._sheets)

    @property
    def sheet(self) -> DocumentView | None:
        """The document in front."""
        return self.sheet_shown(self.stage.current)

    def sheet_shown(self, widget_id: str) -> DocumentView | None:
        """The document that a widget on the stage is, or is a second view of."""
        for sheet in self._sheets:
            second = sheet.second_view
            if sheet.id == widget_id or (second is not None and second.id == widget_id):
                return sheet
        return None

    def by_key(self, key: str) -> DocumentView | None:
        return next((sheet for sheet in self._sheets if sheet.name_key == key), None)

    def sheet_of(self, message: Message) -> DocumentView | None:
        """The document whose editor posted this, else the document in front: a message of an editor
        that another widget called has that widget as its sender."""
        sender = message._sender
        for sheet in self._sheets:
            if any(sender is view.editor for view in sheet.views):
                return sheet
        return self.sheet

    def show_tabs(self) -> None:
        current = self.sheet
        tabs = [
            Tab(
                sheet.name_key,
                self._tab_title(sheet),
                "●" if sheet.is_changed else "",
                "run.edited",
                closable=True,
            )
            for sheet in self._sheets
        ]
        self.tabs.show(tabs or [Tab("", "Editor")], current.name_key if current else "")
        self._show_titles()

    def _show_titles(self) -> None:
        """Name what stands in the halves of a split."""
        visible_ids = self.stage.shown
        for sheet in self._sheets:
            for view in sheet.views:
                widget_id = sheet.id if view is sheet.first_view else view.id
                is_titled = len(visible_ids) == 2 and widget_id in visible_ids
                view.entitle(is_titled, widget_id == self.stage.current)

    def _tab_title(self, sheet: DocumentView) -> str:
        """With its folder, where another tab has the same name."""
        same = [other for other in self._sheets if other.title == sheet.title]
        if len(same) > 1 and not sheet.untitled:
            return f"{sheet.path.parent.name}/{sheet.title}"
        return sheet.title

    def tell_tabs(self) -> None:
        paths = tuple(str(sheet.path) for sheet in self._sheets if not sheet.untitled)
        self.post_message(self.TabsChanged(paths))
