"""Folders of a workspace from which this machine executes programs are read-only for containers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from codeexec.environments.docker.own_programs import executed_inside, fixed_above
from codeexec.environments.docker.policy import EngineInfo, Policy
from codeexec.environments.docker.run_arguments import arguments


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    for name in (".venv/bin", "tools/x/bin", "src", "data"):
        (folder / name).mkdir(parents=True)
    return folder


def test_what_is_executed_from_a_workspace_is_found(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(workspace / "tools" / "x")
    path = [workspace / ".venv" / "bin", alias / "bin", workspace / "none", "data", "/usr/bin"]
    environ = {"VIRTUAL_ENV": str(workspace / ".venv"), "PATH": os.pathsep.join(map(str, path))}
    monkeypatch.setattr(sys, "path", ["", str(workspace / "src"), *sys.path])
    executed = [workspace / ".venv", workspace / "src", workspace / "tools" / "x" / "bin"]
    assert executed_inside(workspace, environ) == executed
    assert fixed_above(executed, workspace) == [workspace / "tools", workspace / "tools" / "x"]
    assert executed_inside(workspace / "data", environ) == []


def test_our_own_environment_is_one_of_them(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(workspace / ".venv"))
    assert executed_inside(workspace, {}) == [workspace / ".venv"]


def test_they_are_mounted_read_only_and_cannot_be_moved_away() -> None:
    engine_info = EngineInfo(version="28", cpus=2, memory=1 << 33)
    words = arguments(
        Policy(),
        engine_info,
        image="image",
        user="1000:1000",
        workspace=Path("/w"),
        folder="/w",
        name="name",
        labels={},
        executed=[Path("/w/.venv"), Path("/w/a/bin")],
    )
    mounts = [words[index + 1] for index, word in enumerate(words) if word == "--mount"]
    assert mounts == [
        "type=bind,source=/w,target=/w",
        "type=bind,source=/w/a,target=/w/a",
        "type=bind,source=/w/.venv,target=/w/.venv,readonly",
        "type=bind,source=/w/a/bin,target=/w/a/bin,readonly",
    ]
