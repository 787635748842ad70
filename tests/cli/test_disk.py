"""`disk` lists kinds as JSON, and removes nothing without being told to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.programs import Desk


@pytest.mark.slow
def test_disk_is_freed_after_a_yes_alone(desk: Desk, tmp_path: Path) -> None:
    program = tmp_path / "codeexec-tui" / "builds" / "one" / "program"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"x" * 300)
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    listed = desk.run("disk", "--json", env=cache)
    usages = {entry["kind"]: entry for entry in map(json.loads, listed.stdout.splitlines())}
    assert list(usages) == ["sessions", "workspaces", "builds", "other"]
    assert usages["builds"]["free_bytes"] == 300
    refused = desk.run("disk", "--free", "builds", env=cache, stdin=b"")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert program.exists()
    freed = desk.run("disk", "--free", "all", "--yes", "--json", env=cache)
    assert json.loads(freed.stdout)["freed"]["builds"] == {"count": 1, "bytes": 300}
    assert not program.exists()
