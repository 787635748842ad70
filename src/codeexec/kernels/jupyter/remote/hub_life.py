"""The server of a kernel, where a JupyterHub starts and ends it."""

from __future__ import annotations

import asyncio
import logging

from codeexec.kernels.base import Notice, Sink
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.hub import SpawnStep
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from codeexec.kernels.jupyter.remote.spawn import SpawnedServer
from codeexec.kernels.jupyter.remote.start_steps import StartSteps

log = logging.getLogger(__name__)

ACTIVITY_EVERY = 60.0
"""Seconds between two reports; hubs end what was idle for ten minutes and more."""

LOOKS = 3
"""Looks in a row that find the server stopped, where the token may not ask the hub."""


class HubLife:
    """Does nothing for a server without a hub."""

    def __init__(self, server: JupyterServer, sink: Sink) -> None:
        self._server, self._sink = server, sink
        self._spawned: SpawnedServer | None = None
        self._reported_at = float("-inf")
        self._is_refused = False
        """Whether the hub takes no reports of activity from this token."""
        self._looks = 0

    @property
    def ending(self) -> asyncio.Task[None] | None:
        """The end of a server whose start was given up, while it goes on."""
        return self._spawned.ending if self._spawned is not None else None

    async def start_server(self, steps: StartSteps) -> None:
        """Returns when the server answers. ServerFailure."""
        self._looks = 0
        try:
            await self._server.version()
            return
        except ServerFailure as error:
            if self._server.hub is None or error.kind not in ("stopped", "gone"):
                raise

        def tell(step: SpawnStep) -> None:
            steps.tell(step.message or "the hub starts the server", step.percent)

        steps.tell("asking the hub for the server", 0)
        self._spawned = self._find()
        await self._spawned.start(tell)
        await self._server.version()

    def give_up(self) -> None:
        """End the server, if it was started for a kernel that has not answered."""
        if self._spawned is not None:
            self._spawned.give_up()

    def keep_server(self) -> None:
        """The kernel has answered: its server stays, whatever comes."""
        self._looks = 0
        if self._spawned is not None:
            self._spawned.is_ours = False

    async def is_stopped(self) -> bool:
        """Whether the hub says that the server, which does not answer, does not run."""
        self._looks += 1
        if self._server.hub is None:
            return False
        try:
            return (await self._find().state()).is_stopped
        except ServerFailure as error:
            log.info("server %s: %s", self._server.name, error)
            return error.kind == "forbidden" and self._looks >= LOOKS

    async def is_ending(self) -> bool:
        """Whether the hub says that the server does not run, or is being stopped: it ends its
        kernels before it is gone."""
        if self._server.hub is None:
            return False
        try:
            state = await self._find().state()
        except ServerFailure as error:
            log.info("server %s: %s", self._server.name, error)
            return False
        return state.is_stopped or state.pending == "stop"

    async def report_activity(self) -> None:
        """Tell the hub that the server is in use, unless that was just done."""
        hub, access = self._server.hub, self._server.access
        now = asyncio.get_running_loop().time()
        is_due = now - self._reported_at >= ACTIVITY_EVERY
        if hub is None or not access.keeps_active or self._is_refused or not is_due:
            return
        self._reported_at = now
        try:
            await hub.report_activity(access.address.user, access.address.server)
        except ServerFailure as error:
            log.info("activity of %s: %s", self._server.name, error)
            if error.kind in ("token", "forbidden", "user"):
                self._is_refused = True
                self._sink([Notice("warning", UNREPORTED, error.message, REPORT_STEP)])

    def _find(self) -> SpawnedServer:
        address = self._server.access.address
        assert self._server.hub is not None, "only with a hub"
        return SpawnedServer(
            self._server.hub, address.user, address.server, self._server.access.address.base
        )


UNREPORTED = "The hub may end the server while code runs: it is not told that it is in use"
REPORT_STEP = (
    "Make a token with the right users:activity, or set keep_active = false in [remote.NAME]."
)
