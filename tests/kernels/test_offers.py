"""What is said of containers where no engine is installed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from codeexec.domain.requests import ListKernels
from codeexec.kernels.factory import Kernels
from support.kernelspecs import BASH, install
from support.sessions import open_host


async def test_without_an_engine_a_container_is_offered_with_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    [only] = await Kernels().offers()
    assert only.name == "docker:codeexec-kernel:1"
    assert "neither docker nor podman" in only.problem
    assert only.fix


async def test_programs_stand_with_the_kernels_of_their_language_in_the_catalogs_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "bash", BASH)
    install(tmp_path, "zzbash", BASH, language="bash")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    async with open_host(tmp_path / "state") as host:
        listed = (await host.call(ListKernels(str(tmp_path)))).kernels
    names = [info.name for info in listed]
    at = names.index("bash")
    assert names[at : at + 3] == ["bash", "programs:bash", "zzbash"]
    assert listed[at + 1].limits
    assert listed[0].language == "python"
    languages = [info.language for info in listed]
    assert len(set(languages)) == sum(a != b for a, b in pairwise(["", *languages]))
