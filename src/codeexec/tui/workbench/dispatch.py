"""Dispatch of actions and messages to controllers: actions by name, messages by type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from textual.actions import parse
from textual.message import Message

from codeexec.tui.workbench.surface import Surface

Function = Callable[..., object]


@dataclass(frozen=True, slots=True)
class InWorker:
    """Coroutine function that runs in a worker, where it may wait for a dialog. If `exclusive`, it
    cancels what is still running of its group. `key_order.py` has the groups that open dialogs."""

    call: Function
    group: str = "choose"
    exclusive: bool = True


Handler = Function | InWorker


class Controller(Protocol):
    """A part of the workbench that handles commands and messages."""

    def actions(self) -> Mapping[str, Handler]:
        """Handlers by the name of the action in `Command.action`; called with its arguments."""

    def messages(self) -> Mapping[type[Message], Handler]:
        """Handlers by the type of message, each called with the message."""


class Dispatcher:
    """Handlers of all controllers of one workbench."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._actions: dict[str, Handler] = {}
        self._messages: dict[type[Message], Handler] = {}

    def add(self, *controllers: Controller) -> None:
        """Take the handlers of controllers. ValueError if two handle the same."""
        for controller in controllers:
            actions, messages = controller.actions(), controller.messages()
            if taken := (self._actions.keys() & actions) or (self._messages.keys() & messages):
                raise ValueError(f"{taken} is handled twice, also by {type(controller).__name__}.")
            self._actions |= actions
            self._messages |= messages

    def route(self, messages: Mapping[type[Message], Handler]) -> None:
        """Take handlers of messages whose classes were loaded late."""
        self._messages |= messages

    @property
    def names(self) -> frozenset[str]:
        """Names of all actions."""
        return frozenset(self._actions)

    async def run(self, action: str) -> None:
        """Do the action of a command, such as `go('files')`. KeyError if there is no such."""
        _, name, arguments = parse(action)
        await self._call(self._actions[name], *arguments)

    async def deliver(self, message: Message) -> None:
        """Give a message to its handler, if there is one."""
        handler = self._messages.get(type(message))
        if handler is not None:
            await self._call(handler, message)

    async def _call(self, handler: Handler, *arguments: object) -> None:
        if isinstance(handler, InWorker):
            self._surface.start(
                partial(handler.call, *arguments), handler.group, exclusive=handler.exclusive
            )
            return
        result = handler(*arguments)
        if inspect.isawaitable(result):
            await result
