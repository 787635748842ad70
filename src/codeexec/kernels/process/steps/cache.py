"""Keeps built programs, so that an unchanged one is not built again.

Each file with its build command has a folder of its own. The program in it is reused when all files
that the compiler read (its source, every header), the compiler and its variables are the same, by
content; size, time and inode only spare reading a file again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from codeexec.domain.content.digests import blake2b
from codeexec.domain.errors import StorageError
from codeexec.hostfiles.state import cache_folder, is_own

MOST_PROGRAMS = 64
MOST_BYTES = 2 << 30
MANIFEST = "manifest.json"
DEPFILE = "inputs.d"
PRECOMPILED = "precompiled"
"""Folder of the cache with precompiled headers, each in a folder of its own as COMPILED_HEADER."""
COMPILED_HEADER = "standard.h.gch"
_VARIABLES = (
    "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "LD_RUN_PATH",
    "SOURCE_DATE_EPOCH", "GCC_EXEC_PREFIX", "COMPILER_PATH", "RUSTFLAGS",
    "GOFLAGS", "GOOS", "GOARCH", "GOROOT", "GOPATH", "GOWORK", "GO111MODULE", "GOEXPERIMENT",
    "CGO_ENABLED", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS", "CC", "CXX",
)  # fmt: skip

Input = tuple[int, int, int, str]
"""Size, time of change in ns, inode and hash of a file, or of the names in a folder."""


class ProgramFolder:
    """The place of one built program. `program` is where the build writes it."""

    def __init__(
        self,
        source: Path,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        root: Path | None = None,
    ) -> None:
        """`command` are the words of the build without its paths of output, the path of the
        compiler first. `root` has the folders of all programs; by default it is one of the cache.
        StorageError when the folder cannot be made."""
        variables = [environ.get(name, "") for name in _VARIABLES]
        identity = json.dumps([str(source), *command, *variables]).encode("utf-8", "surrogatepass")
        self.source = source
        key = blake2b(identity, digest_size=12).hexdigest()
        self._root = root or Path(cache_folder(environ), "builds")
        self.path = self._root / key
        self.program = self.path / source.stem
        self.sarif = self.path / "report.sarif"
        self._manifest = self.path / MANIFEST
        self._tool = command[0]
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unusable(self.path, error) from error
        check_own(self.path)

    @property
    def places(self) -> dict[str, str]:
        """For the templates of the catalog. The build writes to other names than the program's: an
        old one may still run, and a failed build leaves the last good one."""
        return {"output": f"{self.program}.new", "depfile": str(self.path / DEPFILE)}

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Builds of the same program wait for each other."""
        lock = self.lock()
        try:
            yield
        finally:
            os.close(lock)

    def lock(self) -> int:
        """A descriptor; closing it lets the next build begin. StorageError."""
        lock = self._open_lock()
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    def try_lock(self) -> int | None:
        """The same, but None where it is being built. StorageError."""
        lock = self._open_lock()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _open_lock(self) -> int:
        try:
            return os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def find_report(self, made: Path | None = None) -> str | None:
        """What the compiler reported when it made the program that is here (warnings), if that
        program is still what a build would make; None: it has to be built. `made` is another file
        that was made in place of a program."""
        try:
            manifest = json.loads(self._manifest.read_bytes())
            if made is None and not os.access(self.program, os.X_OK):
                return None
            for path, recorded in manifest["inputs"].items():
                if _input(path, tuple(recorded))[3] != recorded[3]:
                    return None
            self._manifest.touch()  # the least recently used one is removed first
            return str(manifest["report"])
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def note_inputs(self, listed: bytes) -> None:
        """What a build that writes no depfile has read: one path a line. StorageError."""
        import re

        paths = listed.decode("utf-8", "surrogateescape").splitlines()
        escaped_paths = [
            re.sub(r"([\\ #:])", r"\\\1", path).replace("$", "$$") for path in paths if path
        ]
        try:
            text = "program: " + " \\\n".join(dict.fromkeys(escaped_paths)) + "\n"
            (self.path / DEPFILE).write_text(text, "utf-8", "surrogateescape")
        except OSError as error:
            raise _unusable(self.path, error) from error

    def keep(self, report: str, cwd: Path, made: Path | None = None) -> None:
        """The build has succeeded: its program (or what was `made`) takes the place of the old one.
        StorageError."""
        try:
            self._keep(report, cwd, made or self.program)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _keep(self, report: str, cwd: Path, made: Path) -> None:
        try:
            Path(self.places["output"]).replace(made)
        except FileNotFoundError:
            # Its flags asked for something else: -fsyntax-only.
            made.unlink(missing_ok=True)
            self._manifest.unlink(missing_ok=True)
            return
        previous = self._previous_inputs()
        self._manifest.unlink(missing_ok=True)
        inputs = self._read_inputs(cwd, previous)
        if inputs is not None:
            content = json.dumps({"inputs": inputs, "report": report})
            fresh = self._manifest.with_suffix(".new")
            fresh.write_text(content, "utf-8", "surrogatepass")
            fresh.replace(self._manifest)

    def sweep(self) -> None:
        """Remove the programs that were used least recently, beyond the bounds; not this one."""
        with contextlib.suppress(OSError):
            sweep(self._root, spared=self.path)

    def has_precompiled(self) -> bool:
        """Whether there are precompiled headers at all, of which a build may use one."""
        root = str(self._root.with_name(PRECOMPILED))
        with contextlib.suppress(OSError):
            return any(
                os.path.isfile(f"{folder.path}/{COMPILED_HEADER}")  # noqa: PTH113
                for folder in os.scandir(root)
            )
        return False

    def _previous_inputs(self) -> dict[str, tuple[object, ...]]:
        """Those of the build before, which spare reading the same headers again."""
        try:
            inputs = json.loads(self._manifest.read_bytes())["inputs"]
            return {path: tuple(recorded) for path, recorded in inputs.items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return {}

    def _read_inputs(
        self, cwd: Path, previous: Mapping[str, tuple[object, ...]]
    ) -> dict[str, Input] | None:
        """All files that the build read; None where that is not known, or time is one of them."""
        from codeexec.languages.depfile import names_the_time, read_depfile

        try:
            listed = (self.path / DEPFILE).read_text("utf-8", "surrogateescape")
        except OSError:
            return None
        # Precompiled headers are listed with all that they were made from.
        precompiled = str(self._root.with_name(PRECOMPILED)) + os.sep
        paths = [str(cwd / name) for name in read_depfile(listed)]
        sources = [path for path in paths if not path.startswith(precompiled)]
        own = [path for path in sources if not path.startswith("/usr/")]
        try:
            files = [path for path in own if not os.path.isdir(path)]  # noqa: PTH112
            if any(names_the_time(_content(path)) for path in files):
                return None
            read_paths = (*sources, os.path.realpath(self._tool))
            return {path: _input(path, previous.get(path, ())) for path in read_paths}
        except OSError:
            return None


def check_own(folder: Path) -> None:
    """StorageError where another user can change what is built in a folder of the cache."""
    for place in (folder, folder.parent, folder.parent.parent):
        if not is_own(place):
            raise StorageError(
                f"Programs are not built in {place}: others can change what is there.",
                f"Make it yours alone: chmod o-w {place}; or set XDG_CACHE_HOME to another folder.",
            )


def keep_code(code: str, name: str) -> Path:
    """A file that has this code, the same one for the same code. StorageError."""
    digest = blake2b(code.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    root = Path(cache_folder(), "code")
    path = root / digest / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(code, "utf-8", "surrogateescape")
        sweep(root)
    except OSError as error:
        raise _unusable(path.parent, error) from error
    return path


def sweep(
    root: Path,
    *,
    most: int = MOST_PROGRAMS,
    most_bytes: int = MOST_BYTES,
    spared: Path | None = None,
) -> None:
    """Remove the folders that were used least recently, beyond the bounds. `spared` counts as the
    one used last."""
    size = 0
    folders = sorted((path for path in root.iterdir() if path != spared), key=_last_use)
    for number, folder in enumerate([*([spared] if spared else []), *reversed(folders)]):
        with contextlib.suppress(OSError):
            size += sum(file.stat().st_size for file in folder.iterdir())
        if number and (number >= most or size > most_bytes):
            import shutil  # seldom needed, and slow to import

            shutil.rmtree(folder, ignore_errors=True)


def _input(path: str, recorded: tuple[object, ...] = ()) -> Input:
    about = os.stat(path)  # noqa: PTH116
    signature = (about.st_size, about.st_mtime_ns, about.st_ino)
    if len(recorded) == len(signature) + 1 and recorded[:3] == signature:
        return (*signature, str(recorded[3]))
    if stat.S_ISDIR(about.st_mode):
        names = json.dumps(sorted(os.listdir(path))).encode("utf-8", "surrogatepass")  # noqa: PTH208
        return (*signature, blake2b(names, digest_size=16).hexdigest())
    return (*signature, blake2b(_content(path), digest_size=16).hexdigest())


def _content(path: str) -> bytes:
    """Of a regular file, also behind a link; OSError for others: a named pipe would never end."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        return file.read()


def _last_use(folder: Path) -> float:
    for file in (folder / MANIFEST, folder):
        with contextlib.suppress(OSError):
            return file.stat().st_mtime
    return time.time()


def _unusable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"Built programs cannot be kept in {folder}: {error.strerror or error}.",
        "Make room or make it writable, or set XDG_CACHE_HOME to another folder.",
    )
