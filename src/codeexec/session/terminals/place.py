"""Where the terminals of a session run: with its first kernel, and with that one's environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from codeexec.domain.env_vars.inherited import without_rule
from codeexec.domain.places.backends import LOCAL
from codeexec.environments.base import Environment
from codeexec.session.kernels.slots import KernelSlots


class TerminalPlace(Protocol):
    """What terminals need of their session."""

    @property
    def environment(self) -> Environment: ...

    @property
    def backend(self) -> str: ...

    @property
    def is_local(self) -> bool: ...

    async def prepare(self) -> None:
        """Before a program starts."""

    def variables(self) -> tuple[dict[str, str], str]:
        """Those of the session, and the folder of its programs."""


class KernelPlace:
    """A TerminalPlace: that of the first kernel of a session."""

    def __init__(self, slots: KernelSlots, environment: Callable[[], Environment]) -> None:
        self._slots = slots
        self._environment = environment

    @property
    def environment(self) -> Environment:
        return self._environment()

    @property
    def backend(self) -> str:
        return self._slots.get(self._slots.first).supervisor.choice.backend

    @property
    def is_local(self) -> bool:
        return self.backend == LOCAL

    async def prepare(self) -> None:
        """A container is there while its kernel is."""
        if not self.is_local:
            await self._slots.get(self._slots.first).supervisor.started()

    def variables(self) -> tuple[dict[str, str], str]:
        supervisor = self._slots.get(self._slots.first).supervisor
        env = dict(supervisor.choice.env)
        if not self.is_local:
            return without_rule(env), ""
        from codeexec.session.terminals.shells import environment_of_python

        view = self._slots.snapshot.kernel_named(self._slots.first)
        variables, path = environment_of_python(view.kernel.path if view.kernel else "")
        return {**variables, **env}, path
