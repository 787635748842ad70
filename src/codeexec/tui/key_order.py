"""Keys in order with the focus: a key waits until the key before it has moved the focus.

Textual hands a key to the widget that has the focus when the key is read, and asks bindings only
when the key has come back from there. Of keys that arrive in one read, as over a slow line, `i` and
`abc` would all go to the widget that `i` leaves. Here a marker follows each key that may move the
focus along the same queues; until the marker is back, later keys are held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual import events
from textual.app import App
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, TextArea

_LONGEST = 0.3
"""Seconds after which the keys go on though the marker is not back: its widget is gone."""

Typed = events.Key | events.Paste


class KeyHandled(Message):
    """Bubbles to the app behind a key."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def takes_text(widget: Widget | None) -> bool:
    """Whether printable keys are text there, and move no focus."""
    if isinstance(widget, Input | TextArea):
        return not (isinstance(widget, TextArea) and widget.read_only)
    from codeexec.tui.widgets.editor.code_editor import CodeEditor

    return isinstance(widget, CodeEditor) and widget.modal is None


class KeyOrder:
    """`deliver` is what the app does with a key or a paste."""

    def __init__(self, app: App[str], deliver: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._deliver = deliver
        self._held: list[Typed] = []
        self._number = 0
        self._waits = False
        self._timer: Timer | None = None

    async def take(self, event: Typed) -> None:
        if self._waits:
            self._held.append(event)
        else:
            await self._send(event)

    async def _send(self, event: Typed) -> None:
        target = self._app.focused
        await self._deliver(event)
        if target is None or not isinstance(event, events.Key):
            return
        if event.is_printable and takes_text(target):
            return
        self._waits = True
        self._number += 1
        number = self._number
        target.post_message(KeyHandled(number))
        self._timer = self._app.set_timer(_LONGEST, lambda: self.handled(number))

    def handled(self, number: int) -> None:
        """The marker is back, or will not come."""
        if not self._waits or number != self._number:
            return
        if self._timer is not None:
            self._timer.stop()
        if self._held:
            # A widget that has just been shown can have the focus after the next layout.
            self._app.call_after_refresh(self._go_on)
        else:
            self._waits = False

    async def _go_on(self) -> None:
        self._waits = False
        while self._held and not self._waits:
            await self._send(self._held.pop(0))
