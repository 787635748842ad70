"""A surface for controllers without a screen: records what they show, and answers their dialogs."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

from codeexec.domain.errors import CodeexecError

R = TypeVar("R")


@dataclass
class QuietSurface:
    """`answers` are given to dialogs in their order; `work` is what runs in the background."""

    answers: list[object] = field(default_factory=list)
    dialogs: list[Screen[Any]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    errors: list[CodeexecError] = field(default_factory=list)
    posted: list[Message] = field(default_factory=list)
    work: dict[str, list[asyncio.Task[None]]] = field(default_factory=dict)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
    ) -> None:
        self.notices.append(f"{title}: {message}" if title else message)

    def show_error(self, error: CodeexecError) -> None:
        self.errors.append(error)

    def post_message(self, message: Message) -> bool:
        self.posted.append(message)
        return True

    async def ask_user(self, dialog: Screen[R]) -> R | None:
        self.dialogs.append(dialog)
        return cast("R | None", self.answers.pop(0))

    def open_screen(self, screen: Screen[R]) -> None:
        self.dialogs.append(screen)

    def start(self, work: Callable[[], object], group: str, *, exclusive: bool = False) -> None:
        async def run() -> None:
            result = work()
            if inspect.isawaitable(result):
                await result

        tasks = self.work.setdefault(group, [])
        if exclusive:
            for task in tasks:
                task.cancel()
        tasks.append(asyncio.get_running_loop().create_task(run()))

    async def finish(self) -> None:
        """Wait for all that runs in the background."""
        tasks = [task for group in self.work.values() for task in group]
        await asyncio.gather(*tasks, return_exceptions=True)

    def repeat(self, seconds: float, call: Callable[[], object]) -> Timer:
        raise AssertionError("Time does not pass without a screen.")
