"""Projects in a session: real build systems configure, build, run and test them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec import open_session
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.options import (
    PROJECT_KERNEL,
    ExecuteOptions,
    ProgramOptions,
    ProgramSteps,
    ProjectOptions,
)
from codeexec.domain.requests import Execute, Interrupt
from codeexec.domain.result import ExecutionResult
from codeexec.program import RunningSession
from support.servers import wait_until

MAKEFILE = """\
all: app
app: main.o twice.o
\tc++ -o $@ $^
check: app
\t./app | grep -q 43 || { echo "main.cpp:3: Failure"; exit 1; }
"""
MAIN = """\
#include <cstdio>
int twice(int);
int main() { std::printf("%d\\n", twice(21)); return 4; }
"""
TWICE = "int twice(int n) { return 2 * n; }\n"
CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(demo CXX)
enable_testing()
add_library(core twice.cpp)
add_executable(app main.cpp)
target_link_libraries(app core)
add_executable(checks checks.cpp)
target_link_libraries(checks core)
add_test(NAME twice COMMAND checks)
add_test(NAME silent COMMAND false)
add_test(NAME good COMMAND true)
"""
CHECKS = """\
#include <cassert>
int twice(int);
int main() {
  assert(twice(2) == 5);
}
"""
MESON = """\
project('demo', 'cpp')
app = executable('app', 'main.cpp', 'twice.cpp')
test('four', app)
test('two words', find_program('true'), suite: 'fine')
"""
SOURCES = {"main.cpp": MAIN, "twice.cpp": TWICE}


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningSession]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    async with open_session(cwd=folder) as opened:
        yield opened


def write(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


async def build(
    session: RunningSession,
    steps: ProgramSteps = "build_and_run",
    target: str = "",
    tests: tuple[str, ...] = (),
) -> ExecutionResult:
    program = ProgramOptions(steps=steps, project=ProjectOptions(target=target, tests=tests))
    return await session.run("", kernel=PROJECT_KERNEL, program=program)


async def test_a_makefile_is_built_and_its_program_is_run(
    session: RunningSession, tmp_path: Path
) -> None:
    write(tmp_path, {"Makefile": MAKEFILE, **SOURCES})
    result = await build(session, target="app")
    assert result.stdout == ["42"]
    assert [(step.name, step.code) for step in result.steps] == [("build", 0), ("run", 4)]
    assert result.stderr[0] == f"Make project work, built in {tmp_path / 'work'}"
    assert result.error == "SystemExit: 4"


async def test_errors_of_a_makefile_in_a_subfolder_have_their_place(
    session: RunningSession, tmp_path: Path
) -> None:
    write(
        tmp_path,
        {
            "Makefile": "all:\n\t$(MAKE) -C sub\n",
            "sub/Makefile": "all: bad.o\n",
            "sub/bad.cpp": "int f() { return x; }\n",
        },
    )
    result = await build(session, "build")
    assert result.error == "BuildFailed: make ended with status 2."
    (problem,) = result.steps[-1].diagnostics
    place = problem.place
    assert (place.file, place.line, place.column) == (str(tmp_path / "work/sub/bad.cpp"), 1, 18)


async def test_a_failing_check_of_a_makefile_leads_to_its_line(
    session: RunningSession, tmp_path: Path
) -> None:
    write(tmp_path, {"Makefile": MAKEFILE, **SOURCES})
    result = await build(session, "test")
    assert result.error == "TestsFailed: make ended with status 2."
    places = [(p.place.file, p.place.line) for p in result.steps[-1].diagnostics]
    assert (str(tmp_path / "work/main.cpp"), 3) in places
    single = await build(session, "test", tests=("x",))
    assert single.error == "That cannot be done: Makefile has no single tests. Run all of them."


@pytest.mark.slow
async def test_a_cmake_project_is_built_run_and_tested(
    session: RunningSession, tmp_path: Path
) -> None:
    write(tmp_path, {"CMakeLists.txt": CMAKE, "checks.cpp": CHECKS, **SOURCES})
    result = await build(session, target="app")
    assert result.stdout == ["42"]
    assert [step.name for step in result.steps] == ["configure", "build", "run"]
    assert not (tmp_path / "work/build").exists(), "it is built in a folder of the cache"

    tested = await build(session, "test")
    assert tested.error == "TestsFailed: 2 of 3 tests failed: twice, silent."
    step = tested.steps[-1]
    assert [(test.name, test.status) for test in step.tests] == [
        ("twice", "failed"),
        ("silent", "failed"),
        ("good", "passed"),
    ]
    assert [step.name for step in tested.steps] == ["build", "test"], "configured once"
    folder = tmp_path / "work"
    places = [(Path(p.place.file), p.place.line) for p in step.diagnostics]
    assert places == [(folder / "checks.cpp", 4), (folder / "CMakeLists.txt", 10)]
    assert "Assertion `twice(2) == 5' failed" in step.diagnostics[0].message
    again = await build(session, "test", tests=("silent", "good"))
    assert [test.name for test in again.steps[-1].tests] == ["silent", "good"]

    (folder / "CMakeLists.txt").write_text(CMAKE + "nonsense()\n")
    broken = await build(session, "build")
    (problem,) = [p for p in broken.steps[-1].diagnostics if p.place.line]
    assert (Path(problem.place.file), problem.place.line) == (folder / "CMakeLists.txt", 12)


@pytest.mark.slow
async def test_a_meson_project_is_built_run_and_tested(
    session: RunningSession, tmp_path: Path
) -> None:
    write(tmp_path, {"meson.build": MESON, **SOURCES})
    result = await build(session)
    assert result.stdout == ["42"]
    tested = await build(session, "test")
    assert tested.error == "TestsFailed: 1 of 2 tests failed: demo:four."
    (fine,) = (test.name for test in tested.steps[-1].tests if test.status == "passed")
    again = await build(session, "test", tests=(fine,))
    assert [test.name for test in again.steps[-1].tests] == [fine]
    (problem,) = tested.steps[-1].diagnostics
    assert (Path(problem.place.file), problem.place.line) == (tmp_path / "work/meson.build", 3)


async def test_an_interrupt_ends_a_build_and_what_it_started(
    session: RunningSession, tmp_path: Path
) -> None:
    number = tmp_path / "work/number"
    write(tmp_path, {"Makefile": "all:\n\t@echo $$$$ > new; mv new number; exec sleep 600\n"})
    program = ProgramOptions(steps="build", project=ProjectOptions())
    options = ExecuteOptions(kernel=PROJECT_KERNEL, program=program)
    execution = (await session.call(Execute("", options=options))).execution_id
    await wait_until(number.exists, "the build")
    await session.call(Interrupt(kernel=PROJECT_KERNEL))
    async for record in session.events():
        if isinstance(record.event, ExecutionFinished):
            assert record.event.status == "cancelled"
            break
    assert [step.name for step in (await session.result(execution)).steps] == ["build"]
    left = Path("/proc", number.read_text().strip())
    await wait_until(lambda: not left.exists(), "the end of what it started")


async def test_a_folder_without_a_project_is_told(session: RunningSession) -> None:
    result = await build(session)
    assert result.error.startswith("Not found: There is no project in ")
    assert "CMakeLists.txt, meson.build, build.ninja or Makefile" in result.error


async def test_a_missing_build_system_is_named_with_how_to_get_it(
    session: RunningSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"meson.build": MESON})
    monkeypatch.setenv("PATH", str(tmp_path))
    result = await build(session, "build")
    assert result.error == (
        "Not installed: A Meson project needs meson, which is not installed. "
        "Install it: apt install meson, or without root: pip install meson"
    )


async def test_a_profile_has_no_meaning_for_a_makefile(
    session: RunningSession, tmp_path: Path
) -> None:
    write(tmp_path, {"Makefile": MAKEFILE})
    program = ProgramOptions(profile="release", project=ProjectOptions())
    result = await session.run("", kernel=PROJECT_KERNEL, program=program)
    assert "Makefile chooses its own flags" in result.error
    assert "--flag CXXFLAGS=-O2" in result.error
