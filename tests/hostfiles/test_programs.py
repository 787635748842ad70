"""Programs are looked for on PATH, but in no folder that code in a container can change."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from codeexec.domain.errors import EnvironmentUnavailable, UsageError
from codeexec.environments.docker.engine import Engine, installed
from codeexec.environments.trust.store import TrustStore
from codeexec.hostfiles.programs import editor_command, safe_path, which


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """A folder that code in a container can change, a `bin` of its own, and what was executed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    workspace, own, marks = tmp_path / "workspace", tmp_path / "bin", tmp_path / "marks"
    for folder in (workspace / ".venv" / "bin", own, marks):
        folder.mkdir(parents=True)
    TrustStore().record_mount(str(workspace))
    return workspace, own, marks


def plant(file: Path, mark: Path) -> Path:
    file.write_text(f'#!/bin/sh\ntouch "{mark}"\necho {{}}\n')
    file.chmod(0o755)
    return file


def path_of(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, folders), os.environ["PATH"]]))


def test_a_program_that_code_in_a_container_put_on_the_path_is_passed_over(
    places: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, own, marks = places
    planted = workspace / ".venv" / "bin"
    alias, inside = tmp_path / "alias", workspace / "link"
    alias.symlink_to(planted)
    inside.symlink_to(own)  # today it leads to a good folder, tomorrow elsewhere
    plant(planted / "tool", marks / "planted")
    good = plant(own / "tool", marks / "good")
    path_of(monkeypatch, planted, alias, inside, Path(), own)
    assert which("tool") == str(good)
    assert safe_path().split(os.pathsep)[0] == str(own)
    assert which(str(planted / "tool")) is None
    good.unlink()
    (own / "tool").symlink_to(planted / "tool")
    assert which("tool") is None


async def test_the_engine_is_not_a_program_of_the_folder_that_it_confines(
    places: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, own, marks = places
    planted = workspace / ".venv" / "bin"
    plant(planted / "docker", marks / "planted")
    plant(planted / "podman", marks / "planted")
    monkeypatch.setenv("PATH", f"{planted}{os.pathsep}/usr/bin{os.pathsep}/bin")
    path_of(monkeypatch, planted, own)
    helper = own / "docker"
    helper.write_text(f'#!/bin/sh\necho "$PATH" >"{marks}/path"\n')
    helper.chmod(0o755)
    await Engine().call("ps")
    assert [each.name for each in marks.iterdir()] == ["path"]
    assert str(workspace) not in (marks / "path").read_text()  # nor for what the CLI runs
    monkeypatch.setenv("PATH", str(planted))
    assert installed() == []
    with pytest.raises(EnvironmentUnavailable, match="not installed"):
        await Engine("podman").call("ps")
    assert [each.name for each in marks.iterdir()] == ["path"]


@pytest.mark.parametrize("editor", ["ed --wait", "", "'", "nowhere-to-be-found"])
def test_an_editor_is_a_program_that_is_there_and_not_planted(
    places: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, editor: str
) -> None:
    workspace, own, marks = places
    for name in ("ed", "vi"):
        plant(workspace / ".venv" / "bin" / name, marks / "planted")
        plant(own / name, marks / "good")
    monkeypatch.setenv("PATH", f"{workspace / '.venv' / 'bin'}{os.pathsep}{own}")
    environ = {"PATH": os.environ["PATH"], "EDITOR": editor}
    expected = {"ed --wait": [str(own / "ed"), "--wait"], "": [str(own / "vi")]}
    if editor in expected:
        assert editor_command(environ) == expected[editor]
    else:
        with pytest.raises(UsageError, match="cannot be started"):
            editor_command(environ)


def test_programs_are_found_as_shutil_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name, mode in (("a", "tool", 0o644), ("b", "tool", 0o755), ("here", "tool", 0o755)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).touch(mode)
    (tmp_path / "a" / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = f"{tmp_path}/a:{tmp_path}/b"
    assert which("tool", {"PATH": path}) == shutil.which("tool", path=path) == f"{tmp_path}/b/tool"
    for program in ("folder", "missing", "", str(tmp_path / "a" / "tool")):
        assert which(program, {"PATH": path}) is shutil.which(program, path=path) is None
    assert which("./tool", {"PATH": path}) == f"{tmp_path}/here/tool"
    # The current folder is not searched.
    assert which("tool", {"PATH": ""}) is None
    assert which("tool", {"PATH": f":.:{tmp_path}/a:"}) is None
