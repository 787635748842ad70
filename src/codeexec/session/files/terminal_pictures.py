"""Keeps pictures that programs show in terminals as artifacts."""

from __future__ import annotations

import asyncio
import logging

from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import Artifact, ArtifactAdded, ArtifactRemoved
from codeexec.domain.terminals import picture_id
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.storage.event_log import EventLog
from codeexec.session.terminals.emulator import ProgramPicture

log = logging.getLogger(__name__)

MOST_KEPT = 100
"""Pictures of terminals that a session keeps; the oldest go first."""
_WHY = f"The session keeps the last {MOST_KEPT} pictures of terminals."


class ProgramPictures:
    """The pictures of one session."""

    def __init__(self, recorder: EventLog, blobs: BlobStore) -> None:
        self._recorder = recorder
        self._blobs = blobs

    async def keep(self, picture: ProgramPicture) -> None:
        """Make an artifact of a picture, unless the session has it."""
        artifact_id = picture_id(picture.key)
        if any(artifact.id == artifact_id for artifact in self._recorder.snapshot.artifacts):
            return
        try:
            data = await asyncio.to_thread(picture.png)
            digest = await asyncio.to_thread(self._blobs.put, data)
        except (CodeexecError, ValueError) as error:
            log.info("a picture of a terminal is not kept: %s", error)
            return
        name = f"terminal-{picture.key[:6]}.png"
        artifact = Artifact(artifact_id, name, "image/png", len(data), digest)
        self._recorder.record(ArtifactAdded(artifact))
        self._let_oldest_go()

    def _let_oldest_go(self) -> None:
        prefix = picture_id("")
        kept = [a.id for a in self._recorder.snapshot.artifacts if a.id.startswith(prefix)]
        oldest = kept[: max(len(kept) - MOST_KEPT, 0)]
        self._recorder.record(*(ArtifactRemoved(artifact_id, _WHY) for artifact_id in oldest))
