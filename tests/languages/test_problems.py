"""Diagnostics that are read from the real reports of compilers, interpreters and sanitizers."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from codeexec.domain.diagnostics import Diagnostic
from codeexec.languages.catalog import by_name
from codeexec.languages.problems.read import find_problems
from codeexec.languages.problems.sarif import read_sarif

RECORDED = Path(__file__).with_name("recorded")
FOLDER = "/home/ada"


def read(name: str, language: str = "cpp") -> tuple[Diagnostic, ...]:
    return find_problems(by_name(language), (RECORDED / f"{name}.txt").read_text(), FOLDER)


@pytest.mark.parametrize(
    ("report", "language", "expected"),
    [
        ("gcc_a", "cpp", [("a.cpp", 1, 20, 21, "error", "")]),
        ("clang_a", "cpp", [("a.cpp", 1, 20, 21, "error", "")]),
        ("gcc_fix", "cpp", [("fix.cpp", 3, 17, 22, "error", "")]),
        ("gcc_mis", "cpp", [("mis.cpp", 1, 10, 21, "error", "")]),
        ("clang_mis", "cpp", [("mis.cpp", 1, 10, 21, "error", "")]),
        ("gcc_lnk", "cpp", [("/home/ada/lnk.cpp", 2, 0, 0, "error", "")]),
        ("clang_lnk", "cpp", [("/home/ada/lnk.cpp", 2, 0, 0, "error", "")]),
        ("gcc_useinc", "cpp", [("inc.h", 1, 9, 10, "error", "")]),
        ("clang_useinc", "cpp", [("./inc.h", 1, 9, 10, "error", "")]),
        (
            "gcc_warn",
            "cpp",
            [
                ("warn.cpp", 2, 44, 45, "warning", "-Wformat="),
                ("warn.cpp", 2, 17, 23, "warning", "-Wunused-variable"),
            ],
        ),
        (
            "clang_warn",
            "cpp",
            [
                ("warn.cpp", 2, 48, 49, "warning", "-Wformat"),
                ("warn.cpp", 2, 17, 18, "warning", "-Wunused-variable"),
            ],
        ),
        ("asan", "cpp", [("/home/ada/asan.cpp", 2, 0, 0, "error", "")]),
        ("ubsan", "cpp", [("ub.cpp", 2, 54, 0, "error", "")]),
        ("rustc_a", "rust", [("a.rs", 1, 26, 0, "error", "E0308")]),
        (
            "go_a",
            "go",
            [("./a.go", 3, 2, 0, "error", ""), ("./a.go", 4, 17, 0, "error", "")],
        ),
        (
            "java_a",
            "java",
            [("A.java", 1, 64, 0, "error", ""), ("A.java", 1, 80, 0, "error", "")],
        ),
        ("node_a", "javascript", [("/home/ada/a.js", 2, 9, 10, "error", "")]),
        ("node_b", "javascript", [("/home/ada/b.js", 2, 3, 4, "error", "")]),
        ("bash_a", "bash", [("a.sh", 3, 0, 0, "error", "")]),
        ("bash_b", "bash", [("b.sh", 2, 0, 0, "error", "")]),
        ("perl_a", "perl", [("a.pl", 1, 0, 0, "error", "")]),
        ("perl_b", "perl", [("b.pl", 2, 0, 0, "error", "")]),
        ("ruby_a", "ruby", [("a.rb", 2, 0, 0, "error", "")]),
        ("ruby_b", "ruby", [("b.rb", 2, 0, 0, "error", "")]),
        ("lua_a", "lua", [("a.lua", 1, 0, 0, "error", "")]),
        ("lua_b", "lua", [("b.lua", 2, 0, 0, "error", "")]),
    ],
)
def test_places(report: str, language: str, expected: list[tuple[object, ...]]) -> None:
    problems = read(report, language)
    places = [
        (p.place.file, p.place.line, p.place.column, p.place.end_column, p.severity, p.code)
        for p in problems
    ]
    assert places == expected


@pytest.mark.parametrize(
    ("report", "language", "message"),
    [
        ("gcc_a", "cpp", "‘x’ was not declared in this scope"),
        ("rustc_a", "rust", "mismatched types"),
        ("node_a", "javascript", "SyntaxError: Unexpected token ';'"),
        ("java_a", "java", "incompatible types: String cannot be converted to int"),
        ("lua_b", "lua", "attempt to index a nil value (local 't')"),
        ("ruby_b", "ruby", "x (RuntimeError)"),
        ("perl_b", "perl", "oh"),
        ("gcc_lnk", "cpp", "undefined reference to `f()'"),
        ("asan", "cpp", "heap-use-after-free on address 0x602000000010"),
    ],
)
def test_messages(report: str, language: str, message: str) -> None:
    assert read(report, language)[0].message == message


@pytest.mark.parametrize(("report", "column"), [("gcc_tpl", 12), ("clang_tpl", 8)])
def test_an_error_in_a_library_stands_where_the_user_called_it(report: str, column: int) -> None:
    problem = read(report)[0]
    assert (problem.place.file, problem.place.line, problem.place.column) == ("tpl.cpp", 8, column)
    library = problem.notes[0]
    assert library.place.file.endswith("bits/stl_algo.h")
    assert library.place.line == 1938


def test_a_fix_it_has_its_range_and_text() -> None:
    (problem,) = read("gcc_fix")
    (fix,) = problem.fixes
    assert fix.text == "width"
    place = fix.place
    assert (place.line, place.column, place.end_line, place.end_column) == (3, 17, 3, 22)


def test_frames_of_a_sanitizer_are_notes() -> None:
    (problem,) = read("asan")
    assert problem.source == "AddressSanitizer"
    frames = [(note.message, note.place.line) for note in problem.notes[:2]]
    assert frames == [("in use", 2), ("in main", 6)]


def test_columns_are_counted_in_characters(tmp_path: Path) -> None:
    (tmp_path / "a.cpp").write_text('int main(){ auto s = "äöü"; return x; }\n')
    text = "a.cpp:1:39: error: ‘x’ was not declared in this scope\n"
    (problem,) = find_problems(by_name("cpp"), text, str(tmp_path))
    assert problem.place.column == 36


def test_escapes_of_a_fix_it_are_undone() -> None:
    text = 'a.cpp:1:1: error: e\nfix-it:"a b\\"c.cpp":{1:1-1:1}:"\\303\\251\\n\\t\\\\"\n'
    (problem,) = find_problems(by_name("cpp"), text, FOLDER)
    assert problem.fixes[0].text == "é\n\t\\"
    assert problem.fixes[0].place.file == 'a b"c.cpp'


def test_colors_do_not_hide_an_error() -> None:
    text = "\x1b[01m\x1b[Ka.cpp:1:20:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: \x1b[m\x1b[Kno x\n"
    (problem,) = find_problems(by_name("cpp"), text, FOLDER)
    assert (problem.place.line, problem.place.column, problem.message) == (1, 20, "no x")


def test_an_error_of_the_compiler_itself_has_no_place() -> None:
    text = "g++: error: unrecognized command-line option ‘-nope’\n"
    (problem,) = find_problems(by_name("cpp"), text, FOLDER)
    assert (problem.place.file, problem.source) == ("", "g++")


def test_a_report_of_ten_megabytes_is_read_at_once() -> None:
    line = "a.cpp:7:3: error: ‘unknown_name’ was not declared in this scope\n" + "x" * 280 + "\n"
    text = line * (10 * 2**20 // len(line))
    began = time.thread_time()
    problems = find_problems(by_name("cpp"), text, FOLDER)
    assert len(problems) == 1000
    assert time.thread_time() - began < 5


@pytest.mark.parametrize("language", ["cpp", "bash"])
@pytest.mark.parametrize("digits", ["9" * 20, "9" * 5_000])
def test_a_number_that_no_file_has_is_no_line(language: str, digits: str) -> None:
    text = {"cpp": f"a.c:{digits}:{digits}: error: no\n", "bash": f"a: line {digits}: no\n"}
    (problem,) = find_problems(by_name(language), text[language], FOLDER)
    assert (problem.place.line, problem.place.column, problem.message) == (0, 0, "no")


@pytest.mark.parametrize("number", ["0", "9" * 5_000])
def test_a_fix_at_a_place_that_no_file_has_is_none(number: str) -> None:
    text = f'a.c:1:1: error: no\nfix-it:"a.c":{{{number}:1-2:{number}}}:"x"\n'
    (problem,) = find_problems(by_name("cpp"), text, FOLDER)
    assert problem.fixes == ()


def test_sarif_refines_what_the_text_says(tmp_path: Path) -> None:
    """Recorded from GCC 15.3; the contents of files were taken out of the SARIF."""
    text = (RECORDED / "gcc15_w.txt").read_text()
    sarif = (RECORDED / "gcc15_w.sarif").read_bytes()
    (tmp_path / "inc2.h").write_text("struct P { int width; };\nint f(P *p) { return p->widht; }\n")
    (tmp_path / "w.cpp").write_text(
        '#include <cstdio>\n#include "inc2.h"\nint main(){\n'
        '\tint é = 1; const char *s = "é"; printf("%d", s); retrun x;\n}\n'
    )
    problems = find_problems(by_name("cpp"), text, str(tmp_path), "g++", sarif)
    assert [
        (p.place.file, p.place.line, p.place.column, p.place.end_column, p.code) for p in problems
    ] == [
        ("inc2.h", 2, 25, 30, ""),
        ("w.cpp", 4, 43, 44, "-Wformat="),
        ("w.cpp", 4, 51, 57, ""),
        ("w.cpp", 4, 6, 7, "-Wunused-variable"),
    ]
    assert problems[3].message == "unused variable 'é'"
    assert [(fix.place.column, fix.place.end_column, fix.text) for fix in problems[1].fixes] == [
        (42, 44, "%s")
    ]
    assert problems[0].notes[0].message == "included from here"
    for broken in (b"", b"{", b"[]", b'{"runs": 3}', b"\xff", sarif[:2000], b"[" * 100_000):
        assert len(find_problems(by_name("cpp"), text, str(tmp_path), "g++", broken)) == 4


def test_sarif_keeps_the_place_that_the_chain_of_a_template_leads_to() -> None:
    text = (RECORDED / "gcc15_tp.txt").read_text()
    sarif = (RECORDED / "gcc15_tp.sarif").read_bytes()
    first, second, *_ = find_problems(by_name("cpp"), text, FOLDER, "g++", sarif)
    # The text marks the parenthesis; the range begins at `std`.
    assert (first.place.line, first.place.column, first.place.end_column) == (3, 26, 29)
    assert (second.place.file, second.place.line, second.place.column) == ("tp.cpp", 4, 24)
    assert second.notes[0].place.file == "/usr/include/c++/15/bits/stl_pair.h"
    assert second.message == "'std::pair<_T1, _T2>::second' has incomplete type"
    alone = find_problems(by_name("cpp"), text, FOLDER, "g++")
    assert [p.place.line for p in alone] == [
        p.place.line for p in find_problems(by_name("cpp"), text, FOLDER, "g++", sarif)
    ]


def test_sarif_with_numbers_that_no_file_has_is_passed_over() -> None:
    places = [
        {"artifactLocation": {"uri": "a%20b.cpp"}, "region": {"startLine": line, "startColumn": at}}
        for line, at in ((1, 2), (-1, 1), (9**12, 1), (1, 9**12), (0, 0))
    ]
    context = {"startLine": 1, "snippet": {"text": "ab"}}
    results = [
        {"locations": [{"physicalLocation": {**place, "contextRegion": context}}]}
        for place in places
    ]
    first, *others = read_sarif(json.dumps({"runs": [{"results": results}]}).encode())
    assert (first.place.file, first.place.line, first.place.column) == ("a b.cpp", 1, 2)
    assert all(not other.place.file for other in others)
