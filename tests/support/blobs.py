"""A session that has blobs and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeVar, cast

from codeexec.domain.errors import NotFound
from codeexec.domain.events import Recorded
from codeexec.domain.flow import OutputMode
from codeexec.domain.requests import Blob, ReadBlob, Request
from codeexec.domain.wire.frames import StreamChunk

R = TypeVar("R")


class BlobClient:
    """A `SessionClient`; notes what it was asked for."""

    session_id = "blobs"

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        self._blobs = blobs
        self.asked: list[str] = []

    async def call(self, request: Request[R]) -> R:
        assert isinstance(request, ReadBlob)
        self.asked.append(request.digest)
        if request.digest not in self._blobs:
            raise NotFound(f"There is no blob {request.digest[:12]}….", "Run the code again.")
        return cast(R, Blob(request.digest, self._blobs[request.digest]))

    async def events(
        self, after: int = 0, output: OutputMode = "tail"
    ) -> AsyncIterator[Sequence[Recorded]]:
        nothing: tuple[Sequence[Recorded], ...] = ()
        for batch in nothing:
            yield batch

    async def stream(self, stream_id: str, after: int = 0) -> AsyncIterator[StreamChunk]:
        chunks: tuple[StreamChunk, ...] = ()
        for chunk in chunks:
            yield chunk
