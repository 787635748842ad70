"""Asks gdb for the stacks of a core file, by its machine interface."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codeexec.domain.diagnostics import line_number

MOST_FRAMES = 64
MOST_THREADS = 8
MOST_VALUE = 60
"""Characters of the value of an argument."""

SETTINGS = (
    "auto-load no",  # scripts that lie beside a program would be executed
    "debuginfod enabled off",
    "print elements 40",
    "print frame-arguments scalars",
    "width 0",
)
QUESTIONS = "".join([
    f"1-stack-list-frames 0 {MOST_FRAMES - 1}\n",
    f"2-stack-list-arguments --skip-unavailable --simple-values 0 {MOST_FRAMES - 1}\n",
    *(f"{10 + n}-stack-list-frames --thread {n} 0 31\n" for n in range(2, MOST_THREADS + 2)),
    "99-gdb-exit\n",
]).encode()  # fmt: skip
"""What gdb reads on stdin. Thread 1 is the one that crashed: it comes first in the core file."""


def gdb_command(gdb: str, program: str, core: str) -> tuple[str, ...]:
    settings = [word for setting in SETTINGS for word in ("-iex", f"set {setting}")]
    return (gdb, "-nx", "-q", "--interpreter=mi2", *settings, program, core)


@dataclass(frozen=True, slots=True)
class CrashFrame:
    """One frame of a stack. `file` is empty where there is no debug information, `library` where
    the frame is one of the program itself."""

    address: str
    function: str
    file: str = ""
    line: int = 0
    library: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class CrashStacks:
    """Innermost frames first. `crashed` has MOST_FRAMES at most; `others` are those of the other
    threads."""

    crashed: tuple[CrashFrame, ...]
    others: tuple[tuple[CrashFrame, ...], ...] = ()


def read_stacks(output: str) -> CrashStacks:
    """The stacks in the output of gdb; empty where it has found none."""
    answers: dict[int, dict[str, object]] = {}
    for line in output.split("\n"):
        if match := _ANSWER.match(line):
            try:
                answers[int(match[1])] = _ValueReader(line, match.end()).results()
            except (IndexError, ValueError):
                continue  # gdb was killed while it wrote
    arguments = [_arguments(frame) for frame in _list(answers.get(2), "stack-args")]
    frames = _frames(answers.get(1))
    crashed = [
        CrashFrame(f.address, f.function, f.file, f.line, f.library, argument_text)
        for f, argument_text in zip(frames, [*arguments, *[""] * len(frames)], strict=False)
    ]
    others = [_frames(answers[number]) for number in sorted(answers) if number >= 10]
    return CrashStacks(tuple(crashed), tuple(tuple(thread) for thread in others if thread))


_ANSWER = re.compile(r"(\d+)\^done,")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NAME = re.compile(r"([\w-]+)=")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED = {b"n": b" ", b"t": b" "}


class _ValueReader:
    """Reads values of the machine interface: texts, {tuples} and [lists]."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._at = at

    def results(self) -> dict[str, object]:
        """NAME=VALUE, …"""
        values: dict[str, object] = {}
        while match := _NAME.match(self._text, self._at):
            self._at = match.end()
            values[match[1]] = self._value()
            self._skip(",")
        return values

    def _value(self) -> object:
        sign = self._text[self._at]
        if sign == "{":
            self._at += 1
            values = self.results()
            self._skip("}")
            return values
        if sign == "[":
            return self._items()
        match = _TEXT.match(self._text, self._at)
        if match is None:
            raise ValueError(sign)
        self._at = match.end()
        return _unescaped(match[1])

    def _items(self) -> list[object]:
        self._at += 1
        items: list[object] = []
        while self._text[self._at] != "]":
            if match := _NAME.match(self._text, self._at):
                self._at = match.end()
            items.append(self._value())
            self._skip(",")
        self._at += 1
        return items

    def _skip(self, sign: str) -> None:
        if self._text.startswith(sign, self._at):
            self._at += 1


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text

    def byte(match: re.Match[bytes]) -> bytes:
        sign = match[1]
        return bytes([int(sign, 8) & 255]) if len(sign) == 3 else _ESCAPED.get(sign, sign)

    return _ESCAPE.sub(byte, text.encode()).decode("utf-8", "replace")


def _list(answer: dict[str, object] | None, name: str) -> list[dict[str, object]]:
    value = (answer or {}).get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _frames(answer: dict[str, object] | None) -> list[CrashFrame]:
    frames = []
    for entry in _list(answer, "stack"):
        fields = {name: str(value) for name, value in entry.items()}
        if not fields.get("addr", "").startswith("0x"):
            break  # the registers of this one are not known
        file = fields.get("fullname") or fields.get("file", "")
        frames.append(
            CrashFrame(
                fields["addr"],
                fields.get("func", "??"),
                file,
                line_number(fields.get("line")),
                fields.get("from", ""),
            )
        )
    return frames


def _arguments(frame: dict[str, object]) -> str:
    """The arguments of a frame whose values are simple: `n=0x0, k=3`."""
    arguments = []
    for argument in _list(frame, "args"):
        name, value = str(argument.get("name", "")), str(argument.get("value", "…"))
        if name and "@" not in name:
            clipped = value if len(value) <= MOST_VALUE else f"{value[:MOST_VALUE]}…"
            arguments.append(f"{name}={clipped}")
    return ", ".join(arguments)
