"""Flags out of a compilation database: those that say how a source is read, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeexec.languages.projects.compile_commands import CompileFlags, flags_of


def database(tmp_path: Path, **entry: object) -> Path:
    path = tmp_path / "compile_commands.json"
    path.write_text(json.dumps([{"directory": str(tmp_path), "file": "a.cpp", **entry}]))
    return path


def flags(tmp_path: Path, *words: str, keeps_profile: bool = True) -> tuple[str, ...]:
    path = database(tmp_path, arguments=["c++", *words])
    found = flags_of(tmp_path / "a.cpp", path, keeps_profile=keeps_profile)
    assert found is not None
    return found.arguments


def test_a_command_is_split_as_a_shell_does(tmp_path: Path) -> None:
    command = "/usr/bin/clang++ -DNAME='\"a b\"' -Iinc -isystem /x -std=gnu++17 -o a.o -c a.cpp"
    path = database(tmp_path, command=command)
    assert flags_of(tmp_path / "a.cpp", path, keeps_profile=True) == CompileFlags(
        ('-DNAME="a b"', "-I", str(tmp_path / "inc"), "-isystem", "/x", "-std=gnu++17"), "clang++"
    )


def test_paths_are_those_of_the_folder_of_the_command(tmp_path: Path) -> None:
    words = flags(tmp_path, "-I", "../up", "-include", "pre.h", "-D", "X=1", "-U", "Y")
    up, pre = str(tmp_path.parent / "up"), str(tmp_path / "pre.h")
    assert words == ("-I", up, "-include", pre, "-DX=1", "-UY")


def test_a_chosen_profile_replaces_that_of_the_project(tmp_path: Path) -> None:
    words = ("-O2", "-g", "-fopenmp", "-march=native", "-Wextra")
    assert flags(tmp_path, *words) == words
    assert flags(tmp_path, *words, keeps_profile=False) == words[2:]


@pytest.mark.parametrize(
    "words",
    [
        ("-fplugin=./evil.so",),
        ("-fplugin-arg-evil-x=1",),
        ("-fpass-plugin=./evil.so",),
        ("-fmodule-mapper=|./evil",),
        ("-fuse-ld=./evil",),
        ("-fprofile-generate=/tmp/x",),
        ("-fdump-tree-all=x",),
        ("-fopt-info-all=x",),
        ("-fopt-info",),
        ("-foptimization-record-file=x",),
        ("-fproc-stat-report=x",),
        ("-fcs-profile-generate=x",),
        ("-fdeps-file=x",),
        ("-ftest-coverage",),
        ("-include-pch", "x.pch"),
        ("-Xclang", "-include-pch", "-Xclang", "x.pch"),
        ("-Xclang", "-load", "-Xclang", "./evil.so"),
        ("-Xclang", "-fno-pch-timestamp"),
        ("-fdiagnostics-format=json",),
        ("-specs=evil.specs",),
        ("-wrapper", "./evil"),
        ("-B./evil",),
        ("@words",),
        ("-Wl,-o,x",),
        ("-Wa,-o,x",),
        ("-Wp,-MD,x",),
        ("-Xlinker", "-o"),
        ("-mllvm", "-load=./evil.so"),
        ("-o", "x"),
        ("-MD", "-MF", "x"),
        ("-x", "c"),
        ("./evil.so",),
    ],
)
def test_flags_that_execute_or_write_are_left_out(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert flags(tmp_path, *words, "-DX") == ("-DX",)


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '[{"file": 1}]', "[" * 100_000, '[{"file": "b.cpp"}]']
)
def test_a_database_that_does_not_have_the_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "compile_commands.json"
    path.write_text(content)
    assert flags_of(tmp_path / "a.cpp", path, keeps_profile=True) is None


def test_a_command_that_cannot_be_split_has_no_flags(tmp_path: Path) -> None:
    path = database(tmp_path, command="c++ 'open")
    assert flags_of(tmp_path / "a.cpp", path, keeps_profile=True) == CompileFlags((), "")


def test_flags_that_translate_are_kept_with_their_values(tmp_path: Path) -> None:
    words = ("-fsanitize=address", "-fvisibility=hidden", "-ffp-contract=off", "-fPIC")
    assert flags(tmp_path, *words) == words


def test_the_source_of_a_precompiled_header_is_included(tmp_path: Path) -> None:
    pch = ("-Xclang", "-include-pch", "-Xclang", "pch.hxx.pch")
    words = (*pch, "-Xclang", "-include", "-Xclang", "pch.hxx", "-DX")
    assert flags(tmp_path, *words) == ("-include", str(tmp_path / "pch.hxx"), "-DX")
