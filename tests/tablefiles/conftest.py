"""Files with tables for tests, of each kind."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.table_files import WRITERS, Reading


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each kind, which no test changes."""
    folder = tmp_path_factory.mktemp("tables")
    for name, write in WRITERS.items():
        write(folder / name)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A folder with a file of each kind."""
    for name in WRITERS:
        shutil.copy(written / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def read() -> Iterator[Callable[[Path], Reading]]:
    with ExitStack() as files:
        yield lambda path: Reading(path, files.enter_context(path.open("rb")).fileno())
