"""Precompiled standard headers: which sources have one, and that they change nothing but time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codeexec import open_session
from codeexec.domain.options import ProgramOptions
from codeexec.domain.result import ExecutionResult
from codeexec.kernels.process.steps import precompiled
from codeexec.kernels.process.steps.build import plan_program
from codeexec.kernels.process.steps.precompiled import (
    MOST_HELD,
    HeldReport,
    PrecompiledHeader,
    find_header,
    leading_includes,
)
from codeexec.kernels.process.steps.tools import gcc_version
from codeexec.languages.catalog import by_name
from codeexec.languages.plan import PlanOptions
from support.servers import wait_until

GOOD = "#include <algorithm>\n#include <list>\nint main() {{ return {}; }}\n"
BAD = (
    "#include <algorithm>\n#include <list>\n#include <vector>\n"
    "int main() { std::list<int> l; std::sort(l.begin(), l.end()); return x; }\n"
)


@pytest.mark.parametrize(
    ("source", "includes"),
    [
        (b"#include <iostream>\n#  include <map>  // of names\nint x;\n", ["iostream", "map"]),
        (b"\n// words\n\t#include <vector>\r\n", ["vector"]),
        (b"#include <vector>", []),  # its line may be longer than what was read
        (b"#define NDEBUG\n#include <vector>\n", []),
        (b"#include <vector>\n#define X\n#include <map>\n", ["vector"]),
        (b'#include <vector>\n#include "own.h"\n#include <map>\n', ["vector"]),
        (b"#include <cassert>\n#include <map>\n", []),
        (b"#include <boost/any.hpp>\n", []),
        (b"// \\\n#include <vector>\n", []),
        (b"// ??/\n#include <vector>\n", []),
        (b"/* a */ #include <vector>\n", []),
        (b"\xef\xbb\xbf#include <vector>\n", []),
        (b"#include <vector>\0\n", []),
    ],
)
def test_standard_headers_count_before_anything_else(source: bytes, includes: list[str]) -> None:
    assert leading_includes(source) == includes


def header_of(tmp_path: Path, **options: object) -> PrecompiledHeader | None:
    (tmp_path / "a.cpp").write_text(GOOD.format(0))
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    chosen = PlanOptions()._replace(**options)  # type: ignore[arg-type]
    return find_header(plan_program(by_name("cpp"), "a.cpp", tmp_path, environ, chosen))


def test_flags_that_may_change_what_is_included_have_no_header(tmp_path: Path) -> None:
    plain = header_of(tmp_path)
    assert plain is not None
    assert plain.command[1:5] == ("-std=c++20", "-Wall", "-O0", "-g")
    parsed = header_of(tmp_path, report="parsed")
    assert parsed is not None
    assert parsed.path == plain.path
    linked = header_of(tmp_path, flags=("-lm", "-L/usr/lib"))
    assert linked is not None
    assert linked.path == plain.path
    sanitized = header_of(tmp_path, profile="sanitize")
    assert sanitized is not None
    assert sanitized.path != plain.path
    for flag in ("-I.", "-includea.h", "-E", "-save-temps", "-nostdinc++", "-xc", "--sysroot=/"):
        assert header_of(tmp_path, flags=(flag,)) is None, flag
    assert header_of(tmp_path, profile="coverage") is None


def test_a_source_that_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b.cpp")
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    program = plan_program(by_name("cpp"), "b.cpp", tmp_path, environ, PlanOptions())
    assert find_header(program) is None


def test_a_report_that_names_the_header_is_forgotten(tmp_path: Path) -> None:
    header = header_of(tmp_path)
    assert header is not None
    for report in (
        str(header.path).encode(),
        b"from <command-line>",
        b"internal compiler error: S",
    ):
        written: list[bytes] = []
        held = HeldReport(written.append)
        held.write(b"a.cpp:1:1: error: x\n")
        held.write(report)
        assert not held.is_final(header)
        assert written == []
    held = HeldReport(written.append)
    held.write(b"a.cpp:1:1: error: x\n")
    assert held.is_final(header)
    assert written == [b"a.cpp:1:1: error: x\n"]
    held = HeldReport(written.append)
    held.write(b"x" * (MOST_HELD + 1))
    held.write(b"<command-line>")
    assert written[1:] == [b"x" * (MOST_HELD + 1), b"<command-line>"]
    assert held.is_final(header)


def test_the_version_of_a_compiler_is_told_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib64" / "gcc" / "x86_64-redhat-linux" / "15.1.1").mkdir(parents=True)
    for name in ("g++", "g++-14", "x86_64-linux-gnu-gcc-13", "clang++-19", "other"):
        (tmp_path / "bin" / name).touch()
    (tmp_path / "bin" / "c++").symlink_to("g++-14")
    versions = {path.name: gcc_version(str(path)) for path in (tmp_path / "bin").iterdir()}
    assert versions == {
        "g++": 15, "g++-14": 14, "c++": 14, "x86_64-linux-gnu-gcc-13": 13, "clang++-19": 0,
        "other": 0,
    }  # fmt: skip


@pytest.mark.slow
async def test_a_header_is_made_in_the_background_and_changes_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precompiled, "WANTED_AFTER", 2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tool, log = tmp_path / "g++", tmp_path / "calls"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec /usr/bin/g++ "$@"\n')
    tool.chmod(0o755)
    source = tmp_path / "a.cpp"
    options = ProgramOptions("a.cpp", compiler=str(tool))

    def calls() -> list[str]:
        return log.read_text().splitlines() if log.exists() else []

    async with open_session(cwd=tmp_path) as session:

        async def build(text: str) -> ExecutionResult:
            source.write_text(text)
            return await session.run("", kernel="programs:cpp", program=options)

        await build(GOOD.format(1))
        assert len(calls()) == 1
        await build(GOOD.format(2))
        made = tmp_path / "cache" / "codeexec-tui" / "precompiled"
        await wait_until(lambda: any(made.glob("*/manifest.json")), "the header")
        assert ["c++-header" in call for call in calls()] == [False, False, True]

        third = await build(GOOD.format(3))
        assert third.error == "SystemExit: 3"
        assert "-include" in calls()[3]
        again = await session.run("", kernel="programs:cpp", program=options)
        assert again.steps[0].is_reused
        assert len(calls()) == 4

        with_header = await build(BAD)
        assert not any("<command-line>" in row for row in with_header.stderr)
        alone = await session.run(
            "", kernel="programs:cpp", program=ProgramOptions("a.cpp", flags=("-I.",))
        )
        places = [[p.place for p in result.steps[0].diagnostics] for result in (with_header, alone)]
        assert places[0] == places[1]
        assert with_header.stderr == alone.stderr
