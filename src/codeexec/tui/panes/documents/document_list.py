"""The open documents in the order of their tabs, and the tab strip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.panes.documents.split.stage import Stage
from codeexec.tui.widgets.chrome import Tab, TabStrip

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class DocumentList:
    """Finds a document by its key, its widget or a message of its editor."""

    def __init__(self, host: PaneHost, stage: Stage, tabs: TabStrip) -> None:
        self._host = host
        self._stage = stage
        self._tabs = tabs
        self._sheets: list[DocumentView] = []

    def __iter__(self) -> Iterator[DocumentView]:
        return iter(tuple(self._sheets))

    @property
    def sheets(self) -> Sequence[DocumentView]:
        return tuple(self._sheets)

    @property
    def front(self) -> DocumentView | None:
        """The document in front."""
        return self.shown_as(self._stage.current)

    def add(self, sheet: DocumentView) -> None:
        self._sheets.append(sheet)

    def remove(self, sheet: DocumentView) -> None:
        self._sheets.remove(sheet)

    def shown_as(self, widget_id: str) -> DocumentView | None:
        """The document that a widget on the stage is, or is a second view of."""
        for sheet in self._sheets:
            second = sheet.second_view
            if sheet.id == widget_id or (second is not None and second.id == widget_id):
                return sheet
        return None

    def by_key(self, key: str) -> DocumentView | None:
        return next((sheet for sheet in self._sheets if sheet.name_key == key), None)

    def of_message(self, message: Message) -> DocumentView | None:
        """The document whose editor posted this, else the document in front: a message of an editor
        that another widget called has that widget as its sender."""
        sender = message._sender
        for sheet in self._sheets:
            if any(sender is view.editor for view in sheet.views):
                return sheet
        return self.front

    # -- tabs -----------------------------------------------------------------------------------

    def show_tabs(self) -> None:
        front = self.front
        tabs = [
            Tab(
                sheet.name_key,
                self._tab_title(sheet),
                "●" if sheet.is_changed or sheet.is_unsent else "",
                "run.edited",
                closable=True,
            )
            for sheet in self._sheets
        ]
        self._tabs.show(tabs or [Tab("", "Editor")], front.name_key if front else "")
        self._show_titles()

    def _show_titles(self) -> None:
        """Name what stands in the halves of a split."""
        visible_ids = self._stage.shown
        for sheet in self._sheets:
            for view in sheet.views:
                widget_id = sheet.id if view is sheet.first_view else view.id
                is_titled = len(visible_ids) == 2 and widget_id in visible_ids
                view.entitle(is_titled, widget_id == self._stage.current)

    def _tab_title(self, sheet: DocumentView) -> str:
        """With its folder, where another tab has the same name."""
        same = [other for other in self._sheets if other.title == sheet.title]
        if len(same) > 1 and not sheet.untitled:
            return f"{sheet.path.parent.name}/{sheet.title}"
        return sheet.title

    def post_tabs(self) -> None:
        """Post which documents with a file are open."""
        paths = tuple(str(sheet.path) for sheet in self._sheets if not sheet.untitled)
        self._host.post_message(DocumentMessages.TabsChanged(paths))
