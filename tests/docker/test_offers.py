"""Containers as kernels that one may ask for: what is there, and what is said where it is not."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator

import pytest

from codeexec.kernels.docker.available_images import offers
from codeexec.kernels.docker.containers import ContainerSettings
from support.containers import ENGINE, IMAGE

pytestmark = pytest.mark.docker


@pytest.fixture
def other() -> Iterator[str]:
    image = f"test-offers-{uuid.uuid4().hex[:8]}/jupyter-like:1"
    subprocess.run([ENGINE, "tag", IMAGE, image], check=True)
    yield image
    subprocess.run([ENGINE, "rmi", image], capture_output=True, check=True)


async def test_the_image_of_the_settings_comes_first_and_others_that_hold_a_kernel(
    other: str,
) -> None:
    found = await offers(ContainerSettings(ENGINE, image=IMAGE, policy="locked memory=2GB"))
    assert found[0].name == f"docker:{IMAGE}"
    assert found[0].policy == "locked, changed · no network · 2 GB · 1 cpu"
    assert not any(each.problem for each in found)
    assert other in [each.path for each in found]
    assert len({each.name for each in found}) == len(found)


async def test_one_that_is_missing_is_offered_with_its_fix() -> None:
    missing = "codeexec-none:1"
    first = (await offers(ContainerSettings(ENGINE, image=missing)))[0]
    assert first.problem == f"The image {missing} is not on this engine."
    assert first.fix.endswith(f"pull {missing}")
    # Where it may be fetched, that is no hindrance.
    said = ContainerSettings(ENGINE, image=missing, policy="locked pull=true")
    assert not (await offers(said))[0].problem


async def test_an_engine_that_does_not_answer_and_a_policy_without_sense_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = (await offers(ContainerSettings(ENGINE, image=IMAGE, policy="loose")))[0]
    assert "no container preset 'loose'" in wrong.problem
    wrong = (await offers(ContainerSettings(ENGINE, image=IMAGE, transport="ports")))[0]
    assert "the policy locked has none" in wrong.problem
    wrong = (await offers(ContainerSettings(ENGINE, image=IMAGE, transport="pigeon")))[0]
    assert "no transport 'pigeon'" in wrong.problem
    variable = "CONTAINER_HOST" if ENGINE.endswith("podman") else "DOCKER_HOST"
    monkeypatch.setenv(variable, "unix:///nowhere/engine.sock")
    if ENGINE.endswith("podman"):
        return  # it has no engine that could be away
    [away] = await offers(ContainerSettings(ENGINE, image=IMAGE))
    assert away.problem.startswith("No engine answers.")
    assert away.fix == "codeexec-tui docker check"
