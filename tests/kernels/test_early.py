"""The kernel that boots before anybody has asked for one: taken, or ended."""

from __future__ import annotations

from pathlib import Path

import psutil

from codeexec.kernels.base import KernelChoice
from codeexec.kernels.early import EarlyKernel
from codeexec.kernels.factory import Kernels


def pid_of(early: EarlyKernel) -> int:
    spawned = early._spawned
    assert spawned is not None
    return spawned.pid


def test_a_guess_that_is_wrong_is_ended_by_the_first_kernel_that_is_asked_for(
    tmp_path: Path,
) -> None:
    for asked in (
        KernelChoice(str(tmp_path), backend="docker"),
        KernelChoice(str(tmp_path), env={"A": "1"}),
    ):
        early = EarlyKernel.start({"cwd": str(tmp_path)})
        pid = pid_of(early)
        Kernels(early).create(asked, lambda events: None)
        assert not psutil.pid_exists(pid)


def test_one_that_is_right_is_kept_for_whoever_starts_it(tmp_path: Path) -> None:
    early = EarlyKernel.start({"cwd": str(tmp_path)})
    spawned = early._spawned
    assert spawned is not None
    taken = early.take(spawned_python(early), str(tmp_path), {})
    assert taken is spawned
    early.end()  # it is not ours to end any more
    assert psutil.pid_exists(spawned.pid)
    early._spawned = spawned
    early.end()
    assert not psutil.pid_exists(spawned.pid)


def spawned_python(early: EarlyKernel) -> str:
    return early._key[0]
