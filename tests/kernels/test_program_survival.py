"""A server that dies while it starts a program: the next one neither repeats nor loses it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from codeexec.environments.holder.holding import Holding
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.base import Finished, KernelEvent, NeverTaken, StreamWritten
from codeexec.kernels.process.steps.kernel import ProgramsBackend
from codeexec.kernels.process.steps.survival import RunningProgram, Survival
from support.servers import wait_until


@pytest.mark.parametrize("is_started", [True, False])
async def test_a_start_that_was_not_confirmed(tmp_path: Path, is_started: bool) -> None:
    record = tmp_path / "holder"
    command = ("/bin/sh", "-c", "echo x >> runs; echo once; exit 4")
    first = Holding(record)
    await first.client()
    survival = Survival.begin(first)
    running = survival.expect(
        RunningProgram(
            "program", 0, "", time.time(), command, "sh", str(tmp_path), echo=False,
            allow_stdin=False,
        )
    )  # fmt: skip
    if is_started:
        place = LocalEnvironment(tmp_path, first)
        await place.open_terminal(command, folder=running.terminal)
    second = Holding(record)
    await second.client()
    first.close()  # as the death of its server

    events: list[KernelEvent] = []
    handle = {"folder": survival.folder, "name": "bash", "cwd": str(tmp_path)}
    kernel = await ProgramsBackend(second).adopt(
        {**handle, "outbox": survival.outbox()}, events.extend, "program"
    )
    assert kernel is not None
    try:
        if not is_started:
            assert NeverTaken("program") in events
            return
        await wait_until(lambda: any(isinstance(e, Finished) for e in events), "the end")
        text = "".join(e.text for e in events if isinstance(e, StreamWritten))
        assert text.split() == ["once"]
        assert (tmp_path / "runs").read_text() == "x\n"
        (end,) = (e for e in events if isinstance(e, Finished))
        assert end.error is not None
        assert (end.error.name, end.error.value) == ("SystemExit", "4")
    finally:
        await kernel.shutdown()
        second.close()
