"""Files of secrets: private ones are read whole, or refused, and never in part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codeexec.domain.errors import StorageError, UsageError
from codeexec.hostfiles.private_file import find_private, read_private


def _private(folder: Path, content: bytes) -> Path:
    file = folder / "secret"
    file.write_bytes(content)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("read", [read_private, find_private])
def test_a_private_file_is_read_whole_or_not_at_all(
    tmp_path: Path, read: Callable[[Path, int], str | None]
) -> None:
    file = _private(tmp_path, b" 12345 \n")
    assert read(file, 8) == "12345"
    with pytest.raises(StorageError, match="more than 7 bytes"):
        read(file, 7)
    file.chmod(0o640)
    with pytest.raises(UsageError, match="mode 0640"):
        read(file, 8)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert find_private(tmp_path / "none") is None
    with pytest.raises(StorageError, match="No such file"):
        read_private(tmp_path / "none")
    _private(tmp_path, b"")
    with pytest.raises(StorageError, match="Not a directory"):
        find_private(tmp_path / "secret" / "none")
