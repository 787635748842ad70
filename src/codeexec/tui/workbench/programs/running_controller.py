"""Lists what runs in the session, and stops it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from textual.message import Message

from codeexec.domain import requests as q
from codeexec.tui.session.ask import ask
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.surface import Surface, WorkbenchState


class RunningController:
    """Executions of all kernels, those of programs among them. `show_card` goes to the card of
    one."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        show_card: Callable[[str], Awaitable[None]],
    ) -> None:
        self._surface = surface
        self._state = state
        self._show_card = show_card

    def actions(self) -> Mapping[str, Handler]:
        return {"list_running": InWorker(self.choose)}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def choose(self) -> None:
        """List what runs; go to the card of what is chosen."""
        from codeexec.tui.screens.programs.running import RunningScreen  # not at the start

        chosen = await self._surface.ask_user(RunningScreen(self._state.snapshot, self._stop))
        if chosen is not None:
            await self._show_card(chosen)

    def _stop(self, execution_id: str) -> None:
        request = q.CancelExecution(execution_id)
        self._surface.start(partial(ask, self._surface, self._state.session, request), "tell")
