"""The service for programs with an event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from codeexec.ces import AsyncEnvironment, CutOffs
from codeexec.ces.blocking_loop import BlockingLoop
from codeexec.domain.errors import Conflict, UsageError
from support.servers import wait_until


@pytest.mark.slow
async def test_a_caller_that_is_cancelled_interrupts_its_code(env_dir: Path) -> None:
    async with AsyncEnvironment(
        env_dir=env_dir, where="here", cut_offs=CutOffs(preloads={})
    ) as environment:
        starting = asyncio.create_task(environment.start_session("work"))
        await asyncio.sleep(0)
        for call in (
            environment.start_session("work"),
            environment.execute_code("work", "1"),
            environment.stop_session("work"),
        ):
            with pytest.raises(Conflict, match=r"has been started|still starting"):
                await call
        await starting
        code = "open('begun', 'w').close()\nimport time\ntime.sleep(600)"
        running = asyncio.create_task(environment.execute_code("work", code))
        begun = environment.session_dict["work"].folder.cwd / "begun"
        await wait_until(begun.exists, "the code to begin")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await environment.execute_code("work", "6 * 7")).output == "42"


def test_a_blocking_loop_says_when_it_cannot_wait() -> None:
    loop = BlockingLoop("test")

    async def inside() -> None:
        loop.run(asyncio.sleep(0))

    with pytest.raises(UsageError, match="own event loop"):
        loop.run(inside())
    loop.close()
    loop.close()
    with pytest.raises(UsageError, match="is closed"):
        loop.run(asyncio.sleep(0))
