"""Makes precompiled headers in the background of a session."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from codeexec.domain.errors import CodeexecError
from codeexec.environments.base import Environment, run
from codeexec.kernels.process.steps.build import compiler_environ
from codeexec.kernels.process.steps.precompiled import PrecompiledHeader

log = logging.getLogger(__name__)

_making: set[asyncio.Task[None]] = set()
"""Of all sessions of this process: one header at a time."""


def start_making(
    header: PrecompiledHeader, environment: Environment, cwd: Path, environ: Mapping[str, str]
) -> None:
    """Make the header, unless one is being made. The compiler ends with the environment."""
    if not _making:
        task = asyncio.create_task(_make(header, environment, cwd, environ), name="make header")
        _making.add(task)
        task.add_done_callback(_making.discard)


async def _make(
    header: PrecompiledHeader, environment: Environment, cwd: Path, environ: Mapping[str, str]
) -> None:
    lock = None
    try:
        lock = await asyncio.to_thread(header.prepare)
        if lock is None:
            return  # another process makes it
        # What the user does meanwhile goes first.
        command = ("nice", "-n", "19", *header.command)
        outcome = await run(environment, command, env=compiler_environ(environ))
        if outcome.code == 0:
            await asyncio.to_thread(header.keep, cwd)
        else:
            await asyncio.to_thread(header.give_up)
    except (CodeexecError, OSError) as error:
        log.info("a precompiled header was not made: %s", error)
    finally:
        if lock is not None:
            os.close(lock)
