"""Client of the helper process that reads a file with tables: opens the file, asks, writes copies.

The file is opened here, by the rules of its folder (`hostfiles`); the process gets the open
descriptor. One process reads one file, and ends with it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from codeexec.domain.errors import CodeexecError, DocumentError, NotFound
from codeexec.domain.requests import TableAnswer, TableQuestion, TableView, WriteTable
from codeexec.domain.text.printable import printable
from codeexec.domain.text.words import size_words
from codeexec.hostfiles import files as hostfiles
from codeexec.hostfiles.place import locate
from codeexec.sandbox.optional import INSTALL
from codeexec.sandbox.process import AnswerTooLarge, HelperProcess
from codeexec.tablefiles.kinds import NOUNS, TableKind, named_kind, with_article

SECONDS = 60
"""How long an answer may take. A question that is not worked out is answered after about 2 s."""

_COPIED_BYTES = 1 << 20

_CHILD = """\
from codeexec.tablefiles.worker import main
main()
"""


class FileTable(Struct, frozen=True):
    """A table, view or sheet of a file. A file of a single table gives it no name."""

    name: str
    kind: str
    columns: int = 0


class _Listing(Struct):
    kind: TableKind = "sqlite"
    tables: tuple[FileTable, ...] = ()
    note: str = ""
    fault: str = ""
    missing: str = ""


class TableFile:
    """A file with tables. Its methods block; call them in a thread. They raise CodeexecError."""

    def __init__(self, path: Path, folder: Path) -> None:
        """Copies are written relative to `folder`."""
        self.path = path
        self.folder = folder
        self._lock = threading.Lock()
        self._child: HelperProcess | None = None
        self._is_closed = False
        self._note = ""
        self._stamp: tuple[int, int, int] | None = None
        self._copies: dict[Path, tempfile.TemporaryDirectory[str]] = {}

    def tables(self) -> tuple[FileTable, ...]:
        """Read the file anew: the tables that it has now."""
        with self._lock:
            self._end()
            self._child = self._start()
            answer = self._exchange(b"{}")
        listing = msgspec.json.decode(answer, type=_Listing)
        if listing.missing:
            noun = NOUNS[named_kind(self.path.suffix) or "sqlite"]
            described = with_article(noun)
            raise DocumentError(
                f"{described[0].upper()}{described[1:]} is read with {listing.missing}.",
                f"{INSTALL} installs it.",
            )
        if listing.fault:
            raise DocumentError(f"{self.path.name}: {_plain(listing.fault)}", "")
        self._note = self._beside() if listing.kind == "sqlite" else ""
        self._note = self._note or listing.note
        return listing.tables

    def ask(self, table: str, question: TableQuestion, view: TableView) -> TableAnswer:
        """The answer to a question about a table, as it is now."""
        if isinstance(question, WriteTable):
            return self._write(table, question, view)
        answer = self._ask(table, question, view)
        return replace(answer, note=answer.note or self._note)

    def has_changed(self) -> bool:
        """Whether the file at the path is another one, or has another content, than was read."""
        try:
            return _stamp(self.path.stat()) != self._stamp
        except OSError:
            return False  # what was read can still be looked at

    def close(self) -> None:
        """End the process, also while it is asked."""
        self._is_closed = True
        child = self._child
        if child is not None:
            child.kill()
        with self._lock:
            self._end()
            for copy in self._copies.values():
                copy.cleanup()
            self._copies.clear()

    # -- the process -------------------------------------------------------------------------

    def _start(self) -> HelperProcess:
        if self._is_closed:
            raise DocumentError(f"{self.path.name} is closed.", "")
        path = self.path
        if self.path.is_relative_to(self.folder):
            path = self.path.relative_to(self.folder)
        with self._opened() as descriptor:
            arguments = [str(descriptor), self.path.name, str(path)]
            try:
                return HelperProcess(_CHILD, arguments, [descriptor])
            except OSError as error:
                raise DocumentError(
                    f"The process that reads {self.path.name} cannot start: {error.strerror}.",
                    "Try again.",
                ) from error

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            descriptor, info = hostfiles.open_to_read(locate(self.path))
        except FileNotFoundError as error:
            raise NotFound(f"There is no file {self.path}.", "Check the name.") from error
        except OSError as error:
            raise DocumentError(
                f"{self.path} cannot be read: {error.strerror or type(error).__name__}.",
                "Check its permissions.",
            ) from error
        self._stamp = _stamp(info)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _exchange(self, job: bytes) -> bytes:
        child = self._child
        name = self.path.name
        if child is None:
            raise DocumentError(f"{name} is not open any more.", "r reads it again.")
        try:
            answer = child.exchange(job, b"", SECONDS)
        except TimeoutError:
            self._end()
            raise DocumentError(
                f"Reading {name} takes more than {SECONDS} s.", "r tries again."
            ) from None
        except AnswerTooLarge:
            self._end()
            raise DocumentError(f"{name} has values that are too large.", "") from None
        if answer is None:
            self._end()
            raise DocumentError(
                f"{name} cannot be read: it is damaged, or needs more memory than is allowed"
                " (2 GB).",
                "r tries again.",
            )
        return answer[0]

    def _ask(self, table: str, question: TableQuestion, view: TableView) -> TableAnswer:
        job = msgspec.json.encode({"table": table, "question": question, "view": view})
        with self._lock:
            answer = self._exchange(job)
        return msgspec.json.decode(answer, type=TableAnswer)

    def _beside(self) -> str:
        """What stands beside a database and is not read."""
        for ending, meaning in (
            ("-wal", "holds changes that are not shown here"),
            ("-journal", "is of a change that was not finished; what is shown may be half of it"),
        ):
            with contextlib.suppress(OSError):
                size = os.lstat(f"{self.path}{ending}").st_size
                if size:
                    return f"{self.path.name}{ending} ({size_words(size)}) {meaning}."
        return ""

    # -- copies ------------------------------------------------------------------------------

    def _write(self, table: str, question: WriteTable, view: TableView) -> TableAnswer:
        """Let the process write into a folder of its own, and copy that to the new file by the
        rules of its folder."""
        target = self.folder / question.path
        if os.path.lexists(target):
            self._drop(target)
            return TableAnswer(fault=f"{target} is there already: choose another name.")
        if target not in self._copies:
            self._copies[target] = tempfile.TemporaryDirectory(prefix="codeexec-table-")
        part = Path(self._copies[target].name) / f"copy{target.suffix}"
        try:
            answer = self._ask(table, replace(question, path=str(part)), view)
            if answer.fault or answer.working:
                if answer.fault:
                    self._drop(target)
                return answer
            hostfiles.make_file(target)
            hostfiles.write(locate(target), _parts(part))
        except OSError as error:
            self._drop(target)
            return TableAnswer(fault=f"{target} cannot be written: {error.strerror}.")
        except CodeexecError:
            self._drop(target)
            raise
        self._drop(target)
        return replace(answer, text=str(target))

    def _drop(self, target: Path) -> None:
        copy = self._copies.pop(target, None)
        if copy is not None:
            copy.cleanup()


def _stamp(info: os.stat_result) -> tuple[int, int, int]:
    return info.st_mtime_ns, info.st_size, info.st_ino


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_COPIED_BYTES):
            yield part


def _plain(text: str) -> str:
    return printable(" ".join(text.split()))
