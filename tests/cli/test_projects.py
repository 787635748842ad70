"""`build` and `run` with targets of projects: real build systems."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support.programs import Desk

MAKEFILE = """\
LISTED := $(shell touch executed)
all: app
app: main.c
	cc -o app main.c
check: app
	@./app
extra$(SUFFIX):
"""
MAIN = '#include <stdio.h>\nint main(int n, char **w) { puts(n > 1 ? w[1] : "-"); return 3; }\n'
CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(demo C)
enable_testing()
add_executable(app main.c)
add_test(NAME fails COMMAND app)
"""


@pytest.fixture
def made(desk: Desk) -> Desk:
    desk.file("Makefile", MAKEFILE)
    desk.file("main.c", MAIN)
    return desk


@pytest.mark.slow
def test_a_target_is_built_and_its_path_is_printed(made: Desk) -> None:
    done = made.run("build", "app")
    assert done.returncode == 0
    assert done.stdout == f"{made.folder / 'app'}\n"
    assert "cc -o app main.c" in done.stderr


@pytest.mark.slow
def test_a_target_is_run_with_its_arguments(made: Desk) -> None:
    for _ in range(2):  # the second time it is there already
        done = made.run("run", "app", "hello")
        assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "", 3)


@pytest.mark.slow
def test_a_target_that_is_not_built_is_not_run(made: Desk) -> None:
    made.file("main.c", "int main(void) { return x; }\n")
    done = made.run("run", "app")
    assert done.returncode == 1
    assert "main.c:1:25: error:" in done.stderr
    assert "make ended with status 2. Nothing was run." in done.stderr


def test_json_has_diagnostics_of_a_project(made: Desk) -> None:
    made.file("main.c", "int main(void) { return x; }\n")
    done = made.run("build", "--json")
    problem, end = map(json.loads, done.stdout.splitlines())
    assert (problem["file"], problem["line"], problem["column"]) == (
        str(made.folder / "main.c"), 1, 25
    )  # fmt: skip
    assert (end["type"], end["status"], end["program"]) == ("build_ended", 2, "")
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.slow
def test_json_records_the_build_and_the_run_of_a_target(made: Desk) -> None:
    done = made.run("run", "--json", "app")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [e["event"]["step"] for e in events[:-1] if e["event"]["type"] == "step_ended"]
    assert [(step["name"], step["code"]) for step in steps] == [("build", 0), ("run", 3)]
    assert events[-1]["status"] == 3


@pytest.mark.slow
def test_targets_are_listed_without_executing_the_makefile(made: Desk) -> None:
    done = made.run("build", "--list")
    assert done.stdout.splitlines() == ["all", "app", "check"]
    assert not (made.folder / "executed").exists()


@pytest.mark.slow
def test_make_lists_its_targets_in_a_folder_that_is_trusted(made: Desk) -> None:
    made.run("trust")
    done = made.run("build", "--list")
    assert done.stdout.splitlines() == ["all", "app", "check", "extra"]


def test_a_file_in_a_project_is_still_built_alone(made: Desk) -> None:
    done = made.run("build", "main.c")
    assert done.returncode == 0
    assert Path(done.stdout.strip()).name == "main"
    assert not (made.folder / "app").exists()


@pytest.mark.slow
def test_a_file_is_built_with_the_flags_of_its_project(made: Desk) -> None:
    (made.folder / "inc").mkdir()
    made.file("inc/answer.h", "#define ANSWER 42\n")
    made.file("odd.c", "#include <answer.h>\nint main(void) { return ANSWER + MORE; }\n")
    command = "cc -DMORE=1 -Iinc -fplugin=evil.so -o odd.o -c odd.c"
    entry = {"directory": str(made.folder), "file": "odd.c", "command": command}
    made.file("compile_commands.json", json.dumps([entry]))
    done = made.run("run", "odd.c")
    assert (done.stderr, done.returncode) == ("", 43)


@pytest.mark.slow
def test_a_folder_without_a_project_is_told(desk: Desk) -> None:
    done = desk.run("build", "app")
    assert done.returncode == 2
    assert "There is no project in" in done.stderr


@pytest.mark.slow
def test_cmake_builds_and_tests(desk: Desk) -> None:
    desk.file("CMakeLists.txt", CMAKE)
    desk.file("main.c", MAIN)
    done = desk.run("build", "--json", "app")
    (end,) = map(json.loads, done.stdout.splitlines())
    assert subprocess.run([end["program"]], stdout=subprocess.DEVNULL).returncode == 3
    tested = desk.run("build", "--test", "--json")
    assert tested.returncode == 1
    problem, test, end = map(json.loads, tested.stdout.splitlines())
    assert (problem["line"], problem["message"]) == (5, "Test fails: Failed")
    assert (test["name"], test["status"], test["line"]) == ("fails", "failed", 5)
    assert end["status"] == 8


@pytest.mark.slow
def test_a_preset_says_where_it_builds_and_a_missing_compiler_is_named(desk: Desk) -> None:
    desk.file("CMakeLists.txt", CMAKE)
    preset = {"name": "small", "binaryDir": "${sourceDir}/out"}
    desk.file("CMakePresets.json", json.dumps({"version": 3, "configurePresets": [preset]}))
    desk.file("main.c", MAIN)
    done = desk.run("build", "--preset", "other")
    assert (done.returncode, done.stderr.count("It has small.")) == (2, 1)
    done = desk.run("build", "--compiler", "no-such-cc")
    assert (done.returncode, "no-such-cc is not installed." in done.stderr) == (127, True)
    done = desk.run("build", "--preset", "small", "app")
    assert done.stdout == f"{desk.folder / 'out' / 'app'}\n"


@pytest.mark.slow
def test_a_profile_and_a_compiler_are_those_of_the_build(desk: Desk) -> None:
    desk.file("CMakeLists.txt", CMAKE)
    desk.file("main.c", "int main(void) { int none[2]; return none[2 + (none[0] = 0)]; }\n")
    done = desk.run("run", "--profile", "sanitize", "--compiler", "gcc", "app")
    assert done.returncode != 0
    assert "stack-buffer-overflow" in done.stderr or "out of bounds" in done.stderr
    cache = next(desk.home.glob("**/projects/*/CMakeCache.txt")).read_text()
    assert "CMAKE_C_COMPILER:" in cache
    assert "-fsanitize=address,undefined" in cache
