"""A session as lists show it."""

from __future__ import annotations

from collections.abc import Iterator

from codeexec.domain.events import KernelRef
from codeexec.domain.requests import KernelSummary, SessionSummary
from codeexec.domain.snapshot import Snapshot
from codeexec.session.session import Session


def summarize(session: Session, size: int) -> SessionSummary:
    """`size` in bytes of its folder."""
    snapshot = session.snapshot
    kernel = snapshot.kernel
    views = snapshot.executions.values()
    moments = (view.finished_at or view.started_at or view.queued_at for view in views)
    return SessionSummary(
        session_id=snapshot.session_id,
        name=snapshot.name,
        cwd=snapshot.cwd,
        state=_state(session),
        kernel=kernel.kernel.display_name or kernel.kernel.name if kernel.kernel else "",
        pid=kernel.pid,
        opened_at=snapshot.opened_at,
        changed_at=max(moments, default=snapshot.opened_at),
        executions=snapshot.executions_total,
        queued=len(snapshot.queue),
        clients=len(session.clients),
        bytes=size,
        seq=snapshot.seq,
        kernel_name=kernel.kernel.name if kernel.kernel else "",
        backend=kernel.kernel.backend if kernel.kernel else "",
        policy=kernel.kernel.policy if kernel.kernel else "",
        language=kernel.language or (kernel.kernel.language if kernel.kernel else ""),
        kernels=tuple(kernel_summaries(snapshot)),
        owner=snapshot.owner,
        learner=snapshot.learner.without_code() if snapshot.learner is not None else None,
    )


def kernel_summaries(snapshot: Snapshot) -> Iterator[KernelSummary]:
    """The kernels of a session, in the order of their first start."""
    for name, view in snapshot.kernels.items():
        ref = view.kernel or KernelRef("")
        yield KernelSummary(
            name,
            "paused" if view.paused else view.state,
            ref.display_name or ref.name,
            ref.name,
            view.pid,
            view.language or ref.language,
            ref.backend if view.kernel else "",
            ref.policy,
            is_default=name == snapshot.default_kernel,
        )


def _state(session: Session) -> str:
    snapshot = session.snapshot
    if snapshot.closed:
        return "closed"
    if session.slots.is_adopting:
        return "adopting"
    if any(view.state == "busy" and not view.paused for view in snapshot.kernels.values()):
        return "busy"
    return "paused" if snapshot.kernel.paused else snapshot.kernel.state
