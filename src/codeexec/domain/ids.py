"""Names that never repeat: a prefix that says of what, then 12 random hex digits."""

from __future__ import annotations

import secrets

SESSION, EXECUTION, CLIENT, TERMINAL = "session", "exec", "client", "term"


def new_id(prefix: str) -> str:
    """Such as `exec-1f0c9a7be412`. Ids are opaque: others may hand in any string."""
    return f"{prefix}-{secrets.token_hex(6)}"
