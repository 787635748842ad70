"""Code that lets a workspace grow is interrupted as often as it writes on, and no more."""

from __future__ import annotations

import itertools
import signal
from pathlib import Path

import pytest

from codeexec.environments.docker.environment import ContainerPlan
from codeexec.environments.docker.growth import GrowthMeter, Limits
from codeexec.environments.docker.policy import MEGABYTE, Policy
from codeexec.kernels.docker.workspace_guard import PATIENCE, Culprit, WorkspaceGuard

LOOKS = 20


def write_some(folder: Path, first: int) -> None:
    for number in range(first, first + 40):
        (folder / f"file-{number}").write_bytes(b"x" * (MEGABYTE // 8))


@pytest.mark.parametrize("goes_on", [False, True])
async def test_what_was_written_before_the_interrupt_arrived_is_no_sign_that_code_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goes_on: bool
) -> None:
    monkeypatch.setattr(GrowthMeter.watch, "__defaults__", (0.01,))
    policy = Policy().but(workspace_growth=MEGABYTE)
    guard = WorkspaceGuard(ContainerPlan("image", policy=policy, workspace=tmp_path))
    meter = await GrowthMeter.begin(tmp_path, Limits(MEGABYTE, 0))
    write_some(tmp_path, 0)
    numbers: list[int] = []
    looks = itertools.count(1)

    async def take(number: int) -> None:
        numbers.append(number)
        write_some(tmp_path, 1000 * len(numbers))

    def has_ended() -> bool:
        if goes_on:
            write_some(tmp_path, 100_000 + 1000 * len(numbers))
        return next(looks) > LOOKS or signal.SIGKILL in numbers

    told: list[str] = []
    culprit = Culprit(take, has_ended, "interrupted", "killed")
    await guard.watch(meter, culprit, lambda *words: told.append(words[1]))
    kill = signal.SIGKILL
    assert numbers == ([signal.SIGINT] * PATIENCE + [kill] if goes_on else [signal.SIGINT])
    assert len(told) == len(numbers)
