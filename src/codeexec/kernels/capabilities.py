"""What a kernel may be able to do beside running code: one small protocol for each ability.

A kernel says what it can do by `Kernel.capabilities`, whose parts may be the kernel itself or
objects that it is composed of. Callers look for the part that they need; None means that this
kernel does not have it, which may change with its process (the language is known once it answers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from codeexec.domain.requests import (
        Completeness,
        Completions,
        Inspection,
        QueryTable,
        ReadTable,
        TableAnswer,
        TablePage,
        VariableDetail,
        Variables,
        VariableSizes,
    )
    from codeexec.environments.base import TerminalSize
    from codeexec.kernels.base import Reached

# Questions fail with Busy where the kernel cannot answer beside running code, and with KernelDied
# when it goes away meanwhile.


class Pausable(Protocol):
    """All processes of the kernel can be stopped where they are, and go on later."""

    async def pause(self) -> None: ...

    async def unpause(self) -> None: ...


class Adoptable(Protocol):
    """The kernel can outlive this process; the next server adopts it by its handle."""

    def let_outlive(self) -> None:
        """The handle is journaled: from now on the kernel need not end when we do."""

    async def detach(self) -> None:
        """Let go of the connection and leave the process to be adopted."""


class HasOutbox(Protocol):
    """The kernel keeps what it puts out until that is acknowledged, so that nothing is lost while
    no server listens."""

    def acknowledge(self, place: Reached) -> None:
        """Everything up to this place is journaled; the kernel need not keep it any more."""


class TakesInput(Protocol):
    """Code can ask for input by `InputRequested`."""

    def answer_stdin(self, text: str) -> None: ...


class HasTerminal(Protocol):
    """Code runs on a terminal, whose size can change meanwhile."""

    async def resize(self, size: TerminalSize) -> None:
        """Nothing happens where nothing runs; what runs next has a size of its own."""


class Completing(Protocol):
    """The kernel completes code, and says whether code is complete. `cursor` counts characters."""

    async def complete(self, code: str, cursor: int) -> Completions: ...

    async def is_complete(self, code: str) -> Completeness: ...


class Inspectable(Protocol):
    """The kernel has help for what the cursor is on. `cursor` counts characters."""

    async def inspect(self, code: str, cursor: int, detail: int) -> Inspection: ...


class HasVariables(Protocol):
    """The variables of the user's namespace. `deadline` is in seconds."""

    async def variables(self, deadline: float) -> Variables: ...

    async def describe(self, name: str, deadline: float) -> VariableDetail: ...

    async def delete(self, name: str, deadline: float) -> None: ...


class HasSizes(Protocol):
    """How much memory variables hold, with all that is in them."""

    async def measure(self, names: Sequence[str], deadline: float) -> VariableSizes:
        """Of all variables where none is named. Busy while code runs. `deadline` is in seconds."""


class HasTables(Protocol):
    """Pages of variables that are tables. `deadline` is in seconds."""

    async def read_table(self, request: ReadTable, deadline: float) -> TablePage: ...

    async def query_table(self, request: QueryTable, deadline: float) -> TableAnswer: ...


class HasValues(Protocol):
    """The values of variables can be read, for code of other kernels."""

    async def read_values(self, names: Sequence[str], deadline: float) -> Mapping[str, str]:
        """As JSON, by name. `deadline` is in seconds. UsageError for a name that does not exist
        and for a value that JSON cannot hold."""


class HasComms(Protocol):
    """Code can open comms, as widgets do."""

    def send_comm(self, comm_id: str, body: dict[str, object], execution: str) -> str:
        """Send a message to a comm; returns its id, which `CommUpdated.handled` has in the end.
        What it makes code put out belongs to `execution`."""


class AbsentAbility(Struct, frozen=True):
    """Something that a kernel is known to lack: a field of `Capabilities`, or `interruption`,
    `stderr`, `exit`, `floods` (no line is lost in one), `recovery` (from an interrupt). `reason`
    is a sentence for the user, `next_step` what to do instead."""

    ability: str
    reason: str
    next_step: str = ""


class Capabilities(Struct, frozen=True):
    """The parts of one kernel that have an ability, None where it has not. With `host_paths` the
    paths that its code names are paths of this machine. `absent` says why some are None, and what
    else the kernel lacks."""

    pausing: Pausable | None = None
    adoption: Adoptable | None = None
    outbox: HasOutbox | None = None
    stdin: TakesInput | None = None
    terminal: HasTerminal | None = None
    completion: Completing | None = None
    inspection: Inspectable | None = None
    variables: HasVariables | None = None
    sizes: HasSizes | None = None
    tables: HasTables | None = None
    values: HasValues | None = None
    comms: HasComms | None = None
    host_paths: bool = False
    absent: tuple[AbsentAbility, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those that are there, as `KernelReady` tells them to clients."""
        fields = (name for name in self.__struct_fields__ if name != "absent")
        return tuple(name for name in fields if getattr(self, name))

    def why_absent(self, ability: str) -> AbsentAbility | None:
        """What is known of an ability that the kernel lacks; None: nothing is known, or it has
        the ability."""
        return next((absent for absent in self.absent if absent.ability == ability), None)
