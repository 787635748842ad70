"""Reads the results of a project's tests: JUnit's XML of ctest and Meson, and places in output."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import structs

from codeexec.domain.diagnostics import Diagnostic, SourceLocation, line_number
from codeexec.domain.programs import MOST_TESTS, TestResult, TestStatus
from codeexec.languages.projects.detect import Project
from codeexec.languages.projects.scan import DeclaredTest, scan_project

MOST_BYTES = 32 << 20
"""Bytes of a file with results that are read."""
MOST_OUTPUT = 8_000
"""Characters that are kept of what a failed test printed, the last ones."""
MOST_OUTPUTS = 50
"""Failed tests whose output is kept, the first ones."""
MOST_PLACES = 20
"""Places of one test that become diagnostics."""
_PLACE = re.compile(
    r"(?:^|[\s(])(?P<file>[^\s:()]+\.[A-Za-z+]{1,4})"
    r"(?::(?P<line>\d+)(?::(?P<column>\d+))?:|\((?P<paren>\d+)\):)[ \t]*(?P<message>[^\n]*)",
    re.MULTILINE,
)
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LINE = re.compile(r"^(PASS|XFAIL|FAIL|XPASS|ERROR|SKIP): (\S.*)$", re.MULTILINE)
_STATUS_OF_WORD: dict[str, TestStatus] = {"PASS": "passed", "XFAIL": "passed", "SKIP": "skipped"}
_RANK: dict[TestStatus, int] = {"failed": 0, "skipped": 1, "passed": 2}


def read_test_results(file: Path, project: Project, folder: Path) -> tuple[TestResult, ...]:
    """The tests that the file lists, failed ones first; empty where it cannot be read."""
    from xml.etree import ElementTree as ET  # some milliseconds

    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES)
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            return ()  # no runner of tests writes one, and entities can expand without end
        root = ET.fromstring(content)
    except (OSError, ValueError, ET.ParseError):
        return ()
    declared = {test.name: test for test in scan_project(project).tests}
    tests = [_test(case, project, folder, declared) for case in root.iter("testcase")]
    tests = sorted(tests, key=lambda test: _RANK[test.status])[:MOST_TESTS]
    shortened = (structs.replace(test, output="") for test in tests[MOST_OUTPUTS:])
    return (*tests[:MOST_OUTPUTS], *shortened)


def read_test_lines(report: str) -> tuple[TestResult, ...]:
    """The tests that lines name, as those of automake do (`PASS: name`), failed ones first."""
    statuses = {
        match[2].strip(): _STATUS_OF_WORD.get(match[1], "failed")
        for match in _LINE.finditer(_ANSI.sub("", report).replace("\r", ""))
    }
    tests = (TestResult(name, status) for name, status in statuses.items())
    return tuple(sorted(tests, key=lambda test: _RANK[test.status])[:MOST_TESTS])


def problems_of_tests(
    tests: tuple[TestResult, ...], project: Project, folder: Path, source: str
) -> tuple[Diagnostic, ...]:
    """A diagnostic for each place of the project that a failed test names, or for where the test
    is declared."""
    problems: list[Diagnostic] = []
    for test in tests:
        if test.status != "failed":
            continue
        places = list(_places(test.output, project, folder))[:MOST_PLACES]
        if not places and test.place.line:
            places = [(test.place, "")]
        for place, message_text in places:
            message = f"Test {test.name}: {message_text or test.message or 'Failed'}"
            problems.append(Diagnostic(place, "error", message, source=source))
    return tuple(problems)


def problems_of_output(
    text: str, project: Project, folder: Path, source: str
) -> tuple[Diagnostic, ...]:
    """For tests whose results are told by their output alone."""
    places = list(_places(_ANSI.sub("", text), project, folder))[:MOST_PLACES]
    return tuple(
        Diagnostic(place, "error", message_text, source=source) for place, message_text in places
    )


def _test(
    case: object, project: Project, folder: Path, declared: Mapping[str, DeclaredTest]
) -> TestResult:
    from xml.etree.ElementTree import Element

    assert isinstance(case, Element)
    name = case.get("name", "")
    status, message = _status(case)
    output = ""
    place = SourceLocation()
    if status == "failed":
        texts = [case.findtext(tag) or "" for tag in ("system-out", "system-err", "failure")]
        output = _ANSI.sub("", "\n".join(filter(None, texts)))[-MOST_OUTPUT:]
        place = next((place for place, _ in _places(output, project, folder)), place)
    # Meson puts the project before the name.
    if not place.line and (declaration := declared.get(name.rpartition(":")[2])) is not None:
        place = SourceLocation(str(declaration.file), declaration.line)
    return TestResult(name, status, _seconds(case.get("time", "")), message, output, place)


def _status(case: object) -> tuple[TestStatus, str]:
    from xml.etree.ElementTree import Element

    assert isinstance(case, Element)
    for tag in ("failure", "error"):
        if (failure := case.find(tag)) is not None:
            return "failed", failure.get("message", "")
    if case.find("skipped") is not None or case.get("status") in ("disabled", "notrun"):
        return "skipped", ""
    return "passed", ""


def _seconds(text: str) -> float:
    try:
        return round(float(text), 3)
    except ValueError:
        return 0.0


def _places(text: str, project: Project, folder: Path) -> Iterator[tuple[SourceLocation, str]]:
    """Places in files of the project that the output names, each once, with the words there."""
    reported: set[SourceLocation] = set()
    for match in _PLACE.finditer(text):
        path = _own_file(match["file"], project, folder)
        place = SourceLocation(
            path, line_number(match["line"] or match["paren"]), line_number(match["column"])
        )
        if path and place not in reported:
            reported.add(place)
            message_text = match["message"].strip()
            following = text[match.end() :].lstrip("\n").partition("\n")[0].strip()
            yield (
                place,
                f"{message_text} {following}" if message_text == "Failure" else message_text,
            )


def _own_file(name: str, project: Project, folder: Path) -> str:
    """The whole path of a file of the project; empty for others."""
    root = os.path.realpath(project.folder)
    for base in (project.folder, folder):
        path = os.path.normpath(os.path.join(base, name))  # noqa: PTH118
        if os.path.isfile(path) and os.path.realpath(path).startswith(root + "/"):  # noqa: PTH113
            return path
    return ""
