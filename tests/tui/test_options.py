"""The command that a workbench names for the way back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codeexec.tui.options import OpenOptions


@pytest.mark.parametrize("is_on_path", [True, False])
def test_the_way_back_is_named_by_path_where_the_shell_does_not_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_on_path: bool
) -> None:
    folder = tmp_path / "my clone" / ".venv" / "bin"
    folder.mkdir(parents=True)
    program = folder / "codeexec-tui"
    program.touch(0o755)
    monkeypatch.setattr(sys, "argv", [".venv/bin/codeexec-tui", "demo"])
    monkeypatch.setenv("PATH", str(folder) if is_on_path else "/usr/bin")
    monkeypatch.chdir(tmp_path / "my clone")
    expected = "codeexec-tui" if is_on_path else f"'{program}'"
    assert OpenOptions().attach_command("tour") == f"{expected} attach tour"
