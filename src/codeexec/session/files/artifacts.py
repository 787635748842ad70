"""Blobs by their content: what displays and files hold, each kept once, within a quota."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from codeexec.domain.content.mime import decode_base64, decode_pieces, is_base64, is_json
from codeexec.domain.errors import NotFound, StorageError
from codeexec.domain.outputs import MimePart
from codeexec.session.output.document import safe_text
from codeexec.session.output.terminal import without_controls

log = logging.getLogger(__name__)

INLINE = 8 * 1024
"""Bytes up to which a part of a display travels with it; the content of larger ones is asked
for."""

LARGE = 256 * 1024
"""Characters of a display from which its parts are made piece by piece, so that a thread that
makes them never keeps the others waiting."""
_PIECE = 1 << 20
"""Characters of a piece: some milliseconds of work at most."""
_ENTRY = 8
"""Characters that an entry of a list or object counts as, besides those of its text."""

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
            if self._renew(digest):
                return digest
        return self.put_pieces((data,))[0]

    def put_pieces(self, pieces: Iterable[bytes]) -> tuple[str, int]:
        """Keep the content that these make; returns its digest, and its size in bytes.
        StorageError when it cannot be written; errors of `pieces` are raised as they are."""
        hashed, size = hashlib.sha256(), 0
        part = self.folder / f".{secrets.token_hex(8)}.part"
        try:
            # Without the lock: others have not to wait while a large one is written.
            with os.fdopen(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as file:
                for piece in pieces:
                    hashed.update(piece)
                    file.write(piece)
                    size += len(piece)
            digest = hashed.hexdigest()
            with self._lock:
                if not self._renew(digest):
                    part.replace(self.folder / digest)
                    self._note(digest, size)
                    self._evict(spared=digest)
        except OSError as error:
            raise _cannot(self.folder, error) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return digest, size

    def _renew(self, digest: str) -> bool:
        """Whether the blob is there; then it is the one that was put last."""
        path = self.folder / digest
        if digest not in self._sizes or not path.exists():
            return False
        self._sizes[digest] = self._sizes.pop(digest)
        os.utime(path)
        return True

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
        or base64; a value may be a form that was made already. Small ones are inline; where a
        blob cannot be written, large ones too. Text is made safe to show."""
        return tuple(
            value if isinstance(value, MimePart) else self._part(mime, value)
            for mime, value in data.items()
        )

    def _part(self, mime: str, value: object) -> MimePart:
        text = _text(mime, value)
        if len(text) > LARGE:
            return self._large_part(mime, text)
        text = _safe(mime, text)
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

    def _large_part(self, mime: str, text: str) -> MimePart:
        if mime == "text/plain":
            text = _safe(mime, text)
        try:
            if is_base64(mime):
                pieces = decode_pieces(_slices(text))
            else:
                make_safe = str if is_json(mime) else without_controls
                pieces = (make_safe(piece).encode() for piece in _slices(text))
            digest, size = self.put_pieces(pieces)
        except ValueError:  # no base64
            text = "".join(map(without_controls, _slices(text)))
            return MimePart(mime, sum(len(piece.encode()) for piece in _slices(text)), text=text)
        except StorageError as error:
            log.error("a display is kept inline: %s", error)
            text = _safe(mime, text)
            return MimePart(mime, len(text.encode()), text=text)
        return MimePart(mime, size, blob=digest)


def is_large(data: Mapping[str, object]) -> bool:
    """Whether the values of a display have more than `LARGE` characters, or as much in lists and
    objects. It looks no further than that."""
    room, waiting = LARGE, list(data.values())
    while waiting and room > 0:
        value = waiting.pop()
        if isinstance(value, str):
            room -= len(value)
        elif isinstance(value, Mapping | list | tuple):
            room -= len(value) * _ENTRY
            if room > 0:
                waiting += value.values() if isinstance(value, Mapping) else value
    return room <= 0


def _text(mime: str, value: object) -> str:
    """The text of a value, as it came."""
    if not is_json(mime):
        if isinstance(value, list | tuple):
            return "".join(map(str, value))
        if isinstance(value, str):
            return value
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError):  # UnicodeEncodeError too: half a surrogate pair
        return json.dumps(value, default=str)


def _safe(mime: str, text: str) -> str:
    """The text without what a terminal would act on; base64 without line breaks."""
    if is_json(mime):
        return text
    if is_base64(mime) and decode_base64(text) is not None:
        return "".join(text.split())
    return safe_text(text) if mime == "text/plain" else without_controls(text)


def _slices(text: str) -> Iterator[str]:
    """The text in pieces; none ends within a line break."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        if text[end - 1 : end + 1] == "\r\n":
            end += 1
        yield text[start:end]
        start = end


def _cannot(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} cannot be written: {error.strerror or error}.",
        "Free some space, or set XDG_STATE_HOME to a folder that you may write to.",
    )
