"""Base of modal screens: dismissed once, however often it is requested."""

from __future__ import annotations

from typing import TypeVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

from codeexec.tui.textual_ext.compositor import SafeCompositor

R = TypeVar("R")


class Modal(ModalScreen[R]):
    """Modal screen that is dismissed once: a second Escape or click would dismiss the workbench
    below."""

    _is_over = False

    is_deciding = False
    """A key was taken whose effect is still to come: later keys wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = SafeCompositor()

    def dismiss(self, result: R | None = None) -> AwaitComplete:
        if self._is_over:
            return AwaitComplete()
        self._is_over = True
        return super().dismiss(result)

    def on_click(self, event: events.Click) -> None:
        """A click beside a panel means that it is not wanted."""
        if self.get_widget_at(event.screen_x, event.screen_y)[0] is self:
            self.dismiss(None)
