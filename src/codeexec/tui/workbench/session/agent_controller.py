"""Confirmation of agents' code: the bar that asks, and the answer by a key or a click."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from textual.message import Message
from textual.widget import Widget

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Conflict
from codeexec.tui.session.ask import Failed
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.agent_bar import AgentBar
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.surface import Surface, WorkbenchState


class AgentController:
    """`mount` puts the bar on screen, when the first agent asks; `show_card` goes to the card of an
    execution."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        mount: Callable[[Widget], object],
        show_card: Callable[[str], Awaitable[None]],
    ) -> None:
        self._surface = surface
        self._state = state
        self._mount = mount
        self._show_card = show_card
        self._bar: AgentBar | None = None

    def actions(self) -> Mapping[str, Handler]:
        return {"answer_agent": self.answer}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {AgentBar.Decided: self.take_click}

    def show_frame(self, frame: Frame) -> None:
        """Ask about the oldest execution that waits for confirmation; other clients see the same,
        and the first answer counts."""
        if frame.snapshot.executions is frame.before.executions and self._bar is not None:
            return
        waiting = [view for view in frame.snapshot.queue if view.confirm]
        if self._bar is None:
            if not waiting or self._state.options.watch:
                return
            self._bar = AgentBar()
            self._mount(self._bar)
        self._bar.show(waiting)

    def answer(self, allow: bool) -> None:
        """The user's answer to what the bar asks."""
        if self._bar is None or not self._bar.execution_id:
            self._surface.notify("No agent asks to run anything.", timeout=2)
            return
        self._send(self._bar.execution_id, allow)

    async def take_click(self, event: AgentBar.Decided) -> None:
        event.stop()
        if event.answer == "show":
            await self._show_card(event.execution_id)
        else:
            self._send(event.execution_id, event.answer == "allow")

    def _send(self, execution_id: str, allow: bool) -> None:
        request = q.ConfirmExecution(execution_id, allow, self._state.me)
        self._surface.start(partial(self._confirm, request), "tell")

    async def _confirm(self, request: q.ConfirmExecution) -> None:
        try:
            await self._state.session.call(request)
        except Conflict:
            self._surface.notify("Another client has answered, or the agent took it back.")
        except CodeexecError as error:
            self._surface.post_message(Failed(error))
