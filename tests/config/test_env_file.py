"""`.env` files: how they are read, and what they may set where their folder is not trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.config.env_file import apply_env, parse_env, read_env_file, read_folder_env
from codeexec.config.load import load
from codeexec.domain.errors import UsageError
from codeexec.environments.trust.store import TrustStore


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A = two words # comment", "two words"),
        ("A='a # b'", "a # b"),
        (r'A="a\n\"b\"" # c', 'a\n"b"'),
        ("A=x#y", "x#y"),
        ("A=", ""),
        ("A=#", ""),
        ("A=b=c", "b=c"),
    ],
)
def test_a_line_is_read(line: str, value: str) -> None:
    assert parse_env(f"\ufeff# first\n\nno variable\n=x\n{line}\n") == {"A": value}


def test_the_environment_counts_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "service.env"
    file.write_text("PYTHON_MAX_RUNTIME=5\nCODEEXEC_SESSIONS_TERMINALS=3\nDATABASE_PASSWORD=x\n")
    environ = {"PYTHON_MAX_RUNTIME": "9"}
    apply_env(environ, read_env_file(file))
    assert environ == {"PYTHON_MAX_RUNTIME": "9", "CODEEXEC_SESSIONS_TERMINALS": "3"}
    with pytest.raises(UsageError, match="cannot be read"):
        read_env_file(tmp_path / "none")


def test_a_folder_that_is_not_trusted_chooses_nothing_that_runs(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "CODEEXEC_KERNEL_NAME=.venv\nCODEEXEC_DOCKER_POLICY=open\nCODEEXEC_TOKEN=known-to-others\n"
        "CODEEXEC_CONFIG=evil.toml\nBINARY_MAX_RUNTIME=7\nCODEEXEC_EDITOR_TAB_SIZE=2\n"
    )
    trust = TrustStore(str(tmp_path / "state"))
    variables, refused = read_folder_env(tmp_path, trust)
    assert variables == {"BINARY_MAX_RUNTIME": "7", "CODEEXEC_EDITOR_TAB_SIZE": "2"}
    assert set(refused) == {
        "CODEEXEC_KERNEL_NAME",
        "CODEEXEC_DOCKER_POLICY",
        "CODEEXEC_TOKEN",
        "CODEEXEC_CONFIG",
    }
    assert read_folder_env(tmp_path / "elsewhere", trust) == ({}, ())


def test_a_setting_tells_the_file_that_it_comes_from(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    variables = {"CODEEXEC_EDITOR_TAB_SIZE": "2", "CODEEXEC_SESSIONS_TERMINALS": "5"}
    environ = {"HOME": str(tmp_path), "CODEEXEC_SESSIONS_TERMINALS": "6"}
    loaded = load(tmp_path, environ=environ, env_file=(file, variables))
    assert loaded.settings.editor.tab_size == 2
    assert str(loaded.origins["editor.tab_size"]) == f"env file {file}"
    assert loaded.settings.sessions.terminals == 6
