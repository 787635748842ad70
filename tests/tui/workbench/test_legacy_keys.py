"""Alt and a key, as terminals of old send it, is the key that our table of commands names."""

from __future__ import annotations

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from codeexec.tui.commands.table import COMMANDS
from codeexec.tui.textual_ext.legacy_keys import _NAMES, teach
from codeexec.tui.textual_ext.terminal_replies import ReplyParser


@pytest.mark.parametrize("character", sorted(_NAMES))
def test_alt_arrives_by_its_name(character: str) -> None:
    teach()
    keys = [e for e in XTermParser().feed(f"\x1b{character}") if isinstance(e, events.Key)]
    assert [(key.key, key.character) for key in keys] == [(f"alt+{_NAMES[character]}", None)]


def test_every_alt_key_with_a_mark_that_we_bind_is_taught() -> None:
    taught = {f"alt+{name}" for name in _NAMES.values()}
    bound = {key for command in COMMANDS for key in command.keys.split(",")}
    marks = {"minus", "equals_sign", "comma", "full_stop", "slash", *"0123456789"}
    wanted = {key for key in bound if key.removeprefix("alt+") in marks and key not in marks}
    assert {"alt+1", "alt+slash"} <= wanted <= taught


@pytest.mark.parametrize(
    ("sequence", "keys"),
    [
        ("\x1b[1;2R", ["shift+f3"]),
        ("\x1b[1;5R", ["ctrl+f3"]),
        ("\x1b[13;5~", ["ctrl+f3"]),
        ("\x1b[1;2Q", ["shift+f2"]),
        ("\x1b[25~", ["f13"]),
        ("\x1b[34~", ["f20"]),
        # Escape and, at once, another key: two keys, and no letter of either is typed.
        ("\x1b\x1a", ["escape", "ctrl+z"]),
        ("\x1b\x1a\x1b[A", ["escape", "ctrl+z", "up"]),
        ("\x1b\x1b[A", ["escape", "up"]),
        ("\x1b\b", ["alt+backspace"]),
        # Keys that no table has type nothing.
        ("\x1b[999zx", ["x"]),
        ("\x1bO5Rx", ["x"]),
        ("\x1b[[Ax", ["f1", "x"]),
    ],
)
def test_what_terminals_send_for_keys(sequence: str, keys: list[str]) -> None:
    teach()
    arrived = [event for event in ReplyParser().feed(sequence) if isinstance(event, events.Key)]
    assert [event.key for event in arrived] == keys
    typed = [event.character for event in arrived if event.is_printable]
    assert typed == [key for key in keys if key == "x"]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 40])
def test_escapes_in_pasted_text_are_no_keys(size: int) -> None:
    parser, text = ReplyParser(), "x\x1b[200~a\x1b[20~b\x1b\x1b[201~y"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    messages = [message for piece in pieces for message in parser.feed(piece)]
    assert [
        message.text if isinstance(message, events.Paste) else getattr(message, "key", message)
        for message in messages
    ] == ["x", "a[20~b", "y"]
