"""The host as one user of the service sees it: their sessions, and nothing of others."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Denied, StorageError, UsageError
from codeexec.domain.ids import new_id
from codeexec.server.access.identity import Identity, Scope
from codeexec.server.access.limit_keeper import LimitKeeper, LimitList
from codeexec.server.access.user_folder import user_folder
from codeexec.session.host import Host
from codeexec.session.session import Session

R = TypeVar("R")


class UserHost:
    """Sessions of other users are as if they were not there. `identity` gives the caller of each
    request: one view serves all of HTTP. `is_local`: they are a client of the private socket, and
    no program of the service. `makes_folders`: a session that names no folder gets a new one; those
    of users always do."""

    def __init__(
        self,
        host: Host,
        identity: Callable[[], Identity],
        limits: LimitKeeper,
        *,
        is_local: bool = False,
        makes_folders: bool = False,
    ) -> None:
        self._is_local = is_local
        self._makes_folders = makes_folders
        self._host = host
        self._identity = identity
        self._limits = limits

    @property
    def identity(self) -> Identity:
        return self._identity()

    def take_request(self) -> None:
        """Count a request. LimitReached."""
        self._limits.take_request(self.identity)

    def hold_stream(self) -> contextlib.AbstractContextManager[None]:
        """Count a stream of events while the block runs. LimitReached."""
        return self._limits.hold_stream(self.identity)

    async def limits(self) -> LimitList:
        """Those of the user, with what is used of each."""
        return await self._limits.states(self.identity)

    @property
    def state(self) -> Path:
        return self._host.state

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The open ones."""
        return self._host.open_sessions(self.identity.owner)

    def get_open(self, session_id: str) -> Session | None:
        """The open session of exactly this id."""
        return self._host.get_open(session_id, self.identity.owner)

    @property
    def workspaces(self) -> Path:
        """The folder that holds those of the user's sessions; it may not be there yet."""
        return user_folder(self._host.state, self.identity.owner)

    async def find_session(self, name: str) -> Session:
        """See `SessionLookup.find`."""
        return await self._host.find_session(name, self.identity.owner)

    async def call(self, request: q.Request[R]) -> R:
        """The answer to a request that is not about one open session. Denied where the token's
        scope does not reach, or a folder is not the user's."""
        identity = self.identity
        identity.require(_scope_of(request))
        if not identity.may("admin"):
            request = self._bounded(request)
        if isinstance(request, q.OpenSession):
            opening = self._of_service(request)
            if not request.cwd and (identity.subject or self._makes_folders):
                return cast(R, await self.open_workspace(opening))
            self._limits.check_new_session(identity, request)
            return cast(R, await self._host.call(opening, identity.owner))
        reply = await self._host.call(request, identity.owner)
        if isinstance(reply, q.HostInfo) and not identity.may("admin"):
            return cast(R, msgspec.structs.replace(reply, socket="", state_dir=""))
        return reply

    async def open_workspace(self, request: q.OpenSession) -> q.SessionSummary:
        """Open a session in a new folder of its own. StorageError, Denied."""
        self.identity.require("run")
        self._limits.check_new_session(self.identity, request)
        folder = await asyncio.to_thread(
            _make_folder, self.workspaces, is_isolated=bool(self._host.settings.isolate_policy)
        )
        opening = msgspec.structs.replace(self._of_service(request), cwd=str(folder))
        try:
            # Others may have been opened meanwhile.
            self._limits.check_new_session(self.identity, request)
            summary = await self._host.call(opening, self.identity.owner)
        except CodeexecError:
            await asyncio.to_thread(folder.rmdir)
            raise
        if summary.cwd != str(folder):
            await asyncio.to_thread(folder.rmdir)  # there is a session of this name
        return summary

    def _of_service(self, request: q.OpenSession) -> q.OpenSession:
        """The request with what holds for each session that is opened over TCP or HTTP."""
        if self._is_local:
            return request
        return msgspec.structs.replace(request, inherit="listed")

    def _bounded(self, request: q.Request[R]) -> q.Request[R]:
        """The request without what it may not reach: folders of this machine."""
        if isinstance(request, q.ListKernels):
            return cast("q.Request[R]", q.ListKernels(str(self._host.state)))
        if isinstance(request, q.OpenSession):
            self._require_own(request)
        return request

    def _require_own(self, request: q.OpenSession) -> None:
        if request.connection_file:
            raise Denied(
                "A kernel of another program may belong to another user.",
                "Leave out `connection_file`: the session starts a kernel of its own.",
            )
        ces = request.classic.ces if request.classic is not None else ""
        for path in (request.cwd, request.file, ces):
            if path and not self._is_own(path):
                raise Denied(
                    f"{path[:200]} is not in your folder.",
                    "Leave `cwd` empty: the session gets a folder of its own.",
                )

    def _is_own(self, path: str) -> bool:
        try:
            return Path(path).resolve().is_relative_to(self.workspaces.resolve())
        except (OSError, RuntimeError, ValueError) as error:
            raise UsageError(f"{path[:200]!a} is no path.", "Give the path of a folder.") from error


CONTAINER_USER = 1000
"""Owner of the workspaces of containers where the server is root: code in a container never is."""


def _make_folder(root: Path, *, is_isolated: bool) -> Path:
    folder = root / new_id("workspace")
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        if is_isolated and os.geteuid() == 0:
            os.chown(folder, CONTAINER_USER, CONTAINER_USER)
    except OSError as error:
        raise StorageError(
            f"The folder of a new session cannot be made: {error.strerror or error}.",
            f"Look at {root}.",
        ) from error
    return folder


def _scope_of(request: q.Request[R]) -> Scope:
    if isinstance(request, q.StopHost):
        return "admin"
    return "read" if isinstance(request, _READING) else "run"


_READING = (q.ListSessions, q.ListKernels, q.GetHostInfo)
