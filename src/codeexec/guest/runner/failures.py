"""Tracebacks of the user's code: without frames of the runner, cells by name."""

from __future__ import annotations

import builtins
import os
import re
import traceback
from types import TracebackType
from typing import Any

OURS = os.path.dirname(os.path.abspath(__file__))
GREEN, RED, BOLD, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[0m"
SIMPLE = {str, int, float, bytes, bool, type(None)}
"""What an exception may hold so that its text is made by Python alone."""
_PLACE = re.compile(r'( *[|+ ]*)File "(.*)", line (\d+)(.*)')
_HEADING = re.compile(r"[ |+-]*(Exception Group )?Traceback \(most recent call last\):")


def lines_of(error: BaseException, tb: TracebackType | None, cell: str) -> list[str]:
    """The rows of a traceback, with colours. `cell` is the file name of the cell that failed; it is
    shown as `<cell>`, those of other cells with their numbers."""
    if isinstance(error, KeyboardInterrupt):
        first = _first_interrupt(error)
        error, tb = first, tb if first is error else first.__traceback__
    formatted = traceback.TracebackException(type(error), error, tb)
    cells = [at for at, frame in enumerate(formatted.stack) if frame.filename.startswith("<cell")]
    del formatted.stack[: cells[0] if cells else 0]  # the event loop's, where the cell awaits
    strip(formatted, set())
    rows = "".join(formatted.format()).rstrip("\n").split("\n")
    if isinstance(error, SyntaxError) and not formatted.stack and _HEADING.fullmatch(rows[0]):
        del rows[0]
    own = f'File "{cell}"'
    return colour([row.replace(own, 'File "<cell>"') for row in rows], type(error).__name__)


def _first_interrupt(error: KeyboardInterrupt) -> KeyboardInterrupt:
    """Of several interrupts the first. The others came while the runner ended the cell, perhaps
    while it handled an exception of its own."""
    seen = {id(error)}
    earlier = error.__context__
    while earlier is not None and id(earlier) not in seen:
        seen.add(id(earlier))
        if isinstance(earlier, KeyboardInterrupt):
            error = earlier
        elif has_cell(earlier.__traceback__):
            break
        earlier = earlier.__context__
    return error


def strip(formatted: Any, seen: set[int]) -> None:
    """Take the frames of the runner, and of the loop that it runs, out of an exception and all
    that led to it."""
    if formatted is None or id(formatted) in seen:
        return
    seen.add(id(formatted))
    formatted.stack[:] = [frame for frame in formatted.stack if not is_ours(frame.filename)]
    strip(formatted.__cause__, seen)
    strip(formatted.__context__, seen)
    for inner in getattr(formatted, "exceptions", None) or ():
        strip(inner, seen)


def is_plain(error: BaseException) -> bool:
    """Whether to show an exception, and all that led to it, calls no code of the user's."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        shown = waiting.pop()
        if shown is None or id(shown) in seen:
            continue
        seen.add(id(shown))
        kind = type(shown)
        if getattr(builtins, kind.__name__, None) is not kind or hasattr(shown, "__notes__"):
            return False
        if any(type(part) not in SIMPLE for part in shown.args):
            return False
        waiting += [shown.__cause__, shown.__context__]
    return True


def is_ours(path: str) -> bool:
    return path.startswith(OURS) or path == "<codeexec>"


def has_cell(tb: TracebackType | None) -> bool:
    """Whether a frame of the user's is among them."""
    while tb is not None:
        if tb.tb_frame.f_code.co_filename.startswith("<cell"):
            return True
        tb = tb.tb_next
    return False


def colour(rows: list[str], name: str) -> list[str]:
    painted = []
    for row in rows:
        match = _PLACE.fullmatch(row)
        if match:
            indent, path, line, rest = match.groups()
            row = f'{indent}File {GREEN}"{path}"{PLAIN}, line {GREEN}{line}{PLAIN}{rest}'
        elif row == name or row.startswith(name + ":"):
            row = f"{BOLD}{RED}{name}{PLAIN}{row[len(name) :]}"
        painted.append(row)
    return painted


def text_of(error: BaseException) -> str:
    """What an exception says; whatever its `__str__` does."""
    try:
        return str(error)
    except Exception as wrong:
        return f"<{type(wrong).__name__} in its __str__>"
