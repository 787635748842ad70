"""Alt and a key, as terminals of old send it, is the key that our table of commands names."""

from __future__ import annotations

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from codeexec.tui.commands.table import COMMANDS
from codeexec.tui.textual_ext.legacy_keys import _NAMES, teach


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
