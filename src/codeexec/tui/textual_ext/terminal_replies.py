"""Parse late replies of the terminal among key input, so that they are not taken for keys.

A line may be slow: what was asked before the workbench was there is then answered among the keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from time import monotonic

from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.drivers import linux_driver
from textual.events import CursorPosition, Key
from textual.keys import Keys
from textual.message import Message

from codeexec.tui.graphics.probe import TerminalReplies, parse

_PARTIAL = re.compile(
    r"\x1b(?:P(?:[01]?(?:[$+](?:r[\d;:=A-Fa-f]*m?)?)?|>(?:\|[^\x1b]{0,80})?)\x1b?"
    r"|_(?:G[^\x1b]{0,80})?\x1b?|\[(?:\?[\d;]*|6(?:;\d{0,4}){0,2})?)\Z"
)
"""Start of an unfinished reply of the terminal, at the end of the input."""

_ANY_PARTIAL = re.compile(rf"{_PARTIAL.pattern}|\x1b\Z")
"""The same, or its first byte, which is the key Escape as well."""

_TYPED_KEYS = {"\x1bb": "alt+b", "\x1bf": "alt+f", "\x1b\x7f": "alt+backspace"}
"""Keys that Textual takes for others: Ctrl+Left, Ctrl+Right, Ctrl+W."""

_PATIENCE = 0.1
"""Seconds for the rest of an answer; a key that begins like one is taken for a key then."""

_ONLY_A_REPLY = re.compile(r"\x1b(?:P[01][$+]|P>\||_Gi|\[\?\d|\[6;\d)")
"""Start of what is a reply, whatever follows: no key begins so."""

_REPLY_PATIENCE = 2.0
"""Seconds for the rest of such a reply, which comes in parts over a slow line."""

_OWED_FOR = 5.0
"""Seconds after the start in which an answer may still come, if only its first byte has."""

_UNKNOWN_KEY = re.compile(r"\x1b(?:\[(?![<?M])[0-?]*[ -/]*[@-Z\\-~]|O[\d;]+[@-~])\Z")
"""A whole sequence of a key. Of one that no table has, Textual would type the letters."""

_ESCAPE_BEFORE = "escape_before_another"
"""Name of an Escape that another sequence follows at once; Textual would make it a `^`."""

_unfinished = ""
_owed_until = 0.0


class TakenKey(Key):
    """A key that Textual takes for another one; `typed` is the one that was pressed, which a
    program in a terminal gets."""

    def __init__(self, key: str, character: str | None, typed: str) -> None:
        super().__init__(key, character)
        self.typed = typed


TakenKey.handler_name = Key.handler_name


class TerminalAnswered(Message):
    """The terminal has sent replies to queries."""

    def __init__(self, answers: TerminalReplies) -> None:
        super().__init__()
        self.answers = answers


class KeyParser(XTermParser):
    """Key parser that names the keys that Textual takes for something else."""

    def feed(self, data: str) -> Iterable[Message]:
        yield from map(self._as_key, super().feed(data))

    def tick(self) -> Iterable[Message]:
        yield from map(self._as_key, super().tick())

    def _as_key(self, event: Message) -> Message:
        """Key that Textual takes for something else: F3 with Shift, Alt or Ctrl has the sequence of
        a report of the cursor's place, which a program on the whole screen never asks for."""
        if isinstance(event, CursorPosition) and event.y == 0 and 1 <= event.x <= 7:
            return next(iter(self._sequence_to_key_events(f"\x1b[13;{event.x + 1}~")))
        if isinstance(event, Key) and event.key == _ESCAPE_BEFORE:
            return Key("escape", "\x1b")
        return event

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[Key]:
        if sequence == "\x1b":
            yield Key(_ESCAPE_BEFORE, None)
            return
        events = list(super()._sequence_to_key_events(sequence, alt))
        if not events and _UNKNOWN_KEY.match(sequence):
            events = [Key(Keys.Ignore, sequence)]
        for event in events:
            if alt:  # ESC O, ESC [ and others that begin sequences: keys that type nothing
                name = event.key if event.key.startswith("alt+") else f"alt+{event.key}"
                event = Key(name, None)
            if sequence in _TYPED_KEYS:
                event = TakenKey(event.key, event.character, _TYPED_KEYS[sequence])
            yield event


class ReplyParser(KeyParser):
    """Key parser that extracts replies of the terminal from the input."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._held, self._held_at = _take_unfinished(), monotonic()
        self._is_pasting = False
        self._tail = ""

    def feed(self, data: str) -> Iterable[Message]:
        text = self._held + data
        self._held = ""
        if data and "\x1b" in text:
            encoded = text.encode("utf-8", "surrogatepass")
            answers, unparsed = parse(encoded)
            if len(unparsed) != len(encoded):
                text = unparsed.decode("utf-8", "surrogatepass")
                if answers.complete:
                    expect_answers(seconds=0)
                yield TerminalAnswered(answers)
            partial = (_PARTIAL if monotonic() > _owed_until else _ANY_PARTIAL).search(text)
            if partial:
                text, self._held = text[: partial.start()], partial[0]
                self._held_at = monotonic()
        text = self._without_escapes_in_pastes(text)
        if text or not data:
            yield from super().feed(text)

    def _without_escapes_in_pastes(self, text: str) -> str:
        """The input without escapes in pasted text, which Textual would read as keys."""
        parts: list[str] = []
        while text:
            if self._is_pasting:
                part, text = self._split_paste(text)
            else:
                part, text = self._split_before_paste(text)
            parts.append(part)
        return "".join(parts)

    def _split_before_paste(self, text: str) -> tuple[str, str]:
        """What is no paste, up to the start of one, and the rest."""
        seen = self._tail + text
        at = seen.find(BRACKETED_PASTE_START)
        self._is_pasting = at >= 0
        self._tail = "" if self._is_pasting else seen[1 - len(BRACKETED_PASTE_START) :]
        end = at + len(BRACKETED_PASTE_START) - len(seen) if self._is_pasting else 0
        return (text[:end], text[end:]) if end else (text, "")

    def _split_paste(self, text: str) -> tuple[str, str]:
        """Pasted text up to its end, and the rest; a part of the mark at the end is held."""
        mark = BRACKETED_PASTE_END
        part, end, rest = text.partition(mark)
        if not end:
            begun = next(
                size for size in range(len(mark) - 1, -1, -1) if part.endswith(mark[:size])
            )
            self._held = part[len(part) - begun :] + self._held
            part = part[: len(part) - begun]
        self._is_pasting = not end
        return part.replace("\x1b", "") + end, rest

    @property
    def _patience(self) -> float:
        """Seconds for which the start of a reply is held back."""
        return _REPLY_PATIENCE if _ONLY_A_REPLY.match(self._held) else _PATIENCE

    def tick(self) -> Iterable[Message]:
        if self._held and monotonic() - self._held_at >= self._patience:
            held, self._held = self._held, ""
            yield from super().feed(held)
        yield from super().tick()

    def due_in(self) -> float | None:
        """Seconds until `tick` has something to tell if nothing is typed; None for never."""
        now = monotonic()
        waits = [self._held_at + self._patience - now] if self._held else []
        if self._timeout_time is not None:
            waits.append(self._timeout_time - now)
        return max(min(waits), 0.0) if waits else None


def keep_partial(typed: bytes) -> bytes:
    """What was typed, but for an answer at its end that goes on in what is read next."""
    global _unfinished
    text = typed.decode("utf-8", "surrogateescape")
    if partial := _PARTIAL.search(text):
        _unfinished = partial[0]
        text = text[: partial.start()]
    return text.encode("utf-8", "surrogateescape")


def early_keys(typed: str) -> Iterable[Message]:
    """The keys that were typed before the keyboard was read: an Escape at the end is whole."""
    if typed:
        parser = KeyParser()
        yield from parser.feed(typed)
        yield from parser.feed("")


def expect_answers(seconds: float = _OWED_FOR) -> None:
    """The terminal has not answered yet, and may do so within that time."""
    global _owed_until
    _owed_until = monotonic() + seconds if seconds else 0.0


def _take_unfinished() -> str:
    global _unfinished
    unfinished, _unfinished = _unfinished, ""
    return unfinished


def teach() -> None:
    """Have Textual read the keyboard in this way; harmless when done again."""
    vars(linux_driver)["XTermParser"] = ReplyParser
