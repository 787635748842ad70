"""Keys as terminals send them, and what a program in the pane gets."""

from __future__ import annotations

import pytest
from textual import events

from codeexec.domain.terminals import KeyPress
from codeexec.tui.panes.terminal.typing import key_press
from codeexec.tui.textual_ext.legacy_keys import teach
from codeexec.tui.textual_ext.terminal_replies import ReplyParser


@pytest.mark.parametrize(
    ("sequence", "press"),
    [
        ("a", KeyPress("a", "a")),
        ("A", KeyPress("a", "A", shift=True)),
        ("日", KeyPress("日", "日")),
        (" ", KeyPress("space", " ")),
        ("\r", KeyPress("enter")),
        ("\x1b\r", KeyPress("enter", alt=True)),
        ("\x1b[13;2u", KeyPress("enter", shift=True)),
        ("\x03", KeyPress("c", "c", ctrl=True)),
        ("\x00", KeyPress("space", ctrl=True)),
        ("\x1c", KeyPress("\\", "\\", ctrl=True)),
        ("\x1f", KeyPress("_", "_", ctrl=True)),
        ("\x1bx", KeyPress("x", "x", alt=True)),
        ("\x1b:", KeyPress(":", ":", alt=True)),
        ("\x1b ", KeyPress("space", alt=True)),
        ("\x1b<", KeyPress("<", "<", alt=True)),
        ("\x1bb", KeyPress("b", "b", alt=True)),
        ("\x1bf", KeyPress("f", "f", alt=True)),
        ("\x1b\x7f", KeyPress("backspace", alt=True)),
        ("\x1b[1;5D", KeyPress("left", ctrl=True)),
        ("\x1b[Z", KeyPress("tab", shift=True)),
        ("\x1b[5~", KeyPress("page_up")),
        ("\x1bOP", KeyPress("f1")),
        ("\x1b[15;5~", KeyPress("f5", ctrl=True)),
        ("\x1b[105;5u", KeyPress("i", "i", ctrl=True)),
    ],
)
def test_keys(sequence: str, press: KeyPress) -> None:
    teach()
    (event,) = ReplyParser().feed(sequence)
    assert isinstance(event, events.Key)
    assert key_press(event) == press
