"""Hostile texts, and what of them must not be found in the bytes that a terminal is given."""

from __future__ import annotations

import json
import re
from typing import TypeVar, get_args

import msgspec

from codeexec.domain.events import (
    AnyEvent,
    ExecutionFinished,
    KernelDied,
    KernelPaused,
    KernelReady,
    KernelRemoved,
    KernelResumed,
    KernelStopped,
    OutputChanged,
    SessionClosed,
    SnapshotTaken,
    Variable,
    VariablesTaken,
)
from codeexec.domain.events.lines import KernelLineChanged
from codeexec.domain.outputs import Display, ErrorInfo, MimePart, Run, count_rows

T = TypeVar("T")

_OSC_52 = "\x1b]52;c;ZXZpbA==\x07"

HOSTILE = (
    "\x1b]0;title\x07",
    "\x1b]8;;javascript:alert(1)\x1b\\here\x1b]8;;\x1b\\",
    _OSC_52,
    "\x1b[2J\x1b[31m\x1b[8mred\x1b[999;999H\x1b[?1049l",
    "\x1bP$qm\x1b\\ \x1b_Ga=d\x1b\\ \x1b^pm\x1b\\ \x1bX\x1b\\ \x1bc \x1b7\x1b(0",
    "\x9b2J \x9d0;c1\x9c \x90q\x9c \x85 \x84",
    "\x00\x01\x05\x07\x08\x0b\x0c\r\x0e\x0f\x1a\x7f",
    "user\u202etxt.exe \u2066a\u2069 \u200e\u200f\u061c",
    "ze\u200bro\u2060wi\ufeffdth\xad \u200d\u200c a\ufe0f \u180e",
    "tags\U000e0041\U000e0042\U000e007f vs\U000e0100",
    "lines\u2028two\u2029three\nfour\ttab",
    "[bold]markup[/] [red on blue]x[/red on blue] [@click=app.quit]y[/] [lr=1e-3] [/",
    "broken \ud800 \udc80",
)
"""Every family of characters that a terminal acts on, or that nobody sees."""

EVERYTHING = " ".join(HOSTILE)
"""All of it in one string."""

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029"
    "\ud800-\udfff]"
)
_UNSEEN = re.compile(
    "[\xad\u200b\u2060\ufeff\u180e\U000e0000-\U000e0fff]|(?<=a)\ufe0f|(?<= )\u200d"
)


def acting(text: str) -> list[str]:
    """Characters that a terminal acts on, or that turn the order of text; not newline and tab."""
    return _ACTING.findall(text)


def unseen(text: str) -> list[str]:
    """Characters of `HOSTILE` that nothing shows."""
    return _UNSEEN.findall(text)


_OURS = re.compile(r"\x1b\[[0-9;:]*m|\x1b\]8;[!-:<-~]*;(?:https?://[!-~]+)?\x1b\\")
_FOREIGN_STYLES = ("\x1b[31m", "\x1b[8m")


def check(data: str, *, is_output: bool = False) -> None:
    """What was written to a terminal line by line holds nothing of `HOSTILE` but its visible
    signs. Output of programs may have styles of its own, and what is not seen is its text."""
    bare = _OURS.sub("", data.replace("\r\n", "\n"))
    assert not acting(bare), f"{acting(bare)} in {bare!r}"
    if not is_output:
        assert not unseen(bare), f"{unseen(bare)} in {bare!r}"
        assert not any(style in data for style in _FOREIGN_STYLES), repr(data)


def seen(text: str) -> str:
    """Without what nothing shows: rows of output may hold that, as it is the program's text."""
    return _UNSEEN.sub("", text)


# -- values of every kind, with hostile text in every string -----------------------------


def filled(kind: type[T], text: str, /, **given: object) -> T:
    """A value of a message's class: `text` in every string, key and item; `given` fields as they
    are. Of literals and unions the first that is not None; numbers are 1."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    values = {
        each.name: given.get(each.name, _value(each.type, text, each.name)) for each in info.fields
    }
    return kind(**values)


def _value(kind: msgspec.inspect.Type, text: str, name: str = "") -> object:
    match kind:
        case msgspec.inspect.StrType() if name == "cwd":
            return text.replace("\0", "")[:60]  # what a folder can be called
        case msgspec.inspect.StrType() | msgspec.inspect.AnyType():
            return text
        case msgspec.inspect.CustomType() if kind.cls is object:
            return text
        case msgspec.inspect.BytesType():
            return text.encode("utf-8", "surrogatepass")
        case msgspec.inspect.LiteralType():
            return kind.values[0]
        case msgspec.inspect.BoolType():
            # What is silent or a password is not shown at all.
            return name not in ("silent", "password", "is_dir", "watch_only", "truncated")
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return 1
        case msgspec.inspect.StructType():
            return filled(kind.cls, text)
        case msgspec.inspect.VarTupleType() | msgspec.inspect.ListType():
            return (_value(kind.item_type, text),)
        case msgspec.inspect.TupleType():
            return tuple(_value(each, text) for each in kind.item_types)
        case msgspec.inspect.DictType():
            return {text: _value(kind.value_type, text)}
        case msgspec.inspect.UnionType():
            first = next(t for t in kind.types if not isinstance(t, msgspec.inspect.NoneType))
            return _value(first, text, name)
        case _:
            raise AssertionError(f"no value for {kind}: the walk would miss it")


def rows(text: str) -> tuple[Run, ...]:
    """One row of each kind, and displays with and without a plain text."""
    part = filled(MimePart, text, blob=None)
    unknown = filled(Display, text, key="unknown", parts=(part,))
    known = filled(Display, text, key="known", parts=(filled(MimePart, text, mime="text/plain"),))
    html = filled(Display, text, key="html", parts=(filled(MimePart, text, mime="text/html"),))
    tree = filled(
        Display,
        text,
        key="json",
        parts=(filled(MimePart, text, mime="application/json", text=json.dumps({text: [text]})),),
    )
    bare = filled(ErrorInfo, text, traceback=())
    return (
        Run("stdout", text),
        Run("stderr", text),
        *(Run("display", "", display) for display in (unknown, known, html, tree)),
        Run("error", "", None, filled(ErrorInfo, text)),
        Run("error", "", None, bare),
    )


def events(text: str, execution_id: str = "", output_text: str | None = None) -> list[AnyEvent]:
    """Every event that there is, in an order that may be, with `text` in every string; rows of
    output hold `output_text`, if that is given."""
    output = rows(text if output_text is None else output_text)
    name = execution_id or text
    given: dict[type, dict[str, object]] = {
        OutputChanged: {"start": 0, "total": count_rows(output), "runs": output},
        KernelReady: {"generation": 1},
        ExecutionFinished: {"status": "error"},
        VariablesTaken: {
            "variables": (
                filled(Variable, text, kind="table"),
                filled(Variable, text, name=f"{text} "),
            )
        },
    }
    # Not a SnapshotTaken: its state is what these make.
    late: list[type[AnyEvent]] = [
        KernelPaused,
        KernelResumed,
        KernelLineChanged,
        KernelDied,
        KernelStopped,
    ]
    late += [KernelRemoved, SessionClosed]
    early = [k for k in get_args(AnyEvent) if k not in late and k is not SnapshotTaken]
    kinds: list[type[AnyEvent]] = [*early, *late]
    assert {*kinds, SnapshotTaken} == set(get_args(AnyEvent))
    made = []
    for kind in kinds:
        own = dict(given.get(kind, {}))
        if "execution_id" in kind.__struct_fields__:
            own["execution_id"] = name
        made.append(filled(kind, text, **own))
    return made
