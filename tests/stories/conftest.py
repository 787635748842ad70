"""Stories that hold wherever the code runs: on this machine, and in a container."""

from __future__ import annotations

import pytest

from support.containers import require_engine


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.docker)])
def everywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the code of this story runs."""
    where = str(request.param)
    if where == "docker":
        require_engine()
    monkeypatch.setattr("support.bench.BACKEND", where)
    return where
