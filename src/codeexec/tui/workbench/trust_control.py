"""Trust of the workspace: mark in the status line, question, and its consequences."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from textual.timer import Timer

from codeexec.config import trust
from codeexec.config.load import load
from codeexec.domain.backends import CONTAINERS
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import RestartKernel
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.screens.trust_question import TrustQuestion
from codeexec.tui.session.ask import ask
from codeexec.tui.widgets.dialogs import Confirm

if TYPE_CHECKING:
    from codeexec.tui.workbench.workbench import Workbench

QUIET = 0.8
"""Seconds without a key before the trust question opens, so that it does not interrupt typing."""

_LOOK = 0.1
"""Seconds between checks for a pause."""


class TrustControl:
    """Trust mark and trust question of one workbench. Files are read in a thread."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._standing: trust.Standing | None = None
        self._offer: Timer | None = None

    async def begin(self) -> None:
        """Show the mark; if trust is undecided, ask once, in a pause of typing."""
        workbench, options = self._workbench, self._workbench.options
        if options.kernel or options.docker is not None:
            return  # the command line has chosen what runs
        standing = await self.examine()
        if standing.is_question and not (options.attach or options.watch or options.demo):
            self._offer = workbench.set_interval(_LOOK, self._ask_when_quiet)

    def _ask_when_quiet(self) -> None:
        workbench = self._workbench
        is_quiet = time.monotonic() - workbench.app_context.key_at > QUIET
        if is_quiet and workbench.app.screen is workbench and self._offer is not None:
            self._offer.stop()
            workbench.ask_for_trust()

    async def examine(self) -> trust.Standing:
        """Look again, and show the mark or take it away."""
        self._standing = await asyncio.to_thread(trust.examine, self._folder, self._file)
        self._workbench.status.show(restricted=self._standing.is_restricted)
        return self._standing

    async def change(self) -> None:
        """What the mark and the command mean: trust the folder, or take that back."""
        standing = await self.examine()
        if standing.is_restricted or not standing.is_trusted:
            await self._ask(standing)
            return
        answer = await self._workbench.app.push_screen_wait(
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
        last = self._workbench.last
        return last.snapshot if last is not None else Snapshot()

    @property
    def _folder(self) -> Path:
        return Path(self._snapshot.cwd or self._workbench.place.folder)

    @property
    def _file(self) -> Path | None:
        return next(iter(self._workbench.place.files), None)

    async def ask(self) -> None:
        """Ask, as long as that is still a question."""
        standing = await self.examine()
        if standing.is_question:
            await self._ask(standing)

    async def _ask(self, standing: trust.Standing) -> None:
        kernel = self._snapshot.kernel.kernel
        uses = kernel.path or kernel.name if kernel is not None else sys.executable
        question = TrustQuestion(standing, uses)
        answer = await self._workbench.app.push_screen_wait(question)
        if answer is not None:
            await self._decide(answer)

    async def _decide(self, answer: str) -> None:
        workbench, standing = self._workbench, self._standing
        try:
            if answer == "trust":
                await asyncio.to_thread(trust.grant, self._folder, self._file)
            else:
                await asyncio.to_thread(trust.restrict, self._folder)
        except CodeexecError as error:
            workbench.say_failed(error)
            return
        workbench.app_context.loaded = await asyncio.to_thread(load, self._folder)
        workbench.follow_settings()
        await self.examine()
        if answer == "trust" and standing is not None and not workbench.options.watch:
            await self._use(standing)

    async def _use(self, standing: trust.Standing) -> None:
        """Start the kernel that the folder chooses, now that it may."""
        workbench, settings = self._workbench, self._workbench.app_context.settings
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
            answer = await workbench.app.push_screen_wait(
                Confirm(
                    "Restart with the kernel of the folder?",
                    f"{name}. Variables of the kernel that runs now are lost.",
                    [("restart", "Restart"), ("not", "Cancel")],
                )
            )
            if answer != "restart":
                return
        await ask(workbench, workbench.session, RestartKernel(name, policy))
