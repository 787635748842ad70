"""Limits of each user of the service, read from the environment of the server."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from codeexec.domain.errors import UsageError

_AMOUNT = re.compile(r"(\d{1,15})\s*([KMGT]i?B?|B|s)?", re.IGNORECASE)
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}


class UserLimits(Struct, frozen=True):
    """0: no limit. `connections` are WebSockets and requests that are being answered. `runtime` is
    the wall time of an execution in seconds; `disk` (folders and sessions) and `memory` (processes
    of local kernels and terminals) are in bytes. The operator of the server has no limits."""

    requests_per_second: int = 100
    running: int = 8
    sessions: int = 20
    streams: int = 32
    connections: int = 256
    runtime: int = 0
    disk: int = 10 * 2**30
    memory: int = 0


def user_limits(environ: Mapping[str, str]) -> UserLimits:
    """The limits that stand in USER_MAX_REQUESTS_PER_SECOND, USER_MAX_RUNNING and so on, as `20`,
    `300s` or `2Gi`. UsageError for another form."""
    return UserLimits(
        **{
            name: _amount(variable, environ[variable])
            for name in UserLimits.__struct_fields__
            if (variable := variable_of(name)) in environ
        }
    )


def variable_of(name: str) -> str:
    return f"USER_MAX_{name.upper()}"


def _amount(variable: str, text: str) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{variable}={text[:40]!a} is no number.",
            f"Write it as {variable}=20; bytes also as 2Gi, seconds as 300s.",
        )
    unit = (match[2] or "").upper()
    base = 1024 if "I" in unit else 1000
    return int(match[1]) * int(base ** _POWERS.get(unit[:1], 0))
