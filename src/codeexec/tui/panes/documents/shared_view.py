"""The pane's part of a session's view: what other clients follow, and what attaching restores."""

from __future__ import annotations

from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.files.opening import DocumentOpener
from codeexec.tui.panes.documents.front import FrontDocument
from codeexec.tui.panes.documents.split.splitting import Splitting
from codeexec.tui.session.views import FileView, SessionView


class SharedView:
    """Open documents, cursors, scroll offset, split, and kernels of documents."""

    def __init__(
        self,
        context: PaneContext,
        documents: DocumentList,
        front: FrontDocument,
        splitting: Splitting,
        opener: DocumentOpener,
    ) -> None:
        self._context = context
        self._documents = documents
        self._front = front
        self._splitting = splitting
        self._opener = opener

    def current(self) -> SessionView:
        """The view as it is now."""
        files = []
        for sheet in self._documents:
            cursor = sheet.first_view.editor.model.cursor
            kernel = self._context.kernel_focus.chosen_for(sheet.name_key)
            files.append(FileView(sheet.name_key, cursor.line, cursor.column, kernel))
        front = self._documents.front
        if front is None:
            return SessionView(tuple(files))
        top = front.editor.scroll_offset.y
        return SessionView(tuple(files), front.name_key, top, self._splitting.state)

    async def follow(self, view: SessionView) -> None:
        """Show what another workbench shows: its document in front, cursor and scroll."""
        sheet = self._documents.by_key(view.front)
        if sheet is None:
            sheet = await self._opener.open_named(view.front)
        if sheet is None:
            return
        if sheet is not self._documents.front:
            self._front.show(sheet)
        place = next((file for file in view.files if file.name == view.front), None)
        if place is not None:
            sheet.go_to(place.line, place.column)
        sheet.editor.scroll_to(y=view.top, animate=False)

    async def restore(self, view: SessionView) -> None:
        """Open the documents again that a view has, cursors where they were, without the keys."""
        self.restore_kernels(view)
        for place in view.files:
            sheet = await self._opener.open_named(place.name)
            if sheet is not None:
                sheet.go_to(place.line, place.column)
        self.restore_split(view)
        front = self._documents.by_key(view.front)
        if front is not None:
            self._front.show(front)
            self._front.post_position()

    def restore_kernels(self, view: SessionView) -> None:
        """Let documents run on the kernels that a view has for them."""
        kernels = {file.name: file.kernel for file in view.files}
        self._context.kernel_focus.restore(kernels)

    def restore_split(self, view: SessionView) -> None:
        """Divide the pane as the view has it, where it is whole and the documents are open."""
        if view.split is not None:
            self._splitting.restore(view.split, self._documents.by_key)
            self._documents.show_tabs()
