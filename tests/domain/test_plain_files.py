"""Reading regular files: other kinds are refused without opening them, sizes are limits."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from codeexec.domain.plain_files import (
    FIRST_LINE,
    FileTooLarge,
    NotPlainFile,
    read_first_line,
    read_plain,
    read_plain_text,
)


def test_a_plain_file_is_read_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10)
    assert read_plain(path, 10) == b"x" * 10
    with pytest.raises(FileTooLarge) as caught:
        read_plain(path, 9)
    assert caught.value.strerror == "it has more than 9 bytes"
    link = tmp_path / "link"
    link.symlink_to(path)
    assert read_plain(link) == b"x" * 10
    with pytest.raises(NotPlainFile, match="a symbolic link"):
        read_plain(link, follow_links=False)


def test_other_kinds_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        kinds = {".": "a folder", "pipe": "a named pipe", "zero": "a device", "s": "a socket"}
        for name, kind in kinds.items():
            with pytest.raises(NotPlainFile) as caught:
                read_plain(tmp_path / name)
            assert caught.value.strerror == f"it is {kind}, not a file"
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "none")


def test_a_file_that_says_it_is_empty_has_a_limit_too() -> None:
    assert Path("/proc/self/environ").stat().st_size == 0
    with pytest.raises(FileTooLarge):
        read_plain("/proc/self/environ", 3)


def test_text_is_utf8(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"caf\xc3\xa9\r\n")
    assert read_plain_text(tmp_path / "a") == "café\r\n"
    (tmp_path / "a").write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        read_plain_text(tmp_path / "a")


def test_the_first_line_is_read_without_its_end_and_up_to_a_limit(tmp_path: Path) -> None:
    script = tmp_path / "a"
    script.write_bytes(b"#!/bin/sh -e\necho one\n")
    assert read_first_line(script) == "#!/bin/sh -e"
    script.write_bytes(b"x" * 1000)
    assert read_first_line(script) == "x" * FIRST_LINE
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotPlainFile):
        read_first_line(tmp_path / "pipe")
