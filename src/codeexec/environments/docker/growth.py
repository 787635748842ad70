"""How much a workspace has grown since code began to run in it: no engine limits that by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from codeexec.environments.files import Folder

INTERVAL = 0.5


async def growth(folder: Path, interval: float = INTERVAL) -> AsyncIterator[int]:
    """By how many bytes the folder has grown, looked at every `interval` seconds.

    A folder that takes long to add up is looked at less often: at most a tenth of the time.
    """
    loop = asyncio.get_running_loop()
    whole = Folder(folder)
    at_first = await asyncio.to_thread(_size, whole)
    while True:
        started = loop.time()
        yield await asyncio.to_thread(_size, whole) - at_first
        await asyncio.sleep(max(interval, 9 * (loop.time() - started)))


def _size(folder: Folder) -> int:
    try:
        return folder.size()
    except OSError:
        return 0  # removed or closed to us: nothing can be said, and nothing grows
