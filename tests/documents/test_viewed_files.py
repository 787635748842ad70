"""Files that are looked at rather than edited."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codeexec.documents import viewed_files
from codeexec.documents.viewed_files import is_only_viewed, read_viewed, viewed_type
from codeexec.domain.errors import DocumentError, NotFound


def test_pictures_and_sounds_are_viewed_and_text_is_edited() -> None:
    assert all(is_only_viewed(Path(name)) for name in ("a.PNG", "b.jpeg", "c.pdf", "d.mp3"))
    edited = ("a.py", "b.svg", "c.csv", "d.md", "e.ipynb", "png", ".png")
    assert not any(is_only_viewed(Path(name)) for name in edited)
    assert viewed_type(Path("a.SVG")) == "image/svg+xml"
    assert viewed_type(Path("a.py")) == ""


def test_a_file_is_read_within_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewed_files, "MOST_BYTES", 5)
    path = tmp_path / "a.png"
    path.write_bytes(b"12345")
    assert read_viewed(path) == b"12345"
    path.write_bytes(b"123456")
    with pytest.raises(DocumentError, match="larger than 5 B"):
        read_viewed(path)


def test_what_is_no_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        read_viewed(tmp_path / "gone.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DocumentError, match="is not a file"):
        read_viewed(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(DocumentError, match="is not a file"):
        read_viewed(tmp_path / "folder.png")
