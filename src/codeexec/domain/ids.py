"""Names that never repeat: a prefix that says of what, then 12 random hex digits."""

from __future__ import annotations

import os

SESSION, EXECUTION, CLIENT, TERMINAL = "session", "exec", "client", "term"


def new_id(prefix: str) -> str:
    """Such as `exec-1f0c9a7be412`. Ids are opaque: others may hand in any string."""
    return f"{prefix}-{os.urandom(6).hex()}"


def is_session_id(text: str) -> bool:
    """Whether this has the form of the id of a session, and is no name that a client has chosen."""
    prefix, _, digits = text.rpartition("-")
    return prefix == SESSION and len(digits) == 12 and set(digits) <= set("0123456789abcdef")
