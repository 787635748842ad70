"""Finds pictures, and text for the clipboard, in the output of a program."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec import Struct

Kind = Literal["sixel", "kitty", "clipboard"]

MOST_BODY: dict[Kind, int] = {"sixel": 8 << 20, "kitty": 8 << 20, "clipboard": 1 << 17}
"""Bytes of a control string; of a longer one nothing is kept."""

_START = re.compile(rb"\x1b(?:P[0-9;]{0,64}q|_G|\]52;)")
_CUT_START = re.compile(rb"\x1b(?:P[0-9;]{0,64}|_|\]5?2?)?\Z")
_LONGEST_START = 68
_ENDS = re.compile(rb"[\x1b\x18\x1a]")
_ENDS_OF_OSC = re.compile(rb"[\x1b\x18\x1a\x07]")


class ControlString(NamedTuple):
    """A complete one, without its introducer and its end. `is_too_long`: the body is left out."""

    kind: Kind
    body: bytes
    is_too_long: bool = False


class ScannerState(Struct, frozen=True, omit_defaults=True):
    """What a scanner has read of an unfinished string, to go on with in another process."""

    pending: str = ""
    kind: Kind | None = None
    body: str = ""
    is_too_long: bool = False


class ControlStringScanner:
    """Splits output into control strings, and the bytes around them. Strings may come in any
    number of parts. CAN, SUB, and an ESC that is no end cancel one, as in terminals."""

    def __init__(self) -> None:
        self._pending = b""
        """The last bytes, which may be the beginning of an introducer or an end."""
        self._kind: Kind | None = None
        self._body = bytearray()
        self._is_too_long = False

    def scan(self, data: bytes) -> Iterator[bytes | ControlString]:
        """The caller takes each part before the next one is looked for."""
        data, self._pending = self._pending + data, b""
        at = 0
        while at < len(data):
            if self._kind is None:
                start = _START.search(data, at)
                if start is None:
                    end = self._cut_start(data, at)
                    if end > at:
                        yield data[at:end] if at or end < len(data) else data
                    self._pending = data[end:]
                    return
                if start.start() > at:
                    yield data[at : start.start()]
                self._begin(start[0])
                at = start.end()
            else:
                at, string = self._take(data, at, self._kind)
                if string is not None:
                    yield string

    @staticmethod
    def _cut_start(data: bytes, at: int) -> int:
        """Where an introducer begins that the end of the data cuts; else that end."""
        begin = data.rfind(b"\x1b", max(at, len(data) - _LONGEST_START))
        return begin if begin >= 0 and _CUT_START.match(data, begin) else len(data)

    def _begin(self, introducer: bytes) -> None:
        letter = introducer[1:2]
        self._kind = "sixel" if letter == b"P" else "kitty" if letter == b"_" else "clipboard"
        self._body.clear()
        self._is_too_long = False

    def _take(self, data: bytes, at: int, kind: Kind) -> tuple[int, ControlString | None]:
        """Read on in a string; where to go on, and the string when it has ended."""
        ends = _ENDS_OF_OSC if kind == "clipboard" else _ENDS
        end = ends.search(data, at)
        self._add(data[at : end.start()] if end is not None else data[at:], kind)
        if end is None:
            return len(data), None
        if end[0] == b"\x1b":
            following = data[end.end() : end.end() + 1]
            if not following:
                self._pending = b"\x1b"
                return len(data), None
            if following != b"\\":
                self._kind = None  # another sequence begins: this one is cancelled
                return end.start(), None
            return end.end() + 1, self._finish(kind)
        if end[0] == b"\x07":
            return end.end(), self._finish(kind)
        self._kind = None
        return end.end(), None

    def _add(self, part: bytes, kind: Kind) -> None:
        if self._is_too_long or len(self._body) + len(part) > MOST_BODY[kind]:
            self._body.clear()
            self._is_too_long = True
        else:
            self._body += part

    def _finish(self, kind: Kind) -> ControlString:
        string = ControlString(kind, bytes(self._body), self._is_too_long)
        self._kind = None
        self._body = bytearray()
        return string

    @property
    def state(self) -> ScannerState:
        """What is needed to go on; a body of megabytes is in it."""
        body = b64encode(self._body).decode() if self._kind is not None else ""
        return ScannerState(self._pending.decode("latin-1"), self._kind, body, self._is_too_long)

    def restore(self, state: ScannerState) -> None:
        """ValueError where it is damaged."""
        self._pending = state.pending.encode("latin-1")
        self._kind, self._is_too_long = state.kind, state.is_too_long
        self._body = bytearray(b64decode(state.body))
