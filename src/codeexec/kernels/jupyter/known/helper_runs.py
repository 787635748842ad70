"""Runs helper code in a kernel out of sight, for kernels that answer no questions beside code.

The helper code is a silent execution: it shows nothing, is not counted, and waits for code that
runs. It writes its answer to a file in the kernel's private folder.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from codeexec.domain.errors import Busy, ProtocolError, Unavailable
from codeexec.domain.plain_files import read_plain
from codeexec.kernels.jupyter.connection import KernelConnection
from codeexec.kernels.jupyter.pending import NO_ANSWER, TRY_LATER

LARGEST = 4_000_000
"""Bytes that an answer may have."""


def silent_request(code: str) -> dict[str, object]:
    """The content of a request that runs helper code."""
    return {
        "code": code,
        "silent": True,
        "store_history": False,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": False,
    }


class HelperRuns:
    """`connection` gives the connection to the present process and raises KernelDied where there
    is none; `folder` gives the folder of that process, None for one of another machine."""

    def __init__(
        self, connection: Callable[[], KernelConnection], folder: Callable[[], Path | None]
    ) -> None:
        self._connection = connection
        self._folder = folder

    @property
    def is_possible(self) -> bool:
        return self._folder() is not None

    async def ask(self, make_code: Callable[[str], str], deadline: float) -> str:
        """The text that the code writes to the path that it is made with. Busy while code runs,
        and after `deadline` seconds; ProtocolError where no answer was written."""
        connection, folder = self._connection(), self._folder()
        if folder is None:
            raise Unavailable("This kernel cannot be asked, as it does not run on this machine.")
        if connection.is_busy:
            raise Busy(NO_ANSWER, TRY_LATER)
        path = folder / f"answer-{secrets.token_hex(8)}"
        content = silent_request(make_code(str(path)))
        try:
            await connection.requests.ask("shell", "execute_request", content, deadline)
            answer = await asyncio.to_thread(read_plain, path, LARGEST, follow_links=False)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ProtocolError(f"The kernel has not answered: {reason}.") from error
        finally:
            with suppress(OSError):
                path.unlink()
        return answer.decode("utf-8", "replace")
