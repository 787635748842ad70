"""The working folder of a session, and the files in it that are kept as artifacts."""

from __future__ import annotations

import logging
import mimetypes
from pathlib import Path, PurePosixPath
from typing import assert_never

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, NotFound
from codeexec.domain.events import Artifact, ArtifactAdded, ArtifactRemoved
from codeexec.domain.ids import new_id
from codeexec.environments.base import FileKind
from codeexec.environments.files import Folder
from codeexec.session.artifacts import BlobStore
from codeexec.session.recorder import Recorder

log = logging.getLogger(__name__)

VIEWABLE = ("image/", "text/html", "text/csv", "text/markdown", "application/json")
LARGEST = 16 * 2**20
MOST_ENTRIES = 2000


class SessionFiles:
    """Reads and writes below the working folder only; links are not followed out of it."""

    def __init__(self, cwd: Path, recorder: Recorder, blobs: BlobStore, collect: bool) -> None:
        self._folder = Folder(cwd)
        self._recorder = recorder
        self._blobs = blobs
        self._collect = collect

    def answer(
        self,
        request: q.ListFiles | q.ReadFile | q.WriteFile | q.PinArtifact | q.RemoveArtifact,
    ) -> q.Reply:
        match request:
            case q.ListFiles():
                return self._list(request)
            case q.ReadFile():
                return q.FileContent(request.path, self._read(request.path))
            case q.WriteFile():
                self._folder.write(request.path, request.data)
            case q.PinArtifact():
                self._blobs.pin(self._keep(request.path, self._read(request.path), ""))
            case q.RemoveArtifact():
                known = {artifact.id for artifact in self._recorder.snapshot.artifacts}
                if request.artifact_id not in known:
                    raise NotFound(f"There is no artifact {request.artifact_id}.")
                self._recorder.record(ArtifactRemoved(request.artifact_id, "It was removed."))
            case _:
                assert_never(request)
        return q.Done(self._recorder.snapshot.seq)

    def _list(self, request: q.ListFiles) -> q.FileList:
        found = self._folder.entries(request.path, request.pattern or "*")
        return q.FileList(
            tuple(
                q.FileEntry(
                    str(entry.path),
                    entry.kind is FileKind.FOLDER,
                    entry.size,
                    entry.modified / 1e9,
                )
                for entry in found
            )
        )

    def _read(self, path: str) -> bytes:
        data = self._folder.read(path)
        if data is None:
            raise NotFound(f"There is no file {path} in {self._folder.root}.")
        return data

    def collect(self, execution_id: str) -> None:
        """Keep the viewable files that an execution has just written into the folder itself."""
        self.tell_evicted()
        view = self._recorder.find(execution_id)
        if not self._collect or view is None or view.started_at is None:
            return
        known = {(a.name, a.digest) for a in self._recorder.snapshot.artifacts}
        try:
            entries = self._folder.entries("", "*")
        except (CodeexecError, OSError) as error:
            log.info("the working folder cannot be listed: %s", error)
            return
        for entry in entries[:MOST_ENTRIES]:
            if (
                entry.kind is FileKind.FILE
                and entry.modified / 1e9 >= view.started_at
                and entry.size <= LARGEST
                and _mime(entry.path).startswith(VIEWABLE)
            ):
                try:
                    data = self._folder.read(entry.path)
                except (CodeexecError, OSError) as error:
                    log.info("%s is not kept: %s", entry.path, error)
                    continue
                if data is not None and (str(entry.path), self._blobs.digest(data)) not in known:
                    self._keep(str(entry.path), data, execution_id)

    def _keep(self, path: str, data: bytes, execution_id: str) -> str:
        """Returns the digest. What had to go for it, within the quota, is told."""
        digest = self._blobs.put(data)
        # A file of the same name is the same artifact, with new content.
        known = {artifact.name: artifact.id for artifact in self._recorder.snapshot.artifacts}
        self._recorder.record(
            ArtifactAdded(
                Artifact(
                    id=known.get(path) or new_id("artifact"),
                    name=path,
                    mime=_mime(PurePosixPath(path)),
                    size=len(data),
                    digest=digest,
                    execution_id=execution_id,
                )
            )
        )
        self.tell_evicted()
        return digest

    def tell_evicted(self) -> None:
        """Artifacts whose content had to go are artifacts no more."""
        gone = set(self._blobs.take_evicted())
        if gone:
            self._recorder.record(
                *(
                    ArtifactRemoved(artifact.id, "The session's artifacts were over their quota.")
                    for artifact in self._recorder.snapshot.artifacts
                    if artifact.digest in gone
                )
            )


def _mime(path: PurePosixPath) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
