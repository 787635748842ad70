"""The backtrace of a crash as rows of text and as a diagnostic."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from codeexec.domain.diagnostics import Diagnostic, DiagnosticNote, SourceLocation
from codeexec.domain.text.printable import printable
from codeexec.kernels.process.crashes.gdb import MOST_FRAMES, CrashFrame, CrashStacks

SYSTEM = ("/usr/", "/lib", "/build/")
"""Where sources of libraries are; `./` too, for those of Debian's C library."""
NEAR_STACK = 1 << 16
"""Bytes between the stack pointer and an address that the stack has grown to."""
MOST_ALIKE = 3
"""Frames of one function in a row that are shown of a recursion."""

MOST_NAME = 160
"""Characters of the name of a function; those of templates have thousands."""

_WORDS = {
    signal.SIGSEGV: "invalid memory access",
    signal.SIGBUS: "invalid memory access",
    signal.SIGFPE: "arithmetic error",
    signal.SIGILL: "illegal instruction",
    signal.SIGABRT: "the program gave up",
    signal.SIGTRAP: "trap",
    signal.SIGSYS: "forbidden system call",
}
_DIVISION = (signal.SIGFPE, 1)
_ADDRESSED = (signal.SIGSEGV, signal.SIGBUS)


@dataclass(frozen=True, slots=True)
class CrashReport:
    """`text` is what a person reads, with a newline at its end; in `folded` one row stands for
    frames of libraries. `diagnostic` names the innermost place of the user's own code; None where
    no stack could be read."""

    text: str
    folded: str
    diagnostic: Diagnostic | None = None

    @classmethod
    def plain(cls, text: str) -> CrashReport:
        """Without a stack."""
        return cls(f"{text}\n", f"{text}\n")


def make_report(crash: Mapping[str, object], stacks: CrashStacks, debugger: str) -> CrashReport:
    """`crash` is what the watcher has written down of the signal."""
    description = crash_words(crash)
    if not stacks.crashed:
        return CrashReport.plain(f"{description}. {debugger} could read no backtrace.")
    own = user_frame(stacks.crashed)
    head = [f"{description}. Backtrace by {debugger}:"]
    tail = [f"    Another thread: {_place_words(thread)}" for thread in stacks.others]
    if own is None:
        tail.append("    No line numbers: build with the profile debug, or with -g.")
    place = SourceLocation(own.file, own.line) if own is not None else SourceLocation()
    notes = tuple(
        DiagnosticNote(SourceLocation(frame.file, frame.line), f"in {frame.function}")
        for frame in stacks.crashed
        if frame.file
    )
    diagnostic = Diagnostic(place, "error", description, source=debugger, notes=notes)
    full, folded = (
        "".join(f"{row}\n" for row in (*head, *_rows(stacks.crashed, folds=folds), *tail))
        for folds in (False, own is not None)
    )
    return CrashReport(full, folded, diagnostic)


def crash_words(crash: Mapping[str, object]) -> str:
    """Such as `SIGSEGV: invalid memory access at address 0x0`."""
    number, code, address, stack = (
        value if isinstance(value, int) else 0
        for value in map(crash.get, ("signal", "code", "address", "stack"))
    )
    try:
        name = signal.Signals(number)
    except ValueError:
        return f"Signal {number}"
    description = _WORDS.get(name, "")
    if (name, code) == _DIVISION:
        description = "division by zero"
    elif code <= 0 and name is not signal.SIGABRT:
        description = "sent by a process"
    elif name in _ADDRESSED:
        is_overflow = address and abs(address - stack) < NEAR_STACK
        description = "stack overflow" if is_overflow else f"{description} at address {address:#x}"
    return f"{name.name}: {description}"


def is_user(frame: CrashFrame) -> bool:
    return frame.file.startswith("/") and not frame.file.startswith(SYSTEM) and frame.line > 0


def user_frame(frames: Sequence[CrashFrame]) -> CrashFrame | None:
    """The innermost frame of the user's own code."""
    return next(filter(is_user, frames), None)


def _rows(frames: Sequence[CrashFrame], *, folds: bool) -> list[str]:
    """As a sanitizer prints a stack, so that its frames can be clicked alike; with `folds` frames
    of libraries become one row."""
    rows: list[str] = []
    numbered = list(enumerate(frames))

    def kind(numbered_frame: tuple[int, CrashFrame]) -> tuple[str, ...]:
        frame = numbered_frame[1]
        is_library = folds and not is_user(frame)
        return ("library",) if is_library else (frame.function, frame.file)

    for key, group in groupby(numbered, key=kind):
        alike = list(group)
        if key == ("library",) and len(alike) > 1:
            rows.append(f"    ⋯ {len(alike)} frames of libraries")
            continue
        rows += [_row(number, frame) for number, frame in alike[:MOST_ALIKE]]
        if len(alike) > MOST_ALIKE:
            rows.append(f"    ⋯ {len(alike) - MOST_ALIKE} more frames of {alike[0][1].function}")
    if len(frames) == MOST_FRAMES:
        rows.append(f"    ⋯ frames beyond the first {MOST_FRAMES} are not shown")
    return [printable(row) for row in rows]


def _row(number: int, frame: CrashFrame) -> str:
    function = frame.function
    if len(function) > MOST_NAME:
        function = f"{function[:MOST_NAME]}…"
    if frame.arguments:
        function = f"{function}({frame.arguments})"
    place = f" {frame.file}:{frame.line}" if frame.line else ""
    if not place and frame.library:
        place = f" ({frame.library})"
    return f"    #{number} {frame.address} in {function}{place}"


def _place_words(frames: Sequence[CrashFrame]) -> str:
    frame = user_frame(frames) or frames[0]
    place = f" {frame.file}:{frame.line}" if frame.line else ""
    return printable(f"{frame.function}{place}")
