"""The token of `serve`: one that can be guessed, or that others can read, is refused, and none is
needed on a loopback address alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from codeexec.cli import exit_codes
from codeexec.cli.commands.serve import read_token
from codeexec.cli.group import invoke
from codeexec.domain.errors import StorageError, UsageError
from codeexec.server.gate import require_loopback

GOOD = "a-token-of-24-characters"


def token_file(tmp_path: Path, content: bytes, mode: int = 0o600) -> Path:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_a_file_is_made_for_this_user_alone_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    token = read_token(file)
    assert len(token) >= 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_token(file) == token


def test_a_good_token_is_read_without_its_line_end(tmp_path: Path) -> None:
    assert read_token(token_file(tmp_path, f"{GOOD}\n".encode())) == GOOD


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602, 0o777])
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UsageError, match=f"mode {mode:04o}") as refused:
        read_token(token_file(tmp_path, GOOD.encode(), mode))
    assert "chmod 600" in refused.value.next_step


@pytest.mark.parametrize("content", [b"", b" \n", b"abc", b"abc\n", b"fifteen-letters"])
def test_a_short_token_is_refused_with_the_way_to_a_good_one(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(UsageError, match="at least 16") as refused:
        read_token(token_file(tmp_path, content))
    assert "secrets.token_urlsafe" in refused.value.next_step


@pytest.mark.parametrize("content", [b"two words of a pass phrase", "ключ-из-многих-букв".encode()])
def test_a_token_that_no_header_can_hold_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match="plain characters"):
        read_token(token_file(tmp_path, content))


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        with pytest.raises((UsageError, StorageError)):
            read_token(path)
    with pytest.raises(StorageError, match="no text"):
        read_token(token_file(tmp_path, b"\xff" * 40))


def test_a_short_token_of_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEEXEC_TOKEN", "abc")
    with pytest.raises(UsageError, match="CODEEXEC_TOKEN"):
        read_token(None)
    monkeypatch.setenv("CODEEXEC_TOKEN", GOOD)
    assert read_token(None) == GOOD
    monkeypatch.delenv("CODEEXEC_TOKEN")
    assert len(read_token(None)) >= 40


@pytest.mark.parametrize(
    "arguments",
    [
        ("--no-auth",),
        ("--no-auth", "--bind", ":0", "--token-file", "t"),
        ("--no-auth", "--token-file", "t"),
    ],
)
def test_no_auth_is_for_a_bound_address_without_a_token_file(
    arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)

    def claim(paths: object) -> None:
        raise AssertionError("it serves")

    monkeypatch.setattr("codeexec.server.start.claim", claim)
    assert invoke(["serve", *arguments]) == exit_codes.USAGE
    assert "--no-auth is for --bind without --token-file" in capsys.readouterr().err
    assert not (tmp_path / "t").exists()


def test_no_auth_is_for_loopback_addresses() -> None:
    for address in ("127.0.0.1", "127.9.9.9", "::1"):
        require_loopback("localhost", address)
    for address in ("0.0.0.0", "::", "192.168.1.2", "fe80::1", "8.8.8.8"):
        with pytest.raises(UsageError, match="this machine alone, and others reach the-name"):
            require_loopback("the-name", address)
