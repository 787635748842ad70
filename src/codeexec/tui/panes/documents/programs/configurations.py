"""How each file is built and run, as the user has set it; stored for all workbenches of a user."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from codeexec.documents.files import write_atomic
from codeexec.domain.errors import StorageError
from codeexec.domain.plain_files import read_plain

MOST = 300
"""Files whose configuration is stored, those that were set last."""


class RunConfiguration(Struct, frozen=True, omit_defaults=True):
    """How one file is built and run. Empty values are the defaults: the first profile and compiler
    of the language, the folder of the session, the terminal as input. `folder` and `stdin` are
    paths, relative to the session's folder or absolute."""

    profile: str = ""
    compiler: str = ""
    flags: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    folder: str = ""
    stdin: str = ""

    @property
    def build_key(self) -> tuple[str, str, tuple[str, ...]]:
        """What chooses the binary: another build for each."""
        return self.profile, self.compiler, self.flags


DEFAULT = RunConfiguration()


class RunConfigurations:
    """Configurations by path. Without a file they last as long as the workbench; a file that cannot
    be read or written is passed over."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._entries: dict[str, RunConfiguration] | None = None

    def of(self, *paths: str) -> RunConfiguration:
        """That of a file, by its path or else by one that it had before it was saved as another."""
        entries = self._read()
        return next((entries[path] for path in paths if path in entries), DEFAULT)

    def set(self, path: str, configuration: RunConfiguration) -> None:
        """Set that of one file; what other workbenches have set since stays."""
        self._entries = None if self._file is not None else self._entries
        entries = {other: entry for other, entry in self._read().items() if other != path}
        if configuration != DEFAULT:
            entries = {path: configuration, **entries}
        self._entries = dict(list(entries.items())[:MOST])
        if self._file is not None:
            with suppress(StorageError):  # a full disk is told by what matters more
                write_atomic(self._file, msgspec.json.encode(self._entries))

    def _read(self) -> dict[str, RunConfiguration]:
        if self._entries is None:
            self._entries = {}
            if self._file is not None:
                with suppress(OSError, msgspec.DecodeError, RecursionError):
                    data = read_plain(self._file)
                    self._entries = msgspec.json.decode(data, type=dict[str, RunConfiguration])
        return self._entries
