"""The command lines that build and run a file."""

from __future__ import annotations

import pytest

from codeexec.domain.errors import UsageError
from codeexec.languages.catalog import by_name, languages
from codeexec.languages.plan import (
    PlanOptions,
    language_of_program,
    make_plan,
    profile_words,
    shebang_words,
)

PLACES = {"output": "/cache/main", "depfile": "/cache/inputs.d"}


def test_the_words_of_a_build() -> None:
    options = PlanOptions("release", flags=("-std=c++17",), arguments=("a", "b"))
    plan = make_plan(by_name("cpp"), "main.cpp", ("g++",), PLACES, options)
    assert plan.build == (
        *("g++", "-std=c++20", "-Wall", "-O2", "-std=c++17"),
        *("-MD", "-MF", "/cache/inputs.d", "-o", "/cache/main", "main.cpp"),
    )
    assert plan.run == ("/cache/main", "a", "b")


def test_reports_for_programs_are_asked_for_in_the_words_of_the_compiler() -> None:
    def words(tool: tuple[str, ...]) -> tuple[str, ...]:
        return make_plan(by_name("cpp"), "m.cpp", tool, PLACES, PlanOptions(report="parsed")).build

    assert "-fdiagnostics-column-unit=byte" in words(("/usr/bin/g++",))
    assert "-ferror-limit=0" in words(("clang++",))
    assert "-fdiagnostics-column-unit=byte" not in words(("clang++",))
    assert words(("python3", "-m", "ziglang", "c++"))[:4] == ("python3", "-m", "ziglang", "c++")


def test_a_file_whose_name_is_like_an_option_is_a_file() -> None:
    plan = make_plan(by_name("bash"), "-rf.sh", ("bash",), {}, PlanOptions())
    assert plan.run == ("bash", "./-rf.sh")


def test_an_unknown_profile_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError) as refused:
        profile_words(by_name("cpp"), "fast")
    assert "debug, release, sanitize, coverage" in refused.value.next_step


def test_flags_are_refused_where_nothing_is_built() -> None:
    with pytest.raises(UsageError):
        make_plan(by_name("bash"), "a.sh", ("bash",), {}, PlanOptions(flags=("-O2",)))


@pytest.mark.parametrize(
    ("name", "first", "language"),
    [
        ("a.cpp", "", "cpp"),
        ("a.c", "", "c"),
        ("tool", "#!/bin/sh", "bash"),
        ("a.js", "", "javascript"),
        ("Makefile", "", "makefile"),
        ("a.py", "", None),
        ("a.ipynb", "", None),
        ("a.md", "", None),
        ("a.json", "", None),
        ("a.unknown", "", None),
    ],
)
def test_files_that_are_programs(name: str, first: str, language: str | None) -> None:
    found = language_of_program(name, first)
    assert (found.name if found else None) == language


@pytest.mark.parametrize("name", ["a.h", "a.hpp", "A.HH"])
def test_a_header_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="header"):
        language_of_program(name)


def test_the_first_line_of_a_script_is_read_as_the_system_reads_it() -> None:
    assert shebang_words("#!/usr/bin/env -S node --no-warnings") == (
        "/usr/bin/env",
        "-S node --no-warnings",
    )
    assert shebang_words("#! /bin/sh") == ("/bin/sh",)
    assert shebang_words("print()") == ()


def test_every_language_that_runs_names_its_tools_and_how_to_get_them() -> None:
    for language in languages().values():
        if language.run and language.name != "python":
            assert language.tools, language.name
            assert language.install, language.name
            assert "{tool}" in (language.build or language.run), language.name


@pytest.mark.parametrize("tool", ["g++", "/usr/bin/g++-14", "x86_64-linux-gnu-g++", "g++-15.1"])
def test_a_compiler_with_a_version_in_its_name_reports_as_without_it(tool: str) -> None:
    plan = make_plan(by_name("cpp"), "a.cpp", [tool], {}, PlanOptions(report="parsed"))
    assert "-fdiagnostics-column-unit=byte" in plan.build
    assert not any("sarif" in word for word in plan.build)
    places = {"sarif": "/cache/report.sarif"}
    plan = make_plan(by_name("cpp"), "a.cpp", [tool], places, PlanOptions(report="parsed"))
    assert "-fdiagnostics-add-output=sarif:file=/cache/report.sarif" in plan.build
