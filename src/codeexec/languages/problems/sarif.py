"""Reads the SARIF that GCC 15 writes beside its text, and refines what was read from the text.

SARIF has whole ranges. It does not have the chain of template instantiations, which leads to the
place in the user's file. GCC 13 and 14 write it only in place of the text, and without the chain of
includes, so theirs is not asked for. Columns are those of a screen: tabs reach to the next eighth.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from codeexec.domain.diagnostics import Diagnostic, FixIt, SourceLocation
from codeexec.languages.problems.gcc import IN_LIBRARY

_MOST_NUMBER = 999_999_999
_ESCAPED = re.compile(r"\\U([0-9a-f]{8})|\\u([0-9a-f]{4})")


class _Artifact(Struct, frozen=True):
    uri: str = ""


class _Region(Struct, frozen=True, rename="camel"):
    start_line: int = 0
    start_column: int = 1
    end_line: int = 0
    end_column: int = 0


class _Text(Struct, frozen=True):
    text: str = ""


class _Context(Struct, frozen=True, rename="camel"):
    start_line: int = 0
    snippet: _Text = _Text()


class _Physical(Struct, frozen=True, rename="camel"):
    artifact_location: _Artifact = _Artifact()
    region: _Region = _Region()
    context_region: _Context = _Context()


class _Location(Struct, frozen=True, rename="camel"):
    physical_location: _Physical = _Physical()


class _Replacement(Struct, frozen=True, rename="camel"):
    deleted_region: _Region = _Region()
    inserted_content: _Text = _Text()


class _Change(Struct, frozen=True, rename="camel"):
    artifact_location: _Artifact = _Artifact()
    replacements: list[_Replacement] = []


class _Fix(Struct, frozen=True, rename="camel"):
    artifact_changes: list[_Change] = []


class _Result(Struct, frozen=True):
    message: _Text = _Text()
    locations: list[_Location] = []
    fixes: list[_Fix] = []


class _Run(Struct, frozen=True):
    results: list[_Result] = []


class _Report(Struct, frozen=True):
    runs: list[_Run] = []


Lines = dict[tuple[str, int], str]
"""Lines of files that a report shows."""


class SarifResult(Struct, frozen=True):
    """`place` is the whole range; its end is exclusive."""

    place: SourceLocation
    message: str
    fixes: tuple[FixIt, ...] = ()


def read_sarif(content: bytes) -> list[SarifResult]:
    """The results of a report that have a place; none where it is no SARIF."""
    try:
        report = msgspec.json.decode(content, type=_Report)
    except (msgspec.DecodeError, RecursionError):
        return []
    results = [result for run in report.runs for result in run.results if result.locations]
    lines: Lines = {}
    for result in results:
        physical = result.locations[0].physical_location
        context = physical.context_region
        for number, text in enumerate(context.snippet.text.split("\n"), context.start_line):
            lines.setdefault((_file(physical.artifact_location), number), text)
    return [_read(result, lines) for result in results]


def _read(result: _Result, lines: Lines) -> SarifResult:
    physical = result.locations[0].physical_location
    fixes = [
        FixIt(
            _place(change.artifact_location, replacement.deleted_region, lines),
            replacement.inserted_content.text,
        )
        for fix in result.fixes
        for change in fix.artifact_changes
        for replacement in change.replacements
    ]
    have_places = all(fix.place.line for fix in fixes)
    place = _place(physical.artifact_location, physical.region, lines)
    return SarifResult(place, result.message.text, tuple(fixes) if have_places else ())


def refine(problems: Sequence[Diagnostic], results: Sequence[SarifResult]) -> list[Diagnostic]:
    """The diagnostics of the text, each with the range, message and fixes of its result."""
    waiting: dict[tuple[str, int, str], list[SarifResult]] = {}
    for result in results:
        key = (result.place.file, result.place.line, result.message)
        waiting.setdefault(key, []).append(result)
    refined = []
    for problem in problems:
        at = next((n.place for n in problem.notes if n.message == IN_LIBRARY), problem.place)
        message = _ESCAPED.sub(_character, problem.message)
        queue = waiting.get((at.file, at.line, message))
        refined.append(_refined(problem, message, queue.pop(0)) if queue else problem)
    return refined


def _refined(problem: Diagnostic, message: str, result: SarifResult) -> Diagnostic:
    place, whole = problem.place, result.place
    is_same_line = (whole.file, whole.line) == (place.file, place.line)
    if is_same_line and (whole.end_line, whole.end_column) > (place.line, place.column):
        # The text says where the mark stands, the result how far the range goes.
        place = msgspec.structs.replace(place, end_line=whole.end_line, end_column=whole.end_column)
    fixes = problem.fixes or result.fixes
    return msgspec.structs.replace(problem, place=place, message=message, fixes=fixes)


def _file(artifact: _Artifact) -> str:
    return unquote(artifact.uri.removeprefix("file://"))


def _place(artifact: _Artifact, region: _Region, lines: Lines) -> SourceLocation:
    """Not known where the report does not show the lines, or no file has such a place."""
    file, line = _file(artifact), region.start_line
    end_line = region.end_line or line
    first, last = lines.get((file, line)), lines.get((file, end_line))
    numbers = (line, region.start_column, end_line, region.end_column)
    if first is None or last is None or not all(0 <= n <= _MOST_NUMBER for n in numbers):
        return SourceLocation()
    column = _character_at(first, region.start_column)
    end_column = _character_at(last, region.end_column or region.start_column + 1)
    return SourceLocation(file, line, column, end_line, end_column)


def _character_at(text: str, column: int) -> int:
    """The character in a column of the screen; both count from 1."""
    at = 1
    for number, character in enumerate(text, 1):
        if at >= column:
            return number
        if character == "\t":
            at += 8 - (at - 1) % 8
        elif not unicodedata.combining(character):
            at += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return len(text) + 1 + max(column - at, 0)


def _character(match: re.Match[str]) -> str:
    number = int(match[1] or match[2], 16)
    return chr(number) if number < 0x110000 else match[0]
