"""Notifications of a workbench: errors, notices of the session, long runs, copied text."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Literal

from textual.message import Message

from codeexec.domain.events import RESTRICTED, NoticeLevel
from codeexec.domain.snapshot import NO_KERNEL
from codeexec.tui.render.plain import one_line
from codeexec.tui.session.ask import CopyRequested, Failed, NoticePosted
from codeexec.tui.session.feed import Frame
from codeexec.tui.textual_ext.terminal import AppTerminal
from codeexec.tui.workbench import notify
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.surface import Surface, WorkbenchState

_SEVERITY: dict[NoticeLevel, Literal["information", "warning", "error"]] = {
    "info": "information",
    "warning": "warning",
    "error": "error",
}


class Notifier:
    """`front` returns the pane that has the keys, `shown_terminal` the id of the
    terminal in view."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        terminal: AppTerminal,
        front: Callable[[], str],
        shown_terminal: Callable[[], str] = str,
    ) -> None:
        self._surface = surface
        self._state = state
        self._terminal = terminal
        self._front = front
        self._shown_terminal = shown_terminal
        self._answer_waits = notify.AnswerWaits()

    def actions(self) -> Mapping[str, Handler]:
        return {}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {
            Failed: self.show_failure,
            NoticePosted: self.show_notice,
            CopyRequested: self.copy,
        }

    def show_failure(self, event: Failed) -> None:
        event.stop()
        self._surface.show_error(event.error)

    def show_notice(self, event: NoticePosted) -> None:
        event.stop()
        self._surface.notify(event.message, timeout=3)

    def copy(self, event: CopyRequested) -> None:
        """Put text on the clipboard, and say so."""
        event.stop()
        self._terminal.copy(event.text)
        if event.label:
            self._surface.notify(f"{event.label} copied.", timeout=2)

    def show_frame(self, frame: Frame) -> None:
        """Show notices of the session, and report long runs that ended out of the user's sight."""
        self._show_notices(frame)
        self._show_failed_starts(frame)
        waiting, waited = len(frame.snapshot.queue), len(frame.before.queue)
        if frame.snapshot.kernel.paused and waiting > waited:
            self._surface.notify("Paused: this runs when the container goes on.", timeout=4)
        self._report_long_runs(frame)
        self._report_long_commands(frame)

    def _show_notices(self, frame: Frame) -> None:
        for notice in frame.notices:
            if notice.title == RESTRICTED:
                continue  # the status line has a mark, and there is a question
            message = f"{notice.message} {notice.next_step}".strip()
            severity = _SEVERITY[notice.level]
            self._surface.notify(message, title=notice.title, severity=severity, timeout=8)

    def _show_failed_starts(self, frame: Frame) -> None:
        """Show why kernels have ended before they were ready."""
        for name, kernel in frame.snapshot.kernels.items():
            previous = frame.before.kernels.get(name, NO_KERNEL)
            is_new = bool(frame.before.seq) and name not in frame.before.kernels
            if kernel.death is not None and (previous.state == "starting" or is_new):
                has_others = len(frame.snapshot.kernels) > 1
                label = f"The kernel {name}" if has_others else "The kernel"
                message = kernel.death.message
                if "F12" not in message:
                    message = f"{message} F12 chooses another kernel."
                self._surface.notify(
                    message,
                    title=f"{one_line(label)} could not start",
                    severity="error",
                    timeout=12,
                )

    def _report_long_runs(self, frame: Frame) -> None:
        settings = self._state.settings.notify
        self._answer_waits.note(frame, time.time())
        for view in notify.long_runs(frame, settings, self._answer_waits):
            message = notify.words_for(view, self._answer_waits)
            self._tell_desktop(message)
            if self._front() != "console":
                level: NoticeLevel = "info" if view.status == "ok" else "warning"
                self._surface.notify(message, severity=_SEVERITY[level], timeout=6)

    def _report_long_commands(self, frame: Frame) -> None:
        """Notify the user of long commands that ended in terminals out of view."""
        for terminal_id, command in notify.long_commands(frame, self._state.settings.notify):
            message = notify.words_for_command(command)
            self._tell_desktop(message)
            if self._shown_terminal() != terminal_id:
                level: NoticeLevel = "warning" if command.exit_code else "info"
                self._surface.notify(message, severity=_SEVERITY[level], timeout=6)

    def _tell_desktop(self, message: str) -> None:
        """Notify the desktop while the terminal is not in focus."""
        if not self._terminal.has_focus:
            tmux = self._state.app_context.graphics.tmux
            settings = self._state.settings.notify
            self._terminal.write(notify.sequence(message, settings, tmux=tmux))
