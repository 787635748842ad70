"""Show runs of the editor while the console is hidden: as a peek, or by opening the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.message import Message

from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.output.peek import OutputPeek
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.feed import Frame
from codeexec.tui.theme.theme import Theme
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.surface import WorkbenchState


class HiddenConsole:
    """Follows the frames of one workbench, as the setting `console.hidden` says."""

    def __init__(
        self,
        state: WorkbenchState,
        layout: LayoutController,
        is_shown_elsewhere: Callable[[ExecutionView], bool] = lambda _: False,
    ) -> None:
        """`is_shown_elsewhere`: the output of this execution stands below its cell."""
        self._is_shown_elsewhere = is_shown_elsewhere
        self._state = state
        self._layout = layout
        self._peek: OutputPeek | None = None

    def actions(self) -> Mapping[str, Handler]:
        return {}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {DocumentsPane.Edited: lambda _: self.note_edit()}

    def show_frame(self, frame: Frame) -> None:
        """Take in what a frame says of the runs of the editor."""
        if self._layout.is_console_shown:
            return
        run = self._latest(frame)
        if run is None or self._is_shown_elsewhere(run):
            return
        self._layout.mark_console()
        match self._state.settings.console.hidden:
            case "switch":
                # F2 goes back.
                self._layout.go("console")
            case "peek":
                self._show(run)

    def _latest(self, frame: Frame) -> ExecutionView | None:
        """The run of the editor that changed last; one that failed rather than those skipped. A
        watcher sees the runs of all clients."""
        is_watcher = self._state.options.watch
        latest = None
        for key in frame.changed:
            view = frame.view(key)
            is_run = view is not None and view.cell is not None and not view.options.silent
            if view is None or not is_run or view.status == "queued":
                continue
            if view.status == "cancelled" and not self._shows(key):
                continue
            is_seen = is_watcher or view.origin == self._state.me
            if is_seen and (latest is None or latest.number < view.number):
                latest = view
        return latest

    def _shows(self, execution_id: str) -> bool:
        """Whether the peek is about this execution."""
        view = self._peek.view if self._peek is not None else None
        return view is not None and view.execution_id == execution_id

    def _show(self, view: ExecutionView) -> None:
        if self._peek is None:
            self._peek = OutputPeek(self._state.app_context.theme)
            self._layout.box("editor").mount(self._peek)
        self._peek.display = True
        self._peek.show(view)

    def hide(self) -> None:
        """The console is on screen, or the text is being changed."""
        if self._peek is not None:
            self._peek.display = False

    def note_edit(self) -> None:
        """The text was changed: what has ended has been seen."""
        view = self._peek.view if self._peek is not None else None
        if view is not None and not view.is_open:
            self.hide()

    def use(self, theme: Theme) -> None:
        if self._peek is not None:
            self._peek.use(theme)
