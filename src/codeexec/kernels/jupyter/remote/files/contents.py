"""REST client of the contents of a Jupyter server: read, write, list, rename and remove files.

The server refuses no write that replaces what others have written meanwhile, and follows
links below its root by itself; it hides files whose name begins with a dot.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from codeexec.domain.content.digests import sha256
from codeexec.domain.errors import CodeexecError, Denied, EnvironmentUnavailable, StorageError
from codeexec.domain.text.printable import printable
from codeexec.environments.paths import missing, taken
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.rest import NO_ACTIVITY, JupyterServer
from codeexec.kernels.jupyter.remote.rest_client import JsonAnswer

LARGEST_READ = 64 << 20
"""Bytes of a file that is read at all: it is held in memory."""
LARGEST_WRITTEN = 32 << 20
WRITE_WAIT = 120.0
"""Seconds for a file to be sent on a slow line."""
_NO_CONTENTS = frozenset({404, 405, 501})
"""Statuses for the root of the contents of a server that has none, as gateways."""
_MISSING = frozenset({404, 410})
_UNEXPECTED = frozenset({400, 500})
"""Statuses of jupyter_server for what is a folder, or below a file, and was taken for a file."""
_LONGEST_TOLD = 200
_MOST_NUMBER = 2**63 - 1
"""Of a size or a time."""


class FilesFailure(ServerFailure):
    """A ServerFailure that no kernel has to do with."""

    code = EnvironmentUnavailable.code


def _of_files(error: ServerFailure) -> FilesFailure:
    return FilesFailure(error.kind, error.message, error.next_step)


@contextmanager
def _failures_of_files() -> Iterator[None]:
    try:
        yield
    except ServerFailure as error:
        raise _of_files(error) from error


@dataclass(frozen=True, slots=True)
class ServedEntry:
    """A file or folder; `size` is in bytes, `modified` in ns since 1970 on the server's clock.
    `digest` is the SHA-256 in hex, where the server tells it."""

    name: str
    is_folder: bool
    size: int = 0
    modified: int = 0
    digest: str = ""


class ServedContents:
    """Paths are sequences of names below the root of the server. Errors: FilesFailure where the
    server refuses us or is not reached, Denied, StorageError."""

    def __init__(self, server: JupyterServer) -> None:
        self._server = server

    @property
    def name(self) -> str:
        return self._server.name

    async def _ask(self, method: str, path: str, *options: Any) -> JsonAnswer:
        """See `JupyterServer.ask`."""
        with _failures_of_files():
            return await self._server.ask(method, path, *options)

    async def is_there(self) -> bool:
        """Whether the server has files: gateways serve kernels alone."""
        answer = await self._ask("GET", f"api/contents?content=0&{NO_ACTIVITY}")
        if answer.status == 200:
            return True
        if answer.status in _NO_CONTENTS:
            # It may be no Jupyter server at all.
            await self._server.version()
            return False
        raise _of_files(self._server.refused(answer, "its files"))

    async def look(self, parts: Sequence[str]) -> ServedEntry | None:
        """What has this path; None where there is nothing, or the server hides it."""
        path = _url(parts)
        answer = await self._ask("GET", f"{path}?content=0&hash=1&{NO_ACTIVITY}")
        if answer.status in _UNEXPECTED:  # a folder has no hash
            answer = await self._ask("GET", f"{path}?content=0&{NO_ACTIVITY}")
        if answer.status in _MISSING:
            return None
        if answer.status in _UNEXPECTED and len(parts) > 1:
            above = await self.look(parts[:-1])
            if above is None or not above.is_folder:
                return None
        self._check(answer, parts, (200,))
        return _entry(answer.fields)

    async def folder(self, parts: Sequence[str]) -> list[ServedEntry] | None:
        """What is in a folder; None where there is no such folder."""
        # Lists are read again and again: that alone is no use of the server.
        path = f"{_url(parts)}?type=directory&content=1&{NO_ACTIVITY}"
        answer = await self._ask("GET", path)
        if answer.status in _MISSING:
            return None
        if answer.status in _UNEXPECTED:
            entry = await self.look(parts)
            if entry is None or not entry.is_folder:
                return None
        if answer.status == 200 and not isinstance(answer.content, dict):
            raise EnvironmentUnavailable(
                f"{_shown(parts) or 'The folder'} on {self.name} holds too much to be listed.",
                "List a folder with fewer files.",
            )
        self._check(answer, parts, (200,))
        models = answer.fields.get("content")
        entries = [
            _entry(model)
            for model in (models if isinstance(models, list) else ())
            if isinstance(model, dict)
        ]
        return [entry for entry in entries if _is_name(entry.name)]

    async def read(self, parts: Sequence[str]) -> bytes | None:
        """None where there is no such file, or the server hides it."""
        entry = await self.look(parts)
        if entry is None:
            return None
        if entry.is_folder:
            raise _not_opened(parts)
        with _failures_of_files():
            answer = await self._server.download(_url(parts, "files"), LARGEST_READ)
        if answer.status == 404:
            return None
        if answer.status != 200:
            failed = JsonAnswer(answer.status, is_json=answer.is_json)
            self._check(failed, parts, (200,))
        if answer.content is None:
            raise StorageError(
                f"{_shown(parts)} on {self.name} has more than {LARGEST_READ >> 20} MB.",
                "Read it in code, in parts.",
            )
        return answer.content

    async def digest(self, parts: Sequence[str]) -> str | None:
        """The SHA-256 in hex; None where there is no such file. Servers before 2.14 do not tell it:
        then the file is read."""
        entry = await self.look(parts)
        if entry is None:
            return None
        if entry.is_folder:
            raise _not_opened(parts)
        if entry.digest:
            return entry.digest
        content = await self.read(parts)
        if content is None:
            return None
        return await asyncio.to_thread(lambda: sha256(content).hexdigest())

    async def write(self, parts: Sequence[str], content: bytes) -> None:
        """Replace a file; folders on the way are made."""
        if len(content) > LARGEST_WRITTEN:
            raise StorageError(
                f"{_shown(parts)} has {len(content):,} bytes, too many to send to {self.name}.",
                f"At most {LARGEST_WRITTEN >> 20} MB are sent at once: write it in code there.",
            )
        encoded = await asyncio.to_thread(lambda: base64.b64encode(content).decode())
        model = {"type": "file", "format": "base64", "content": encoded}
        answer = await self._put(parts, model)
        if answer.status in (*_UNEXPECTED, *_MISSING):
            entry = await self.look(parts)
            if entry is not None and entry.is_folder:
                raise _not_opened(parts)
            if entry is None and len(parts) > 1:
                await self.make_folders(parts[:-1])
                answer = await self._put(parts, model)
        self._check(answer, parts, (200, 201))

    async def make_folders(self, parts: Sequence[str]) -> None:
        """A folder and those on the way to it, where they are not there."""
        for count in range(1, len(parts) + 1):
            entry = await self.look(parts[:count])
            if entry is None:
                answer = await self._put(parts[:count], {"type": "directory"})
                self._check(answer, parts[:count], (200, 201))
            elif not entry.is_folder:
                raise Denied(
                    f"{_shown(parts[:count])} on {self.name} is no folder.", "Choose another place."
                )

    async def make_folder(self, parts: Sequence[str]) -> None:
        """Conflict where there is something of that name."""
        if await self.look(parts) is not None:
            raise taken(_shown(parts))
        await self.make_folders(parts)

    async def rename(self, parts: Sequence[str], new_parts: Sequence[str]) -> None:
        """Never over what is there: Conflict. NotFound."""
        if await self.look(parts) is None:
            raise missing(_shown(parts))
        if await self.look(new_parts) is not None:
            raise taken(_shown(new_parts))
        await self.make_folders(new_parts[:-1])
        target = "/".join(new_parts)
        answer = await self._ask("PATCH", _url(parts), {"path": target})
        if answer.status == 409:
            raise taken(_shown(new_parts))
        self._check(answer, parts, (200,))

    async def remove(self, parts: Sequence[str]) -> None:
        """A file, or a folder with all that it holds; NotFound. Most servers move it to a trash."""
        answer = await self._ask("DELETE", _url(parts))
        if answer.status in _MISSING:
            raise missing(_shown(parts))
        self._check(answer, parts, (200, 204))

    async def _put(self, parts: Sequence[str], model: Mapping[str, object]) -> JsonAnswer:
        return await self._ask("PUT", _url(parts), model, WRITE_WAIT)

    def _check(self, answer: JsonAnswer, parts: Sequence[str], good: tuple[int, ...]) -> None:
        """Raise what an answer with another status means."""
        if answer.status in good:
            return
        path = _shown(parts)
        told = printable(str(answer.fields.get("message") or ""))[:_LONGEST_TOLD].rstrip(".")
        reason = f": {told}." if told else f" (status {answer.status})."
        if answer.status == 413:
            raise StorageError(
                f"{path} is too large for {self.name}, or for the proxy before it.",
                "Write it in code there, or have the limit raised: max_body_size.",
            )
        if answer.is_json and answer.status in (400, 404, 405):
            step = "Hidden files are not served: the server's setting allow_hidden decides."
            hidden = any(part.startswith(".") for part in parts)
            raise Denied(
                f"{self.name} refuses {path}{reason}", step if hidden else "Choose another name."
            )
        if answer.is_json and answer.status == 409:
            raise taken(path)
        if answer.is_json and answer.status in (500, 507):
            raise StorageError(
                f"{self.name} cannot do that with {path}{reason}",
                "Look at the rights and the space of the folder there; the server's log says more.",
            )
        raise _of_files(self._server.refused(answer, f"the file {path}"))


def _url(parts: Sequence[str], root: str = "api/contents") -> str:
    return "/".join([root, *(quote(part, safe="") for part in parts)])


def _is_name(name: str) -> bool:
    """Whether it can be a name in a folder: a server may say what it likes."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _shown(parts: Sequence[str]) -> str:
    return printable("/".join(parts))


def _not_opened(parts: Sequence[str]) -> CodeexecError:
    return Denied(f"{_shown(parts)!r} is a folder, and is not opened.", "Name a file in it.")


def _entry(model: Mapping[str, object]) -> ServedEntry:
    size, digest = model.get("size"), model.get("hash")
    is_sha256 = isinstance(digest, str) and model.get("hash_algorithm") == "sha256"
    return ServedEntry(
        str(model.get("name") or ""),
        model.get("type") == "directory",
        size if isinstance(size, int) and 0 <= size <= _MOST_NUMBER else 0,
        _nanoseconds(str(model.get("last_modified") or "")),
        str(digest) if is_sha256 else "",
    )


def _nanoseconds(moment: str) -> int:
    """Of a time in ISO 8601; 0 for what is none."""
    try:
        nanoseconds = int(datetime.fromisoformat(moment).timestamp() * 1e6) * 1000
        return nanoseconds if abs(nanoseconds) <= _MOST_NUMBER else 0
    except (ValueError, OverflowError):
        return 0
