"""What is said of containers where no engine is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.kernels.factory import Kernels


async def test_without_an_engine_a_container_is_offered_with_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    [only] = await Kernels().offers()
    assert only.name == "docker:codeexec-kernel:1"
    assert "neither docker nor podman" in only.problem
    assert only.fix
