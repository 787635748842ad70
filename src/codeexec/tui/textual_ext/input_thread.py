"""Reads the keyboard in a thread that sleeps until there is something to read.

Textual's wakes ten times a second, which is a third of the CPU time of an idle workbench, and
shows Esc up to 0.1 s later than its key can be told from the start of a sequence.
"""

from __future__ import annotations

import os
import selectors
import socket
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from textual.message import Message

from codeexec.tui.textual_ext.terminal_replies import ReplyParser

_AT_ONCE = 4096
"""Bytes of one read."""

_LAST = 0.1
"""Seconds in which the terminal may still send what it was asked for, when reading ends."""


class SelectableEvent(Event):
    """Event that a selector can wait for beside files."""

    def __init__(self) -> None:
        super().__init__()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)

    def fileno(self) -> int:
        return self._reader.fileno()

    def set(self) -> None:
        super().set()
        with suppress(OSError):  # closed: nobody waits any more
            self._writer.send(b"\0")

    def clear(self) -> None:
        super().clear()
        with suppress(OSError):
            self._reader.recv(_AT_ONCE)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


def read_keys(
    file: int, ended: SelectableEvent, parser: ReplyParser, handle: Callable[[Message], None]
) -> None:
    """Hand what is typed to `handle`, until the event is set or nothing can come any more.

    OSError if the terminal is gone.
    """
    decode = getincrementaldecoder("utf-8")("replace").decode

    def read() -> bool:
        """False at the end of the file: of a terminal that was hung up, which is ready for ever."""
        data = os.read(file, _AT_ONCE)
        if text := decode(data):
            for message in parser.feed(text):
                handle(message)
        return bool(data)

    with selectors.SelectSelector() as selector:
        selector.register(file, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while not ended.is_set():
            ready = selector.select(parser.due_in())
            if any(key.fileobj == file for key, _ in ready) and not read():
                return
            for message in parser.tick():
                handle(message)
        selector.unregister(ended)
        if selector.select(_LAST):
            read()
