"""State folders of engines that keep nothing: removed at the end, and after a `kill -9` by the
next one that starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from codeexec.domain.errors import StorageError
from codeexec.environments.marks import SESSION, end_marked
from codeexec.environments.temporary import LockedFolder, sweep

PREFIX = "codeexec-run-"


@asynccontextmanager
async def temporary_state() -> AsyncIterator[Path]:
    """A state folder for an embedded engine. StorageError when it cannot be made. What engines
    left that were killed is removed meanwhile, with the processes of their sessions."""
    try:
        folder = await asyncio.to_thread(LockedFolder, PREFIX)
    except OSError as error:
        raise StorageError(
            f"No temporary folder can be made: {error.strerror}.",
            "Make room in /tmp, or set TMPDIR to a folder with some.",
        ) from error
    sweeping = asyncio.create_task(asyncio.to_thread(sweep_states), name="sweep-states")
    try:
        yield folder.path
    finally:
        await asyncio.gather(sweeping, asyncio.to_thread(folder.remove))


def sweep_states() -> list[Path]:
    """Remove the states of engines that were killed; blocks. Returns the folders."""
    return sweep(PREFIX, abandon=_end_sessions)


def _end_sessions(state: Path) -> None:
    """Their kernels end by themselves, except kernels of other launchers that were starting."""
    for folder in (state / "sessions").glob("session-*"):
        end_marked(SESSION, folder.name)
