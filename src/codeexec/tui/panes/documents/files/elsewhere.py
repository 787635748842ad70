"""Documents whose files another machine has: a working copy of each is edited on this one.

Whatever reads and writes documents works on the copy. Beside it stands which content of the file
there it was made of or sent as (its base, a SHA-256): a copy with other content was not sent yet,
also when the workbench has ended meanwhile, and a file there with other content than the base was
changed by others.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from codeexec.documents.files import write_atomic
from codeexec.domain.errors import CodeexecError, Conflict, DocumentError, NotFound, StorageError
from codeexec.domain.plain_files import read_plain
from codeexec.tui.session.machine_files import MachineFiles, digest_of

LARGEST = 10_000_000
"""Bytes of a file elsewhere that is edited or looked at here: as much as one request can send."""
_COPIES, _BASES, _THEIRS = "copies", "bases", "theirs"


class FilesElsewhere:
    """Working copies of one session's files. Methods that ask the session raise CodeexecError."""

    def __init__(self) -> None:
        self._files: MachineFiles | None = None
        self._folder: Path | None = None
        self._sending: dict[Path, asyncio.Lock] = {}
        self._attempted: dict[Path, set[str]] = {}
        """Digests of what was sent without an answer, by copy."""

    def use(self, files: MachineFiles, folder: Path) -> None:
        """Keep copies of these files below `folder`."""
        self._files, self._folder = files, folder.absolute()

    @property
    def machine(self) -> str:
        """The machine that has the session's files; empty: this one."""
        return self._files.machine if self._files is not None else ""

    def holds(self, path: Path) -> bool:
        """Whether the path is one of a working copy, of this machine's files or another's."""
        return self._folder is not None and path.is_relative_to(self._folder)

    def copy_of(self, path: PurePosixPath | str) -> Path:
        """Where the working copy of a file is: `path` is relative to the folder there, or below
        it."""
        files, top = self._parts()
        spelled = PurePosixPath(path)
        is_below = not spelled.is_absolute() or spelled.is_relative_to(files.folder)
        if not is_below or ".." in spelled.parts or "\0" in str(path):
            raise DocumentError(
                f"{path} is outside of {files.folder} on {files.machine}.", "Choose a file in it."
            )
        below = spelled.relative_to(files.folder) if spelled.is_absolute() else spelled
        try:
            os.fsencode(below)
        except UnicodeEncodeError as error:
            raise DocumentError(
                f"{str(path)!r} is no name of a file here.", "Rename it there."
            ) from error
        return top.joinpath(_COPIES, *below.parts)

    def path_of(self, copy: Path) -> str:
        """The path there, relative to the folder."""
        files, top = self._parts()
        try:
            return copy.relative_to(top / _COPIES).as_posix()
        except ValueError:
            raise NotFound(
                f"{copy.name} is a file of another machine than {files.machine}.",
                "Open it in a session on that machine.",
            ) from None

    def path_in_code(self, copy: Path) -> str:
        """How code there names the file."""
        return self._parts()[0].path_in_code(self.path_of(copy))

    async def fetch(self, copy: Path, *, replaces: bool = False) -> bool:
        """Make the copy what the file there is, unless it was not sent yet; with `replaces` then as
        well. Whether it is the same as the file there. NotFound."""
        files = await self._known()
        path = self.path_of(copy)
        async with self._lock(copy):
            if not replaces and await asyncio.to_thread(self._is_unsent, copy):
                return False
            content = await self._read(files, path)
            await asyncio.to_thread(self._keep, copy, content)
        return True

    async def read(self, copy: Path) -> bytes:
        """The content of the file there. NotFound."""
        return await self._read(await self._known(), self.path_of(copy))

    async def fetch_theirs(self, copy: Path) -> Path:
        """A second copy of the file there, beside the one that is edited. NotFound."""
        content = await self.read(copy)
        theirs = self._beside(copy, _THEIRS)
        await asyncio.to_thread(write_atomic, theirs, content, sync=False)
        return theirs

    async def exists(self, copy: Path) -> bool:
        """Whether there is something of that name."""
        return await (await self._known()).exists(self.path_of(copy))

    async def send(self, copy: Path, *, overwrite: bool = False) -> None:
        """Write the copy there. Conflict where the file is another one than was read or sent last;
        with `overwrite` it is replaced all the same."""
        files = await self._known()
        path = self.path_of(copy)
        async with self._lock(copy):
            content = await asyncio.to_thread(_read, copy)
            base = await asyncio.to_thread(self._base, copy)
            digest = await asyncio.to_thread(digest_of, content)
            attempted = self._attempted.setdefault(copy, set())
            try:
                await files.write(path, content, None if overwrite else base)
            except Conflict:
                # Our own content may be there, of a write whose answer was lost with the line.
                present = digest_of(await files.read(path)) if attempted else ""
                if present not in attempted:
                    raise
                await files.write(path, content, present)
            except CodeexecError:
                attempted.add(digest)
                raise
            attempted.clear()
            await asyncio.to_thread(self._note_base, copy, digest)

    async def is_unsent(self, copy: Path) -> bool:
        """Whether the copy has content that the file there was never given."""
        return await asyncio.to_thread(self._is_unsent, copy)

    async def forget(self, copy: Path) -> None:
        """Remove the copy: its document is closed."""
        async with self._lock(copy):  # it may just be sent
            await asyncio.to_thread(self._remove, copy)

    async def moved(self, copy: Path, new_copy: Path | None) -> None:
        """The file or folder there has another name, or (None) is gone."""

        def move() -> None:
            pairs = ((copy, new_copy), (self._base_file(copy), self._base_of(new_copy)))
            for old, new in pairs:
                if new is None or not old.exists():
                    self._discard(old)
                    continue
                new.parent.mkdir(parents=True, exist_ok=True)
                self._discard(new)
                old.rename(new)

        await asyncio.to_thread(_storing(copy, move))

    # -- on this machine ----------------------------------------------------------------------

    def _keep(self, copy: Path, content: bytes) -> None:
        # A copy that is the same keeps its time, by which editors see changes.
        if _read_or_none(copy) != content:
            write_atomic(copy, content, sync=False)
        self._note_base(copy, digest_of(content))

    def _is_unsent(self, copy: Path) -> bool:
        content = _read_or_none(copy)
        return content is not None and digest_of(content) != self._base(copy)

    def _base(self, copy: Path) -> str:
        """Empty: there was no such file."""
        content = _read_or_none(self._base_file(copy))
        return content.decode("ascii", "replace") if content is not None else ""

    def _note_base(self, copy: Path, digest: str) -> None:
        write_atomic(self._base_file(copy), digest.encode(), sync=False)

    def _base_file(self, copy: Path) -> Path:
        return self._beside(copy, _BASES)

    def _beside(self, copy: Path, kind: str) -> Path:
        """Another file about the same one."""
        return self._parts()[1].joinpath(kind, *PurePosixPath(self.path_of(copy)).parts)

    def _base_of(self, copy: Path | None) -> Path | None:
        return self._base_file(copy) if copy is not None else None

    def _remove(self, copy: Path) -> None:
        for path in (copy, self._base_file(copy), self._beside(copy, _THEIRS)):
            with suppress(OSError):
                path.unlink()

    @staticmethod
    def _discard(path: Path) -> None:
        if path.is_dir():
            from shutil import rmtree  # 8 ms that the first frame need not wait for

            rmtree(path)
        else:
            path.unlink(missing_ok=True)

    # -- there --------------------------------------------------------------------------------

    async def _read(self, files: MachineFiles, path: str) -> bytes:
        content = await files.read(path)
        if len(content) > LARGEST:
            raise DocumentError(
                f"{path} has {len(content) / 1e6:.1f} MB, too much to edit on {files.machine}.",
                f"Files of at most {LARGEST // 1_000_000} MB are: read it in code.",
            )
        return content

    def _lock(self, copy: Path) -> asyncio.Lock:
        return self._sending.setdefault(copy, asyncio.Lock())

    async def _known(self) -> MachineFiles:
        """The files, once it is known which machine has them."""
        files = self._parts()[0]
        if not files.is_elsewhere:
            await files.learn()
        if not files.is_elsewhere:
            raise NotFound(
                "The file is of another machine, and the session has none of another one now.",
                "Open it in a session there, when its kernel is ready.",
            )
        return files

    def _parts(self) -> tuple[MachineFiles, Path]:
        """The files, and the folder of all that belongs to their machine and folder."""
        files, folder = self._files, self._folder
        if files is None or folder is None:
            raise NotFound("There is no session whose files are elsewhere.")
        # A machine may say what it likes, also what is no text.
        key = digest_of(f"{files.machine}\0{files.folder}".encode("utf-8", "backslashreplace"))[:16]
        return files, folder / key


def _read(path: Path) -> bytes:
    content = _read_or_none(path)
    if content is None:
        raise NotFound(f"The copy of {path.name} is gone.", "Save the document again.")
    return content


def _read_or_none(path: Path) -> bytes | None:
    """StorageError for a file that cannot be read."""
    try:
        return read_plain(path, 1 << 30, follow_links=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _storing(copy: Path, work: Callable[[], None]) -> Callable[[], None]:
    """`work` whose OSError is a StorageError."""

    def run() -> None:
        try:
            work()
        except OSError as error:
            raise StorageError(f"The copy of {copy.name}: {error.strerror}.") from error

    return run


def shown_reason(error: CodeexecError) -> str:
    """Why a document was not sent, for its banner."""
    return f"{error.message} It is kept here; save it again when that is over."
