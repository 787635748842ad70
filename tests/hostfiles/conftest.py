"""A folder that code in a container can change, and a private file of the host beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.environments.trust.store import TrustStore


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that was mounted into a container, as its record says."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "workspace"
    folder.mkdir()
    TrustStore().record_mount(str(folder))
    return folder


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_text("the host's own")
    return file
