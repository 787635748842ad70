"""The seam of controllers: functions of the screen that they use, and the state that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

from codeexec.domain.errors import CodeexecError
from codeexec.domain.snapshot import Snapshot

if TYPE_CHECKING:
    from codeexec.client.api import HostClient
    from codeexec.config.model import Settings
    from codeexec.tui.context import AppContext
    from codeexec.tui.options import OpenOptions
    from codeexec.tui.session.deferred import DeferredSession
    from codeexec.tui.session.feed import Frame
    from codeexec.tui.session.workspace import Workspace

R = TypeVar("R")


class Surface(Protocol):
    """What controllers ask of the screen. The workbench is one; tests have one without a screen."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
    ) -> None:
        """Show a notification for `timeout` seconds. Nothing in it is markup."""

    def show_error(self, error: CodeexecError) -> None:
        """Show what went wrong, and what to do about it."""

    def post_message(self, message: Message) -> bool:
        """Post a message to the screen, from where it goes on to the application."""

    async def ask_user(self, dialog: Screen[R]) -> R | None:
        """Open a dialog and wait for its answer. Only in a worker."""

    def open_screen(self, screen: Screen[R]) -> None:
        """Open a screen whose answer does not matter."""

    def start(self, work: Callable[[], object], group: str, *, exclusive: bool = False) -> None:
        """Run a coroutine function in a worker; if `exclusive`, instead of others of the group."""

    def repeat(self, seconds: float, call: Callable[[], object]) -> Timer:
        """Call a function at an interval."""


@dataclass(slots=True)
class WorkbenchState:
    """State of one workbench that its controllers share."""

    host: HostClient
    session: DeferredSession
    options: OpenOptions
    place: Workspace
    app_context: AppContext
    last: Frame | None = None
    """The newest frame."""

    open_paths: tuple[str, ...] = ()
    is_set_up: bool = False
    """Whether the panes have the documents that the workbench began with."""

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot; an empty one before the first frame."""
        return self.last.snapshot if self.last is not None else Snapshot()

    @property
    def settings(self) -> Settings:
        return self.app_context.settings

    @property
    def me(self) -> str:
        """Name of this client."""
        return self.app_context.me
