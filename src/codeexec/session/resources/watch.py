"""Holds sessions of the service to their memory, cores and disk while their code runs.

The kernel of the system does so for containers. Outside of them it needs rights that a server
of an ordinary user does not have, so that memory is looked at again and again: code that takes it
faster than it is looked at gets more than its limit for a moment.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from codeexec.domain.env_vars.inherited import is_listed_only
from codeexec.domain.events import NoticeGiven
from codeexec.domain.places.backends import LOCAL
from codeexec.session.session_limits import SessionLimits
from codeexec.session.settings import HostSettings
from codeexec.session.tasks import Tasks

if TYPE_CHECKING:
    from codeexec.environments.usage.process_use import ProcessUse, SessionUse
    from codeexec.session.session import Session

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks."""

SHORT_PAUSE = 0.2
"""The same while a session takes half of its limit or more."""

GRACE = 3.0
"""Seconds in which an interrupted run may give its memory back, before its processes are ended."""

EXCESS = 1.25
"""Processes that take so many times their limit are ended at once."""

DISK_PAUSE = 5.0

_TITLE = "A limit of the service is reached"


class _Excess(Struct, frozen=True):
    """Memory over a limit. `reason` is a sentence for the user."""

    reason: str
    is_large: bool


class ResourceWatch:
    """Looks at the sessions that were opened over TCP or HTTP. `sessions` gives the open ones,
    `limits` those of their owners."""

    def __init__(
        self,
        settings: HostSettings,
        sessions: Callable[[], Iterable[Session]],
        limits: Callable[[], SessionLimits | None],
        tasks: Tasks,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._limits = limits
        self._tasks = tasks
        self._use: ProcessUse | None = None
        self._over_since: dict[tuple[str, str], float] = {}
        """When a limit (by its name) was passed first, by the session that takes the most."""
        self._cores: dict[str, set[int]] = {}
        self._placed: dict[str, set[int]] = {}
        self._ending: set[str] = set()
        self._disk_at = 0.0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        pause = PAUSE
        while True:
            await asyncio.sleep(pause)
            try:
                pause = await self.look()
            except Exception:
                log.exception("the use of memory could not be looked at")
                pause = PAUSE

    async def look(self) -> float:
        """Look once; returns the seconds until the next time."""
        sessions = {s.session_id: s for s in self._sessions() if _is_of_service(s)}
        self._check_disk(sessions.values())
        self._forget_ended(sessions)
        local = {i: s for i, s in sessions.items() if _first_backend(s) == LOCAL}
        if not local or not self._is_needed(local.values()):
            return PAUSE
        uses = await asyncio.to_thread(self._measure, {i: _roots(s) for i, s in local.items()})
        self._place(uses)
        is_near = False
        for session_ids, limit, name in self._memory_limits(local):
            total = sum(uses[i].total for i in session_ids)
            is_near = is_near or total > limit / 2
            excess = await self._excess(uses, session_ids, limit, name) if total > limit else None
            if excess is None:
                for session_id in session_ids:
                    self._over_since.pop((name, session_id), None)
                continue
            largest = max(session_ids, key=lambda i: uses[i].total)
            if largest in local and not local[largest].snapshot.closed:
                self._end(local[largest], uses[largest], excess, name)
        return SHORT_PAUSE if is_near else PAUSE

    def _forget_ended(self, sessions: Mapping[str, Session]) -> None:
        self._cores = {i: cores for i, cores in self._cores.items() if i in sessions}
        self._placed = {i: pids for i, pids in self._placed.items() if i in sessions}
        self._over_since = {k: at for k, at in self._over_since.items() if k[1] in sessions}

    def _is_needed(self, sessions: Iterable[Session]) -> bool:
        limits = self._limits()
        owners = {session.snapshot.owner for session in sessions} - {""}
        has_user_limit = limits is not None and any(limits.memory(owner) for owner in owners)
        return bool(self._settings.session_memory or self._settings.session_cpus or has_user_limit)

    def _memory_limits(self, sessions: Mapping[str, Session]) -> list[tuple[list[str], int, str]]:
        """The ids of sessions that have a limit together, with it and its name."""
        found: list[tuple[list[str], int, str]] = []
        if self._settings.session_memory:
            limit = self._settings.session_memory
            found += [([session_id], limit, "SESSION_MAX_MEMORY") for session_id in sessions]
        limits = self._limits()
        by_owner: dict[str, list[str]] = {}
        for session_id, session in sessions.items():
            if session.snapshot.owner:
                by_owner.setdefault(session.snapshot.owner, []).append(session_id)
        for owner, session_ids in by_owner.items():
            if limits is not None and (number := limits.memory(owner)):
                found.append((session_ids, number, "USER_MAX_MEMORY"))
        return found

    def _measure(self, roots: Mapping[str, Mapping[int, str]]) -> dict[str, SessionUse]:
        if self._use is None:
            from codeexec.environments.usage.process_use import ProcessUse

            self._use = ProcessUse()
        return self._use.look(roots)

    async def _excess(
        self, uses: Mapping[str, SessionUse], session_ids: list[str], limit: int, name: str
    ) -> _Excess | None:
        """Pages that processes share are counted once here: that takes longer, so not before."""
        from codeexec.environments.usage.process_use import exact_memory

        pids = [pid for session_id in session_ids for pid in uses[session_id].all_pids()]
        memory = await asyncio.to_thread(exact_memory, pids)
        if memory <= limit:
            return None
        owner = "The session" if name == "SESSION_MAX_MEMORY" else "Your sessions"
        took = f"{owner} took {memory / 2**20:,.0f} MiB of memory"
        return _Excess(f"{took}; {name} allows {limit / 2**20:,.0f} MiB.", memory > limit * EXCESS)

    # -- what is done about it -----------------------------------------------------------

    def _end(self, session: Session, use: SessionUse, excess: _Excess, name: str) -> None:
        """Interrupt what takes the most; end its processes where that is not enough."""
        now = time.monotonic()
        since = self._over_since.setdefault((name, session.session_id), now)
        is_last = excess.is_large or now - since > GRACE
        root = max(use.memory, key=use.memory.__getitem__)
        slot = next((slot for slot in session.slots if slot.name == root), None)
        if slot is not None and slot.queue.running is not None:
            slot.end_over_limit(excess.reason, "kill" if is_last else "interrupt")
            return
        # A kernel that is about to end is no root any more.
        if not is_last or session.session_id in self._ending:
            return
        self._ending.add(session.session_id)
        self._tasks.start(
            self._end_root(session, root, use.processes[root], excess.reason), "limit"
        )

    async def _end_root(
        self, session: Session, root: str, processes: Mapping[int, str], reason: str
    ) -> None:
        from codeexec.environments.processes import end_identified

        try:
            log.info("session %s: %s", session.session_id, reason)
            slot = next((slot for slot in session.slots if slot.name == root), None)
            if slot is not None:
                await slot.supervisor.shut_down(reason)
                name = f"the kernel {root}"
            else:
                await asyncio.to_thread(end_identified, processes)
                name = "programs of a terminal" if root else "programs in the background"
            if not session.snapshot.closed:
                words = f"{reason} To free it, {name} had to be ended."
                next_step = "Work with less at a time, or ask the operator for a higher limit."
                session.recorder.record(NoticeGiven("error", _TITLE, words, next_step))
        finally:
            self._ending.discard(session.session_id)

    # -- cores, disk ---------------------------------------------------------------------

    def _place(self, uses: Mapping[str, SessionUse]) -> None:
        """Keep the processes of each session on its cores; they are shared out in turn."""
        if not self._settings.session_cpus or not hasattr(os, "sched_getaffinity"):
            return
        from codeexec.environments.usage.process_use import keep_on_cores

        cores = sorted(os.sched_getaffinity(0))
        count = max(math.ceil(self._settings.session_cpus), 1)
        if count >= len(cores):
            return
        for session_id, use in uses.items():
            if session_id not in self._cores:
                start = len(self._cores) * count
                self._cores[session_id] = {cores[(start + i) % len(cores)] for i in range(count)}
            pids = set(use.all_pids())
            keep_on_cores(pids - self._placed.get(session_id, set()), self._cores[session_id])
            self._placed[session_id] = pids

    def _check_disk(self, sessions: Iterable[Session]) -> None:
        """Interrupt the runs of users whose files take too much."""
        limits = self._limits()
        if limits is None or time.monotonic() - self._disk_at < DISK_PAUSE:
            return
        self._disk_at = time.monotonic()
        reasons: dict[str, str] = {}
        for session in sessions:
            owner = session.snapshot.owner
            if not owner or not session.slots.is_busy:
                continue
            if owner not in reasons:
                reasons[owner] = limits.disk_excess(owner)
            for slot in session.slots if reasons[owner] else ():
                slot.end_over_limit(reasons[owner])


def _is_of_service(session: Session) -> bool:
    first = session.slots.get(session.slots.first)
    return is_listed_only(first.supervisor.choice.env)


def _first_backend(session: Session) -> str:
    return session.slots.get(session.slots.first).supervisor.choice.backend


def _roots(session: Session) -> dict[int, str]:
    """Names of local kernels and terminals by their pids."""
    roots: dict[int, str] = {}
    for slot in session.slots:
        kernel = slot.supervisor.kernel
        if kernel is not None and kernel.pid:
            roots[kernel.pid] = slot.name
    for view in session.snapshot.terminals.values():
        if view.state == "running" and view.pid and view.place == LOCAL:
            roots[view.pid] = view.terminal_id
    return roots
