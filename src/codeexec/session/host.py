"""All sessions of one state folder: opened, found again after a crash, listed, ended."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

from codeexec import __version__
from codeexec.domain import requests as q
from codeexec.domain.clock import Clock, SystemClock
from codeexec.domain.env_vars.inherited import is_listed_only, with_rule
from codeexec.domain.errors import CodeexecError, Conflict, StorageError, UsageError
from codeexec.domain.events import NoticeGiven, SessionOpened
from codeexec.domain.ids import SESSION, new_id
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.places.backends import ADDRESSES, CONTAINERS, OVER_SSH, REMOTE
from codeexec.domain.places.containers import checked_transport
from codeexec.domain.wire.checks import check_name, check_request
from codeexec.domain.wire.codec import SCHEMA
from codeexec.environments.system_folders import refuse_for_session
from codeexec.kernels.base import KernelChoice, KernelFactory
from codeexec.session.activity import Activity
from codeexec.session.clock_guard import ClockGuard
from codeexec.session.directory import SessionDirectory
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.kernels.idle import stop_idle
from codeexec.session.kernels.names import first_kernel_name, in_catalog_order
from codeexec.session.kernels.requests import SLOT, choice_from
from codeexec.session.kernels.supervisor import CHOICE
from codeexec.session.resources.watch import ResourceWatch
from codeexec.session.retention import newest_change, prune
from codeexec.session.secret_file import NAME as SECRET_FILE
from codeexec.session.secret_file import SecretFile
from codeexec.session.session import Session
from codeexec.session.session_limits import SessionLimits
from codeexec.session.session_lookup import SessionLookup
from codeexec.session.settings import HostSettings
from codeexec.session.storage.history import HistoryStore
from codeexec.session.storage.journal import Journal
from codeexec.session.storage.tenure import is_asked_for, write_tenure
from codeexec.session.summary import summarize
from codeexec.session.tasks import Tasks
from codeexec.session.temporary import sweep_states

log = logging.getLogger(__name__)

R = TypeVar("R")

HOUSEKEEPING = 15.0


class Host:
    """Sessions are opened by one host at a time: each folder is locked while it is open."""

    def __init__(
        self,
        state: Path,
        kernels: KernelFactory,
        clock: Clock | None = None,
        settings: HostSettings | None = None,
        socket: str = "",
        *,
        outlives: bool = True,
    ) -> None:
        """`outlives`: kernels live on when our process is killed, for the next host to adopt;
        else they end with it."""
        self.state = state
        self.settings = settings or HostSettings()
        self.socket = socket
        self.stop_requested = asyncio.Event()
        self.stop_sessions = False
        self.session_limits: SessionLimits | None = None
        self.activity = Activity()
        self._kernels = kernels
        self._outlives = outlives
        self._clock = clock or SystemClock()
        self._started_at = self._clock.now()
        self._tasks = Tasks()
        self.resources = ResourceWatch(
            self.settings, lambda: self.sessions, lambda: self.session_limits, self._tasks
        )
        self._open: dict[str, Session] = {}
        self._shelf = SessionDirectory(state / "sessions")
        self._lookup = SessionLookup(self._open, self._shelf, self._read_ended)
        self._untaken: set[str] = set()
        self._clock_guard = ClockGuard(state)
        try:
            self._history = HistoryStore(state / "history.db")
        except StorageError as error:
            # The disk may be full: whoever frees it may need us for that.
            log.error("%s", error)
            self._history = HistoryStore.forgetful()

    async def start(self) -> None:
        """Take up the sessions that a host before us left open (their kernels are adopted in the
        background, all at once), and begin housekeeping."""
        self._take_up_all()
        self._tasks.start(self._keep_house(), "housekeeping")
        self._tasks.start(self.resources.run(), "resources")

    async def close(self, leave_kernels: bool) -> None:
        """Let go of all sessions; their kernels are left to be adopted, or end."""
        await self._tasks.close()
        await self.end_lost_sessions()
        # All at once: a kernel that does not answer is waited for.
        await asyncio.gather(*(self._let_go(each, leave_kernels) for each in self.sessions))
        self._lookup.close()
        await self._kernels.close()
        self._history.close()

    async def _let_go(self, session: Session, leave_kernel: bool) -> None:
        try:
            await self._close(session, "The host ended.", leave_kernel=leave_kernel)
        except StorageError as error:
            # Left open: the next host finds it, and writes down how it ended.
            log.error("session %s: %s", session.session_id, error)
            await self._close(session, "", leave_kernel=True)

    @property
    def is_idle(self) -> bool:
        """No session is open, so no client can listen to one."""
        return not self._open

    @property
    def sessions(self) -> tuple[Session, ...]:
        return tuple(self._open.values())

    def open_sessions(self, owner: str | None = None) -> tuple[Session, ...]:
        """See `SessionLookup`."""
        return self._lookup.open_sessions(owner)

    def get_open(self, session_id: str, owner: str | None = None) -> Session | None:
        """See `SessionLookup`."""
        return self._lookup.get_open(session_id, owner)

    def session_folders(self, owner: str) -> list[Path]:
        """Of the sessions of this user of the service, also of ended ones. Blocks."""
        return [self._shelf.root / s.session_id for s in self._shelf.summaries(owner)]

    def session(self, name: str) -> Session:
        """See `SessionLookup.find`."""
        return self._lookup.find(name)

    async def find_session(self, name: str, owner: str | None = None) -> Session:
        """See `SessionLookup.find_beside`."""
        return await self._lookup.find_beside(name, owner)

    def _read_ended(self, session_id: str) -> Session | None:
        folder = self._shelf.root / session_id
        journal = Journal.open(folder / "journal.db", read_only=True)
        session = self._make(folder, journal, choice_from(journal.get_private(CHOICE)))
        if not session.snapshot.closed:
            journal.close()
            return None
        session.recorder.end_readers()
        return session

    async def call(self, request: q.Request[R], owner: str | None = None) -> R:
        """The answer to a request that is not about one open session. `owner` is the user of the
        service that sends it: only their sessions are found. None: the operator of the server; all
        sessions are found."""
        check_request(request)
        return cast(R, await self._answer(cast(q.HostRequest, request), owner))

    async def _answer(self, request: q.HostRequest, owner: str | None) -> q.Reply:
        match request:
            case q.OpenSession():
                return await self._summary(await self._open_session(request, owner or ""))
            case q.ListSessions():
                return q.SessionList(tuple(await self._list(request.ended, owner)))
            case q.StopSession():
                session = self._lookup.find_open(request.session_id, owner)
                await self._close(session, "It was stopped.", leave_kernel=False)
                return q.Done(session.snapshot.seq, 1)
            case q.RemoveSession():
                return await self._remove_session(request.session_id, owner)
            case q.ListKernels():
                # Looks at many folders: beside the loop, so that output goes on.
                local = asyncio.to_thread(self._kernels.list, request.cwd or str(Path.cwd()))
                kernels, others = await asyncio.gather(
                    local, self._kernels.offers(request.session_id)
                )
                ordered = await asyncio.to_thread(in_catalog_order, (*kernels, *others))
                return q.KernelList(tuple(ordered))
            case q.GetHostInfo():
                pid, state = os.getpid(), str(self.state)
                started, home = self._started_at, str(Path.home())
                return q.HostInfo(__version__, pid, started, self.socket, state, SCHEMA, home)
            case q.StopHost():
                self.stop_sessions = request.sessions
                self.stop_requested.set()
                return q.Done(count=len(self._open))
            case _:
                raise UsageError(f"The host is not asked for {type(request).__name__}.")

    async def _remove_session(self, name: str, owner: str | None) -> q.Done:
        if owner is not None:
            # What is at hand of others' sessions, a list of ids, must not be told of.
            name = (await self.find_session(name, owner)).session_id
        if name in self._open:
            raise Conflict("This session is open.", f"Stop it first: sessions stop {name}")
        session_id = await asyncio.to_thread(self._shelf.find, name)
        await asyncio.to_thread(self._shelf.remove, session_id)
        self._lookup.forget(session_id)
        return q.Done(count=1)

    # -- opening -------------------------------------------------------------------------

    async def _open_session(self, request: q.OpenSession, owner: str) -> Session:
        name = check_name(request.name) if request.name else ""
        for session in self._lookup.open_sessions(owner):
            if is_asked_for(request, session.snapshot.name, session.lease):
                return session
        cwd = _folder(request.cwd)
        if cwd is None:
            raise UsageError(
                f"The working folder {request.cwd} is not there.",
                "Name the absolute path of a folder that exists.",
            )
        refuse_for_session(cwd)
        choice = KernelChoice(
            cwd=str(cwd),
            name=request.kernel,
            file=request.file,
            env=with_rule(
                request.env,
                listed_only=request.inherit == "listed",
                hidden=self.settings.hide_env,
            ),
            backend=request.backend,
            image=request.image,
            policy=request.policy,
            transport=checked_transport(request.transport) if request.transport else "",
            classic=request.classic,
            connection_file=request.connection_file,
        )
        if request.kernel.startswith((f"{REMOTE}:", f"{OVER_SSH}:", *ADDRESSES)):
            # The name may have a token in it, and the journal must not.
            choice = await asyncio.to_thread(self._kernels.choose, choice, request.kernel)
        session_id = new_id(SESSION)
        folder = self._shelf.make(session_id)
        try:
            first = first_kernel_name(choice)
            journal = Journal.create(folder / "journal.db")
            write_tenure(journal, request)
            session = self._make(folder, journal, choice, first)
            session.kernels.keep_choices()
            session.recorder.record_now(
                SessionOpened(
                    session_id,
                    self._free_name(name or cwd.name or "root", owner),
                    str(cwd),
                    SCHEMA,
                    first,
                    owner,
                )
            )
        except CodeexecError:
            self._shelf.discard(session_id)
            raise
        self._open[session_id] = session
        if self.settings.watch_files:
            session.file_watch.start()
        held_back, next_step = self._kernels.held_back(choice)
        if held_back:
            session.recorder.record(NoticeGiven("info", "Not started yet", held_back, next_step))
        elif request.start_kernel:
            session.slots.default.supervisor.start_kernel()
        return session

    def _free_name(self, base: str, owner: str) -> str:
        taken = {session.snapshot.name for session in self._lookup.open_sessions(owner)}
        number = 2
        name = base
        while name in taken:
            name = f"{base}-{number}"
            number += 1
        return name

    def _take_up_all(self) -> None:
        for session_id in self._shelf.left_open():
            if session_id in self._open:
                continue
            try:
                self._take_up(session_id)
                self._untaken.discard(session_id)
            except CodeexecError as error:
                # Tried again later: the disk may be full now.
                if session_id not in self._untaken:
                    log.error("session %s cannot be taken up: %s", session_id, error)
                self._untaken.add(session_id)

    def _take_up(self, session_id: str) -> None:
        folder = self._shelf.take(session_id)
        if folder is None:
            return  # another host has it
        try:
            journal = Journal.open(folder / "journal.db")
            secrets = SecretFile(folder / SECRET_FILE)
            choice = secrets.with_env(CHOICE, journal.get_private(CHOICE))
            first = str(choice.get(SLOT) or DEFAULT_KERNEL) if isinstance(choice, dict) else ""
            session = self._make(folder, journal, choice_from(choice), first or DEFAULT_KERNEL)
        except CodeexecError:
            self._shelf.release(session_id)
            raise
        if session.snapshot.closed or not session.session_id:
            journal.close()
            secrets.remove()
            self._shelf.shut(session_id)
            return
        self._open[session_id] = session
        session.logins.withdraw_left()
        session.slots.begin_adoption()
        session.terminals.adopt()
        if self.settings.watch_files:
            session.file_watch.start()

    def _make(
        self, folder: Path, journal: Journal, choice: KernelChoice, first: str = DEFAULT_KERNEL
    ) -> Session:
        blobs = BlobStore(folder / "blobs", quota=self.settings.artifact_quota)
        if self.settings.isolate_policy and is_listed_only(choice.env):
            choice = replace(
                choice,
                confined_image=self.settings.isolate_image,
                confined_policy=self.settings.isolate_policy,
                # Terminals ask the choice where they run.
                backend=CONTAINERS,
            )
        return Session(
            folder,
            journal,
            blobs,
            self._history,
            self._kernels,
            replace(choice, session=folder.name),
            self.settings,
            self._clock,
            first_kernel=first,
            outlives=self._outlives,
            limits=lambda: self.session_limits,
            activity=self.activity,
        )

    # -- ending --------------------------------------------------------------------------

    async def _close(self, session: Session, reason: str, *, leave_kernel: bool) -> None:
        session_id = session.session_id
        async with session.ending:
            if session_id not in self._open:
                return  # somebody else has just closed it
            if leave_kernel:
                await session.detach()
            else:
                await session.close(reason)
            size = await self._size(session)
            del self._open[session_id]
            self._shelf.note(summarize(session, size))
            if leave_kernel:
                self._shelf.release(session_id)
            else:
                self._shelf.shut(session_id)
                if session.is_temporary:
                    await asyncio.to_thread(self._shelf.discard, session_id)

    async def end_lost_sessions(self) -> None:
        """End the sessions whose files were removed or replaced while they were open."""
        lost = [
            (candidate, file)
            for candidate in self.sessions
            if (file := candidate.recorder.lost_file)
        ]
        await asyncio.gather(*(self._abandon(session, file) for session, file in lost))

    async def _abandon(self, session: Session, lost: Path) -> None:
        session_id = session.session_id
        async with session.ending:
            if session_id not in self._open:
                return  # somebody has just closed it
            log.error("session %s is ended: %s was removed or replaced", session_id, lost)
            await session.abandon(lost)
            del self._open[session_id]
            self._shelf.release(session_id)

    async def _keep_house(self) -> None:
        """Stop kernels that no client uses, and remove sessions that are too old."""
        pruned = -3600.0
        while True:
            now = self._clock.monotonic()
            if now - pruned >= 3600.0:
                pruned = now
                await asyncio.to_thread(self._prune, self._clock.now())
                await asyncio.to_thread(sweep_states)
            await self.end_lost_sessions()
            for session in self.sessions:
                limit = self.settings.idle_kernel
                if limit and not session.clients and now - session.unwatched_since > limit:
                    has_terminals = session.terminals.are_contained
                    await stop_idle(session.slots, limit, self._clock, spare_first=has_terminals)
                if self.settings.terminal_idle:
                    await session.terminals.end_idle(self.settings.terminal_idle)
                size = await self._size(session)
                if session.session_id in self._open:
                    self._shelf.note(summarize(session, size))
            await asyncio.sleep(HOUSEKEEPING)
            if self._untaken:
                self._take_up_all()

    def _prune(self, now: float) -> None:
        if self._clock_guard.check(now, newest_change(self._shelf.root)):
            prune(
                self._shelf.root,
                days=self.settings.keep_days,
                sessions=self.settings.keep_sessions,
                size=self.settings.keep_bytes,
                now=now,
            )

    # -- listing -------------------------------------------------------------------------

    async def _list(self, ended: bool, owner: str | None) -> list[q.SessionSummary]:
        # One whose clients were told of its end may still let go of its files.
        sessions = [s for s in self._lookup.open_sessions(owner) if not s.snapshot.closed]
        summaries = [await self._summary(session) for session in sessions]
        if ended:
            noted = await asyncio.to_thread(lambda: list(self._shelf.summaries(owner)))
            listed = {summary.session_id for summary in summaries}
            summaries += [s for s in noted if s.session_id not in listed]
        return sorted(summaries, key=lambda summary: summary.opened_at, reverse=True)

    async def _summary(self, session: Session) -> q.SessionSummary:
        return summarize(session, await self._size(session))

    async def _size(self, session: Session) -> int:
        return await asyncio.to_thread(self._shelf.size, session.session_id)


def _folder(text: str) -> Path | None:
    """The folder of this absolute path, or None when there is none."""
    try:
        path = Path(text).expanduser()
        return path if path.is_absolute() and path.is_dir() else None
    except (OSError, RuntimeError, ValueError):
        return None  # too long, of a user that does not exist, or no path at all
