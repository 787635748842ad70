"""Which folders the user trusts, and which ones code in a container could change.

One small text file of the state folder holds both, see `trust_record`. Standard library without
pathlib: the server asks before it starts the first kernel.
"""

# ruff: noqa: PTH103, PTH116, PTH118, PTH119, PTH120

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from codeexec.domain.errors import StorageError, UsageError
from codeexec.environments.trust.record import Book, Decision, read_book, write_book
from codeexec.environments.trust.record import is_inside as is_inside
from codeexec.hostfiles.mounts import aliases
from codeexec.hostfiles.shared import FILE as FILE
from codeexec.hostfiles.state import WORKSPACES, config_folder, home, state_folder

LOCK = "trust.lock"
NO_SETTINGS = "-"
"""The digest of a settings file that chooses nothing, or is not there."""


class Trust(Protocol):
    """Decides what of a folder may be executed."""

    def allows(self, holder: str, path: str, digest: str = "") -> bool:
        """Whether `path`, found in the folder `holder`, may be executed or choose what is.
        `digest` is that of a settings file; empty: an interpreter."""

    def allows_named(self, path: str) -> bool:
        """Whether a program may be executed that the user or the system named: always, unless
        code in a container could have changed it since its folder was last trusted."""


class TrustStore:
    """A Trust: what the user decided and remembered."""

    def __init__(self, folder: str = "", environ: Mapping[str, str] | None = None) -> None:
        """`folder` is the state folder; empty: that of this user."""
        self._environ = environ
        self._folder = folder

    @property
    def folder(self) -> str:
        return self._folder or state_folder(self._environ)

    def read(self) -> Book:
        return read_book(os.path.join(self.folder, FILE))

    def allows(self, holder: str, path: str, digest: str = "") -> bool:
        book = self.read()
        real = os.path.realpath(holder)
        decision = book.decision_on(real)
        if decision is None or not decision.is_trusted:
            return False
        if not _owners(holder, path) <= {os.geteuid(), 0, decision.owner}:
            return False
        spelled = os.path.join(real, os.path.relpath(path, holder))
        if digest and spelled in decision.settings:
            # Unlike an environment it can be compared with what was trusted.
            return decision.settings[spelled] == digest
        # A container changes settings only in what it has; an environment may load from there.
        holds = "" if digest else real
        return decision.number > book.last_mount(_places(path), holds)

    def allows_named(self, path: str) -> bool:
        book = self.read()
        places = _places(path)
        number = book.last_mount(places)
        if not number:
            return True
        decisions = map(book.decision_on, places)
        return any(decision is not None and decision.is_trusted and decision.number > number
                   for decision in decisions)  # fmt: skip

    def was_mounted(self, holder: str, path: str) -> bool:
        """Whether code in a container could have changed it, at any time."""
        return self.read().last_mount(_places(path), os.path.realpath(holder) if holder else "") > 0

    def running_in(self, folder: str) -> list[str]:
        """Names of the containers whose code can change files of the folder now."""
        real = os.path.realpath(folder)
        return [
            container
            for container, (_, mounted) in self.read().running.items()
            if is_inside(mounted, real) or is_inside(real, mounted)
        ]

    def has_seen(self, path: str, digest: str) -> bool:
        """Whether a run used these very settings before a container could change them."""
        return self.read().seen.get(os.path.realpath(path)) == digest

    # -- changes -------------------------------------------------------------------------

    def decide(
        self,
        folder: str,
        *,
        is_trusted: bool,
        whole: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Remember what the user said. StorageError where that cannot be kept."""
        real = os.path.realpath(folder)

        def change(book: Book) -> None:
            info = os.stat(real)
            book.decisions[real] = Decision(
                real,
                book.last_number + 1,
                is_trusted=is_trusted,
                whole=whole,
                owner=info.st_uid,
                device=info.st_dev,
                inode=info.st_ino,
                settings=settings,
            )

        self._change(change)

    def forget(self, folder: str) -> bool:
        """Forget what was said about the folder; whether anything was."""
        real = os.path.realpath(folder)
        removed: list[Decision] = []

        def change(book: Book) -> None:
            if (decision := book.decisions.pop(real, None)) is not None:
                removed.append(decision)

        self._change(change)
        return bool(removed)

    def see_settings(self, path: str, digest: str) -> None:
        """Remember settings that a run uses in a container, unless one could change them before:
        the next run finds them unchanged, or does not use them."""
        real = os.path.realpath(path)
        if self.read().last_mount(_places(real)) or self.has_seen(path, digest):
            return

        def change(book: Book) -> None:
            book.seen[real] = digest

        self._change(change)

    def record_mount(self, folder: str, container: str = "") -> None:
        """Remember that code in a container can change the folder from now on; what was trusted
        there before is asked for again. With `container`, its name, nothing of the folder is
        executed until `record_end`, or until this process is gone. StorageError where that cannot
        be kept: then it must not be mounted. UsageError for a folder that holds our own settings
        or state."""
        real = os.path.realpath(folder)
        own = list(map(os.path.realpath, (self.folder, config_folder(self._environ))))
        for ours in (*own, *aliases(own)):
            # Nothing in a folder that the service has made for a session decides anything.
            workspaces = os.path.join(ours, WORKSPACES)
            is_workspace = real != workspaces and is_inside(real, workspaces)
            if is_inside(ours, real) or (is_inside(real, ours) and not is_workspace):
                raise UsageError(
                    f"The folder {real} is not given to a container: {ours} decides what is "
                    "executed on this machine.",
                    "Work in a folder of your project.",
                )

        def change(book: Book) -> None:
            book.mount(real)
            if container:
                book.running[container] = (_this_process(), real)

        self._change(change)

    def record_end(self, folder: str, container: str) -> None:
        """The container has ended; until now it could change the folder."""
        real = os.path.realpath(folder)

        def change(book: Book) -> None:
            book.running.pop(container, None)
            book.mount(real)

        self._change(change)

    def _change(self, change: Callable[[Book], None]) -> None:
        import fcntl

        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            lock = os.open(os.path.join(self.folder, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                book = self.read()
                if not book.is_readable:
                    raise PermissionError(13, "it cannot be read, or belongs to somebody else")
                book.end_lost()
                change(book)
                write_book(os.path.join(self.folder, FILE), book)
            finally:
                os.close(lock)
        except OSError as error:
            raise StorageError(
                f"What is trusted cannot be kept in {self.folder}: {error.strerror or error}.",
                "Make it writable for you and make room, or set XDG_STATE_HOME to another folder.",
            ) from error


class RunTrust:
    """A Trust for one `run FILE`, which is the user's own act: what lies in the file's folder and
    those above is as trusted as the file, unless it belongs to yet another user or a container
    could change it. The current folder is not, where the file lies elsewhere."""

    def __init__(self, file: str = "", store: TrustStore | None = None) -> None:
        """`file` empty: the code comes from standard input, and is meant for the current folder."""
        self._store = store or TrustStore()
        self._owners = {os.geteuid(), 0}
        spelled = os.path.dirname(os.path.abspath(file)) if file else os.getcwd()  # noqa: PTH100, PTH109
        self._folders = {spelled, os.path.realpath(spelled)}
        if file:
            try:
                self._owners.add(os.stat(file).st_uid)
            except OSError:
                pass  # whoever reads it says so

    def allows(self, holder: str, path: str, digest: str = "") -> bool:
        if self._store.allows(holder, path, digest):
            return True
        if not any(is_inside(folder, holder) for folder in self._folders):
            return False
        if not _owners(holder, path) <= self._owners:
            return False
        if digest:
            is_unchanged = self._store.has_seen(path, digest)
            return is_unchanged or not self._store.was_mounted("", path)
        return not self._store.was_mounted(holder, path)

    def allows_named(self, path: str) -> bool:
        return self._store.allows_named(path)


class FullTrust:
    """A Trust of programs that answer for their folder themselves."""

    def allows(self, holder: str, path: str, digest: str = "") -> bool:
        return True

    def allows_named(self, path: str) -> bool:
        return True


def default_scope(folder: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether trust of this folder covers all folders below it by default: not where
    everything lies below (the home folder, `/`), or others make folders (`/tmp`)."""
    environ = os.environ if environ is None else environ
    real = os.path.realpath(folder)
    if is_inside(os.path.realpath(home(environ)), real):
        return False
    try:
        return not os.stat(real).st_mode & 0o002
    except OSError:
        return False


def trust_command(folder: str) -> str:
    """The command line that trusts a folder."""
    import shlex

    return f"codeexec-tui trust {shlex.quote(folder)}"


def trust_step(folder: str) -> str:
    """The next step of a message that something is not used for lack of trust."""
    return f"If you trust it: {trust_command(folder)}"


def _places(path: str) -> Sequence[str]:
    """All folders that decide what the file is, or what its environment loads: where it is
    spelled, where its links lead, and the environment's root."""
    folder = os.path.dirname(os.path.abspath(path))  # noqa: PTH100
    spelled = (folder, os.path.dirname(folder)) if os.path.basename(folder) == "bin" else (folder,)
    places = [*spelled, *map(os.path.realpath, spelled), os.path.dirname(os.path.realpath(path))]
    return tuple(dict.fromkeys(places))


def _owners(holder: str, path: str) -> set[int]:
    """Owners of the folder, of the file, and of what lies between; -1 where one is not there."""
    owners = set()
    place = path
    while True:
        try:
            owners.add(os.lstat(place).st_uid)
        except OSError:
            owners.add(-1)
        if place == holder or not is_inside(place, holder) or os.path.dirname(place) == place:
            break
        place = os.path.dirname(place)
    try:
        owners.add(os.stat(holder).st_uid)
    except OSError:
        owners.add(-1)
    return owners


def _this_process() -> str:
    from codeexec.environments.processes import identify

    return f"{os.getpid()}:{identify(os.getpid())}"
