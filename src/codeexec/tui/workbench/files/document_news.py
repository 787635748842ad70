"""What the editor pane reports to the others: position, mode, outputs that files hold."""

from __future__ import annotations

from collections.abc import Mapping

from textual.message import Message

from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.layout.presenting import PresentingController


class DocumentNews:
    """Passes reports of the editor pane to the status line and the panes that show them."""

    def __init__(
        self, panes: PaneSet, status: StatusLine, presenting: PresentingController
    ) -> None:
        self._panes = panes
        self._status = status
        self._presenting = presenting

    def actions(self) -> Mapping[str, Handler]:
        return {}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {
            DocumentsPane.StoredChanged: self.show_stored,
            DocumentsPane.PositionChanged: self.show_position,
            DocumentsPane.ProblemsCounted: self.show_counts,
            DocumentsPane.ProfileChanged: self.show_profile,
            CodeEditor.ModeChanged: self.show_mode,
        }

    def show_stored(self, event: DocumentsPane.StoredChanged) -> None:
        """Show outputs that notebooks' files hold."""
        event.stop()
        views = self._panes.documents.stored.views
        self._panes.console.show_stored(views)
        self._panes.show_stored(views)

    def show_position(self, event: DocumentsPane.PositionChanged) -> None:
        self._status.show(position=event.position)
        self._presenting.show_code_once()
        self._panes.follow_document()
        self._panes.documents.programs.post_profile()

    def show_counts(self, event: DocumentsPane.ProblemsCounted) -> None:
        self._status.show(problems=(event.errors, event.warnings))

    def show_profile(self, event: DocumentsPane.ProfileChanged) -> None:
        self._status.show(profile=event.words)

    def show_mode(self, event: CodeEditor.ModeChanged) -> None:
        self._status.show(hint=event.mode.upper())
