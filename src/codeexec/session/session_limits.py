"""Limits of the users of the service, as sessions ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from codeexec.domain import requests as q

if TYPE_CHECKING:
    from codeexec.session.session import Session


class SessionLimits(Protocol):
    """Of the owners of sessions. Does not block."""

    def check(self, session: Session, request: q.AnyRequest) -> None:
        """LimitReached where the owner's limits do not allow this request."""
        ...

    def check_run(self, session: Session) -> None:
        """LimitReached where one more kernel of the owner may not run code now."""
        ...

    def memory(self, owner: str) -> int:
        """Bytes that all kernels and terminals of the owner may take; 0: no limit."""
        ...

    def disk_excess(self, owner: str) -> str:
        """Why code of the owner may not go on writing files; empty: it may."""
        ...

    def runtime(self, wanted: float | None) -> float | None:
        """Seconds that an execution may run, of which its client wants so many; None: no limit."""
        ...
