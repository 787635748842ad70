"""How each file is built and run, as the user has set it; stored for all workbenches of a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from codeexec.documents.files import write_atomic
from codeexec.domain.errors import StorageError
from codeexec.domain.plain_files import read_plain
from codeexec.languages.model import Language
from codeexec.languages.profiles import BuildProfile, BuildWords, resolve

MOST = 300
"""Files whose configuration is stored, those that were set last."""


class RunConfiguration(Struct, frozen=True, omit_defaults=True):
    """How one file is built and run. Empty values are the defaults: the first profile, compiler
    and standard of the language, the folder of the session, the terminal as input. `folder` and
    `stdin` are paths, relative to the session's folder or absolute."""

    profile: str = ""
    compiler: str = ""
    flags: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    folder: str = ""
    stdin: str = ""
    standard: str = ""

    def build_words(self, language: Language, own: Sequence[BuildProfile]) -> BuildWords:
        """What chooses the binary, with a profile of the language in place of one of the user's.
        UsageError for one that is not there. Of what is not built only the interpreter counts."""
        if not language.build:
            return BuildWords(compiler=self.compiler)
        chosen = BuildWords(self.profile, self.compiler, self.standard, self.flags)
        return resolve(language, own, chosen)


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
