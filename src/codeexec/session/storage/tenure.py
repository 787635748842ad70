"""How long a session stays, as its journal has it: see `OpenSession.lease` and `temporary`."""

from __future__ import annotations

from codeexec.domain.requests import OpenSession
from codeexec.session.storage.journal import Journal

_LEASE = "lease"
_TEMPORARY = "temporary"


def write_tenure(journal: Journal, request: OpenSession) -> None:
    """Into the journal of a new session. StorageError."""
    if request.lease:
        journal.put_private(_LEASE, request.lease)
    if request.temporary:
        journal.put_private(_TEMPORARY, True)


def read_tenure(journal: Journal) -> tuple[str, bool]:
    """The session's lease (empty: none), and whether it is temporary."""
    return str(journal.get_private(_LEASE) or ""), bool(journal.get_private(_TEMPORARY))


def is_asked_for(request: OpenSession, name: str, lease: str) -> bool:
    """Whether a request to open a session means the open one of this name and lease."""
    return bool(name) and request.name.strip() == name and request.lease in ("", lease)
