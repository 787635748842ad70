"""Requests about the kernels of a session, and how each kernel was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import assert_never

from msgspec import ValidationError, convert
from msgspec.structs import replace

from codeexec.domain import requests as q
from codeexec.domain.content.comms import CommView, check_size
from codeexec.domain.errors import Conflict, NotFound
from codeexec.domain.places.backends import LOCAL
from codeexec.domain.places.containers import ClassicLayout
from codeexec.domain.text.printable import printable
from codeexec.kernels.base import KernelChoice
from codeexec.session.kernels.names import spec_of
from codeexec.session.kernels.parts import SessionParts
from codeexec.session.kernels.slot import KernelSlot
from codeexec.session.kernels.slots import KernelSlots
from codeexec.session.kernels.supervisor import CHOICE
from codeexec.session.kernels.variables import VariableRequest, VariableWatch, unavailable
from codeexec.session.storage.journal import Journal
from codeexec.session.widgets.front_end import WidgetFrontEnd

SLOT = "slot"
"""In the journaled choice of the first kernel: its name."""

KernelChange = (
    q.RestartKernel
    | q.PauseKernel
    | q.UnpauseKernel
    | q.ShutDownKernel
    | q.StartKernel
    | q.SetDefaultKernel
    | q.RemoveKernel
)


class KernelRequests:
    """Answers for the kernels of one session; see each request for its errors."""

    def __init__(
        self, parts: SessionParts, slots: KernelSlots, is_watched: Callable[[], bool]
    ) -> None:
        """`is_watched`: whether a client follows the session's events."""
        self._recorder = parts.recorder
        self._slots = slots
        self.variables = VariableWatch(parts, slots, is_watched)
        self.widgets = WidgetFrontEnd(
            parts.recorder, self._send_state, lambda: parts.limit.is_reached
        )

    async def change(self, request: KernelChange) -> None:
        match request:
            case q.StartKernel():
                self._slots.start(request.kernel, request.spec, request.policy)
                self.keep_choices()
            case q.SetDefaultKernel():
                self._slots.choose_default(request.kernel)
            case q.RemoveKernel():
                await self._slots.remove(request.kernel)
                self._recorder.keep(f"{CHOICE}:{request.kernel}", None)
            case q.RestartKernel():
                supervisor = self._slots.get(request.kernel).supervisor
                await supervisor.restart(request.spec, request.policy)
                self.keep_choices()
            case q.PauseKernel():
                await self._slots.get(request.kernel).supervisor.pause()
            case q.UnpauseKernel():
                await self._slots.get(request.kernel).supervisor.unpause()
            case q.ShutDownKernel():
                await self._slots.get(request.kernel).supervisor.shut_down("It was shut down.")
            case _:
                assert_never(request)

    async def ask(self, request: q.Complete | q.Inspect | q.IsComplete) -> q.Reply:
        slot = self._slots.get(request.kernel)
        _require_awake(slot)
        kernel = slot.supervisor.kernel
        if kernel is None or slot.view.state not in ("idle", "busy"):
            raise Conflict("There is no kernel to ask yet.", "It answers once it has started.")
        able = kernel.capabilities
        if isinstance(request, q.Inspect):
            if able.inspection is None:
                raise unavailable(able, "inspection", "This kernel has no help for code.")
            inspection = await able.inspection.inspect(request.code, request.cursor, request.detail)
            return replace(inspection, text=slot.secrets.mask(inspection.text))
        if able.completion is None:
            raise unavailable(able, "completion", "This kernel does not complete code.")
        if isinstance(request, q.Complete):
            return await able.completion.complete(request.code, request.cursor)
        return await able.completion.is_complete(request.code)

    def send_comm(self, request: q.SendComm) -> q.CommSent:
        view = self._recorder.snapshot.comms.get(request.comm_id)
        if view is None:
            raise NotFound(
                f"There is no widget with the id {printable(request.comm_id[:100])}.",
                "Run the cell that makes it, and use the new one.",
            )
        message = request.message
        if isinstance(message, q.CommUpdate):
            check_size(message.state)
            message_id = self._send_state(view, message.state)
            self.widgets.note_sent(view.comm_id, message.state, message_id)
        else:
            check_size(message.content)
            message_id = self._send(view, {"method": "custom", "content": message.content})
        return q.CommSent(message_id)

    def _send_state(self, view: CommView, state: Mapping[str, object]) -> str:
        return self._send(view, {"method": "update", "state": dict(state), "buffer_paths": []})

    def _send(self, view: CommView, body: dict[str, object]) -> str:
        """Send to the kernel that opened the comm; the id of the message. Conflict."""
        slot = next((slot for slot in self._slots if slot.name == view.kernel), None)
        kernel = slot.supervisor.kernel if slot is not None else None
        is_gone = slot is None or kernel is None or slot.view.generation != view.generation
        if view.is_closed or is_gone or slot is None or kernel is None:
            raise Conflict(
                "Code has closed this widget."
                if view.is_closed
                else "The kernel of this widget has ended.",
                "Run the cell that makes it again.",
            )
        _require_awake(slot)
        if slot.view.state not in ("idle", "busy") or kernel.capabilities.comms is None:
            raise Conflict("There is no kernel that could answer.", "It answers once it runs.")
        return kernel.capabilities.comms.send_comm(view.comm_id, body, view.execution_id)

    def usage(self, kernel_name: str, clients: tuple[q.ClientInfo, ...]) -> q.Usage:
        kernel = self._slots.get(kernel_name).supervisor.kernel
        if kernel is None or not kernel.is_alive:
            return q.Usage(clients=clients)
        usage = kernel.usage()
        return q.Usage(usage.cpu, usage.rss, clients)

    async def answer_variables(self, request: VariableRequest) -> q.Reply:
        slot = self._slots.get(request.kernel)
        _require_awake(slot)
        return await self.variables.answer(request, slot)

    def look_at_variables(self, kernel: str) -> None:
        """A run on this kernel has ended: look at its variables soon."""
        slot = next((candidate for candidate in self._slots if candidate.name == kernel), None)
        if slot is not None:
            self.variables.look_soon(slot)

    def keep_choices(self) -> None:
        """Journal the choice of each kernel, for the next server that opens the journal."""
        first = self._slots.get(self._slots.first).supervisor.choice
        fields = {**_fields_of(first), "cwd": first.cwd, "file": first.file, "env": dict(first.env)}
        fields |= {
            "confined_image": first.confined_image,
            "confined_policy": first.confined_policy,
        }
        without_env = self._recorder.secrets.without_env(
            CHOICE, {**fields, SLOT: self._slots.first}
        )
        self._recorder.keep(CHOICE, without_env)
        for slot in self._slots:
            if slot.name != self._slots.first:
                fields = _fields_of(slot.supervisor.choice)
                self._recorder.keep(f"{CHOICE}:{slot.name}", fields)


def choice_from(stored: object) -> KernelChoice:
    """The choice of the first kernel, as the journal has it."""
    if not isinstance(stored, dict):
        return KernelChoice(cwd=str(Path.cwd()))
    # Another version may have kept more than we know of.
    names = {field.name for field in dataclasses.fields(KernelChoice)}
    fields = {str(key): value for key, value in stored.items() if key in names}
    return KernelChoice(**{**fields, "classic": _layout_from(fields)})


def choice_left(journal: Journal, name: str, first: KernelChoice) -> KernelChoice:
    """How the last server was asked for another kernel than the first one."""
    value = journal.get_private(f"{CHOICE}:{name}")
    fields = value if isinstance(value, dict) else {}
    if not fields:
        return first.beside(spec_of(name))
    return dataclasses.replace(
        first,
        file="",
        name=str(fields.get("name", "")),
        backend=str(fields.get("backend", LOCAL)),
        image=str(fields.get("image", "")),
        policy=str(fields.get("policy", "")),
        transport=str(fields.get("transport", "")),
        classic=_layout_from(fields),
        connection_file=str(fields.get("connection_file", "")),
        language=str(fields.get("language", "")),
    )


def _layout_from(fields: Mapping[str, object]) -> ClassicLayout | None:
    try:
        return convert(fields.get("classic"), ClassicLayout | None)
    except ValidationError:
        return None  # of another version


def _require_awake(slot: KernelSlot) -> None:
    if slot.supervisor.is_paused:
        raise Conflict("The container is paused.", "It answers when it goes on.")


def _fields_of(choice: KernelChoice) -> dict[str, object]:
    """What one kernel's choice has of its own; the folder and the environment are the session's."""
    return {
        "name": choice.name,
        "backend": choice.backend,
        "image": choice.image,
        "policy": choice.policy,
        "transport": choice.transport,
        "classic": choice.classic,
        "connection_file": choice.connection_file,
        "language": choice.language,
    }
