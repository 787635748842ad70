"""Commands of the split view: divide the pane, turn it, change the half, close one."""

from __future__ import annotations

from textual.widget import Widget

from codeexec.domain.errors import UsageError
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.front import FrontDocument
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.split.splitting import Splitting
from codeexec.tui.panes.documents.split.stage import Stage
from codeexec.tui.session.ask import Failed, NoticePosted
from codeexec.tui.widgets.chrome import TabStrip


class HalvesController:
    """Changes `splitting`, then brings tabs, position and focus up to it."""

    def __init__(
        self, host: PaneHost, documents: DocumentList, splitting: Splitting, front: FrontDocument
    ) -> None:
        self._host = host
        self._documents = documents
        self._splitting = splitting
        self._front = front

    def toggle(self) -> None:
        """Show the document in front twice, or the half that has the keys alone again."""
        if self._splitting.is_split:
            self._splitting.join()
        else:
            try:
                self._splitting.split()
            except UsageError as error:
                self._host.post_message(Failed(error))
                return
        self._show()

    def turn(self) -> None:
        """Halves side by side, or one above the other."""
        self._splitting.turn()
        self._show()

    def go_other(self) -> None:
        """Give the other half the keys."""
        if not self._splitting.is_split:
            self._host.post_message(NoticePosted("The editor is not split."))
            return
        self._splitting.go_other()
        self._show()

    def close_active(self) -> None:
        """Close the half that has the keys; its document stays in the other half."""
        self._splitting.close_active()
        self._show()

    def close_view(self, view_id: str) -> None:
        """Close the half with this view."""
        self._splitting.close_view(view_id)
        self._show()

    def _show(self) -> None:
        self._documents.show_tabs()
        self._front.post_position()
        self._front.focus()

    def note_focus(self, widget: Widget) -> None:
        """A widget has the focus: its half is the active one."""
        if self._splitting.note_focus(widget):
            self._documents.show_tabs()
            self._front.post_position()

    def note_rearranged(self, stage: Stage, tabs: TabStrip) -> None:
        """Show whether there is room for both halves."""
        is_hidden = self._splitting.is_split and len(stage.shown) == 1
        tabs.say("split: no room" if is_hidden else "", "warn")
        self._documents.show_tabs()
