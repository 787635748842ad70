"""A wait with a limit that a standstill of this process does not use up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

PARTS = 10


async def wait_while_running(futures: Iterable[asyncio.Future[Any]], seconds: float) -> float:
    """Wait until one of the futures is done, or until `seconds` have passed; the seconds that were
    left. While this process does not run (a busy machine, one that swaps), what has happened cannot
    be seen: such a time counts as a tenth of the limit at most, so that it is looked at first."""
    loop = asyncio.get_running_loop()
    waiting, left = set(futures), seconds
    while True:
        part, begun = min(seconds / PARTS, left), loop.time()
        done, _ = await asyncio.wait(waiting, timeout=part, return_when=asyncio.FIRST_COMPLETED)
        passed = loop.time() - begun
        left = max(left - min(passed, part), 0.0)
        if done or not left:
            return left
