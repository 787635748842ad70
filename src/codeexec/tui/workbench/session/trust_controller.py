"""Trust of the workspace: mark in the status line, question, and its consequences."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from textual.message import Message
from textual.timer import Timer

from codeexec.config import trust
from codeexec.config.load import load
from codeexec.domain.errors import CodeexecError
from codeexec.domain.places.backends import CONTAINERS
from codeexec.domain.requests import RestartKernel
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.screens.trust_question import TrustQuestion
from codeexec.tui.session.ask import ask
from codeexec.tui.widgets.dialogs import Confirm
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.surface import Surface, WorkbenchState

QUIET = 0.8
"""Seconds without a key before the trust question opens, so that it does not interrupt typing."""

_LOOK = 0.1
"""Seconds between checks for a pause."""


class TrustController:
    """Trust mark and trust question of one workbench. Files are read in a thread.
    `is_in_front` returns whether no dialog is over the workbench; `on_settings` is called when
    the settings have changed."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        status: StatusLine,
        is_in_front: Callable[[], bool],
        on_settings: Callable[[], None],
    ) -> None:
        self._surface = surface
        self._state = state
        self._status = status
        self._is_in_front = is_in_front
        self._on_settings = on_settings
        self._standing: trust.Standing | None = None
        self._offer: Timer | None = None

    def actions(self) -> Mapping[str, Handler]:
        return {"trust": InWorker(self.change, "trust")}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def begin(self) -> None:
        """Show the mark; if trust is undecided, ask once, in a pause of typing."""
        options = self._state.options
        if options.kernel or options.docker is not None or options.server is not None:
            return  # the command line has chosen what runs, or another machine does
        standing = await self.examine()
        if standing.is_question and not (options.attach or options.watch or options.is_tour):
            self._offer = self._surface.repeat(_LOOK, self._ask_when_quiet)

    def _ask_when_quiet(self) -> None:
        is_quiet = time.monotonic() - self._state.app_context.key_at > QUIET
        if is_quiet and self._is_in_front() and self._offer is not None:
            self._offer.stop()
            self._surface.start(self.ask, "trust", exclusive=True)

    async def examine(self) -> trust.Standing:
        """Look again, and show the mark or take it away."""
        kernel = self._snapshot.kernel.kernel
        uses = kernel.path if kernel is not None else ""
        self._standing = await asyncio.to_thread(
            trust.examine, self._folder, self._file, None, uses
        )
        self._status.show(restricted=self._standing.is_restricted)
        return self._standing

    async def change(self) -> None:
        """What the mark and the command mean: trust the folder, or take that back."""
        standing = await self.examine()
        if standing.is_restricted or not standing.is_trusted:
            await self._ask(standing)
            return
        answer = await self._surface.ask_user(
            Confirm(
                "Stop trusting this folder?",
                f"“{standing.folder}” is trusted. A kernel that runs goes on.",
                [("cancel", "Cancel"), ("restrict", "Restrict")],
            )
        )
        if answer == "restrict":
            await self._decide(answer)

    # -- the question and what follows -----------------------------------------------------------

    @property
    def _snapshot(self) -> Snapshot:
        return self._state.snapshot

    @property
    def _folder(self) -> Path:
        """Of this machine, which alone can be trusted from here."""
        is_far = self._state.options.server is not None
        return Path((not is_far and self._snapshot.cwd) or self._state.place.folder)

    @property
    def _file(self) -> Path | None:
        return next(iter(self._state.place.files), None)

    async def ask(self) -> None:
        """Ask, as long as that is still a question."""
        standing = await self.examine()
        if standing.is_question:
            await self._ask(standing)

    async def _ask(self, standing: trust.Standing) -> None:
        kernel = self._snapshot.kernel.kernel
        uses = kernel.path or kernel.name if kernel is not None else sys.executable
        question = TrustQuestion(standing, uses)
        answer = await self._surface.ask_user(question)
        if answer is not None:
            await self._decide(answer)

    async def _decide(self, answer: str) -> None:
        standing = self._standing
        try:
            if answer == "trust":
                await asyncio.to_thread(trust.grant, self._folder, self._file)
            else:
                await asyncio.to_thread(trust.restrict, self._folder)
        except CodeexecError as error:
            self._surface.show_error(error)
            return
        self._state.app_context.loaded = await asyncio.to_thread(load, self._folder)
        self._on_settings()
        await self.examine()
        if answer == "trust" and standing is not None and not self._state.options.watch:
            await self._use(standing)

    async def _use(self, standing: trust.Standing) -> None:
        """Start the kernel that the folder chooses, now that it may."""
        settings = self._state.settings
        interpreters = (finding.interpreter for finding in standing.findings if finding.interpreter)
        name, policy = settings.kernel.name or next(interpreters, ""), ""
        if settings.kernel.backend == CONTAINERS:
            name, policy = (
                f"{CONTAINERS}:{settings.docker.image}".rstrip(":"),
                settings.docker.wanted,
            )
        kernel = self._snapshot.kernel.kernel
        if not name or (kernel is not None and name in (kernel.name, kernel.path)):
            return
        if self._snapshot.executions:
            answer = await self._surface.ask_user(
                Confirm(
                    "Restart with the kernel of the folder?",
                    f"{name}. Variables of the kernel that runs now are lost.",
                    [("restart", "Restart"), ("not", "Cancel")],
                )
            )
            if answer != "restart":
                return
        await ask(self._surface, self._state.session, RestartKernel(name, policy))
