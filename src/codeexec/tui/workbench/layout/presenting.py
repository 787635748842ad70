"""Presentation mode: keys are displayed, and code is shown once."""

from __future__ import annotations

from typing import TypeVar

from textual.events import Key
from textual.screen import Screen

from codeexec.tui.commands.keymap import key_words
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.widgets.keys_shown import KeysShown
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.key_order import takes_text
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.surface import WorkbenchState

R = TypeVar("R")


class PresentingController:
    """Shows what an audience sees, while the layout is that of presentation mode."""

    def __init__(
        self,
        state: WorkbenchState,
        panes: PaneSet,
        layout: LayoutController,
        status: StatusLine,
        keys_shown: KeysShown,
    ) -> None:
        self._state = state
        self._panes = panes
        self._layout = layout
        self._status = status
        self._keys_shown = keys_shown
        self._is_on = False

    def follow_layout(self) -> None:
        """What is on screen has changed, or the mode has begun or ended."""
        if self._layout.is_presenting != self._is_on:
            self.follow_mode()
        self.show_code_once()

    def follow_mode(self) -> None:
        """The mode has begun or ended, or the settings are others."""
        app_context, on = self._state.app_context, self._layout.is_presenting
        self._is_on = on
        key = key_words(app_context.keymap.of(BY_ID["pane.presentation"]).partition(",")[0])
        self._status.show(presenting=f"{key} ends presenting" if on else "")
        self._keys_shown.turn(on and app_context.settings.appearance.show_keys)

    def note_key(self, event: Key, screen: Screen[R]) -> None:
        """A key that is about to be delivered to a screen: an audience sees it, unless it is typed
        text."""
        keys_shown = self._keys_shown
        if not keys_shown.is_on or (event.is_printable and takes_text(screen.focused)):
            return
        active = screen.active_bindings.get(event.key)
        if active is not None or not event.is_printable:
            keys_shown.note(key_words(event.key), active.binding.description if active else "")

    def show_code_once(self) -> None:
        """The console leaves code to the editor, and the picture that the artifacts pane shows to
        that, where both are on screen."""
        sheet, layout = self._panes.documents.sheet, self._layout
        both = layout.box("editor").display and layout.box("console").display
        names = sheet.names if sheet is not None and both and layout.is_presenting else ()
        self._panes.console.view.show_beside(frozenset(names), self._picture_beside())

    def _picture_beside(self) -> str:
        """Key of the display whose picture an audience sees in the artifacts pane, or nothing."""
        layout, artifacts = self._layout, self._panes.artifacts
        both = layout.box("artifacts").display and layout.box("console").display
        if artifacts is None or not both or not layout.is_presenting:
            return ""
        item = artifacts.selected
        return item.key if item is not None and item.kind == "picture" else ""
