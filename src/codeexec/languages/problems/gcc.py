"""Reads the text reports of GCC and clang, of their linker, and of the sanitizers.

Text and not JSON: GCC 12's JSON has neither the include chain nor the chain of instantiations, nor
has the SARIF of GCC 13 and 14, which takes the place of the text; for that of GCC 15 see `sarif`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from codeexec.domain.diagnostics import (
    MOST_DIAGNOSTICS,
    Diagnostic,
    DiagnosticNote,
    FixIt,
    Severity,
    SourceLocation,
    line_number,
)

_PLACE = r"(?P<file>.+?):(?P<line>\d+)(?::(?P<column>\d+))?"
_SEVERITY = r"(?P<severity>fatal error|runtime error|error|warning|note|remark)"
_HEAD = re.compile(rf"{_PLACE}: {_SEVERITY}: (?P<message>.*?)(?: \[(?P<code>-W[^\]]+)\])?$")
_INCLUDED = re.compile(rf"(?:In file included from|\s+from) {_PLACE}[,:]$")
_REQUIRED = re.compile(rf"{_PLACE}:   +(?P<message>(?:recursively )?required .*)$")
_FIX = re.compile(
    r'fix-it:"(?P<file>(?:[^"\\]|\\.)*)":'
    r"\{(?P<line>\d+):(?P<column>\d+)-(?P<end_line>\d+):(?P<end_column>\d+)\}:"
    r'"(?P<text>(?:[^"\\]|\\.)*)"$'
)
_FIX_NUMBERS = ("line", "column", "end_line", "end_column")
_LINK = re.compile(
    r"(?:\S*ld(?:\.\w+)?: )?(?P<file>.+?):(?:(?P<line>\d+)|\([^)]*\)): "
    r"(?P<message>(?:undefined reference to|multiple definition of) .*)$"
)
_TOOL = re.compile(r"(?P<tool>[\w.+-]+): (?:fatal )?error: (?P<message>.*)$")
_MARKER = re.compile(r"(?P<bar> *\| )?(?P<before>[ ~]*)(?P<mark>\^[~^]*)[ ~^]*")
_SANITIZER = re.compile(
    r"==\d+==ERROR: (?P<tool>\w+Sanitizer): (?P<message>.*?)(?: (?:at |\()pc .*)?$"
)
_FRAME = re.compile(rf"    #\d+ 0x[0-9a-f]+ in (?P<function>.+) {_PLACE}$")
_LINKER_FAILED = re.compile(r"ld returned \d+ exit status|linker command failed")
"""Comes after the errors themselves."""
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED = {b"n": b"\n", b"t": b"\t"}
_ANSI = re.compile(r"\x1b\[[0-9;]*[mK]")
_SEVERITIES: dict[str, Severity] = {"warning": "warning", "note": "note", "remark": "note"}
_REQUESTED = ("required from", "requested here", "included from here")

IN_LIBRARY = "in the code of the library"
"""The note with the place where a diagnostic was reported that is moved to the user's file."""

ReadLine = Callable[[str, int], "bytes | None"]
"""The bytes of a line (counted from 1) of a file; None where it cannot be read."""


@dataclass(slots=True)
class _OpenProblem:
    """A diagnostic whose notes and fix-its are still being read."""

    place: SourceLocation
    severity: Severity
    message: str
    code: str = ""
    source: str = ""
    notes: list[DiagnosticNote] = field(default_factory=list)
    fixes: list[FixIt] = field(default_factory=list)


class GccReader:
    """Reads one report. `is_own` tells files of the user from those of the system: a diagnostic in
    a header of the system is moved to the innermost place of the user's that led there."""

    def __init__(self, source: str, is_own: Callable[[str], bool], read_line: ReadLine) -> None:
        self._source = source
        self._is_own = is_own
        self._read_line = read_line
        self._context: list[DiagnosticNote] = []
        self._last_place: SourceLocation | None = None
        self._found: list[_OpenProblem] = []
        self._is_in_frames = False

    def read(self, lines: Iterable[str]) -> Iterator[Diagnostic]:
        for line in lines:
            self._take(_ANSI.sub("", line).rstrip("\r"))
            if len(self._found) > MOST_DIAGNOSTICS:
                break
        is_told = any(problem.severity == "error" and problem.place.line for problem in self._found)
        for problem in self._found[:MOST_DIAGNOSTICS]:
            if is_told and not problem.place.line and _LINKER_FAILED.search(problem.message):
                continue
            yield self._close(problem)

    def _take(self, line: str) -> None:
        if match := _HEAD.match(line):
            self._take_head(match)
        elif match := _INCLUDED.match(line):
            self._context.append(DiagnosticNote(self._place(match), "included from here"))
        elif match := _REQUIRED.match(line):
            self._context.append(DiagnosticNote(self._place(match), match["message"]))
        elif match := _FIX.match(line):
            if self._found and all(map(line_number, match.group(*_FIX_NUMBERS))):
                self._found[-1].fixes.append(self._fix(match))
        elif match := _LINK.match(line):
            number = line_number(match["line"])
            place = SourceLocation(match["file"] if number else "", number)
            self._found.append(_OpenProblem(place, "error", match["message"], source="ld"))
        elif match := _SANITIZER.match(line):
            self._found.append(
                _OpenProblem(SourceLocation(), "error", match["message"], source=match["tool"])
            )
            self._is_in_frames = True
        elif self._is_in_frames and (match := _FRAME.match(line)):
            self._take_frame(match)
        elif match := _TOOL.match(line):
            self._found.append(
                _OpenProblem(SourceLocation(), "error", match["message"], source=match["tool"])
            )
        elif self._last_place is not None and (match := _MARKER.fullmatch(line)):
            self._take_marker(match)

    def _take_head(self, match: re.Match[str]) -> None:
        place = self._place(match)
        severity = _SEVERITIES.get(match["severity"], "error")
        self._is_in_frames = False
        self._last_place = None
        if severity == "note" and self._found:
            self._found[-1].notes.append(DiagnosticNote(place, match["message"].strip()))
            return
        source = "UBSan" if match["severity"] == "runtime error" else self._source
        problem = _OpenProblem(place, severity, match["message"], match["code"] or "", source)
        problem.notes += self._context
        self._context = []
        self._found.append(problem)
        self._last_place = place

    def _take_frame(self, match: re.Match[str]) -> None:
        problem = self._found[-1]
        place = self._place(match)
        if not problem.place.line and self._is_own(place.file):
            problem.place = place
        problem.notes.append(DiagnosticNote(place, f"in {match['function']}"))

    def _take_marker(self, match: re.Match[str]) -> None:
        """The line of `~~^~~` below the source: how far the range goes."""
        place, self._last_place = self._last_place, None
        if place is None or len(match["before"]) + 1 != place.column:
            return  # tabs or wide characters: the mark stands in another column
        end = place.column + len(match["mark"])
        self._found[-1].place = SourceLocation(
            place.file, place.line, place.column, place.line, end
        )

    def _place(self, match: re.Match[str]) -> SourceLocation:
        line, column = line_number(match["line"]), line_number(match["column"])
        return SourceLocation(match["file"], line, self._characters(match["file"], line, column))

    def _fix(self, match: re.Match[str]) -> FixIt:
        file = _unescaped(match["file"])
        line, end_line = line_number(match["line"]), line_number(match["end_line"])
        place = SourceLocation(
            file,
            line,
            self._characters(file, line, line_number(match["column"])),
            end_line,
            self._characters(file, end_line, line_number(match["end_column"])),
        )
        return FixIt(place, _unescaped(match["text"]))

    def _characters(self, file: str, line: int, column: int) -> int:
        """The column in characters of one that is counted in bytes."""
        source = self._read_line(file, line) if column > 1 else None
        if source is None or source.isascii():
            return column
        return len(source[: column - 1].decode("utf-8", "replace")) + 1

    def _close(self, problem: _OpenProblem) -> Diagnostic:
        place, notes = problem.place, problem.notes
        if place.file and not self._is_own(place.file):
            for note in (*reversed(notes), *notes):
                if self._is_own(note.place.file) and any(w in note.message for w in _REQUESTED):
                    notes = [DiagnosticNote(place, IN_LIBRARY), *notes]
                    place = note.place
                    break
        return Diagnostic(
            place,
            problem.severity,
            problem.message,
            problem.code,
            problem.source,
            tuple(notes),
            tuple(problem.fixes),
        )


def _unescaped(text: str) -> str:
    """Text in which GCC has escaped quotes, backslashes, newlines and bytes (octal)."""
    if "\\" not in text:
        return text

    def byte(match: re.Match[bytes]) -> bytes:
        sign = match[1]
        return bytes([int(sign, 8)]) if len(sign) == 3 else _ESCAPED.get(sign, sign)

    return _ESCAPE.sub(byte, text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")
