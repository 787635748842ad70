"""Ends the kernels of a session without clients that have been idle for a long time."""

from __future__ import annotations

from codeexec.domain.clock import Clock
from codeexec.session.kernels.slots import KernelSlots


async def stop_idle(slots: KernelSlots, limit: float, clock: Clock, *, spare_first: bool) -> None:
    """End kernels that have run nothing for `limit` seconds. `spare_first`: terminals of the
    session would end with the container of its first kernel."""
    last: dict[str, float] = {}
    for view in slots.snapshot.executions.values():
        last[view.kernel] = max(last.get(view.kernel, 0.0), view.finished_at or 0.0)
    for slot in slots:
        since = max(last.get(slot.name, 0.0), slot.view.ready_at or 0.0)
        is_idle = slot.view.state == "idle" and not slot.is_busy
        is_spared = spare_first and slot.name == slots.first
        if is_idle and not is_spared and clock.now() - since > limit:
            await slot.supervisor.shut_down("It was idle, and nobody watched it.")
