"""Blobs by their content: what displays and files hold, each kept once, within a quota."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

from codeexec.domain.content.mime import decode_base64, is_base64, is_json
from codeexec.domain.errors import NotFound, StorageError
from codeexec.domain.outputs import MimePart
from codeexec.session.output.document import safe_text
from codeexec.session.output.terminal import without_controls

log = logging.getLogger(__name__)

INLINE = 8 * 1024
"""Bytes up to which a part of a display travels with it; the content of larger ones is asked
for."""

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class BlobStore:
    """Files of a folder, named by their SHA-256. When they take more than `quota` bytes, the
    oldest that are not pinned go; the last one put always stays.

    For one process: the index is in memory, the folder is read once. `put` and `read` may be
    called from any thread.
    """

    def __init__(self, folder: Path, quota: int = 512 * 2**20) -> None:
        self.folder = folder
        self.quota = quota
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}  # oldest first
        self._total = 0
        self._pinned: set[str] = set()
        self._evicted: list[str] = []
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            files = [(entry.stat(), entry.name) for entry in os.scandir(folder) if entry.is_file()]
        except OSError as error:
            raise _cannot(folder, error) from error
        for stat, name in sorted(files, key=lambda file: (file[0].st_mtime_ns, file[1])):
            if _DIGEST.match(name):
                self._note(name, stat.st_size)
            else:
                (folder / name).unlink(missing_ok=True)  # left half written by a crash

    @property
    def size(self) -> int:
        """Bytes of all blobs."""
        return self._total

    @staticmethod
    def digest(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    def put(self, data: bytes) -> str:
        """Keep `data`; returns its digest. StorageError when it cannot be written."""
        digest = self.digest(data)
        with self._lock:
            self._put(digest, data)
        return digest

    def _put(self, digest: str, data: bytes) -> None:
        path = self.folder / digest
        if digest in self._sizes and path.exists():
            self._sizes[digest] = self._sizes.pop(digest)
            os.utime(path)
            return
        beside = self.folder / f".{digest}.part"
        try:
            with os.fdopen(
                os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as file:
                file.write(data)
            beside.replace(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise _cannot(path, error) from error
        self._note(digest, len(data))
        self._evict(spared=digest)

    def read(self, digest: str) -> bytes:
        """NotFound when it was never here, or has been let go."""
        if _DIGEST.match(digest):
            try:
                return (self.folder / digest).read_bytes()
            except FileNotFoundError:
                pass  # the same as a digest that nobody ever had
            except OSError as error:
                raise StorageError(
                    f"{self.folder / digest} cannot be read: {error.strerror}.",
                    "Make it readable for you.",
                ) from error
        raise NotFound(
            f"There is no blob {digest[:12]}… in this session.",
            "It may have been let go to keep within the quota; run the code again.",
        )

    def pin(self, digest: str) -> None:
        """Keep it whatever the quota says."""
        self._pinned.add(digest)

    def take_evicted(self) -> tuple[str, ...]:
        """Digests of what went to keep within the quota, since this was last asked."""
        with self._lock:
            evicted, self._evicted = tuple(self._evicted), []
        return evicted

    def _note(self, digest: str, size: int) -> None:
        self._total += size - self._sizes.pop(digest, 0)
        self._sizes[digest] = size

    def _evict(self, spared: str) -> None:
        if self._total <= self.quota:
            return
        for digest in list(self._sizes):
            if self._total <= self.quota:
                return
            if digest != spared and digest not in self._pinned:
                (self.folder / digest).unlink(missing_ok=True)
                self._total -= self._sizes.pop(digest)
                self._evicted.append(digest)

    # -- displays ----------------------------------------------------------------------

    def make_parts(self, data: Mapping[str, object]) -> tuple[MimePart, ...]:
        """The forms of a display from values as Jupyter sends them: text, lists of lines, JSON
        or base64. Small ones are inline; where a blob cannot be written, large ones too. Text
        is made safe to show."""
        return tuple(self._part(mime, value) for mime, value in data.items())

    def _part(self, mime: str, value: object) -> MimePart:
        text = _text(mime, value)
        content = decode_base64(text) if is_base64(mime) else text.encode()
        if content is None:
            # Text, or damage, under a binary type: as a blob it would come back as base64.
            return MimePart(mime, len(text.encode()), text=text)
        if len(content) <= INLINE:
            return MimePart(mime, len(content), text=text)
        try:
            return MimePart(mime, len(content), blob=self.put(content))
        except StorageError as error:
            log.error("a display is kept inline: %s", error)
            return MimePart(mime, len(content), text=text)


def _text(mime: str, value: object) -> str:
    if is_json(mime):
        try:
            return msgspec.json.encode(value).decode()
        except (TypeError, ValueError):  # UnicodeEncodeError too: half a surrogate pair
            return json.dumps(value, default=str)
    if isinstance(value, list | tuple):
        value = "".join(map(str, value))
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if is_base64(mime) and decode_base64(text) is not None:
        return "".join(text.split())
    return safe_text(text) if mime == "text/plain" else without_controls(text)


def _cannot(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} cannot be written: {error.strerror or error}.",
        "Free some space, or set XDG_STATE_HOME to a folder that you may write to.",
    )
