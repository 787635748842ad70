"""What happens while this process stands still is seen before a limit is over."""

from __future__ import annotations

import asyncio
import threading
import time

from codeexec.environments.execution.standstill import wait_while_running

LIMIT = 0.2


async def test_what_came_during_a_standstill_is_seen_first() -> None:
    loop = asyncio.get_running_loop()
    came = asyncio.Event()

    async def read() -> None:
        await came.wait()
        for _ in range(5):  # as what is read goes from hand to hand
            await asyncio.sleep(0)

    reading = asyncio.create_task(read())
    waiting = asyncio.create_task(wait_while_running({reading}, LIMIT))
    await asyncio.sleep(0)
    told = threading.Thread(target=loop.call_soon_threadsafe, args=(came.set,))
    told.start()
    time.sleep(2 * LIMIT)  # noqa: ASYNC251  # the standstill
    assert await waiting > 0
    assert reading.done()
    told.join()


async def test_a_limit_is_over_when_nothing_comes() -> None:
    loop, never = asyncio.get_running_loop(), asyncio.Event()
    waiting = asyncio.create_task(never.wait())
    begun = loop.time()
    assert await wait_while_running({waiting}, LIMIT) == 0
    assert loop.time() - begun >= LIMIT * 0.9
    assert await wait_while_running({waiting}, 0.0) == 0
    waiting.cancel()
