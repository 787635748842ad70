"""Encodes keys, the mouse and pastes for the program in a libghostty terminal, in its modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyghostty._ffi import check, ffi, lib
from pyghostty.core import init_sized

from codeexec.domain.terminals import (
    AnyInput,
    FocusChanged,
    KeyPress,
    MouseAction,
    Pasted,
    Typed,
)

SHIFT, CTRL, ALT, SUPER = 1, 2, 4, 8
MOST_SEQUENCE = 128
CELL = 16
"""Pixels of a cell, as far as the encoder of the mouse is concerned."""
_ACTIONS = {"release": 0, "press": 1, "repeat": 2}
_MOUSE_ACTIONS = {"press": 0, "release": 1, "move": 2}
_BUTTONS = {
    "left": 1,
    "right": 2,
    "middle": 3,
    "wheel_up": 4,
    "wheel_down": 5,
    "wheel_left": 6,
    "wheel_right": 7,
}
_NAMED = {
    "enter": "ENTER",
    "tab": "TAB",
    "backspace": "BACKSPACE",
    "escape": "ESCAPE",
    "space": "SPACE",
    "up": "ARROW_UP",
    "down": "ARROW_DOWN",
    "left": "ARROW_LEFT",
    "right": "ARROW_RIGHT",
    "home": "HOME",
    "end": "END",
    "page_up": "PAGE_UP",
    "page_down": "PAGE_DOWN",
    "insert": "INSERT",
    "delete": "DELETE",
    "`": "BACKQUOTE",
    "\\": "BACKSLASH",
    "[": "BRACKET_LEFT",
    "]": "BRACKET_RIGHT",
    ",": "COMMA",
    "=": "EQUAL",
    "-": "MINUS",
    ".": "PERIOD",
    "'": "QUOTE",
    ";": "SEMICOLON",
    "/": "SLASH",
    " ": "SPACE",
} | {f"f{number}": f"F{number}" for number in range(1, 26)}
_SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./", strict=True))
"""Of a keyboard for English: the key on which a character is typed with shift."""


class InputEncoder:
    """Of one terminal."""

    def __init__(self, terminal: object) -> None:
        self._t = terminal
        self._keys = ffi.new("GhosttyKeyEncoder*")
        check(lib.ghostty_key_encoder_new(ffi.NULL, self._keys), "key_encoder_new")
        self._key = ffi.new("GhosttyKeyEvent*")
        check(lib.ghostty_key_event_new(ffi.NULL, self._key), "key_event_new")
        self._mouses = ffi.new("GhosttyMouseEncoder*")
        check(lib.ghostty_mouse_encoder_new(ffi.NULL, self._mouses), "mouse_encoder_new")
        self._mouse = ffi.new("GhosttyMouseEvent*")
        check(lib.ghostty_mouse_event_new(ffi.NULL, self._mouse), "mouse_event_new")
        self._pressed: set[str] = set()

    def close(self) -> None:
        lib.ghostty_mouse_event_free(self._mouse[0])
        lib.ghostty_mouse_encoder_free(self._mouses[0])
        lib.ghostty_key_event_free(self._key[0])
        lib.ghostty_key_encoder_free(self._keys[0])

    def encode(self, item: AnyInput, is_bracketed: bool, reports_focus: bool) -> bytes:
        match item:
            case KeyPress():
                return self._encode_key(item)
            case Typed():
                return item.text.encode("utf-8", "replace")
            case Pasted():
                return self._encode_paste(item.text, is_bracketed)
            case MouseAction():
                return self._encode_mouse(item)
            case FocusChanged():
                return (b"\x1b[I" if item.is_focused else b"\x1b[O") if reports_focus else b""

    def _encode_key(self, press: KeyPress) -> bytes:
        key, event = press.key, self._key[0]
        has_shift = press.shift
        base = _SHIFTED.get(key, key.lower() if len(key) == 1 else key)
        if len(key) == 1 and base != key:
            has_shift = True
        name = _key_name(base)
        lib.ghostty_key_event_set_action(event, _ACTIONS[press.action])
        lib.ghostty_key_event_set_key(event, getattr(lib, f"GHOSTTY_KEY_{name}"))
        mods = SHIFT * has_shift | CTRL * press.ctrl | ALT * press.alt | SUPER * press.super
        lib.ghostty_key_event_set_mods(event, mods)
        text = press.text
        if not text and len(key) == 1:
            text = key.upper() if press.shift and len(key.upper()) == 1 else key
        if key == "space":
            text = " "
        is_typed = bool(text) and text.isprintable()
        lib.ghostty_key_event_set_consumed_mods(event, SHIFT if has_shift and is_typed else 0)
        encoded = text.encode("utf-8", "replace") if is_typed else b""
        c_text = ffi.new("char[]", encoded)  # referred to by the event until it is encoded
        lib.ghostty_key_event_set_utf8(event, c_text, len(encoded))
        point = ord(base) if len(base) == 1 else (0x20 if key == "space" else 0)
        lib.ghostty_key_event_set_unshifted_codepoint(event, point)
        lib.ghostty_key_encoder_setopt_from_terminal(self._keys[0], self._t)
        return self._filled(
            lambda buffer, size, used: lib.ghostty_key_encoder_encode(
                self._keys[0], event, buffer, size, used
            ),
            MOST_SEQUENCE + len(encoded),
        )

    def _encode_mouse(self, action: MouseAction) -> bytes:
        event, encoder = self._mouse[0], self._mouses[0]
        lib.ghostty_mouse_encoder_setopt_from_terminal(encoder, self._t)
        size = init_sized("GhosttyMouseEncoderSize")
        size.cell_width = size.cell_height = CELL
        size.screen_width = size.screen_height = CELL << 12
        option = lib.GHOSTTY_MOUSE_ENCODER_OPT_SIZE
        lib.ghostty_mouse_encoder_setopt(encoder, option, size)
        if action.button and not action.button.startswith("wheel"):
            if action.action == "press":
                self._pressed.add(action.button)
            elif action.action == "release":
                self._pressed.discard(action.button)
        pressed = ffi.new("bool*", bool(self._pressed))
        option = lib.GHOSTTY_MOUSE_ENCODER_OPT_ANY_BUTTON_PRESSED
        lib.ghostty_mouse_encoder_setopt(encoder, option, pressed)
        lib.ghostty_mouse_event_set_action(event, _MOUSE_ACTIONS[action.action])
        if action.button:
            lib.ghostty_mouse_event_set_button(event, _BUTTONS[action.button])
        else:
            lib.ghostty_mouse_event_clear_button(event)
        mods = SHIFT * action.shift | CTRL * action.ctrl | ALT * action.alt
        lib.ghostty_mouse_event_set_mods(event, mods)
        position = ffi.new(
            "GhosttyMousePosition*",
            {"x": (action.column + 0.5) * CELL, "y": (action.row + 0.5) * CELL},
        )
        lib.ghostty_mouse_event_set_position(event, position[0])
        return self._filled(
            lambda buffer, size, used: lib.ghostty_mouse_encoder_encode(
                encoder, event, buffer, size, used
            ),
            MOST_SEQUENCE,
        )

    def _encode_paste(self, text: str, is_bracketed: bool) -> bytes:
        data = text.encode("utf-8", "replace")
        copy = ffi.new("char[]", data)  # changed in place
        return self._filled(
            lambda buffer, size, used: lib.ghostty_paste_encode(
                copy, len(data), is_bracketed, buffer, size, used
            ),
            MOST_SEQUENCE + 2 * len(data),
        )

    @staticmethod
    def _filled(call: Callable[[Any, int, Any], int], size: int) -> bytes:
        buffer, used = ffi.new("char[]", size), ffi.new("size_t*")
        check(call(buffer, size, used), "encode")
        return bytes(ffi.buffer(buffer, used[0]))


def _key_name(base: str) -> str:
    if base in _NAMED:
        return _NAMED[base]
    if len(base) == 1 and base.isascii() and base.isalpha():
        return base.upper()
    if len(base) == 1 and base.isascii() and base.isdigit():
        return f"DIGIT_{base}"
    return "UNIDENTIFIED"
