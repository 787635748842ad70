"""Watches the token of an open connection: it ends with the token, not with the next request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from codeexec.domain.errors import Denied
from codeexec.server.access.identity import Identity

RECHECK_SECONDS = 5.0
"""Between two looks whether the token was revoked, or its key removed."""


async def wait_for_denial(identity: Identity, admit: Callable[[], Awaitable[Identity]]) -> Denied:
    """Why the connection has to end. `admit` checks its token again. The static token cannot
    change while the server runs: with that one (no subject) this waits for ever."""
    if not identity.subject:
        await asyncio.get_running_loop().create_future()
    while True:
        seconds = RECHECK_SECONDS
        if identity.expires is not None:
            seconds = min(seconds, max(identity.expires - time.time(), 0.0))
        await asyncio.sleep(seconds)
        if identity.expires is not None and time.time() >= identity.expires:
            return Denied("The token has expired.", "Get a new one where you got it.")
        try:
            identity = await admit()
        except Denied as error:
            return error
