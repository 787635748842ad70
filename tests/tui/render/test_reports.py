"""Reports of programs: frames of libraries and shadow bytes folded, places that can be clicked."""

from __future__ import annotations

import pytest

from codeexec.domain.diagnostics import Diagnostic, SourceLocation
from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.render.reports import first_error, folds, place_in

REPORT = """\
==5342==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000014
READ of size 4 at 0x602000000014 thread T0
    #0 0x5592eafa189e in use(int*) /tmp/a b/uaf.cpp:3
    #1 0x5592eafa189e in main /tmp/a b/uaf.cpp:8:12
    #2 0x7ff27e645249 in __libc_start_call_main ../sysdeps/nptl/libc_start_call_main.h:58
    #3 0x5592eafa1190 in _start (/tmp/a b/uaf+0x2190)

freed by thread T0 here:
    #0 0x7ff27e8ba3c8 in operator delete(void*) ../../../../src/libsanitizer/asan_new_delete.cpp:164
    #1 0x5592eafa1963 in std::vector<int>::~vector() /usr/include/c++/12/bits/stl_vector.h:366
    #2 0x5592eafa17a0 in main /tmp/a b/uaf.cpp:7

\x1b[1mSUMMARY: AddressSanitizer: heap-use-after-free /tmp/a b/uaf.cpp:3 in use(int*)\x1b[0m
Shadow bytes around the buggy address:
  0x0c047fff7fb0: 00 00 00 00 00 00
Shadow byte legend (one shadow byte represents 8 application bytes):
==5342==ABORTING
"""
ASAN = REPORT.splitlines()


def test_frames_of_libraries_and_shadow_bytes_are_folded() -> None:
    assert folds(ASAN) == {
        4: "    ⋯ 2 frames of libraries",
        5: "",
        8: "    ⋯ 2 frames of libraries",
        9: "",
        13: "    ⋯ 3 rows of shadow bytes",
        14: "",
        15: "",
    }


def test_fixes_for_programs_are_hidden() -> None:
    rows = ["a.cpp:4:10: error: ‘cuont’", "      |   count", 'fix-it:"a.cpp":{4:10-4:15}:"count"']
    assert folds(rows) == {2: ""}
    assert folds(["fix-it: see below", 'echo fix-it:"a"']) == {}


def test_where_no_frame_is_the_users_all_stay() -> None:
    assert folds(["    #0 0x1 in f /usr/a.h:1", "    #1 0x2 in g /usr/b.h:2"]) == {}
    assert folds([]) == {}


def test_frames_of_the_user_are_places() -> None:
    frame = place_in(ASAN[2])
    assert frame is not None
    assert (frame.path, frame.line, frame.function) == ("/tmp/a b/uaf.cpp", 3, "use(int*)")
    assert place_in(ASAN[4]) is None


@pytest.mark.parametrize(
    ("row", "path", "line", "column"),
    [
        ("main.cpp:4:27: error: ‘cuont’ was not declared", "main.cpp", 4, 27),
        ("\x1b[1msub/a.c:12:3: runtime error: overflow", "sub/a.c", 12, 3),
        ("    at Object.<anonymous> (/w/a.js:2:7)", "/w/a.js", 2, 7),
        ("    at file:///w/a.mjs:2:7", "/w/a.mjs", 2, 7),
        ("a.sh: line 3: nope: command not found", "a.sh", 3, 0),
        ("Died at a.pl line 7.", "a.pl", 7, 0),
        ("  --> src/main.rs:3:5", "src/main.rs", 3, 5),
    ],
)
def test_places_of_reports(row: str, path: str, line: int, column: int) -> None:
    frame = place_in(row)
    assert frame is not None
    assert (frame.path, frame.line, frame.column) == (path, line, column)


@pytest.mark.parametrize(
    "row", ["at 12:30", "see example.com:8080", "", "x" * 100_000, "a:1", "image.png:3"]
)
def test_other_rows_name_no_place(row: str) -> None:
    assert place_in(row) is None


def test_the_first_error_of_the_steps() -> None:
    warning = Diagnostic(SourceLocation("a.cpp", 1, 1), "warning", "w")
    error = Diagnostic(SourceLocation("lib.hpp", 3, 2), "error", "e")
    step = StepResult("build", ("g++",), 1, diagnostics=(warning, error))
    frame = first_error(ExecutionView("e1", "", "error", steps=(step,)))
    assert frame is not None
    assert (frame.path, frame.line, frame.column) == ("lib.hpp", 3, 2)
    assert first_error(ExecutionView("e2", "")) is None
