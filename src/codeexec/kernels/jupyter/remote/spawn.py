"""The start of a user's server by its hub: followed, given up, and the activity of the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from codeexec.kernels.jupyter.remote import failures
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.hub import Hub, ServerState, SpawnStep

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two questions whether the server runs. What its progress says is not relied on:
a hub also calls a server ready whose start is just given up."""

FAILURE_WAIT = 15.0
"""Seconds that the reason of a failed start is waited for, which stands in its progress."""

STOP_WAIT = 120.0
"""Seconds that the end of a server is waited for."""

LONGEST = 3600.0
"""Seconds of a start; hubs give up by themselves after minutes."""

Tell = Callable[[SpawnStep], None]


class SpawnedServer:
    """One server of a user of a hub."""

    def __init__(self, hub: Hub, user: str, server: str, name: str) -> None:
        """`name` stands in messages."""
        self._hub, self._user, self._server, self._name = hub, user, server, name
        self._failure = ""
        """Why the start failed, in the hub's words."""
        self._was_known = True
        self.is_ours = False
        """Whether we have started it; nobody else waits for it then."""
        self.ending: asyncio.Task[None] | None = None
        """The end of a start that was given up, while it goes on."""
        self._starting: asyncio.Task[None] | None = None

    async def state(self) -> ServerState:
        return await self._hub.state(self._user, self._server)

    async def start(self, tell: Tell) -> None:
        """Returns when it runs. One whose start by us is given up or fails is ended.
        ServerFailure."""
        try:
            async with asyncio.timeout(LONGEST):
                await self._start(tell)
        except TimeoutError as error:
            raise failures.spawn_failed(self._name, "it takes more than an hour") from error

    async def _start(self, tell: Tell) -> None:
        before = await self._not_stopping(tell)
        self._was_known, self._failure = before.is_known, ""
        # A server that is called ready and did not answer is looked at by the hub anew.
        self.is_ours = before.pending != "spawn"
        starting = asyncio.create_task(self._ask_for_start(tell), name="start-server")
        self._starting = starting
        following = asyncio.create_task(self._follow(starting, tell), name="follow-start")
        try:
            await self._until_ready(starting, following)
        except BaseException:
            self.give_up()
            raise
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _not_stopping(self, tell: Tell) -> ServerState:
        state = await self.state()
        while state.pending and state.pending != "spawn":
            tell(SpawnStep("The server of before is being stopped", 0))
            await asyncio.sleep(LOOK_EVERY)
            state = await self.state()
        return state

    async def _ask_for_start(self, tell: Tell) -> None:
        while pause := await self._hub.start(self._user, self._server):
            tell(SpawnStep(f"The hub is busy, and is asked again in {pause:.0f} s", 0))
            await asyncio.sleep(pause)

    async def _follow(self, starting: asyncio.Task[None], tell: Tell) -> None:
        """Tell the steps until the hub has no more; they begin when it has taken up the start."""
        has_begun = False
        while not has_begun:
            is_last = starting.done()
            try:
                async for step in self._hub.progress(self._user, self._server):
                    has_begun = True
                    if step.has_failed:
                        self._failure = step.message.removeprefix("Spawn failed: ")
                    tell(step)
            except ServerFailure as error:
                log.info("progress of %s: %s", self._name, error)
            if is_last:
                return
            await asyncio.sleep(0.2)

    async def _until_ready(
        self, starting: asyncio.Task[None], following: asyncio.Task[None]
    ) -> None:
        while True:
            has_answered = starting.done()
            state = await self.state()
            if has_answered and (starting.exception() is not None or state.is_stopped):
                await asyncio.wait({following}, timeout=FAILURE_WAIT)
                error = starting.exception()
                if error is not None and not self._failure:
                    raise error
                raise failures.spawn_failed(self._name, self._failure) from error
            if has_answered and not state.pending:
                return
            awaited = {task for task in (starting, following) if not task.done()}
            if awaited:
                await asyncio.wait(awaited, timeout=LOOK_EVERY, return_when="FIRST_COMPLETED")
            else:
                await asyncio.sleep(LOOK_EVERY)

    # -- the end of a start that is given up ---------------------------------------------

    def give_up(self) -> None:
        """End the server in the background, if its start was ours."""
        starting, self._starting = self._starting, None
        if self.is_ours:
            self.is_ours = False
            self.ending = asyncio.create_task(self._end(starting), name="end-given-up-server")
            _tasks.add(self.ending)
            self.ending.add_done_callback(_tasks.discard)
        elif starting is not None:
            starting.cancel()

    async def _end(self, starting: asyncio.Task[None] | None) -> None:
        try:
            async with asyncio.timeout(STOP_WAIT):
                # The request may not have been taken up yet.
                while starting is not None and (await self.state()).is_stopped:
                    if starting.done():
                        return
                    await asyncio.sleep(0.1)
                while not (await self.state()).is_stopped:
                    await self._hub.stop(self._user, self._server, remove=not self._was_known)
                    await asyncio.sleep(LOOK_EVERY / 4)
        except (ServerFailure, TimeoutError) as error:
            log.warning("the server %s may be left: %s", self._name, error)
        finally:
            if starting is not None:
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)


_tasks: set[asyncio.Task[None]] = set()
"""Ends of servers; the event loop itself holds tasks only weakly."""
