"""Session screen: running and ended sessions; attach, rename, stop or remove."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType

from codeexec.client.api import HostClient
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import SessionSummary
from codeexec.domain.text.glyphs import KERNELS
from codeexec.domain.text.words import size_words
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.counts import counted
from codeexec.tui.render.plain import home_path, padded
from codeexec.tui.screens.picker import HeadingRow, Picker, spread
from codeexec.tui.widgets.dialogs import Confirm
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Ink, ListRow, Pieces

_EVERY = 2.0
"""Seconds between looks at what the sessions do."""

_STATES: dict[str, tuple[Ink, str]] = {
    "idle": ("ok", "idle"),
    "busy": ("accent", "busy"),
    "starting": ("warn", "starting"),
    "adopting": ("warn", "adopting"),
    "paused": ("warn", "paused"),
    "dead": ("error", "kernel died"),
    "stopped": ("muted", "no kernel"),
    "none": ("muted", "no kernel"),
    "closed": ("muted", "ended"),
}
"""State of a session's kernel -> colour, words."""


def ago(seconds: float) -> str:
    """How long since, in two characters and a unit: `now`, `5 min`, `3 h`, `12 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "now"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Row of a session; its age is relative to `now`, seconds since the epoch."""

    summary: SessionSummary
    now: float
    is_current: bool = False
    name_width: int = 16

    @property
    def is_open(self) -> bool:
        return self.summary.state != "closed"

    def pieces(self, width: int) -> Pieces:
        summary = self.summary
        ink, state = _STATES.get(summary.state, ("warn", summary.state))
        label: Pieces = [
            (f"{KERNELS.get(summary.state, '?')} ", ink),
            (padded(summary.name, self.name_width) + "  ", "text" if self.is_open else "muted"),
            (padded(f"{state}, {summary.queued} wait" if summary.queued else state, 12) + " ", ink),
        ]
        runs = counted(summary.executions, "run")
        facts = [runs]
        if self.is_current:
            facts.insert(0, "this one")
        elif summary.clients:
            facts.insert(0, f"{summary.clients} attached")
        if summary.bytes:
            facts.append(size_words(summary.bytes))
        right = f"{', '.join(facts)}  {ago(max(self.now - summary.changed_at, 0)):>6}"
        if width >= 76:
            label.append((summary.kernel if self.is_open else "", "muted"))
        return spread(label, [(right, "muted")], width)


class SessionsScreen(Picker[str | None]):
    """Dismissed with the id of the session to attach to."""

    typing: ClassVar[bool] = False

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("sessions")]

    def __init__(self, host: HostClient, current: str = "") -> None:
        """`current` is the id of the session that is attached to now."""
        super().__init__("Sessions")
        self._host = host
        self._current = current
        self._sessions: Sequence[SessionSummary] | None = None
        self._fault = ""
        self._refusal = ""
        """Why the last key did nothing; shown until the cursor moves."""

    def begin(self) -> None:
        self.say("Asking for sessions…")
        self.look()
        self.set_interval(_EVERY, self.look)

    def look(self) -> None:
        """Ask again what there is."""
        self.run_worker(self._look(), group="look", exclusive=True)

    async def _look(self) -> None:
        try:
            self._sessions = (await self._host.call(q.ListSessions())).sessions
            self._fault = ""
        except CodeexecError as error:
            self._fault = f"{error.title}: {error.message}\n{error.next_step}".strip()
        self._fill()
        self.choose_if_waiting()

    def is_reading(self) -> bool:
        return self._sessions is None and not self._fault

    # -- rows ------------------------------------------------------------------------------------

    @property
    def _chosen(self) -> SessionSummary | None:
        rows = self.list.rows
        row = rows[self.list.cursor] if rows else None
        return row.summary if isinstance(row, SessionRow) else None

    def _fill(self) -> None:
        sought = self.field.value.strip().casefold()
        listed = self._sessions or ()
        sessions = [s for s in listed if sought in f"{s.name} {s.cwd} {s.kernel}".casefold()]
        rows: list[ListRow] = []
        now, width = time.time(), min(max((len(s.name) for s in sessions), default=0), 24)
        for title, is_open in (("Running", True), ("Ended", False)):
            part = [s for s in sessions if (s.state != "closed") == is_open]
            if part:
                rows.append(HeadingRow(title, "last run" if not rows else ""))
            rows += [SessionRow(s, now, s.session_id == self._current, width) for s in part]
        chosen = self._chosen
        selected_id = chosen.session_id if chosen is not None else self._current
        ids = [row.summary.session_id if isinstance(row, SessionRow) else "" for row in rows]
        self.show(rows, ids.index(selected_id) if selected_id in ids else self.list.cursor)
        self._tell()

    def _tell(self) -> None:
        chosen = self._chosen
        if self._fault:
            self.say(self._fault, "error")
        elif self._refusal:
            self.say(self._refusal, "warn")
        elif chosen is not None:
            self.say(home_path(chosen.cwd))
        elif self._sessions:
            self.say("Nothing fits.")
        elif self._sessions is not None:
            self.say("There is no session yet. One begins with the first file that is opened.")
        self.refresh_hints()

    def hints(self) -> Sequence[Hint]:
        chosen = self._chosen
        entries: list[Hint] = []
        if chosen is not None and chosen.state != "closed":
            if chosen.session_id != self._current:
                entries.append(Hint("enter", "attach", "choose"))
            entries.append(Hint("s", "stop", "stop"))
        elif chosen is not None:
            entries.append(Hint("d", "remove", "remove"))
        return (*entries, Hint("/", "search", "search"), Hint("esc", "close", "leave"))

    def narrow(self, typed: str) -> None:
        self._refusal = ""
        self._fill()

    def moved(self, at: int) -> None:
        self._refusal = ""
        self._tell()

    def _refuse(self, reason: str) -> None:
        self._refusal = reason
        self._tell()

    # -- what can be done ---------------------------------------------------------------------

    def choose(self, at: int) -> None:
        chosen = self._chosen
        if chosen is None:
            return
        if chosen.state == "closed":
            self._refuse("It has ended: `codeexec-tui sessions export` writes its output.")
        else:
            self.dismiss(chosen.session_id)

    def action_stop(self) -> None:
        chosen = self._chosen
        if chosen is not None and chosen.state != "closed":
            self.run_worker(self._stop(chosen), group="do", exclusive=True)

    async def _stop(self, session: SessionSummary) -> None:
        message = "Its kernel ends, and what is in its memory is gone. Its output is kept."
        if session.state == "busy":
            message = f"It is running code. {message}"
        answers = [("cancel", "Cancel"), ("stop", "Stop")]
        dialog = Confirm(f"Stop “{session.name}”?", message, answers)
        if await self.app.push_screen_wait(dialog) == "stop":
            await self._do(q.StopSession(session.session_id), f"Stopping {session.name}…")

    def action_remove(self) -> None:
        chosen = self._chosen
        if chosen is not None and chosen.state == "closed":
            self.run_worker(self._remove(chosen), group="do", exclusive=True)
        elif chosen is not None:
            self._refuse("It is running: stop it first.")

    async def _remove(self, session: SessionSummary) -> None:
        message = f"Its {session.executions} runs and their output are gone for good."
        answers = [("cancel", "Cancel"), ("remove", "Remove")]
        dialog = Confirm(f"Remove “{session.name}”?", message, answers)
        if await self.app.push_screen_wait(dialog) == "remove":
            await self._do(q.RemoveSession(session.session_id), f"Removing {session.name}…")

    async def _do(self, request: q.Request[q.Done], message: str) -> None:
        self._refusal = ""
        self.say(message)
        try:
            await self._host.call(request)
        except CodeexecError as error:
            self._fault = str(error)
            self._fill()
            return
        await self._look()
