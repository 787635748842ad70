"""Run complete lines that are typed before the workbench is loaded.

Half of a start goes into importing the drawing modules, and the session is open long before that.
Lines that are complete are executed at once; the first frame shows their output in plain rows at
the place where the workbench puts their cards. Other text is handed to the workbench's prompt.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable

from codeexec.client.api import HostClient, SessionClient
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import KernelStarting
from codeexec.domain.fold import apply
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import Run
from codeexec.domain.requests import Execute, SessionSummary
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.languages.completeness import completeness
from codeexec.tui.boot.background_import import Loading
from codeexec.tui.boot.first_frame import FirstFrame
from codeexec.tui.boot.preview import rows_text
from codeexec.tui.commands.exit_words import leaves
from codeexec.tui.layout import Box, output_width

_STYLE = re.compile(r"\x1b\[[0-9;:]*m|\x1b\]8;[^\x1b]*\x1b\\")


class FirstRun:
    """Executions of the first lines, from `begin` to `end`.

    `console` is the area of the console; its last row is the prompt's. `loading` pauses while code
    runs.
    """

    def __init__(
        self,
        frame: FirstFrame,
        host: HostClient,
        opening: Awaitable[SessionSummary],
        me: str,
        console: Box,
        loading: Loading,
    ) -> None:
        self._frame = frame
        self._host = host
        self._opening = opening
        self._me = me
        self._console = console
        self._loading = loading
        self._keys = asyncio.Event()
        self._is_submitting = asyncio.Lock()
        self._takes_lines = True
        self._mine: list[str] = []
        self._taking: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    def begin(self) -> asyncio.Task[None]:
        """Look after lines, and after what comes of them. The task ends when it has come to what
        is the workbench's."""
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(self._keys.set)

        self._frame.on_keys(tell)
        if self._is_runnable(self._frame.line):
            self._loading.hold()
        self._taking = asyncio.create_task(self._take_lines())
        return self._taking

    async def hand_over(self) -> bytes:
        """Take no more lines; the keys that the workbench is to have, a refused line among them:
        one that is on its way is waited for."""
        self._takes_lines = False
        async with self._is_submitting:
            return self._frame.hand_over()

    def end(self) -> None:
        """The workbench has the screen: nothing more is written to it."""
        self._takes_lines = False
        self._frame.on_keys(None)
        for task in (self._taking, self._following):
            if task is not None:
                task.cancel()

    # -- lines ---------------------------------------------------------------------------------

    async def _take_lines(self) -> None:
        try:
            while True:
                while (line := self._frame.line) is not None:
                    if completeness(line) != "complete" or leaves(line):
                        return
                    if line.strip():
                        self._loading.hold()
                    if not await self._run(line):
                        return
                self._keys.clear()
                await self._keys.wait()
        finally:
            self._loading.go_on()

    @staticmethod
    def _is_runnable(line: str | None) -> bool:
        if line is None or not line.strip() or leaves(line):
            return False
        return completeness(line) == "complete"

    async def _run(self, line: str) -> bool:
        """Whether that was done, and more lines can be taken."""
        try:
            summary = await asyncio.shield(self._opening)
            session = self._host.session(summary.session_id)
            language = summary.language or await _language(session, summary.seq)
        except CodeexecError:
            return False  # the workbench says so
        if language != "python":
            return False  # only its kernel knows when a line is whole
        execution_id = new_id(EXECUTION)
        async with self._is_submitting:
            if not self._takes_lines:
                return False
            self._frame.take_line()
            if not line.strip():
                return True
            try:
                columns = output_width(self._console.width)
                options = ExecuteOptions(columns=columns, draws_widgets=True)
                request = Execute(line.rstrip(), execution_id, origin=self._me, options=options)
                taken = await session.call(request)
            except CodeexecError:
                self._frame.put_back(line)  # the workbench asks again, and says what is wrong
                return False
        self._mine.append(execution_id)
        if len(self._mine) == 1:
            follow = self._follow(session, taken.seq - 1, summary.executions == 0)
            self._following = asyncio.create_task(follow)
        return True

    # -- what comes of them --------------------------------------------------------------------

    async def _follow(self, session: SessionClient, after: int, at_top: bool) -> None:
        """Show them until the workbench does: at the top of the console where they are its first
        cards, else right above the prompt."""
        snapshot = Snapshot(seq=after)
        room, top = max(self._console.height - 1, 0), self._console.top
        try:
            async for batch in session.events(after, "tail"):
                snapshot = apply(snapshot, batch)
                views = [
                    view for key in self._mine if (view := snapshot.executions.get(key)) is not None
                ]
                rows = [row for view in views for row in _card(view)]
                rows = rows[max(len(rows) - room, 0) :]
                if not at_top:
                    top = self._console.top + room - len(rows)
                box = Box(self._console.left, top, self._console.width, room)
                self._frame.show(rows_text(rows, box))
                if not any(view.is_open for view in views):
                    self._loading.go_on()
                counts = [view.count for view in views if view.count is not None]
                if counts:
                    self._frame.number_prompt(max(counts) + 1)
        except CodeexecError:
            return  # the workbench says so


async def _language(session: SessionClient, after: int) -> str:
    """That of the kernel which is about to start."""
    async for batch in session.events(after, "tail"):
        for record in batch:
            if isinstance(record.event, KernelStarting):
                return record.event.ref.language
    return ""


def _card(view: ExecutionView) -> list[str]:
    """Code and output as rows of plain text, with the console's own marks."""
    number = "·" if view.count is None else view.count
    rows = [f"  [{number}] {view.code}"]
    for run in view.tail:
        rows += _rows(run)
    return rows


def _rows(run: Run) -> list[str]:
    if run.display is not None:
        part = run.display.part("text/plain")
        lines = (part.text if part is not None and part.text else "▣").split("\n")
        mark = "→" if run.display.role == "result" else " "
        return [f"{mark if number == 0 else ' '} {line}" for number, line in enumerate(lines)]
    if run.error is not None:
        return [f"  {run.error.name}: {run.error.value}"]
    mark = "┆" if run.kind == "stderr" else " "
    return [f"{mark} {_STYLE.sub('', line)}" for line in run.text.split("\n")]
