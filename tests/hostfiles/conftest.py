"""A folder that code in a container can change, and a private file of the host beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.hostfiles import shared


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shared folder; the mark goes with the test."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.setattr(shared, "_marked", set())
    shared.mark_shared(folder)
    return folder


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_text("the host's own")
    return file
