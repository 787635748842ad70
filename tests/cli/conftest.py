"""A working folder and a home of its own for every test of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.programs import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    return Desk(folder, home)
