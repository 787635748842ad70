"""The subshell of a kernel process, in which it answers questions beside running code."""

from __future__ import annotations

import asyncio

from codeexec.kernels.jupyter.pending import PendingRequests

SUBSHELL_WAIT = 2.0


class Subshell:
    """One of a process, made when it is first needed."""

    def __init__(self, requests: PendingRequests) -> None:
        self._requests = requests
        self._making: asyncio.Task[str] | None = None

    async def get(self) -> str:
        """Its id. Busy, KernelDied: then the next call tries again."""
        if self._making is None or (self._making.done() and self._making.exception()):
            self._making = asyncio.create_task(self._make(), name="make-subshell")
        return await asyncio.shield(self._making)

    async def _make(self) -> str:
        kind = "create_subshell_request"
        message = await self._requests.ask("control", kind, {}, SUBSHELL_WAIT)
        return str(message.content.get("subshell_id") or "")

    def close(self) -> None:
        if self._making is not None:
            self._making.cancel()
