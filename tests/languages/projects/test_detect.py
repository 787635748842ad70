"""Projects found from a file, and what the text of their build files names."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from codeexec.domain.errors import UsageError
from codeexec.languages.projects.detect import BuildSystem, Project, find_project, project_at
from codeexec.languages.projects.presets import choose_preset, read_presets
from codeexec.languages.projects.scan import ProjectTarget, scan_project


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("CMakeLists.txt", "cmake"),
        ("meson.build", "meson"),
        ("build.ninja", "ninja"),
        ("Makefile", "make"),
        ("makefile", "make"),
        ("GNUmakefile", "make"),
    ],
)
def test_a_project_is_found_above_a_file(tmp_path: Path, name: str, system: BuildSystem) -> None:
    write(tmp_path, {name: "", "src/deep/a.cpp": ""})
    assert find_project(tmp_path / "src/deep/a.cpp") == Project(system, tmp_path, name)


def test_a_subfolder_belongs_to_the_outermost_cmake_project(tmp_path: Path) -> None:
    files = {
        "CMakeLists.txt": "cmake_minimum_required(VERSION 3.20)\nPROJECT (whole)\n",
        "lib/CMakeLists.txt": "project(part)\nadd_library(part p.cpp)\n",
        "lib/src/CMakeLists.txt": "add_library(deep d.cpp)\n",
        "lib/src/d.cpp": "",
    }
    write(tmp_path, files)
    found = find_project(tmp_path / "lib/src/d.cpp")
    assert found is not None
    assert found.folder == tmp_path


def test_a_makefile_nearer_than_a_cmake_project_counts(tmp_path: Path) -> None:
    write(tmp_path, {"CMakeLists.txt": "project(x)\n", "tool/Makefile": "all:\n"})
    found = find_project(tmp_path / "tool")
    assert found is not None
    assert found.system == "make"


def test_the_search_ends_at_a_repository(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": "all:\n", "repo/a.cpp": ""})
    (tmp_path / "repo/.git").mkdir()
    assert find_project(tmp_path / "repo/a.cpp") is None


def test_a_folder_that_others_can_write_to_is_no_project(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": "all:\n", "mine/a.cpp": ""})
    tmp_path.chmod(0o1777)
    assert find_project(tmp_path / "mine/a.cpp") is None


def test_a_build_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "CMakeLists.txt")
    assert find_project(tmp_path) is None


def scan(folder: Path) -> tuple[list[ProjectTarget], list[tuple[str, int]]]:
    project = project_at(folder)
    assert project is not None
    found = scan_project(project)
    return list(found.targets), [(test.name, test.line) for test in found.tests]


def test_targets_of_cmake(tmp_path: Path) -> None:
    top = """project(x)
# add_executable(old old.cpp)
#[[ add_executable(older
older.cpp) ]]
add_executable(app main.cpp)
add_executable( "tool"
  t.cpp)
add_executable(other::alias ALIAS app)
add_executable(${NAME} x.cpp)
add_library(core STATIC core.cpp)
add_custom_target(docs)
add_subdirectory(sub)
add_subdirectory(../outside)
enable_testing()
add_test(NAME adds COMMAND app)
add_test(old_form app)
"""
    outside = tmp_path / "outside"
    folder = tmp_path / "project"
    write(outside, {"CMakeLists.txt": "add_executable(stranger s.cpp)\n"})
    write(folder, {"CMakeLists.txt": top, "sub/CMakeLists.txt": "add_executable(inner i.cpp)\n"})
    assert scan(folder) == (
        [
            ProjectTarget("app", "program"),
            ProjectTarget("tool", "program"),
            ProjectTarget("core", "library"),
            ProjectTarget("docs", "other"),
            ProjectTarget("inner", "program"),
        ],
        [("adds", 15), ("old_form", 16)],
    )


def test_targets_of_meson(tmp_path: Path) -> None:
    text = """project('x', 'cpp')
exe = executable('app', 'main.cpp')  # executable('no')
static_library('core', 'core.cpp')
test('adds', exe)
subdir('sub')
"""
    write(tmp_path, {"meson.build": text, "sub/meson.build": "executable('inner', 'i.cpp')\n"})
    assert scan(tmp_path) == (
        [
            ProjectTarget("app", "program"),
            ProjectTarget("core", "library"),
            ProjectTarget("inner", "program"),
        ],
        [("adds", 4)],
    )


def test_targets_of_make_are_read_and_not_executed(tmp_path: Path) -> None:
    text = """CXX := g++
NAMES = a b
X := $(shell touch executed)
.PHONY: all clean
all: app
app tool: main.o \\
  core.o
\tg++ -o $@ $^
%.o: %.cpp
\tx: y
clean::
\trm -f app
"""
    write(tmp_path, {"Makefile": text})
    assert [target.name for target in scan(tmp_path)[0]] == ["all", "app", "tool", "clean"]
    assert not (tmp_path / "executed").exists()


def test_targets_of_ninja(tmp_path: Path) -> None:
    text = """rule CXX_EXECUTABLE_LINKER__app
  command = g++ $in -o $out
build main.o: cxx main.cpp
build app: CXX_EXECUTABLE_LINKER__app main.o
build all: phony app
"""
    write(tmp_path, {"build.ninja": text})
    assert scan(tmp_path)[0] == [ProjectTarget("app", "program"), ProjectTarget("all", "other")]


def test_circles_of_subfolders_end(tmp_path: Path) -> None:
    write(tmp_path, {"CMakeLists.txt": "project(x)\nadd_subdirectory(.)\nadd_subdirectory(a)\n"})
    (tmp_path / "a").symlink_to(tmp_path)
    assert scan(tmp_path) == ([], [])


PRESETS = {
    "version": 6,
    "include": ["more.json"],
    "configurePresets": [
        {"name": "base", "hidden": True, "binaryDir": "${sourceDir}/out/${presetName}"},
        {"name": "debug", "displayName": "Debug build", "inherits": "base"},
        {"name": "env", "binaryDir": "$env{OUT}/x"},
        {"name": "none"},
    ],
}


def test_presets_say_where_they_build(tmp_path: Path) -> None:
    more = {"version": 6, "configurePresets": [{"name": "ci", "inherits": ["none", "debug"]}]}
    write(
        tmp_path,
        {
            "CMakeLists.txt": "project(x)\n",
            "CMakePresets.json": json.dumps(PRESETS),
            "more.json": json.dumps(more),
            "CMakeUserPresets.json": "{ broken",
        },
    )
    project = project_at(tmp_path)
    assert project is not None
    presets = read_presets(project, {"OUT": "/o"})
    assert [tuple(preset) for preset in presets] == [
        ("debug", "Debug build", tmp_path / "out/debug"),
        ("env", "env", Path("/o/x")),
        ("none", "none", None),
        ("ci", "ci", tmp_path / "out/ci"),
    ]
    assert choose_preset(project, "ci", {}).name == "ci"
    with pytest.raises(UsageError, match="no preset 'base'") as refused:
        choose_preset(project, "base", {})
    assert refused.value.next_step == "It has debug, env, none, ci."


LARGE = 400_000


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("CMakeLists.txt", "add_executable(a a.c)\n" + "#[[\n" * (LARGE // 4), "a"),
        ("Makefile", "a:\nb" + " " * LARGE, "a"),
        ("meson.build", "executable('a')\ntest(" + " " * LARGE, "a"),
        ("build.ninja", "build a: cc\nbuild " + "$b" * (LARGE // 2), "a"),
    ],
)
def test_build_files_are_scanned_in_linear_time(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    project = project_at(write(tmp_path, {name: text}))
    assert project is not None
    began = time.thread_time()
    assert [target.name for target in scan_project(project).targets] == [expected]
    assert time.thread_time() - began < 2


def test_empty_lines_before_a_project_are_read_in_linear_time(tmp_path: Path) -> None:
    files = {"CMakeLists.txt": "\n" * LARGE + "project(x)", "a/CMakeLists.txt": ""}
    began = time.thread_time()
    project = find_project(write(tmp_path, files) / "a")
    assert project is not None
    assert project.folder == tmp_path
    assert time.thread_time() - began < 2


def test_thousands_of_presets_that_inherit_from_each_other_end(tmp_path: Path) -> None:
    presets = [{"name": f"p{i}", "inherits": f"p{i + 1}"} for i in range(LARGE // 40)]
    content = json.dumps({"configurePresets": [{"name": "first", "binaryDir": "out"}, *presets]})
    project = project_at(write(tmp_path, {"CMakeLists.txt": "", "CMakePresets.json": content}))
    assert project is not None
    began = time.thread_time()
    assert choose_preset(project, "first", {}).folder == tmp_path / "out"
    assert time.thread_time() - began < 2


def test_assignments_of_make_are_no_targets(tmp_path: Path) -> None:
    project = project_at(write(tmp_path, {"Makefile": "A ::= x\nB :::= x\nC := x\nall :: a\n"}))
    assert project is not None
    assert [target.name for target in scan_project(project).targets] == ["all"]
