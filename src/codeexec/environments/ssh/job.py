"""The job of a batch system in which our relay runs on another machine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import NamedTuple

from codeexec.domain.errors import CodeexecError
from codeexec.domain.places.jobs import seconds_left
from codeexec.domain.text.printable import printable
from codeexec.environments.relay.connection import RelayConnection

ASK_WAIT = 10.0
"""Seconds for the batch system to say how much time the job has."""
MOST_WORDS = 200
"""Characters of a line that the batch system says."""

REMOVE_WAIT = 2.0
"""Seconds for the folder there to be removed; the job ends in any case."""
_REMOVE = '[ -S "$0/s" ] || rm -rf "$0"'
_ASK = 'printf "%s\\n" "$SLURM_JOB_ID"; squeue -h -j "$SLURM_JOB_ID" -o %L'


class BatchJob(NamedTuple):
    """`number` is that of Slurm, empty for other batch systems. `ends_at` is when the job ends at
    the latest, in seconds of the epoch; 0 where that is not known."""

    number: str = ""
    ends_at: float = 0.0


async def ask_job(wire: RelayConnection, folder: str) -> BatchJob:
    """What is known of the job in which the relay runs. Makes the folder of our own on its machine,
    which may be another one than that of the line. EnvironmentUnavailable."""
    try:
        async with asyncio.timeout(ASK_WAIT):
            process = await wire.spawn(
                ["/bin/sh", "-c", _ASK], cwd="/", env={}, stdin=False, folders=[folder]
            )
            text = b"".join([chunk async for chunk in process.stdout])
            await process.wait()
    except TimeoutError:
        return BatchJob()
    number, _, remaining = text.decode("ascii", "replace").strip().partition("\n")
    if not number.isdigit():
        return BatchJob()
    seconds = seconds_left(remaining)
    return BatchJob(number, time.time() + seconds if seconds is not None else 0.0)


async def remove_folder(wire: RelayConnection, folder: str) -> None:
    """Remove the folder of our own on the machine of the job, unless that is the machine of the
    line: there it goes at the end."""
    with contextlib.suppress(CodeexecError, TimeoutError):
        async with asyncio.timeout(REMOVE_WAIT):
            command = ["/bin/sh", "-c", _REMOVE, folder]
            process = await wire.spawn(command, cwd="/", env={}, stdin=False)
            await process.wait()


def job_lines(text: str) -> list[str]:
    """Lines of the batch system, printable and not too long."""
    lines = (printable(line.strip())[:MOST_WORDS] for line in text.splitlines())
    return [line for line in lines if line]
