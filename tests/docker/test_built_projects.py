"""Projects in containers of a real engine: their build systems are those of the image."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from codeexec.domain.options import PROJECT_KERNEL, ProgramOptions, ProjectOptions
from codeexec.program import RunningSession
from support.containers import ENGINE, IMAGE
from support.programs import run_piped

pytestmark = [pytest.mark.docker, pytest.mark.slow]

CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(demo CXX)
enable_testing()
add_executable(app main.cpp twice.cpp)
target_compile_definitions(app PRIVATE FACTOR=2)
add_test(NAME four COMMAND app 1)
"""
MAIN = """\
#include <cstdio>
int twice(int);
int main(int count, char **) {
  std::printf("%d\\n", twice(21));
  if (count > 1) std::printf("main.cpp:5: it is not four\\n");
  return count > 1;
}
"""
TWICE = "int twice(int n) { return FACTOR * n; }\n"
SETTINGS = {"CODEEXEC_DOCKER_ENGINE": ENGINE, "CODEEXEC_DOCKER_IMAGE": IMAGE}


def write(workspace: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (workspace / name).write_text(text)


async def test_a_cmake_project_is_built_run_and_tested(
    locked_session: RunningSession, workspace: Path
) -> None:
    write(workspace, {"CMakeLists.txt": CMAKE, "main.cpp": MAIN, "twice.cpp": TWICE})
    (workspace / "build").mkdir()  # what this machine has configured is not the container's
    (workspace / "build" / "CMakeCache.txt").write_text(
        f"CMAKE_HOME_DIRECTORY:INTERNAL={workspace}\n"
    )
    built = ProgramOptions(project=ProjectOptions())
    result = await locked_session.run("", kernel=PROJECT_KERNEL, program=built)
    assert result.error == ""
    assert result.stdout == ["42"]
    assert [step.name for step in result.steps] == ["configure", "build", "run"]
    assert result.steps[-1].command[0].startswith("/tmp/codeexec-projects/")
    again = await locked_session.run("", kernel=PROJECT_KERNEL, program=built)
    assert [step.name for step in again.steps] == ["build", "run"]

    # One of its files is built with the flags of the project, which define FACTOR.
    alone = ProgramOptions("twice.cpp", steps="build", flags=("-c",))
    single = await locked_session.run("", kernel="programs:cpp", program=alone)
    assert single.error == "", single.stderr

    tested = ProgramOptions(steps="test", project=ProjectOptions())
    failed = await locked_session.run("", kernel=PROJECT_KERNEL, program=tested)
    assert failed.error == "TestsFailed: 1 of 1 tests failed: four."
    (test,) = failed.steps[-1].tests
    assert (test.name, test.place.line) == ("four", 5)
    (problem,) = failed.steps[-1].diagnostics
    assert problem.place.file == str(workspace / "main.cpp")

    (workspace / "twice.cpp").write_text("int twice(int n) { return m; }\n")
    wrong = await locked_session.run("", kernel=PROJECT_KERNEL, program=built)
    assert wrong.error == "BuildFailed: cmake ended with status 1."
    (problem,) = wrong.steps[-1].diagnostics
    assert (problem.place.file, problem.place.line, problem.place.column) == (
        str(workspace / "twice.cpp"), 1, 27,
    )  # fmt: skip


async def test_a_project_outside_of_the_folder_is_refused(
    locked_session: RunningSession, workspace: Path, tmp_path: Path
) -> None:
    (tmp_path / "Makefile").write_text("all:\n\ttouch made\n")
    outside = ProgramOptions(project=ProjectOptions(str(tmp_path)))
    result = await locked_session.run("", kernel=PROJECT_KERNEL, program=outside)
    assert f"the container sees {workspace} alone" in result.error
    (workspace / "meson.build").write_text("project('demo', 'cpp')\n")
    missing = ProgramOptions(project=ProjectOptions())
    result = await locked_session.run("", kernel=PROJECT_KERNEL, program=missing)
    assert "A Meson project needs meson, which is not installed. Use an image" in result.error


def test_build_in_a_container(workspace: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (workspace / "bad.cpp").write_text("int main(){ return x; }\n")
    (workspace / "Makefile").write_text("app: good.cpp\n\tg++ -o app good.cpp\n")
    (workspace / "good.cpp").write_text(
        '#include <cstdio>\nint main() { puts("made"); return 3; }\n'
    )

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return run_piped(*words, home=home, cwd=workspace, env=SETTINGS)

    done = call("build", "--docker", "bad.cpp", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [line["type"] for line in lines] == ["diagnostic", "build_ended"]
    assert (lines[0]["file"], lines[0]["line"], lines[0]["column"]) == ("bad.cpp", 1, 20)
    done = call("build", "--docker", "bad.cpp")
    assert (done.returncode, done.stdout) == (1, "")
    assert "bad.cpp:1:20: error: " in done.stderr
    assert done.stderr.endswith("g++ ended with status 1.\n")

    done = call("build", "--docker", "app", "--policy", "locked")
    assert (done.returncode, done.stdout) == (0, f"{workspace}/app\n"), done.stderr
    assert done.stderr.startswith(f"Make project workspace, built in {workspace}\n")
    done = call("run", "app", "--docker")
    assert (done.returncode, done.stdout) == (3, "made\n"), done.stderr
