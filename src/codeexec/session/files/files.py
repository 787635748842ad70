"""The files of a session's environment, and those of them that are kept as artifacts."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar, assert_never

from codeexec.domain import requests as q
from codeexec.domain.content.digests import sha256
from codeexec.domain.errors import (
    CodeexecError,
    Conflict,
    EnvironmentUnavailable,
    NotFound,
    UsageError,
)
from codeexec.domain.events import Artifact, ArtifactAdded, ArtifactRemoved
from codeexec.domain.events.plugins import ExecutionLogged
from codeexec.domain.ids import new_id
from codeexec.domain.plugins import LogEntry, ReportedArtifact
from codeexec.environments.base import Environment, FileRow, OpenFile
from codeexec.environments.budget import Budget, beside_loop
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.files.collection import LAST_LOOK, FileCollection, mime_of
from codeexec.session.storage.event_log import EventLog
from codeexec.session.tasks import Tasks

LARGEST = 32 * 2**20
"""Bytes of a file that is read as a whole; over HTTP a file of any size is streamed."""

LIST_SECONDS = 20.0
ANSWER_SECONDS = 30.0
"""For what another machine is asked to do with a file."""

_PIECE = 1 << 16

MOST_COLLECTED = 2000
"""Files kept of those that runs wrote; the oldest go first, and pinned ones never."""

Request = q.FileRequest | q.PinArtifact | q.RemoveArtifact


T = TypeVar("T")


class SessionFiles:
    """Reads and writes below the workspace of the environment only; links are not followed."""

    def __init__(
        self,
        environment: Callable[[], Environment],
        recorder: EventLog,
        blobs: BlobStore,
        tasks: Tasks,
        collect: bool,
    ) -> None:
        """`environment` gives the present one: it is another one when the session changes to a
        kernel of another place."""
        self._environment = environment
        self._recorder = recorder
        self._blobs = blobs
        self._collect = collect
        self._tasks = tasks
        self._keeping: list[asyncio.Task[None]] = []
        self._collection = FileCollection(environment, recorder, blobs, tasks, self._keep)

    async def answer(self, request: Request) -> q.Reply:
        match request:
            case q.ListFiles():
                return await self._list(request)
            case q.ReadFile():
                data = await self._within(self._read(request.path, LARGEST))
                return q.FileContent(request.path, data)
            case q.WriteFile():
                await self._within(write_checked(self._environment(), request))
            case q.MakeFolder():
                await self._within(self._environment().make_folder(request.path))
            case q.RenameFile():
                work = self._environment().rename_entry(request.path, request.target)
                await self._within(work)
            case q.RemoveFile():
                await self._within(self._environment().remove_entry(request.path))
            case q.PinArtifact():
                data = await self._read(request.path, self._blobs.quota)
                digest = await asyncio.to_thread(self._blobs.put, data)
                self._keep(request.path, digest, len(data), "")
                self._blobs.pin(digest)
            case q.RemoveArtifact():
                artifact_ids = {artifact.id for artifact in self._recorder.snapshot.artifacts}
                if request.artifact_id not in artifact_ids:
                    raise NotFound(f"There is no artifact {request.artifact_id}.")
                self._recorder.record(ArtifactRemoved(request.artifact_id, "It was removed."))
            case _:
                assert_never(request)
        return q.Done(self._recorder.snapshot.seq)

    async def open(self, path: str) -> OpenFile:
        """A file to read piece by piece. NotFound."""
        environment = self._environment()
        file = await environment.open_file(path)
        if file is None:
            raise NotFound(f"There is no file {path} in {environment.base_paths.workspace}.")
        return file

    async def _list(self, request: q.ListFiles) -> q.FileList:
        budget = Budget(LIST_SECONDS, "The list of files")
        environment = self._environment()
        listing = environment.list_rows(request.path, request.pattern or "*", budget)
        rows = await self._within(listing)
        entries = await beside_loop(budget, lambda: _file_entries(rows, budget))
        # Asked for last: the folder of another machine is known once it was reached.
        return q.FileList(entries, environment.machine, str(environment.base_paths.workspace))

    async def _within(self, work: Coroutine[object, object, T]) -> T:
        """What work with files gives; EnvironmentUnavailable where another machine takes too long:
        its line may be cut, which nothing tells for a while."""
        machine = self._environment().machine
        if not machine:
            return await work
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await work
        except TimeoutError:
            raise EnvironmentUnavailable(
                f"{machine} has not done it within {ANSWER_SECONDS:g} s.",
                "The line to it may be slow or cut: try it again.",
            ) from None

    async def _read(self, path: str, limit: int) -> bytes:
        file = await self.open(path)
        try:
            if file.size > limit:
                raise _too_large(path, file.size, limit)
            pieces, total = [], 0
            # One byte more than there should be: it may grow, or not tell its size.
            while piece := await file.read(max(file.size - total, _PIECE) + 1):
                pieces.append(piece)
                total += len(piece)
                if total > limit:
                    raise _too_large(path, total, limit)
        finally:
            await file.close()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def after_run(self, execution_id: str) -> None:
        """Keep the viewable files that an execution has just written into the folder itself."""
        self.tell_evicted()
        view = self._recorder.find(execution_id)
        if view is not None and view.report is not None and view.report.artifacts:
            work = self._keep_reported(execution_id, view.report.artifacts)
            self._keeping = [task for task in self._keeping if not task.done()]
            self._keeping.append(self._tasks.start(work, "reported-artifacts"))
        if self._collect and view is not None and view.started_at is not None:
            self._collection.look_soon(execution_id, view.started_at)

    async def _keep_reported(
        self, execution_id: str, artifacts: Sequence[ReportedArtifact]
    ) -> None:
        """Keep the files that code made as artifacts; why one cannot be kept is a log entry of
        the execution."""
        for artifact in artifacts:
            try:
                data = await self._read(artifact.file, LARGEST)
                digest = await asyncio.to_thread(self._blobs.put, data)
                same = (artifact.file, digest)
                kept = self._recorder.snapshot.artifacts
                if same not in {(each.name, each.digest) for each in kept}:
                    self._keep(artifact.file, digest, len(data), execution_id)
            except (CodeexecError, OSError) as error:
                words = f"The artifact {artifact.file} is not kept: {error}"
                entry = LogEntry("warning", "Session", words)
                self._recorder.record(ExecutionLogged(execution_id, entry))

    async def finish(self) -> None:
        """Wait for what is being kept, for some seconds at most."""
        self._keeping = [task for task in self._keeping if not task.done()]
        if self._keeping:
            await asyncio.wait(self._keeping, timeout=LAST_LOOK)
        await self._collection.finish()

    def _keep(self, path: str, digest: str, size: int, execution_id: str) -> None:
        """Record a blob as the artifact of a file. What had to go for it, within the quota, is
        told."""
        # A file of the same name is the same artifact, with new content.
        id_by_name = {artifact.name: artifact.id for artifact in self._recorder.snapshot.artifacts}
        self._recorder.record(
            ArtifactAdded(
                Artifact(
                    id=id_by_name.get(path) or new_id("artifact"),
                    name=path,
                    mime=mime_of(path),
                    size=size,
                    digest=digest,
                    execution_id=execution_id,
                )
            )
        )
        self._let_oldest_go()
        self.tell_evicted()

    def _let_oldest_go(self) -> None:
        collected = [a.id for a in self._recorder.snapshot.artifacts if a.execution_id]
        oldest = collected[: max(len(collected) - MOST_COLLECTED, 0)]
        why = f"The session keeps the last {MOST_COLLECTED:,} files that runs wrote."
        self._recorder.record(*(ArtifactRemoved(artifact_id, why) for artifact_id in oldest))

    def tell_evicted(self) -> None:
        """Artifacts whose content had to go are artifacts no more."""
        evicted = set(self._blobs.take_evicted())
        if evicted:
            self._recorder.record(
                *(
                    ArtifactRemoved(artifact.id, "The session's artifacts were over their quota.")
                    for artifact in self._recorder.snapshot.artifacts
                    if artifact.digest in evicted
                )
            )


async def write_checked(environment: Environment, request: q.WriteFile) -> None:
    """Write a file as `WriteFile` says."""
    path, data = request.path, request.data
    if request.base is None:
        await environment.write_file(path, data)
        return
    written = await asyncio.to_thread(lambda: sha256(data).hexdigest())
    present = await environment.file_digest(path)
    if present == written:
        return
    if (present or "") != request.base:
        raise Conflict(_changed(path, present), "Compare both, then save over it or reload it.")
    await environment.write_file(path, data)
    if await environment.file_digest(path) != written:
        raise Conflict(
            f"{path} was changed by somebody else while it was written.",
            "Compare both, then save over it or reload it.",
        )


def _changed(path: str, digest: str | None) -> str:
    gone = digest is None
    return f"{path} was removed." if gone else f"{path} has been changed by somebody else."


def _file_entries(rows: Sequence[FileRow], budget: Budget) -> tuple[q.FileEntry, ...]:
    entries = []
    for path, mode, size, modified in rows:
        budget.check()
        is_folder, is_link = stat.S_ISDIR(mode), stat.S_ISLNK(mode)
        entries.append(q.FileEntry(path, is_folder, size, modified / 1e9, is_link))
    return tuple(entries)


def _too_large(path: str, size: int, limit: int) -> UsageError:
    return UsageError(
        f"{path} has {size:,} bytes; at most {limit:,} are read at once.",
        "Read it in the code, or over HTTP, where files are streamed.",
    )
