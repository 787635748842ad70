"""`codeexec-tui token`: made, listed and revoked in the state folder, without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from codeexec.cli.commands.token import token
from codeexec.config.paths import find_paths
from codeexec.server.access.token_store import TokenStore


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return find_paths().state


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(token, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_token_is_printed_once_listed_and_revoked(state: Path) -> None:
    made = json.loads(invoke("create", "anna", "--scope", "read", "--days", "1", "--json"))
    words = invoke("create", "ben")
    assert "for ben, run, until" in words
    store = TokenStore(state)
    identity = store.identify(made["token"])
    assert (identity.subject, identity.scope, identity.expires) == ("anna", "read", made["expires"])
    assert made["expires"] - made["created"] == 86400
    assert store.identify(words.split()[1]).subject == "ben"
    listed = invoke("list")
    assert [line.split()[1] for line in listed.splitlines()] == ["anna", "ben"]
    assert made["token"] not in listed + invoke("list", "--json")
    assert invoke("revoke", "anna") == f"Revoked {made['id']} of anna.\n"
    assert "anna" not in invoke("list")


def test_a_scope_or_a_time_that_is_none_is_refused(state: Path) -> None:
    for arguments in (["anna", "--scope", "root"], ["anna", "--days", "0"], []):
        assert CliRunner().invoke(token, ["create", *arguments]).exit_code == 2
    assert TokenStore(state).list() == ()
