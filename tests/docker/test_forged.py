"""Frames that are none of the relay's: an image whose python speaks for itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.containers import ENGINE, IMAGE, containers
from support.sessions import open_host, open_session, run, text

pytestmark = pytest.mark.docker

FORGING = "codeexec-forging:test"
# A shell in the place of python: whatever the first bytes of its input are, it says its own.
PYTHON = """#!/bin/sh
case "$FORGE" in
huge) printf '\\003\\000\\000\\000\\001\\177\\377\\377\\377' ;;
kind) printf '\\310\\000\\000\\000\\001\\000\\000\\000\\000' ;;
json) printf '\\000\\000\\000\\000\\000\\000\\000\\000\\003[1]' ;;
text) echo 'Hello, I am no relay at all, and I go on about it.' ;;
esac
exec sleep 1000
"""


@pytest.fixture(scope="module")
def forging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Our image with a python3 that forges."""
    folder = tmp_path_factory.mktemp("forging")
    (folder / "python3").write_text(PYTHON)
    (folder / "python3").chmod(0o755)
    (folder / "Dockerfile").write_text(
        f"FROM {IMAGE}\nUSER root\nCOPY python3 /usr/local/sbin/python3\nUSER 1000:1000\n"
    )
    build = [ENGINE, "build", "--tag", FORGING, str(folder)]
    subprocess.run(
        build, check=True, capture_output=True, env={**os.environ, "DOCKER_BUILDKIT": "0"}
    )
    yield FORGING
    subprocess.run([ENGINE, "image", "rm", "--force", FORGING], capture_output=True, check=False)


@pytest.mark.parametrize("how", ["huge", "kind", "json", "text"])
async def test_forged_frames_end_the_container_and_the_session_goes_on(
    tmp_path: Path, workspace: Path, forging: str, how: str
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(
            host,
            workspace,
            backend="docker",
            image=forging,
            policy=f"locked environment=FORGE={how}",
            start_kernel=False,
        )
        view = await run(session, "1")
        assert view.status == "cancelled"
        assert "The relay sent" in view.reason
        assert "The container was removed." in view.reason
        assert containers(session.session_id) == []
        other = await open_session(host, workspace, backend="docker")
        assert await text(other, await run(other, "print(6 * 7)")) == ["42"]
