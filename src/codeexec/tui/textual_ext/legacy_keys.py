"""Alt+key as terminals without the kitty keyboard protocol send it: ESC and the key.

Textual takes some of these for what the Option key types on a Mac (alt+1 is "¡"), and drops the
alt of the others, so that they would type into the text instead of being commands.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS

_NAMES = (
    {each: each for each in string.digits + string.ascii_lowercase if each not in "bf"}
    | {each: f"shift+{each.lower()}" for each in string.ascii_uppercase if each not in "OPX"}
) | {
    "\r": "enter",
    "\b": "backspace",
    "-": "minus",
    "=": "equals_sign",
    ",": "comma",
    ".": "full_stop",
    "/": "slash",
    ";": "semicolon",
    "?": "question_mark",
    "'": "apostrophe",
    " ": "space",
    "!": "exclamation_mark",
    '"': "quotation_mark",
    "#": "number_sign",
    "$": "dollar_sign",
    "%": "percent_sign",
    "&": "ampersand",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "*": "asterisk",
    "+": "plus",
    ":": "colon",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "@": "at",
    "`": "grave_accent",
    "{": "left_curly_bracket",
    "|": "vertical_line",
    "}": "right_curly_bracket",
    "~": "tilde",
}
"""What begins a sequence of its own after ESC (`[ \\ ] ^ _`, O, P, X) is not among them, and
neither are b and f, which are how Macs send "a word on"."""


_FAR_KEYS = dict(zip((25, 26, 28, 29, 31, 32, 33, 34), range(13, 21), strict=True))
"""Number in `CSI number ~` and that of the key: F13 to F20, which macOS Terminal and the console of
Linux also send for Shift and another function key."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A key by its name, as Textual's own table has it in an enumeration."""

    value: str


def teach() -> None:
    """Have these keys arrive under their names; harmless when done again."""
    # It is a dict of the enumeration, said to be a mapping; only `value` of a key is read.
    table = cast("dict[str, tuple[object, ...]]", ANSI_SEQUENCES_KEYS)
    for character, name in _NAMES.items():
        table[f"\x1b{character}"] = (_Named(f"alt+{name}"),)
    for code in range(32):
        # Escape and, within a tenth of a second, Ctrl and a key: two keys, each for itself.
        character, escape = chr(code), _Named("escape")
        after = table.get(character)
        if isinstance(after, tuple) and character != "\x1b":
            table.setdefault(f"\x1b{character}", (escape, *after))
    for number, key_number in _FAR_KEYS.items():
        FUNCTIONAL_KEYS[f"{number}~"] = f"f{key_number}"
