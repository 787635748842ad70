"""Process lifecycle of a kernel: spawned by us, by a provisioner, or only attached to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from codeexec.domain.events import Death
from codeexec.kernels.base import Handle, KernelUsage


class KernelProcess(Protocol):
    """The existence of one kernel through all its processes; says nothing to it."""

    @property
    def pid(self) -> int | None: ...

    @property
    def is_alive(self) -> bool:
        """Of the present process; false before the first."""

    @property
    def can_end(self) -> bool:
        """Whether we may end it; a kernel that is only attached to is disconnected."""

    @property
    def is_on_host(self) -> bool:
        """Whether paths that its code names are paths of this machine."""

    async def launch(self) -> Mapping[str, object]:
        """A fresh process, when there is none; returns its connection info. KernelUnavailable
        when it cannot be started."""

    async def wait(self) -> None:
        """Until the present process is gone."""

    async def explain(self) -> Death:
        """How the last process ended, in words."""

    def last_words(self) -> str:
        """The end of what the process itself wrote, outside of the protocol; may be empty."""

    async def interrupt(self) -> bool:
        """By a signal; false where a control message must do."""

    async def signal(self, signum: int) -> bool:
        """To the whole process group; false where there is none to reach."""

    async def kill(self, *, restart: bool = False) -> None:
        """No process is left, whatever it does; what it had on disk is removed. With `restart`,
        what a next launch can use again may stay (a container)."""

    def usage(self) -> KernelUsage: ...

    def handle(self) -> Handle:
        """The part of a kernel's handle that finds this again."""

    async def release(self) -> None:
        """Let go, and leave everything as it is."""


@runtime_checkable
class Outliving(Protocol):
    """What only the lifecycle of a process has that can outlive this one and be adopted."""

    @property
    def can_outlive(self) -> bool:
        """Whether the process can outlive this one; a process that reads our pipes cannot."""

    def let_outlive(self) -> None:
        """From now on it need not end when we do: its handle is journaled."""


@runtime_checkable
class Contained(Protocol):
    """What only the life of a kernel in a container has."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know of the container, one sentence each."""

    async def pause(self) -> None: ...

    async def unpause(self) -> None: ...
