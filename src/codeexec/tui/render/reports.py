"""Reports of programs as text: places that can be clicked, frames of libraries folded.

Reads what compilers, interpreters and sanitizers print. A sanitizer prints the frames of the C
library and of the standard library among those of the user, and 30 rows of shadow bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from codeexec.domain.outputs import plain
from codeexec.domain.snapshot import ExecutionView
from codeexec.languages.catalog import by_file
from codeexec.tui.render.traceback import TracebackFrame

_STACK_ROW = re.compile(r"\s+#\d+ 0x[0-9a-f]+ ")
_USER_FRAME = re.compile(
    r"\s+#\d+ 0x[0-9a-f]+ in (?P<function>.*?) "
    r"(?P<path>(?!/usr/|/lib|/build/)/[^:]*):(?P<line>\d+)(?::(?P<column>\d+))?\s*"
)
_SHADOW = "Shadow bytes around the buggy address"
_ABORTING = re.compile(r"==\d+==\s*ABORTING")
_PLACES = (
    re.compile(r"(?P<path>[^\s:()\"'<>]+\.\w+):(?P<line>\d+)(?::(?P<column>\d+))?"),
    re.compile(r"(?P<path>[^\s:()\"'<>]+\.\w+): line (?P<line>\d+)"),
    re.compile(r"\bat (?P<path>\S+\.\w+) line (?P<line>\d+)"),
)
_FIX = re.compile(r'fix-it:"[^"]*":\{[\d:-]+\}:".*')
"""A fix for programs to read; the report shows it for people, too."""
_LONGEST = 2_000
"""Characters of a row in which a place is looked for."""


def folds(rows: Sequence[str]) -> dict[int, str]:
    """Rows that are folded, by number: the first of each group has the words that stand for the
    group, the others have none. Fixes that are meant for programs have no words at all."""
    folded: dict[int, str] = {}
    kinds = enumerate(_kinds(rows))
    for kind, group in groupby(kinds, key=lambda entry: entry[1]):
        numbers = [number for number, _ in group]
        if kind == "fix":
            folded |= dict.fromkeys(numbers, "")
        elif kind and len(numbers) > 1:
            words = "frames of libraries" if kind == "library" else "rows of shadow bytes"
            folded |= dict.fromkeys(numbers, "")
            folded[numbers[0]] = f"    ⋯ {len(numbers)} {words}"
    return folded


def _kinds(rows: Sequence[str]) -> Iterator[str]:
    """`library` for a frame that is not the user's, `shadow`, `fix`, or empty for what is shown.
    Frames stay where no frame of the report is the user's."""
    texts = [plain(row[:_LONGEST]) for row in rows]
    has_user = any(_USER_FRAME.fullmatch(text) for text in texts)
    is_shadow = False
    for text in texts:
        is_shadow = (is_shadow or text.startswith(_SHADOW)) and not _ABORTING.match(text)
        if is_shadow:
            yield "shadow"
        elif _FIX.fullmatch(text):
            yield "fix"
        elif has_user and _STACK_ROW.match(text) and not _USER_FRAME.fullmatch(text):
            yield "library"
        else:
            yield ""


def place_in(row: str) -> TracebackFrame | None:
    """The place that a row of a report names: a file of a language that we know, and a line."""
    text = plain(row[:_LONGEST])
    frame = _USER_FRAME.fullmatch(text)
    if frame is not None:
        return TracebackFrame(
            (row,),
            int(frame["line"]),
            frame["path"],
            function=frame["function"],
            column=int(frame["column"] or 0),
        )
    if _STACK_ROW.match(text):
        return None
    for pattern in _PLACES:
        for match in pattern.finditer(text):
            path = re.sub("^//+", "/", match["path"])  # of a file: URL
            if by_file(path) is not None:
                column = int(match.groupdict().get("column") or 0)
                return TracebackFrame((row,), int(match["line"]), path, column=column)
    return None


def first_error(view: ExecutionView) -> TracebackFrame | None:
    """The place of the first error that the steps of a program report."""
    for step in view.steps:
        for problem in step.diagnostics:
            place = problem.place
            if problem.severity == "error" and place.file and place.line:
                return TracebackFrame((), place.line, place.file, column=place.column)
    return None
