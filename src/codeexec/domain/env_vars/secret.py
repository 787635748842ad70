"""Environment variables that hold our own secrets, and are passed on to no other process."""

# Standard library alone: it is imported before the first kernel is started.

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

from codeexec.domain.env_vars.inherited import RULE, apply_rule

TOKEN = "CODEEXEC_TOKEN"
"""The token that TCP clients of `serve` must send."""

_SECRET_WORDS = ("TOKEN", "SECRET", "PASSWORD")


def is_secret(name: str) -> bool:
    return name.startswith("CODEEXEC_") and any(word in name for word in _SECRET_WORDS)


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy for a kernel, a helper or an engine's program. Where the session has a rule for the
    variables of this process, it is applied: see `inherited_env`."""
    passed_on = {name: value for name, value in environ.items() if not is_secret(name)}
    return apply_rule(passed_on, os.environ) if RULE in passed_on else passed_on


def drop_secrets(environ: MutableMapping[str, str]) -> None:
    """Remove them from the environment of this process, once they have been read."""
    for name in [name for name in environ if is_secret(name)]:
        del environ[name]
