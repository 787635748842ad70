"""Bases of screens: paints without controls, messages by table, one paint at the start."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.binding import Binding, BindingsMap
from textual.message import Message
from textual.screen import Screen

from codeexec.tui.textual_ext.compositor import NarrowCompositor, SafeCompositor


class SafeScreen(Screen[None]):
    """Screen whose last look lets no control character out."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = SafeCompositor()


class RoutedScreen(Screen[None]):
    """Screen whose bindings are given to each instance, as a table of commands may have grown since
    its class was defined, and whose messages go through `deliver` before its own handlers."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        super().__init__()
        keys = dict(self._bindings.key_to_bindings)
        keys.update(BindingsMap(bindings).key_to_bindings)
        self._bindings = BindingsMap.from_keys(keys)
        self._compositor = NarrowCompositor()
        self._was_shown = False

    async def deliver(self, message: Message) -> None:
        """Called with each message and event that reaches the screen."""

    async def _on_message(self, message: Message) -> None:
        await self.deliver(message)
        await super()._on_message(message)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Widgets get their styles as they are mounted; Textual would look all of them up again
        when the screen is first shown, which takes 15 ms of the start."""
        if not self._was_shown:
            self._was_shown = True
            event.refresh_styles = False

    def _compositor_refresh(self) -> None:
        """Within a batch nothing is written: Textual would paint the whole screen all the same
        and throw it away, which takes 25 ms of the start. Nothing is written either below a screen
        that hides this one: Textual would paint that one, 17 KB twice a second."""
        top = self.app.screen
        if self.app._batch_count:
            self.refresh()
        elif top is not self and top.styles.background.a == 1:
            # This one is painted as a whole when it is seen again.
            self._compositor._dirty_regions.clear()
            self._dirty_widgets.clear()
        else:
            super()._compositor_refresh()
