"""Files of the machine where the session's first kernel runs, where that is not this machine."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from codeexec.client.api import SessionClient
from codeexec.domain.content.digests import sha256
from codeexec.domain.errors import CodeexecError, Unavailable
from codeexec.domain.places.backends import LOCAL
from codeexec.domain.requests.files import (
    FileEntry,
    ListFiles,
    MakeFolder,
    ReadFile,
    RemoveFile,
    RenameFile,
    WriteFile,
)
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.text.printable import printable

_ROOT = PurePosixPath("/")
"""The folder of a Jupyter server, which does not tell where it is on its machine."""
ASK_EVERY = 3.0
"""Seconds between two questions for the machine, while its line is cut."""
_ANY = "?"
"""A pattern that few names match: `learn` asks for no names."""


def digest_of(content: bytes) -> str:
    """As requests name the content of a file."""
    return sha256(content).hexdigest()


class MachineFiles:
    """Asks the session, whose server asks the session's environment. Paths are relative to the
    working folder there. Methods raise CodeexecError."""

    def __init__(self, session: SessionClient, server: str = "") -> None:
        """`server` is the name of the machine of the session server; empty: it is this one."""
        self._session = session
        self._server = server
        self._kernel: object = None
        self._is_ready = False
        """The kernel that decides where the files are has been ready."""
        self._listeners: list[Callable[[], object]] = []
        self.machine = ""
        """The machine, as users call it; empty: this one, or it is not known yet."""
        self.folder = _ROOT

    @property
    def is_elsewhere(self) -> bool:
        return bool(self.machine)

    def listen(self, listener: Callable[[], object]) -> None:
        """Call `listener` when the machine or the folder is another one."""
        self._listeners.append(listener)

    def needs_asking(self, snapshot: Snapshot) -> bool:
        """Whether the files may be of another machine since the snapshot before: ask then, by
        `follow`. Files of sessions on this machine are read here, without a question."""
        first = next(iter(snapshot.kernels.values()), None)
        ref = first.kernel if first is not None else None
        self._is_ready = first is not None and first.ready_at is not None
        kernel = (ref, self._is_ready)
        is_new, self._kernel = kernel != self._kernel, kernel
        may_be_elsewhere = bool(self._server) or (ref is not None and ref.backend != LOCAL)
        if is_new and not may_be_elsewhere:
            self._use("", _ROOT)
        return is_new and may_be_elsewhere

    async def follow(self) -> None:
        """Ask which machine has the files, again and again while the line to a kernel that was
        ready is cut. Before that a question may open a line, and the next one would try again what
        was refused."""
        while True:
            if await self.learn() or not self._is_ready:
                return
            await asyncio.sleep(ASK_EVERY)

    async def learn(self) -> bool:
        """Ask which machine has the files. Nothing changes where that is not told: the line may be
        cut (False), or the kernel's start has failed, which the user is told otherwise."""
        try:
            reply = await self._session.call(ListFiles(pattern=_ANY))
        except Unavailable:
            return False
        except CodeexecError:
            return True
        machine = printable(reply.machine) or self._server
        self._use(machine, PurePosixPath(reply.folder or "/") if machine else _ROOT)
        return True

    def _use(self, machine: str, folder: PurePosixPath) -> None:
        if (machine, folder) != (self.machine, self.folder):
            self.machine, self.folder = machine, folder
            for listener in tuple(self._listeners):
                listener()

    def path_in_code(self, path: str) -> str:
        """How code names a file: by its whole path, where that is known."""
        return path if self.folder == _ROOT else posixpath.join(self.folder, path)

    async def entries(self, folder: str) -> Sequence[FileEntry]:
        """What is in a folder; nothing where it is not there."""
        return (await self._session.call(ListFiles(folder, "*"))).entries

    async def exists(self, path: str) -> bool:
        """Whether there is something of that name."""
        spelled = PurePosixPath(path)
        folder = "" if spelled.parent == PurePosixPath() else str(spelled.parent)
        return any(PurePosixPath(entry.path) == spelled for entry in await self.entries(folder))

    async def read(self, path: str) -> bytes:
        """The content of a file. NotFound."""
        return (await self._session.call(ReadFile(path))).data

    async def write(self, path: str, content: bytes, base: str | None) -> None:
        """See `WriteFile`. Conflict."""
        await self._session.call(WriteFile(path, content, base))

    async def make_folder(self, path: str) -> None:
        await self._session.call(MakeFolder(path))

    async def rename(self, path: str, target: str) -> None:
        await self._session.call(RenameFile(path, target))

    async def remove(self, path: str) -> None:
        await self._session.call(RemoveFile(path))
