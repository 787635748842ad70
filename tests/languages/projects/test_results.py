"""Results of tests as JUnit's XML, and the places that failed ones name."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain.diagnostics import SourceLocation
from codeexec.languages.projects import plan
from codeexec.languages.projects.detect import Project, project_at
from codeexec.languages.projects.reports import find_project_problems
from codeexec.languages.projects.results import (
    problems_of_tests,
    read_test_lines,
    read_test_results,
)

FAILURES = {
    "assert": ("t: {0}/t.cpp:2: int main(): Assertion `x' failed.", 2),
    "googletest": ("{0}/t.cpp:3: Failure\nExpected equality", 3),
    "catch2": ("{0}/t.cpp:4: FAILED:\n  REQUIRE( x )", 4),
    "doctest": ("{0}/t.cpp:5: ERROR: CHECK( x ) is NOT correct!", 5),
    "boost": ('{0}/t.cpp(6): error: in "x": check failed', 6),
    "relative": ("../t.cpp:7:3: runtime error: overflow", 7),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "CMakeLists.txt").write_text("project(x)\nadd_test(NAME a COMMAND t)\n")
    (tmp_path / "t.cpp").write_text("\n" * 20)
    (tmp_path / "build").mkdir()
    found = project_at(tmp_path)
    assert found is not None
    return found


def junit(project: Project, *cases: str) -> Path:
    path = project.folder / "build/junit.xml"
    path.write_text(f"<testsuite>{''.join(cases)}</testsuite>")
    return path


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failed_test_leads_to_its_line(project: Project, kind: str) -> None:
    output, line = FAILURES[kind]
    text = output.format(project.folder).replace("&", "&amp;")
    failure = f'<failure message="bad"/><system-out>{text}</system-out>'
    case = f'<testcase name="a" time="0.5">{failure}</testcase>'
    folder = project.folder / "build"
    (test,) = tests = read_test_results(junit(project, case), project, folder)
    assert (test.name, test.status, test.seconds, test.message) == ("a", "failed", 0.5, "bad")
    assert (test.place.file, test.place.line) == (str(project.folder / "t.cpp"), line)
    (problem,) = problems_of_tests(tests, project, folder, "ctest")
    assert (problem.place.line, problem.source) == (line, "ctest")
    assert problem.message.startswith("Test a: ")


def test_a_failed_test_without_a_place_leads_to_its_declaration(project: Project) -> None:
    output = "<system-out>/etc/hosts.x:3: no</system-out>"
    case = f'<testcase name="a"><failure message="Failed"/>{output}</testcase>'
    (test,) = read_test_results(junit(project, case), project, project.folder)
    assert test.place == SourceLocation(str(project.folder / "CMakeLists.txt"), 2)


def test_failed_tests_come_first(project: Project) -> None:
    cases = (
        '<testcase name="good" status="run"/>',
        '<testcase name="off" status="disabled"/>',
        '<testcase name="left"><skipped/></testcase>',
        '<testcase name="bad"><error/></testcase>',
    )
    tests = read_test_results(junit(project, *cases), project, project.folder)
    assert [(test.name, test.status) for test in tests] == [
        ("bad", "failed"),
        ("off", "skipped"),
        ("left", "skipped"),
        ("good", "passed"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<broken",
        '<!DOCTYPE x [<!ENTITY a "aa">]><testsuite><testcase name="&a;"/></testsuite>',
        '<testsuite><testcase name="a" time="x"/></testsuite>',
    ],
)
def test_a_file_that_is_no_result_has_no_tests(project: Project, content: str) -> None:
    path = project.folder / "bad.xml"
    path.write_text(content)
    tests = read_test_results(path, project, project.folder)
    assert [(test.name, test.seconds) for test in tests] in ([], [("a", 0.0)])


def test_reports_name_each_problem_once(project: Project) -> None:
    (project.folder / "h.h").write_text("x\n")
    line = "h.h:1:1: warning: odd [-Wodd]"
    text = f"In file included from a.cpp:1:\n{line}\nIn file included from b.cpp:1:\n{line}\n"
    (problem,) = find_project_problems(text, project.folder, project.folder, "make")
    assert (problem.place.file, problem.severity) == (str(project.folder / "h.h"), "warning")


def test_errors_of_cmake_have_their_place(project: Project) -> None:
    text = 'CMake Error at CMakeLists.txt:2 (foo):\n  Unknown CMake command "foo".\n\n\n'
    warning = "CMake Warning (dev) at CMakeLists.txt:1 (project):\n  odd\n"
    first, second = find_project_problems(text + warning, project.folder, project.folder, "cmake")
    path = str(project.folder / "CMakeLists.txt")
    assert (first.place, first.severity) == (SourceLocation(path, 2), "error")
    assert first.message == 'Unknown CMake command "foo".'
    assert (second.place, second.severity) == (SourceLocation(path, 1), "warning")


def test_a_number_that_no_file_has_is_no_place_of_a_test(project: Project) -> None:
    output = f"<system-out>t.cpp:{'9' * 5_000}: no</system-out>"
    case = f'<testcase name="a"><failure message="Failed"/>{output}</testcase>'
    (test,) = read_test_results(junit(project, case), project, project.folder)
    assert test.place == SourceLocation(str(project.folder / "CMakeLists.txt"), 2)


def test_lines_of_automake_name_its_tests() -> None:
    report = "PASS: t/one\n\x1b[1;31mFAIL: t/two\x1b[m\r\nXFAIL: t/three\nSKIP: t/4\n"
    assert [(test.name, test.status) for test in read_test_lines(report)] == [
        ("t/two", "failed"),
        ("t/4", "skipped"),
        ("t/one", "passed"),
        ("t/three", "passed"),
    ]
    assert read_test_lines("PASS:\nnothing FAIL: here\n") == ()


@pytest.mark.parametrize(
    ("system", "name", "words"),
    [
        ("cmake", "a+b (x)", ["-R", r"^(a\+b \(x\))$"]),
        ("meson", "demo:four", ["demo:four"]),
        ("meson", "big+small - demo:two words", ["demo:two words"]),
    ],
)
def test_one_test_is_run_by_the_name_that_its_result_has(
    tmp_path: Path, system: str, name: str, words: list[str]
) -> None:
    file = {"cmake": "CMakeLists.txt", "meson": "meson.build"}[system]
    (tmp_path / file).write_text("project('x')\n")
    project = project_at(tmp_path)
    assert project is not None
    (step,) = plan.testing_steps(
        project, tmp_path, plan.BuildChoice(tests=(name,)), lambda tool: tool
    )
    assert list(step.command[-len(words) :]) == words
