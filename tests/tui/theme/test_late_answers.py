"""Answers of the terminal among the keys: none is typed, no key is lost, the colours follow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import Key, Paste
from textual.message import Message

from codeexec.tui.boot.first_frame import joined
from codeexec.tui.textual_ext import terminal_replies
from codeexec.tui.textual_ext.terminal_replies import (
    ReplyParser,
    TerminalAnswered,
    early_keys,
    keep_partial,
)


@pytest.fixture(autouse=True)
def nothing_owed() -> Iterator[None]:
    """What a test expects of a terminal is not waited for in the tests after it."""
    yield
    terminal_replies.expect_answers(0)
    ReplyParser()  # which takes what was begun


ANSWERS = "\x1bP1$r48:2::1:2:3m\x1b\\\x1bP1+r524742=38\x1b\\\x1b[6;20;10t\x1b[?62;4c"


def _keys(messages: list[Message]) -> str:
    return "".join(message.character or "" for message in messages if isinstance(message, Key))


def _said(messages: list[Message]) -> list[bool | None]:
    return [m.answers.true_color for m in messages if isinstance(m, TerminalAnswered)]


@given(st.lists(st.integers(1, len(ANSWERS) + 3), max_size=4))
def test_answers_in_any_pieces_are_no_keys(cuts: list[int]) -> None:
    terminal_replies.expect_answers(60)
    parser = ReplyParser()
    text = f"ab{ANSWERS}c"
    ends = sorted({*cuts, len(text)})
    messages: list[Message] = []
    for begin, end in zip([0, *ends], ends, strict=False):
        messages += parser.feed(text[begin:end])
    assert _keys(messages) == "abc"
    assert True in _said(messages)
    assert not [m for m in messages if isinstance(m, Key) and len(m.key) > 1]


def test_escape_and_keys_with_alt_are_still_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(terminal_replies, "monotonic", lambda: now[0])
    terminal_replies.expect_answers(0)
    parser = ReplyParser()
    assert list(parser.feed("\x1bP")) == []
    now[0] += 1
    messages = [*parser.tick(), *parser.feed("x"), *parser.feed("\x1b[A")]
    assert "Px" in _keys(messages)
    assert [message.key for message in messages if isinstance(message, Key)][-1] == "up"


@pytest.mark.parametrize("size", range(5, len(ANSWERS)))
def test_the_rest_of_an_answer_may_be_late(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(terminal_replies, "monotonic", lambda: now[0])
    parser = ReplyParser()
    messages = list(parser.feed(ANSWERS[:size]))
    held = parser._held
    now[0] += 0.5
    messages += [*parser.tick(), *parser.feed(ANSWERS[size:] + "c")]
    # What begins like a key is taken for one.
    may_be_key = held in ("\x1b", "\x1bP", "\x1bP1", "\x1b[", "\x1b[6", "\x1b[6;", "\x1b[?")
    assert _keys(messages) == "c" or may_be_key


def test_a_paste_is_whole() -> None:
    pasted = list(ReplyParser().feed("\x1b[200~one\ntwo [?6c\x1b[201~x"))
    assert [m.text for m in pasted if isinstance(m, Paste)] == ["one\ntwo [?6c"]


def test_an_answer_that_was_begun_before_the_keyboard_is_read() -> None:
    assert keep_partial(b"abc\x1bP1$r48:2:") == b"abc"
    parser = ReplyParser()
    messages = list(parser.feed(":1:2:3m\x1b\\d"))
    assert _keys(messages) == "d"
    assert _said(messages) == [True]


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("", []),
        ("x\x1b", ["x", "escape"]),
        ("\x1b\x1b[A", ["escape", "up"]),
        ("\x1bj", ["alt+j"]),
    ],
)
def test_early_keys_are_named_as_later_ones(typed: str, keys: list[str]) -> None:
    assert [message.key for message in early_keys(typed) if isinstance(message, Key)] == keys


def test_an_early_escape_does_not_change_a_key_that_comes_after_a_pause() -> None:
    at_once, later = joined(b"\x1b", b"j", 0.0), joined(b"\x1b", b"j", 0.2)
    keys = [
        [m.key for m in early_keys(typed.decode()) if isinstance(m, Key)]
        for typed in (at_once, later)
    ]
    assert keys == [["alt+j"], ["escape", "j"]]
    assert joined(b"a", b"b", 0.2) == b"ab"
