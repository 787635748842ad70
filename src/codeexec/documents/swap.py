"""Swap files: unsaved text on disk, written while the user types, restored after a crash."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeexec.documents.files import TOO_LARGE, Stamp, write_atomic
from codeexec.domain.content.digests import sha256
from codeexec.domain.errors import StorageError
from codeexec.domain.plain_files import read_plain
from codeexec.domain.text.parsing import load_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SUFFIX = ".swap"
_LINES = 1000
"""Lines that are written at a time."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Unsaved text of one document.

    `name` is the path of its file, or the name of a text without a file. `saved_at`
    is in seconds since the epoch; `line` and `column` are where the cursor was, from 0;
    `base` is the stamp of the file that the text was edited from.
    """

    name: str
    text: str
    saved_at: float
    line: int = 0
    column: int = 0
    base: Stamp | None = None


class SwapStore:
    """The swap files of one user, one per document, in a private folder."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def _file(self, name: str) -> Path:
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        return self._folder / f"{digest}{_SUFFIX}"

    def write(
        self,
        name: str,
        lines: list[str],
        line: int = 0,
        column: int = 0,
        base: Stamp | None = None,
    ) -> None:
        """Write the text that has these lines in place of an older swap file of `name`. It may be
        discarded meanwhile, by another thread. StorageError."""
        stamp = [base.modified_ns, base.size, base.inode] if base is not None else None
        head = {"name": name, "at": self._clock(), "line": line, "column": column, "base": stamp}
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(
                f"Unsaved text cannot be kept in {self._folder}: {error.strerror or error}.",
                "Make the folder writable, or save the file.",
            ) from error
        write_atomic(self._file(name), _content(json.dumps(head), lines), new_mode=0o600)

    def find(self, name: str) -> Swap | None:
        """The unsaved text of `name`; None if there is none or it cannot be read."""
        return _read(self._file(name))

    def all(self) -> list[Swap]:
        """All unsaved texts, the newest first."""
        swaps = (_read(path) for path in self._folder.glob(f"*{_SUFFIX}"))
        return sorted((swap for swap in swaps if swap is not None), key=lambda swap: -swap.saved_at)

    def discard(self, name: str) -> None:
        """Remove the swap file of `name`. Where that is not possible it is offered again later."""
        with suppress(OSError):
            self._file(name).unlink()


def _content(head: str, lines: list[str]) -> Iterator[bytes]:
    """In parts, between which other threads go on: a key would wait for the whole of a large file
    to be joined and encoded."""
    yield head.encode("utf-8", "surrogatepass")
    for start in range(0, len(lines), _LINES):
        part = "\n".join(lines[start : start + _LINES])
        yield f"\n{part}".encode("utf-8", "surrogatepass")


def _read(path: Path) -> Swap | None:
    try:
        head, _, text = read_plain(path, TOO_LARGE).partition(b"\n")
        fields = load_json(head)
        base = fields["base"]
        return Swap(
            name=str(fields["name"]),
            text=text.decode("utf-8", "surrogatepass"),
            saved_at=float(fields["at"]),
            line=int(fields["line"]),
            column=int(fields["column"]),
            base=Stamp(*map(int, base)) if base is not None else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        # A swap that cannot be read must not keep the file itself from opening.
        return None
