"""Charts of Vega, plotly and Mermaid, and first pages of PDF, as pictures of the page.

The server draws nothing: it runs the program that does, one process for each picture, which has
its own limits. All watchers of a page get the same picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import OrderedDict
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

from codeexec.domain.content.charts import drawn_format, has_chart
from codeexec.domain.content.mime import bare
from codeexec.domain.errors import DocumentError, NotFound, UsageError
from codeexec.domain.outputs import Display, MimePart
from codeexec.server.browser.charts import require_size

PROGRAM = (sys.executable, "-P", "-m", "codeexec.rendering")
"""Takes a type and a colour, data on stdin, and puts out a PNG: `rendering/__main__.py`."""

SECONDS = 30.0
"""Time that a picture may take, with the start of its process."""

AT_ONCE = 2
"""Pictures that are drawn at the same time."""

LARGEST = 24 * 2**20
"""Bytes of the data that one picture is drawn from."""

KEPT = 32
KEPT_BYTES = 16 * 2**20
"""Pictures that are kept, and refusals."""

Ground = Literal["light", "dark"]

_COLORS: dict[Ground, str] = {"light": "#ffffff", "dark": "#0d1117"}
"""Colours below an output of the page (`static/page.css`)."""

_Key = tuple[bytes, str]


class ChartPicture(NamedTuple):
    """What is drawn: a type, and the part that has the data."""

    mime: str
    part: MimePart


def find_drawing(display: Display) -> ChartPicture:
    """What of a display can be drawn. NotFound; UsageError for one that is too large."""
    drawing = _find(display)
    if drawing is None:
        raise NotFound("This display has no chart that is drawn here.")
    require_size(drawing.part, LARGEST)
    return drawing


def _find(display: Display) -> ChartPicture | None:
    for part in display.parts:
        if drawn_format(part.mime) is not None:
            return ChartPicture(bare(part.mime), part)
    html, plain = display.part("text/html"), display.part("text/plain")
    is_chart = html is not None and has_chart(html.text, plain.text if plain is not None else None)
    return ChartPicture("text/html", html) if html is not None and is_chart else None


def ground_named(name: str) -> Ground:
    """UsageError for another one."""
    for ground in get_args(Ground):
        if name == ground:
            named: Ground = ground
            return named
    raise UsageError("`ground` is light or dark.")


class Drawings:
    """Of one server."""

    def __init__(self, program: tuple[str, ...] = PROGRAM, seconds: float = SECONDS) -> None:
        self._program = program
        self._seconds = seconds
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._tasks: OrderedDict[_Key, asyncio.Task[bytes]] = OrderedDict()

    async def draw(self, mime: str, data: bytes, ground: Ground) -> bytes:
        """The PNG. DocumentError: why there is none, and what to do."""
        key = sha256(mime.encode() + b"\0" + data).digest(), ground
        task = self._tasks.get(key)
        if task is None or task.cancelled():
            task = self._tasks[key] = asyncio.create_task(self._draw(mime, data, ground))
            task.add_done_callback(_look_at)
            self._let_go_of_old()
        self._tasks.move_to_end(key)
        return await asyncio.shield(task)  # others may wait for it too

    def _let_go_of_old(self) -> None:
        done = [(key, task) for key, task in self._tasks.items() if task.done()]
        size = sum(len(task.result()) for _, task in done if _has_picture(task))
        for key, task in done:
            if len(self._tasks) <= KEPT and size <= KEPT_BYTES:
                return
            size -= len(task.result()) if _has_picture(task) else 0
            del self._tasks[key]

    async def _draw(self, mime: str, data: bytes, ground: Ground) -> bytes:
        async with self._turn:
            arguments = (*self._program, mime, _COLORS[ground])
            return await run_program(arguments, data, self._seconds)


async def run_program(arguments: tuple[str, ...], data: bytes, seconds: float) -> bytes:
    """What a program puts out for `data`. DocumentError with what it says where its exit status is
    3, where it cannot start or fails, and after so many seconds."""
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise DocumentError(f"What draws it cannot start: {error.strerror}.") from None
    try:
        async with asyncio.timeout(seconds):
            output, fault = await process.communicate(data)
    except TimeoutError:
        raise DocumentError(f"It takes more than {seconds:g} s to draw it.") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.returncode == 0 and output:
        return output
    words = fault.decode("utf-8", "replace").strip() if process.returncode == 3 else ""
    raise DocumentError(words or "What draws it has failed.")


def _look_at(task: asyncio.Task[bytes]) -> None:
    """A refused picture is not logged when no request waits for it any more."""
    if not task.cancelled():
        task.exception()


def _has_picture(task: asyncio.Task[bytes]) -> bool:
    return not task.cancelled() and task.exception() is None
