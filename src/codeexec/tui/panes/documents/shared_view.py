"""The pane's part of a session's view: what other clients follow, and what attaching restores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.files.opening import DocumentOpener
from codeexec.tui.panes.documents.front import FrontDocument
from codeexec.tui.panes.documents.page.pages import Pages
from codeexec.tui.panes.documents.split.splitting import Splitting
from codeexec.tui.session.views import FileView, SessionView

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class SharedView:
    """Open documents, which of them are pages, cursors, scroll offsets, folded outputs, split, and
    kernels of documents."""

    def __init__(
        self,
        context: PaneContext,
        documents: DocumentList,
        front: FrontDocument,
        splitting: Splitting,
        opener: DocumentOpener,
        pages: Pages,
    ) -> None:
        self._context = context
        self._documents = documents
        self._front = front
        self._splitting = splitting
        self._opener = opener
        self._pages = pages

    def current(self) -> SessionView:
        """The view as it is now."""
        files = tuple(self._view_of(sheet) for sheet in self._documents)
        front = self._documents.front
        if front is None:
            return SessionView(files)
        return SessionView(files, front.name_key, self._splitting.state)

    def _view_of(self, sheet: DocumentView) -> FileView:
        editor = sheet.first_view.editor
        cursor, (top_line, top_row) = editor.model.cursor, editor.viewport.top
        spare = editor.model.shared.spare
        return FileView(
            sheet.name_key,
            cursor.line,
            cursor.column,
            kernel=self._context.kernel_focus.chosen_for(sheet.name_key),
            is_page=sheet.is_page,
            top_line=top_line,
            top_row=top_row,
            is_cursor_shown=editor.viewport.shows_cursor,
            folds=self._pages.folds(sheet),
            spare=spare.inserted if spare is not None else "",
        )

    async def follow(self, view: SessionView) -> None:
        """Show what another workbench shows: its document in front, cursor and scroll."""
        sheet = self._documents.by_key(view.front)
        if sheet is None:
            sheet = await self._opener.open_named(view.front)
        if sheet is None:
            return
        if sheet is not self._documents.front:
            self._front.show(sheet)
            self._front.post_position()
        place = next((file for file in view.files if file.name == view.front), None)
        if place is not None:
            sheet.watched_spare = place.spare
            self._pages.restore(sheet, place)
            sheet.go_to(place.line, place.column)
            _scroll(sheet, place)

    async def restore(self, view: SessionView) -> None:
        """Open the documents again that a view has, as it has them, without the keys; those of
        another machine later, by `restore_elsewhere`."""
        self.restore_kernels(view)
        for place in view.files:
            if not self._opener.is_elsewhere(place.name):
                await self._restore_file(place)
        self.restore_split(view)
        front = self._documents.by_key(view.front)
        if front is not None:
            self._front.show(front)
            self._front.post_position()

    async def restore_elsewhere(self, files: Iterable[FileView]) -> None:
        """Open documents of another machine again, behind what is in front."""
        for place in files:
            front = self._documents.front
            await self._restore_file(place)
            if front is not None:
                self._front.show(front)

    async def _restore_file(self, place: FileView) -> None:
        sheet = await self._opener.open_named(place.name)
        if sheet is not None:
            self._pages.restore(sheet, place)
            sheet.go_to(place.line, place.column)
            _scroll(sheet, place)

    def restore_kernels(self, view: SessionView) -> None:
        """Let documents run on the kernels that a view has for them."""
        kernels = {file.name: file.kernel for file in view.files}
        self._context.kernel_focus.restore(kernels)

    def restore_pages(self, view: SessionView) -> None:
        """Show documents that are open as pages, or as text, as a view has them."""
        for place in view.files:
            sheet = self._documents.by_key(place.name)
            if sheet is not None:
                self._pages.restore(sheet, place)

    def restore_split(self, view: SessionView) -> None:
        """Divide the pane as the view has it, where it is whole and the documents are open."""
        if view.split is not None:
            self._splitting.restore(view.split, self._documents.by_key)
            self._documents.show_tabs()


def _scroll(sheet: DocumentView, place: FileView) -> None:
    """Scroll as a view has it."""
    viewport = sheet.first_view.editor.viewport
    viewport.show_top(place.top_line, place.top_row, with_cursor=place.is_cursor_shown)
