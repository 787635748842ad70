"""The session of a workbench: opened, followed frame by frame, with its link and its usage."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import GetUsage, SessionSummary
from codeexec.tui.panes.console.pane import ConsolePane
from codeexec.tui.session.ask import ask_quietly
from codeexec.tui.session.attach import find_session
from codeexec.tui.session.feed import Frame, frames
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.surface import Surface, WorkbenchState


class SessionEvents(Protocol):
    """Callbacks for events of a session."""

    @property
    def is_leaving(self) -> bool:
        """Whether the screen is being removed: its panes may be gone before its workers end."""

    async def session_opened(self, summary: SessionSummary) -> None: ...

    async def session_failed(self) -> None:
        """The session could not be opened; the error has been shown."""

    def show_frame(self, frame: Frame) -> None: ...


_TOLD_ATTEMPT = 4
"""The number of the attempt to connect before which the user is told why the others failed."""


class SessionController:
    """`opening` is the session, where that is being opened already."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        status: StatusLine,
        console: ConsolePane,
        listener: SessionEvents,
        opening: Awaitable[SessionSummary] | None,
    ) -> None:
        self._surface = surface
        self._state = state
        self._status = status
        self._console = console
        self._listener = listener
        self._opening = opening

    def begin(self, usage_every: float) -> None:
        """Open and follow the session in workers; `usage_every`: seconds between two readings of
        the kernel's memory."""
        server = self._state.options.server
        self._status.show(server=server.name if server else "")
        self._surface.start(self.run, "session")
        self._surface.start(self.follow_link, "link")
        self._surface.repeat(usage_every, self._look_at_usage)

    async def run(self) -> None:
        """Open the session, and show its frames for as long as there are any."""
        state, listener = self._state, self._listener
        try:
            opening = self._opening
            if opening is None:
                opening = find_session(
                    state.host, state.options, state.place, lambda: state.settings
                )
            summary = await opening
        except CodeexecError as error:
            state.session.give_up(error)
            self._surface.show_error(error)
            await listener.session_failed()
            return
        if listener.is_leaving:
            return
        session = state.host.session(summary.session_id)
        state.session.become(session)
        await listener.session_opened(summary)
        try:
            async for frame in frames(session.events(0, "latest"), focus=state.session.focus):
                listener.show_frame(frame)
        except CodeexecError as error:
            self._surface.show_error(error)
        if not listener.is_leaving:
            self._status.show(ended=True)

    async def follow_link(self) -> None:
        """Show the state of the connection to the server; why it does not come back is told once
        some attempts have failed."""
        async for link in self._state.host.links():
            self._status.show(link=link)
            if link.state == "reconnecting" and link.attempt == _TOLD_ATTEMPT and link.problem:
                self._surface.notify(
                    f"{link.problem}. It is tried again.",
                    title="The line to the server is cut",
                    severity="warning",
                    timeout=15,
                )
            if link.state == "closed" and link.problem:
                self._surface.notify(
                    link.problem, title="Not connected", severity="error", timeout=30
                )

    def _look_at_usage(self) -> None:
        if self._state.last is not None and self._state.host.link.state == "connected":
            self._surface.start(self._read_usage, "usage", exclusive=True)

    async def _read_usage(self) -> None:
        usage = await ask_quietly(self._state.session, GetUsage())
        if usage is not None:
            self._status.show(usage=usage)
            others = [client.name for client in usage.clients]
            if self._state.me in others:
                others.remove(self._state.me)
            self._console.view.show_others(frozenset(others))
