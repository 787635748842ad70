"""Presentation mode: keys are displayed, and code is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.events import Key

from codeexec.tui.commands.keymap import key_words
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.widgets.keys_shown import KeysShown
from codeexec.tui.workbench.key_order import takes_text

if TYPE_CHECKING:
    from codeexec.tui.workbench.workbench import Workbench


class Presenting:
    """Acts on the workbench that it is given; does nothing while that does not present."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench

    def follow_mode(self) -> None:
        """The mode has begun or ended, or the settings are others."""
        workbench = self._workbench
        app_context, on = workbench.app_context, workbench.is_presenting
        key = key_words(app_context.keymap.of(BY_ID["pane.presentation"]).partition(",")[0])
        workbench.status.show(presenting=f"{key} ends presenting" if on else "")
        workbench.query_one(KeysShown).turn(on and app_context.settings.appearance.show_keys)

    def note_key(self, event: Key) -> None:
        """A key that is about to be delivered: an audience sees it, unless it is typed text."""
        app, keys_shown = self._workbench.app, self._workbench.query_one(KeysShown)
        if not keys_shown.is_on or (event.is_printable and takes_text(app.focused)):
            return
        active = app.screen.active_bindings.get(event.key)
        if active is not None or not event.is_printable:
            keys_shown.note(key_words(event.key), active.binding.description if active else "")

    def show_code_once(self) -> None:
        """The console leaves code to the editor, and the picture that the artifacts pane shows to
        that, where both are on screen."""
        workbench = self._workbench
        sheet = workbench.documents.sheet
        both = workbench.box("editor").display and workbench.box("console").display
        names = sheet.names if sheet is not None and both and workbench.is_presenting else ()
        workbench.console_pane.view.show_beside(frozenset(names), self._picture_beside())

    def _picture_beside(self) -> str:
        """Key of the display whose picture an audience sees in the artifacts pane, or nothing."""
        workbench = self._workbench
        both = workbench.box("artifacts").display and workbench.box("console").display
        artifacts = workbench.panes.artifacts
        if artifacts is None or not both or not workbench.is_presenting:
            return ""
        item = artifacts.selected
        return item.key if item is not None and item.kind == "picture" else ""
