"""Environments for tests, and a user of their own whose session server they use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.ces import Environment
from support.servers import Apart, user


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment in this process with a session `work`, for all tests of a module."""
    with Environment(env_dir=tmp_path_factory.mktemp("env"), where="here") as environment:
        environment.start_session("work")
        yield environment


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[Apart]:
    """A user of their own: environments of this process use their session server."""
    with user() as apart:
        for name, value in apart.environ.items():
            if name == "HOME" or name.startswith("XDG_"):
                monkeypatch.setenv(name, value)
        yield apart


@pytest.fixture
def env_dir(tmp_path: Path) -> Path:
    return tmp_path / "env"
