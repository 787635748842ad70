"""Keys in order with the focus: a key waits until the key or click before it has moved the focus.

Textual hands a key to the widget that has the focus when the key is read, and asks bindings only
when the key has come back from there. Of keys that arrive in one read, as over a slow line, `i` and
`abc` would all go to the widget that `i` leaves. Here a marker follows each key or click that may
move the focus along the same queues; until the marker is back, later keys and clicks are held. A
key that opens a dialog or a document does so in a worker: later keys are held until that has the
focus, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual import events
from textual.app import App
from textual.errors import NoWidget
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, TextArea
from textual.worker import Worker

from codeexec.tui.panes.pane import GrabsKeys
from codeexec.tui.textual_ext.timers import call_after
from codeexec.tui.widgets.modal import Modal

_LOOK_EVERY = 0.01
"""Seconds between two looks whether the marker is back, or the dialog there.

Limits are counted in looks, not in seconds: a look is a turn of the app's own queue, so that a slow
machine or a busy loop, which delays marker and dialog, delays the limit as well.
"""

_MOST_LOOKS = 200
"""Looks after which the keys go on though the marker of a widget that is there is not back."""

_MOST_LOOKS_REMOVED = 30
"""Looks for a marker whose widget has been removed; what the key has asked for may still come."""

_MOST_LOOKS_OPENING = 150
"""Looks for which keys are held for a dialog or a document that a key opens."""

_MOST_LOOKS_PANE = 1500
"""The same while a terminal is opened, or a pane is built that was chosen before it was there: its
keys are no text for the pane that has the focus."""

_OPENING = frozenset(
    {"choose", "palette", "leave", "ask_leave", "restart", "trust", "pane", "terminal"}
    | {"change", "do"}  # dialogs of lists and of panes
)
"""Groups of the workers that open dialogs, documents and panes."""

Typed = events.Key | events.Paste | events.MouseDown | events.MouseUp


class KeyHandled(Message):
    """Marker that bubbles to the application after a key was handled."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def takes_text(widget: Widget | None) -> bool:
    """Whether printable keys are text there, and move no focus."""
    if isinstance(widget, Input | TextArea):
        return not (isinstance(widget, TextArea) and widget.read_only)
    if isinstance(widget, GrabsKeys) and widget.grabs:
        return True
    from codeexec.tui.panes.editor.code_editor import CodeEditor

    return isinstance(widget, CodeEditor) and widget.modal is None


class KeyOrder:
    """`deliver` is what the app does with a key, a paste, or a button of the mouse."""

    def __init__(self, app: App[str], deliver: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._deliver = deliver
        self._held: list[Typed] = []
        self._waits = False
        self._number = 0
        self._target: Widget | None = None
        self._timer: Timer | None = None
        self._has_gone_twice = False
        self._screen: Screen[object] | None = None
        self._workers: frozenset[Worker[object]] = frozenset()
        self._marker_looks = 0
        self._opening_looks = 0

    async def take(self, event: Typed) -> None:
        if self._waits:
            self._held.append(event)
        else:
            await self._send(event)

    async def _send(self, event: Typed) -> None:
        if self._is_grabbed(event):
            return
        target = self._target_of(event)
        self._screen = self._app.screen
        self._workers = frozenset(self._app.workers)
        await self._deliver(event)
        if target is None:
            return
        if isinstance(event, events.Key) and event.is_printable and takes_text(target):
            return
        self._waits = True
        self._target = target
        self._has_gone_twice = False
        self._opening_looks = 0
        self._mark()

    def _is_grabbed(self, event: Typed) -> bool:
        """Whether a program in the pane with the focus takes the key; it moves no focus then."""
        focused = self._app.focused
        return (
            isinstance(event, events.Key | events.Paste)
            and isinstance(focused, GrabsKeys)
            and focused.grab(event)
        )

    def _target_of(self, event: Typed) -> Widget | None:
        """The widget that handles a key or a click; None for what moves no focus later.

        Where none has the focus, as on a screen that has just opened, its screen handles keys.
        """
        if isinstance(event, events.Key):
            return self._app.focused or self._app.screen
        if isinstance(event, events.MouseUp):
            try:
                return self._app.get_widget_at(*event.screen_offset)[0]
            except NoWidget:
                return None
        return None

    def _mark(self) -> None:
        """Send a marker the way that the key has gone."""
        self._number += 1
        number = self._number
        if self._target is not None:
            self._target.post_message(KeyHandled(number))
        self._marker_looks = 0
        self._timer = call_after(self._app, _LOOK_EVERY, lambda: self._look_for_marker(number))

    def _look_for_marker(self, number: int) -> None:
        """Wait on while the widget that has the marker can still send it back."""
        if not self._waits or number != self._number:
            return
        self._marker_looks += 1
        is_there = self._target is not None and self._target.is_attached
        if self._marker_looks > (_MOST_LOOKS if is_there else _MOST_LOOKS_REMOVED):
            self.handled(number)
        else:
            self._timer = call_after(self._app, _LOOK_EVERY, lambda: self._look_for_marker(number))

    def handled(self, number: int) -> None:
        """The marker is back, or will not come."""
        if not self._waits or number != self._number:
            return
        if self._timer is not None:
            self._timer.stop()
        if self._held and not self._has_gone_twice:
            # What the key has asked for may be a message that is behind the first marker.
            self._has_gone_twice = True
            self._mark()
        elif self._opens_something():
            self._timer = call_after(self._app, _LOOK_EVERY, lambda: self.handled(number))
        elif self._held:
            # A widget that has just been shown can have the focus after the next layout.
            self._app.call_after_refresh(self._go_on)
        else:
            self._waits = False

    def _opens_something(self) -> bool:
        """Whether a dialog or a document is about to take the focus."""
        self._opening_looks += 1
        if self._opening_looks > _MOST_LOOKS_OPENING:
            return self._opens_pane()
        screen = self._app.screen
        if isinstance(screen, Modal) and screen.is_deciding:
            return True
        if screen is not self._screen and screen.is_modal:
            return not screen.is_mounted
        # A worker that was there before has gone on where the key has closed its dialog.
        goes_on = screen is not self._screen
        return any(
            worker.group in _OPENING and not worker.is_finished
            for worker in self._app.workers
            if goes_on or worker not in self._workers
        )

    def _opens_pane(self) -> bool:
        """Whether keys are for a terminal or a pane that does not have them yet."""
        if self._opening_looks > _MOST_LOOKS_PANE:
            return False
        focused = self._app.focused
        if isinstance(focused, GrabsKeys) and focused.grabs:
            return False
        return any(
            worker.group in ("terminal", "pane") and not worker.is_finished
            for worker in self._app.workers
        )

    async def _go_on(self) -> None:
        self._waits = False
        while self._held and not self._waits:
            await self._send(self._held.pop(0))
