"""Keys, pastes and the mouse of Textual as inputs of a terminal."""

from __future__ import annotations

import string
import unicodedata
from typing import Literal

from textual import events
from textual.keys import KEY_NAME_REPLACEMENTS, key_to_character

from codeexec.domain.terminals import KeyPress, MouseAction
from codeexec.tui.textual_ext.terminal_replies import TakenKey

_NAMES = {
    "pageup": "page_up",
    "pagedown": "page_down",
    "ctrl+@": "ctrl+space",
    "ctrl+at": "ctrl+space",
}
_KEPT = frozenset(
    {"enter", "tab", "backspace", "escape", "space", "up", "down", "left", "right", "home", "end"}
    | {"insert", "delete", "page_up", "page_down"}
    | {f"f{number}" for number in range(1, 26)}
)


def _key_name(character: str) -> str:
    name = unicodedata.name(character).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


_PUNCTUATION = {_key_name(character): character for character in string.punctuation}
_BUTTONS: dict[int, Literal["left", "middle", "right"]] = {1: "left", 2: "middle", 3: "right"}
_WHEEL: dict[
    type[events.MouseEvent], Literal["wheel_up", "wheel_down", "wheel_left", "wheel_right"]
]
_WHEEL = {
    events.MouseScrollUp: "wheel_up",
    events.MouseScrollDown: "wheel_down",
    events.MouseScrollLeft: "wheel_left",
    events.MouseScrollRight: "wheel_right",
}


def key_press(event: events.Key) -> KeyPress | None:
    """The key of an event; None for one that has no name and types nothing."""
    name = _name_of(event)
    *modifiers, key = name.split("+") if name != "+" else ["+"]
    shift, alt, ctrl = ("shift" in modifiers, "alt" in modifiers, "ctrl" in modifiers)
    is_super = "super" in modifiers
    if key in _KEPT:
        text = " " if key == "space" and not (alt or ctrl) else ""
        return KeyPress(key, text, shift, alt, ctrl, is_super)
    if not modifiers and event.is_printable and event.character is not None:
        typed = event.character
        return KeyPress(typed.lower(), typed, shift=typed.lower() != typed)
    character = key if len(key) == 1 else _PUNCTUATION.get(key) or key_to_character(key)
    if character is None or len(character) != 1 or not character.isprintable():
        return None
    text = character.upper() if shift else character
    return KeyPress(character.lower(), text, shift, alt, ctrl, is_super)


def _name_of(event: events.Key) -> str:
    """The key's name; that of Alt and a letter where Textual takes it for another key."""
    name = event.typed if isinstance(event, TakenKey) else event.key
    return _NAMES.get(name, name)


def mouse_action(
    event: events.MouseEvent, column: int, row: int, held: int = 0
) -> MouseAction | None:
    """What the mouse does over a cell of the screen; `held` is the button that is pressed while it
    moves. None for what is no action of a terminal."""
    modifiers = {"shift": event.shift, "alt": event.meta, "ctrl": event.ctrl}
    if (wheel := _WHEEL.get(type(event))) is not None:
        return MouseAction("press", column, row, wheel, **modifiers)
    match event:
        case events.MouseDown() if event.button in _BUTTONS:
            return MouseAction("press", column, row, _BUTTONS[event.button], **modifiers)
        case events.MouseUp() if event.button in _BUTTONS:
            return MouseAction("release", column, row, _BUTTONS[event.button], **modifiers)
        case events.MouseMove():
            return MouseAction("move", column, row, _BUTTONS.get(held, ""), **modifiers)
    return None
