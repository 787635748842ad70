"""JavaScript of Vega for figures of the page, put together by a program of its own and kept."""

from __future__ import annotations

import asyncio
import re
import sys

from codeexec.domain.errors import DocumentError, Unavailable
from codeexec.server.browser.drawings import SECONDS, run_program

PROGRAM = (sys.executable, "-P", "-m", "codeexec.rendering.vega_scripts")
"""Takes the major version of Vega-Lite, and puts out a script that defines `vegaEmbed`."""

_SCHEMA = re.compile(r'"\$schema"\s*:\s*"[^"]{0,200}/vega-lite/v(\d)[."]')
_MAJOR = re.compile(r"vegalite\.v(\d)")
_PLAIN_VEGA = re.compile(r'"\$schema"\s*:\s*"[^"]{0,200}/vega/v(\d)[."]|\.vega\.v(\d)')
_MAJORS = ("5", "6")
"""Those of Vega-Lite that are told apart: older charts are read by 5, others by 6."""


class VegaScripts:
    """Of one server."""

    def __init__(self, program: tuple[str, ...] = PROGRAM, seconds: float = SECONDS) -> None:
        self._program = program
        self._seconds = seconds
        self._tasks: dict[str, asyncio.Task[bytes]] = {}

    async def read(self, mime: str, text: str) -> tuple[str, ...]:
        """The scripts for a chart. Unavailable where the server does not have them."""
        major = major_version(mime, text)
        task = self._tasks.get(major)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            arguments = (*self._program, major)
            task = self._tasks[major] = asyncio.create_task(
                run_program(arguments, b"", self._seconds)
            )
        try:
            script = await asyncio.shield(task)  # others may wait for it too
        except DocumentError as error:
            raise Unavailable(
                f"The JavaScript of Vega is not beside the session server: {error.message}",
                "Install it there: pip install 'codeexec-tui[rich]'",
            ) from error
        return (script.decode(),)


def major_version(mime: str, text: str) -> str:
    """The major version of Vega-Lite whose scripts draw a chart: that of its schema, else of its
    type."""
    match = _SCHEMA.search(text)
    if match is None and (plain := _PLAIN_VEGA.search(f"{text} {mime}")) is not None:
        # Vega itself: its version 5 came with Vega-Lite 5, its version 6 with 6.
        match = plain
    match = match or _MAJOR.search(mime)
    major = next(group for group in match.groups() if group) if match is not None else ""
    if not major:
        return _MAJORS[-1]
    return _MAJORS[0] if major < _MAJORS[-1] else _MAJORS[-1]
