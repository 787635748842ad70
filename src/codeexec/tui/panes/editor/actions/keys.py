"""Actions of the editor by key, as the program's keymap has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.binding import BindingsMap

    from codeexec.tui.panes.editor.code_editor import CodeEditor


class ModalKeys(Protocol):
    """A layer that sees keys first, such as vim's."""

    def handle(self, editor: CodeEditor, key: str, character: str | None) -> bool:
        """Act on a key; False leaves it to the editor."""


class KeyTable:
    """Looks up the actions of a key; rebuilt when the program gets another keymap."""

    def __init__(self, bindings: BindingsMap) -> None:
        self._bindings = bindings
        self._keymap: Mapping[str, str] | None = None
        self._actions: dict[str, list[str]] = {}

    def actions(self, key: str, keymap: Mapping[str, str]) -> Sequence[str]:
        """The editor's actions for this key, in order."""
        if keymap is not self._keymap:
            effective = self._bindings.copy()
            effective.apply_keymap(keymap)
            self._keymap = keymap
            self._actions = {
                key: [binding.action for binding in bindings if not binding.priority]
                for key, bindings in effective.key_to_bindings.items()
            }
        return self._actions.get(key, ())
