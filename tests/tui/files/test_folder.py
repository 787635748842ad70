"""What a folder holds and what .gitignore hides, held against git itself."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeexec.hostfiles import ignore_rules
from codeexec.hostfiles.ignored import ALWAYS_HIDDEN, Ignored, hidden_by_default
from codeexec.tui.panes.files.folder import all_files, list_folder


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def names(root: Path) -> list[str]:
    return [entry.path.name for entry in list_folder(root, Ignored(root)) if not entry.is_ignored]


def test_folders_come_first_and_numbers_count(tmp_path: Path) -> None:
    make(tmp_path, "run10.py", "run2.py", "Zed.md", "data/", "alpha.py", "7/", "10/", ".env")
    assert names(tmp_path) == [
        "7",
        "10",
        "data",
        ".env",
        "alpha.py",
        "run2.py",
        "run10.py",
        "Zed.md",
    ]


def test_what_nobody_edits_is_hidden_unless_it_is_asked_for(tmp_path: Path) -> None:
    make(tmp_path, ".git/", "__pycache__/a.pyc", "venv/pyvenv.cfg", "a.py")
    assert names(tmp_path) == ["a.py"]
    (tmp_path / ".gitignore").write_text("!venv/\n")
    assert names(tmp_path) == ["venv", ".gitignore", "a.py"]


@pytest.mark.parametrize(
    "path",
    [
        *(".git", ".git/config", "a/.git/config", "venv", "venv/x", "a/venv/x", "b.venv/x", ".pyc"),
        *("a.pyc", "a.pyc/b", "a.pyC", "pyc", ".DS_Store", "a/.DS_Store", "x.DS_Store", "git"),
        *("node_modules", "a/node_modules/b/c.js", "Venv/x", "a/__pycache__", "__pycache__/a"),
    ],
)
def test_what_is_hidden_by_default_is_what_its_patterns_say(path: str) -> None:
    by_patterns = ignore_rules.Parser().parse(ALWAYS_HIDDEN)
    assert hidden_by_default(path) == by_patterns.match_file(path)


def test_a_folder_inside_a_repository_obeys_what_is_above_it(tmp_path: Path) -> None:
    make(tmp_path, ".git/info/", "sub/out/x", "sub/keep.log", "sub/a.log", "sub/local")
    (tmp_path / ".gitignore").write_text("*.log\n/sub/out/\n")
    (tmp_path / "sub/.gitignore").write_text("!keep.log\n")
    (tmp_path / ".git/info/exclude").write_text("local\n")
    assert names(tmp_path / "sub") == [".gitignore", "keep.log"]


def test_the_finder_takes_near_files_first_and_stops(tmp_path: Path) -> None:
    make(tmp_path, "deep/er/a.py", "deep/b.py", "c.py")
    (tmp_path / "deep/round").symlink_to(tmp_path, target_is_directory=True)
    assert all_files(tmp_path) == ["c.py", "deep/b.py", "deep/er/a.py"]
    assert all_files(tmp_path, most=2) == ["c.py", "deep/b.py"]


PATTERN = st.sampled_from(
    ["*.log", "/a", "b/", "!a.log", "a/**", "**/c", "a/b", "?.log", "[ab]", "#x", "", "c*"]
)
PLACES = ["a/", "a/b/", "b/", "a/c", "a/a.log", "b/c", "c", "a.log", "a/b/c", "c1/a"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@settings(max_examples=25, deadline=None)
@given(st.lists(PATTERN, max_size=5), st.lists(PATTERN, max_size=4))
def test_it_hides_what_git_hides(
    tmp_path_factory: pytest.TempPathFactory, top: list[str], below: list[str]
) -> None:
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    make(root, *PLACES)
    (root / ".gitignore").write_text("\n".join(top))
    (root / "a/.gitignore").write_text("\n".join(below))
    command = ["git", "ls-files", "--others", "--exclude-standard"]
    said = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    assert sorted(all_files(root)) == sorted(said.split())


@pytest.mark.parametrize(
    "rule",
    [
        *(
            "[z-a]",
            "!",
            "\\",
            "a\\",
            "!\\",
            "[a-\\d]",
            "[a--b]",
            "[[:x:]]",
            "[[a]",
            "[a||b]",
            "x\0",
        ),
        *("x" * 100_000, "[x[[]", "[!--z]"),
    ],
)
def test_what_is_no_rule_hides_nothing_and_stops_nothing(
    tmp_path: Path, rule: str, recwarn: pytest.WarningsRecorder
) -> None:
    make(tmp_path, "bb.py", "c.log")
    (tmp_path / ".gitignore").write_text(f"*.log\n{rule}\n")
    assert names(tmp_path) == [".gitignore", "bb.py"]
    assert not recwarn.list


def test_a_slow_rule_is_given_up_and_others_go_on(tmp_path: Path) -> None:
    long_names = [f"{number}{'a' * 240}" for number in range(20)]
    make(tmp_path, *long_names, "x.log")
    (tmp_path / ".gitignore").write_text(f"{'*a' * 30}b\n{'**/a*/' * 30}b\n*.log\n")
    started = time.thread_time()
    assert sorted(names(tmp_path)) == sorted([".gitignore", *long_names])
    assert time.thread_time() - started < 10 * ignore_rules.SECONDS


def test_a_rule_of_many_wildcards_is_obeyed(tmp_path: Path) -> None:
    make(tmp_path, "a/x/b/one.two.three", "a/x/b/one.two")
    (tmp_path / ".gitignore").write_text("a/**/b/*.*.*\n!**/*o*e*x*\n")
    assert list(all_files(tmp_path)) == [".gitignore", "a/x/b/one.two"]
