"""The document in front: which one it is, its focus, and the position of its cursor."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.host import TimedHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.panes.documents.split.splitting import Splitting
from codeexec.tui.panes.documents.split.stage import Stage
from codeexec.tui.panes.documents.welcome import Welcome
from codeexec.tui.session.ask import focus_now
from codeexec.tui.textual_ext.timers import call_after
from codeexec.tui.widgets.status import Position

if TYPE_CHECKING:
    from textual.timer import Timer

    from codeexec.tui.panes.documents.document_view import DocumentView

POSITION_PERIOD = 0.1
"""Least seconds between two positions that are posted while keys come: each costs a frame."""


class FrontDocument:
    """Brings documents to the front, in the half that has the focus."""

    def __init__(
        self,
        host: TimedHost,
        documents: DocumentList,
        stage: Stage,
        splitting: Splitting,
        welcome: Welcome,
    ) -> None:
        self._host = host
        self._documents = documents
        self._stage = stage
        self._splitting = splitting
        self._welcome = welcome
        self._posted_title = ""
        self._posted_at = 0.0
        self._position_timer: Timer | None = None

    async def add(self, sheet: DocumentView) -> None:
        """Mount a document that was opened, and show it in front; an editor that has the focus
        leaves it to the new one."""
        has_keys = self._splitting.is_split and self._stage.has_focus_within
        await self._stage.add(sheet)
        self._splitting.bring(sheet)
        if has_keys:
            sheet.editor.focus()  # not the other half, where the view that had them is gone

    def bring(self, sheet: DocumentView) -> None:
        """Show a document in front, and give it the keys."""
        self._splitting.bring(sheet)
        self._documents.show_tabs()
        self.post_position()
        sheet.editor.focus()

    def show(self, sheet: DocumentView) -> None:
        """Show a document in front without the keys."""
        self._splitting.bring(sheet)
        self._documents.show_tabs()

    def show_welcome(self) -> None:
        self._stage.current = self._welcome.id or ""
        self._welcome.focus()

    def forget(self, sheet: DocumentView) -> None:
        """Close the half of a document that is closed."""
        self._splitting.forget(sheet)

    def step(self, by: int) -> None:
        """Bring the document that is so many tabs further to the front, around the ends."""
        sheets, front = self._documents.sheets, self._documents.front
        if sheets:
            index = sheets.index(front) if front in sheets else 0
            self.bring(sheets[(index + by) % len(sheets)])

    def focus(self) -> None:
        """Give the editor in front the keys at once: what is typed next is meant for it."""
        sheet = self._documents.front
        if sheet is not None and not sheet.editor.is_attached:
            # A second view that is being mounted.
            self._welcome.call_after_refresh(self.focus)
        else:
            focus_now(sheet.editor if sheet is not None else self._welcome)

    def post_position_soon(self) -> None:
        """Post where the cursor is: at once after a pause, else with the next few keys together."""
        wait = self._posted_at + POSITION_PERIOD - monotonic()
        if wait <= 0:
            self.post_position()
        elif self._position_timer is None:
            self._position_timer = call_after(self._host, wait, self.post_position)

    def post_position(self) -> None:
        """Post where the cursor is."""
        self._posted_at = monotonic()
        if self._position_timer is not None:
            self._position_timer.stop()
            self._position_timer = None
        if (position := self._position()) is not None:
            self._posted_title = position.of
            self._host.post_message(DocumentMessages.PositionChanged(position))

    def post_changed_title(self) -> None:
        """Post the position if the cell under a cursor that has not moved has another title."""
        position = self._position()
        if position is not None and position.of != self._posted_title:
            self.post_position()

    def _position(self) -> Position | None:
        sheet = self._documents.front
        if sheet is None:
            return None
        model = sheet.editor.model
        cursor = model.cursor
        separator = model.cells.separator_at(model.cells.span(model.cells.at(cursor.line))[0])
        title = separator.title if separator is not None else ""
        return Position(cursor.line + 1, cursor.column + 1, title)
