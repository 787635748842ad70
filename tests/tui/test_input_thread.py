"""The thread that reads the keyboard: wakes for keys, for the end of a sequence, and at its end."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from textual import events
from textual.message import Message

from codeexec.tui.textual_ext import terminal_replies
from codeexec.tui.textual_ext.input_thread import SelectableEvent, read_keys
from codeexec.tui.textual_ext.terminal_replies import ReplyParser


class Keyboard:
    """A pipe that is read as a keyboard."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.ended = SelectableEvent()
        self.messages: queue.Queue[Message] = queue.Queue()
        arguments = (self.reader, self.ended, ReplyParser(), self.messages.put)
        self.thread = threading.Thread(target=read_keys, args=arguments, daemon=True)

    def type(self, data: bytes) -> None:
        os.write(self.writer, data)

    def keys(self, count: int) -> list[str]:
        """Names of the next keys."""
        messages = [self.messages.get(timeout=90) for _ in range(count)]
        return [message.key for message in messages if isinstance(message, events.Key)]

    def end(self) -> None:
        self.ended.set()
        self.thread.join(90)


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    board = Keyboard()
    board.thread.start()
    try:
        yield board
    finally:
        board.end()
        os.close(board.reader)
        os.close(board.writer)
        board.ended.close()


def test_keys_are_handed_on_in_order_also_where_a_character_comes_in_two_reads() -> None:
    with keyboard() as board:
        board.type(b"a\xc3")
        assert board.keys(1) == ["a"]
        board.type("é".encode()[1:] + b"\x1b[A")
        letter, arrow = board.messages.get(timeout=90), board.messages.get(timeout=90)
        assert isinstance(letter, events.Key)
        assert isinstance(arrow, events.Key)
        assert (letter.character, arrow.key) == ("é", "up")


def test_bytes_that_are_no_text_do_not_end_the_thread() -> None:
    with keyboard() as board:
        board.type(b"\xff")
        board.messages.get(timeout=90)
        board.type(b"b")
        assert board.keys(1) == ["b"]


def test_esc_alone_is_a_key_though_nothing_follows() -> None:
    with keyboard() as board:
        board.type(b"\x1b")
        assert board.keys(1) == ["escape"]


def test_the_thread_ends_though_nothing_is_typed() -> None:
    with keyboard() as board:
        board.end()
        assert not board.thread.is_alive()


def test_it_can_begin_again_after_its_end() -> None:
    ended = SelectableEvent()
    ended.set()
    ended.set()
    ended.clear()
    reader, writer = os.pipe()
    messages: queue.Queue[Message] = queue.Queue()
    thread = threading.Thread(
        target=read_keys, args=(reader, ended, ReplyParser(), messages.put), daemon=True
    )
    thread.start()
    os.write(writer, b"a")
    assert messages.get(timeout=90)
    ended.set()
    thread.join(90)
    assert not thread.is_alive()
    os.close(reader)
    os.close(writer)
    ended.close()
    ended.set()  # nobody waits any more


def test_there_is_nothing_to_wake_for_but_the_rest_of_a_sequence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("textual._parser.get_time", lambda: 100.0)
    monkeypatch.setattr(terminal_replies, "monotonic", lambda: 100.0)
    parser = ReplyParser()
    assert parser.due_in() is None
    assert list(parser.feed("a"))
    assert parser.due_in() is None
    list(parser.feed("\x1b"))
    assert 0 < (parser.due_in() or 0) <= 0.1
    list(parser.feed("[A"))
    assert parser.due_in() is None
    list(parser.feed("\x1b[?6"))  # as an answer of the terminal begins
    assert 0 < (parser.due_in() or 0) <= 2.0


@pytest.mark.parametrize("letter", ["O", "P", "X"])
def test_alt_with_a_letter_that_begins_a_sequence_types_nothing(letter: str) -> None:
    with keyboard() as board:
        board.type(f"\x1b{letter}".encode())
        key = board.messages.get(timeout=90)
        assert isinstance(key, events.Key)
        assert (key.key, key.character) == (f"alt+shift+{letter.lower()}", None)
