"""Standard headers compiled once for many builds of C++ files that begin with the same ones.

A header is made of nothing but the `#include <…>` lines of the standard library with which a file
begins, so that what is compiled is the same: the file includes them again, to no effect. It is made
in the background by a session, once a file with these lines was built `WANTED_AFTER` times with the
same compiler and flags. GCC alone has them, and only with flags that are known to be harmless.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from codeexec.domain.content.digests import blake2b
from codeexec.domain.errors import StorageError
from codeexec.domain.plain_files import open_plain
from codeexec.hostfiles.state import cache_folder
from codeexec.kernels.process.steps.cache import (
    COMPILED_HEADER,
    PRECOMPILED,
    ProgramFolder,
    sweep,
)

if TYPE_CHECKING:
    from codeexec.kernels.process.steps.build import BuiltProgram

WANTED_AFTER = 5
"""Builds after which a header is made: that takes as long as it saves in about as many more."""
MOST_HEADERS = 6
MOST_BYTES = 512 << 20
MOST_SOURCE = 1 << 16
"""Bytes of a source in which the lines are looked for."""
MOST_HELD = 1 << 16
"""Bytes of a report that are held back."""
_COMPILER = re.compile(r"g\+\+(?:-\d+)?")
_LINE = re.compile(rb"[ \t]*(?:#[ \t]*include[ \t]*<(?P<name>\w+)>)?[ \t]*(?://[^\n\\?]*)?")
_FLAG = re.compile(
    r"-(?:std=[\w+]+|O[0-3sg]?|g[0-3]?|[DU]\w+(?:=[\w.]*)?|W(?:no-)?[a-z][a-z0-9-]*(?:=\d+)?|w"
    r"|pthread|m(?:arch|tune)=[\w-]+|f(?:sanitize=[a-z,]+|no-sanitize-recover=all|no-exceptions"
    r"|no-rtti|(?:no-)?omit-frame-pointer|PIC|PIE|pic|pie))"
)
_LINKED = re.compile(r"-(?:l[\w.+-]+|L.+)")
_STANDARD = frozenset(
    b"""
    algorithm any array atomic barrier bit bitset charconv chrono codecvt compare complex
    concepts condition_variable coroutine deque exception execution expected filesystem format
    forward_list fstream functional future initializer_list iomanip ios iosfwd iostream
    istream iterator latch limits list locale map memory memory_resource mutex new numbers
    numeric optional ostream print queue random ranges ratio regex scoped_allocator semaphore
    set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string
    string_view syncstream system_error thread tuple type_traits typeindex typeinfo
    unordered_map unordered_set utility valarray variant vector version cctype cerrno cfenv
    cfloat cinttypes climits clocale cmath csetjmp csignal cstdarg cstddef cstdint cstdio
    cstdlib cstring ctime cuchar cwchar cwctype
    """.split()
)
"""Without those that are meant to be included again, with another effect (`cassert`)."""


class PrecompiledHeader:
    """The header for one list of includes, compiler and flags. `includes` are names without <>."""

    def __init__(
        self, includes: Sequence[str], command: Sequence[str], environ: Mapping[str, str]
    ) -> None:
        """`command` are the compiler and its flags. StorageError."""
        self._root = Path(cache_folder(environ), PRECOMPILED)
        identity = json.dumps([*includes, *command]).encode("utf-8", "surrogatepass")
        name = blake2b(identity, digest_size=8).hexdigest()
        text = "".join(f"#include <{include}>\n" for include in includes)
        self._text = text
        self._source = self._root / f"{name}.h"
        self._folder = ProgramFolder(self._source, command, environ, root=self._root)
        self.path = self._folder.path / "standard.h"
        self._compiled = self._folder.path / COMPILED_HEADER
        self._builds = self._folder.path / "builds"
        places = self._folder.places
        self.command = (
            *command, "-x", "c++-header", "-MD", "-MF", places["depfile"],
            "-o", places["output"], str(self.path),
        )  # fmt: skip
        """Makes it; `keep` puts it in its place then."""

    @property
    def words(self) -> tuple[str, ...]:
        """For the compiler: use the header, and list what it was made from."""
        return ("-include", str(self.path), "-fpch-deps")

    def is_ready(self) -> bool:
        """Whether it is there, and would be made the same again."""
        return self._compiled.is_file() and self._folder.find_report(self._compiled) is not None

    def note_build(self) -> bool:
        """Count a build without it. Whether it is to be made now."""
        with suppress(OSError):
            with self._builds.open("ab") as file:
                file.write(b".")
                return file.tell() >= WANTED_AFTER
        return False

    def prepare(self) -> int | None:
        """Write what it is made from; None where another process makes it. The descriptor that is
        returned is closed when it is made. OSError, StorageError."""
        lock = self._folder.try_lock()
        if lock is not None:
            self.path.write_text(self._text)
        return lock

    def keep(self, cwd: Path) -> None:
        """It was made. StorageError."""
        self._folder.keep("", cwd, self._compiled)
        sweep(self._root, most=MOST_HEADERS, most_bytes=MOST_BYTES)

    def give_up(self) -> None:
        """It could not be made: try again after as many builds."""
        self._builds.unlink(missing_ok=True)

    def is_named_in(self, report: bytes | bytearray) -> bool:
        """Whether the report is another one than without the header: the file is to be compiled
        again without it. GCC may also fail at a template's error in such a header."""
        marks = (os.fsencode(self.path), b"<command-line>", b"internal compiler error", b".gch")
        return any(mark in report for mark in marks)


class HeldReport:
    """Holds the report of a build with such a header back, until it is known to be the one without
    it, too, or is long."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._held: bytearray | None = bytearray()

    def write(self, data: bytes) -> None:
        if self._held is None:
            self._write(data)
            return
        self._held += data
        if len(self._held) > MOST_HELD:
            self._release()

    def is_final(self, header: PrecompiledHeader) -> bool:
        """The build has ended: pass its report on. False: it is forgotten, and the file is to be
        compiled without the header."""
        if self._held is not None:
            if header.is_named_in(self._held):
                return False
            self._release()
        return True

    def _release(self) -> None:
        held, self._held = self._held, None
        if held:
            self._write(bytes(held))


def find_header(program: BuiltProgram) -> PrecompiledHeader | None:
    """The header for a program. None where there is none, or it could change what is compiled."""
    command, folder, language = program.plan.build, program.folder, program.language
    is_gcc = bool(command) and bool(_COMPILER.fullmatch(PurePath(command[0]).name))
    if folder is None or language.name != "cpp" or sys.platform != "linux" or not is_gcc:
        return None
    reports = {
        *language.colors,
        *(option for options in language.reports.values() for option in options),
    }
    own = {"-MD", "-MF", "-o", *folder.places.values(), *reports}
    # The file is the last word.
    arguments = [word for word in command[1:-1] if not word.startswith("-fdiagnostics-")]
    flags = [word for word in arguments if word not in own and not _LINKED.fullmatch(word)]
    if not all(map(_FLAG.fullmatch, flags)):
        return None
    try:
        with os.fdopen(open_plain(folder.source), "rb") as file:
            includes = leading_includes(file.read(MOST_SOURCE))
        if includes:
            return PrecompiledHeader(includes, (command[0], *flags), program.environ)
    except (OSError, StorageError):
        pass  # the build tells it
    return None


def leading_includes(source: bytes) -> list[str]:
    """Names of the standard headers with which a source begins, before anything else but comments
    of one line."""
    includes: list[str] = []
    for line in source.split(b"\n")[:-1]:
        match = _LINE.fullmatch(line.removesuffix(b"\r"))
        if match is None:
            break
        name = match["name"]
        if name is not None and name not in _STANDARD:
            break
        if name is not None:
            includes.append(name.decode("ascii"))
    return includes
