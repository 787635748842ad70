"""The list of learners while they work: shown again with each change."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence

from codeexec.cli import messages as style
from codeexec.cli.lessons.class_list import Learner, Table, learners_in, newest, to_json
from codeexec.cli.servers.local import is_running, server_address
from codeexec.cli.text_width import clip
from codeexec.client.socket import SocketHost
from codeexec.client.wire import Address
from codeexec.config.paths import find_paths
from codeexec.domain.errors import ServerUnavailable
from codeexec.domain.requests import ClientInfo, ListSessions, SessionSummary

_EVERY = 1.0
"""Seconds between two looks at the sessions."""

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?1049l\x1b[?25h"
"""The other screen of the terminal, without a cursor; and back."""


def watch_learners(
    learners: Sequence[Learner],
    name: str,
    make_rows: Callable[[Sequence[Learner]], Table],
    *,
    as_json: bool,
) -> None:
    """Show these, and with each change those that the sessions have then, until Ctrl+C. `name` as
    for `newest`. CodeexecError where a server elsewhere is not reached."""
    make_view = ChangedLearners if as_json else ClassScreen if sys.stdout.isatty() else PlainTables
    view = make_view(make_rows)
    try:
        asyncio.run(_follow(list(learners), name, view))
    except KeyboardInterrupt:
        return
    finally:
        view.close()


async def _follow(learners: list[Learner], name: str, view: ClassView) -> None:
    view.show(newest(learners, name))
    async for sessions in _open_sessions():
        learners = newest([*learners, *learners_in(sessions)])
        view.show(newest(learners, name))


async def _open_sessions() -> AsyncGenerator[Sequence[SessionSummary]]:
    """The open sessions, again and again; once also the closed ones where one was closed. A server
    of this machine is not started, and may come and go."""
    own = Address(socket=str(find_paths().socket))
    present_ids: set[str] = set()
    while True:
        if not await asyncio.to_thread(is_running):
            yield ()
            await asyncio.sleep(_EVERY)
            continue
        address = server_address() or own
        try:
            async with SocketHost(address, ClientInfo("cli"), must_answer=True) as host:
                while True:
                    sessions = (await host.call(ListSessions(ended=False))).sessions
                    open_ids = {session.session_id for session in sessions}
                    if present_ids - open_ids:
                        sessions = (await host.call(ListSessions(ended=True))).sessions
                    present_ids = open_ids
                    yield sessions
                    await asyncio.sleep(_EVERY)
        except ServerUnavailable:
            if address is not own:
                raise


class ClassView(ABC):
    """Where the list is shown, as tables of `make_rows`."""

    def __init__(self, make_rows: Callable[[Sequence[Learner]], Table]) -> None:
        self._make_rows = make_rows

    @abstractmethod
    def show(self, learners: Sequence[Learner]) -> None:
        """Called once a second, also where nothing has changed."""

    def close(self) -> None:  # noqa: B027  (most views leave nothing)
        """Leave the terminal as it was."""

    def _table(self, learners: Sequence[Learner]) -> style.TerminalText:
        if not learners:
            line = "No learners yet. `codeexec-tui lesson learn FILE` begins a lesson."
            return style.TerminalText(line)
        rows, head = self._make_rows(learners)
        return style.table(rows, head, color=False)


class ClassScreen(ClassView):
    """The list on the other screen of the terminal; the last one stays on this when it ends."""

    def __init__(self, make_rows: Callable[[Sequence[Learner]], Table]) -> None:
        super().__init__(make_rows)
        self._shown: tuple[Sequence[Learner], os.terminal_size] | None = None

    def show(self, learners: Sequence[Learner]) -> None:
        """Draw it where it, or the size of the terminal, has changed."""
        size = os.get_terminal_size(sys.stdout.fileno())
        if self._shown == (learners, size):
            return
        start = _ENTER if self._shown is None else ""
        self._shown = (learners, size)
        count = f"{len(learners)} learner{'' if len(learners) == 1 else 's'}"
        lines = [f"{count} · changed {time.strftime('%H:%M:%S')} · Ctrl+C ends", ""]
        lines += self._table(learners).split("\n")
        if len(lines) > size.lines:
            lines = [*lines[: size.lines - 1], f"… {len(lines) - size.lines + 1} more"]
        rows = "\x1b[K\r\n".join(clip(line, size.columns) for line in lines)
        style.write(f"{start}\x1b[H{rows}\x1b[J", flush=True)

    def close(self) -> None:
        if self._shown is not None:
            style.write(_LEAVE)
            style.say_lines(self._table(self._shown[0]))


class PlainTables(ClassView):
    """A table for each change, below one another."""

    _shown: Sequence[Learner] | None = None

    def show(self, learners: Sequence[Learner]) -> None:
        if learners == self._shown:
            return
        if self._shown is not None:
            style.say("")
        self._shown = learners
        style.say(self._table(learners), flush=True)


class ChangedLearners(ClassView):
    """A line for each learner that is new, or has changed."""

    _shown: Sequence[Learner] = ()

    def show(self, learners: Sequence[Learner]) -> None:
        changed = [learner for learner in learners if learner not in self._shown]
        for record in to_json(changed):
            style.say_json(record, flush=True)
        self._shown = learners
