"""The record of trust: decisions of the user, and folders that containers could change, in a file.

Every change gets the next number, so that "trusted after it was mounted" does not depend on a
clock. What cannot be read trusts nothing. Standard library without pathlib, as `trust`.
"""

# ruff: noqa: PTH105, PTH108, PTH116

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from codeexec.environments.pythons.folders import folders_upward
from codeexec.hostfiles.mounts import aliases
from codeexec.hostfiles.shared import MOUNT, escape, unescape


class Decision:
    """What the user said about a folder. `whole`: it holds for all folders below, too.
    `settings` maps paths of settings files to the digests they had at that time."""

    __slots__ = ("device", "folder", "inode", "is_trusted", "number", "owner", "settings", "whole")

    def __init__(
        self,
        folder: str,
        number: int,
        *,
        is_trusted: bool,
        whole: bool,
        owner: int,
        device: int,
        inode: int,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.number = number
        self.is_trusted = is_trusted
        self.whole = whole
        self.owner = owner
        self.device = device
        self.inode = inode
        self.settings = dict(settings or {})

    @property
    def fits(self) -> bool:
        """Whether the folder is still the one that was decided on: same owner, same inode."""
        try:
            info = os.stat(self.folder)
        except OSError:
            return False
        return (info.st_uid, info.st_dev, info.st_ino) == (self.owner, self.device, self.inode)


class Book:
    """The content of the file: decisions and mounts by folder (real paths). `seen` maps settings
    files, that a run used before any container could change them, to their digests. `running` maps
    containers that have not ended to the process that holds each (`PID:IDENTITY`) and their
    folder."""

    def __init__(self) -> None:
        self.decisions: dict[str, Decision] = {}
        self.mounts: dict[str, int] = {}
        self.seen: dict[str, str] = {}
        self.running: dict[str, tuple[str, str]] = {}
        self.is_readable = True
        self._shown: dict[str, int] | None = None

    @property
    def last_number(self) -> int:
        numbers = [decision.number for decision in self.decisions.values()]
        return max([*numbers, *self.mounts.values()], default=0)

    def decision_on(self, folder: str) -> Decision | None:
        """The nearest decision that covers the folder and still fits."""
        for above in folders_upward(folder):
            decision = self.decisions.get(above)
            if decision is not None and (decision.whole or above == folder) and decision.fits:
                return decision
        return None

    def last_mount(self, places: Iterable[str], holder: str = "") -> int:
        """The number of the last mount of a folder that one of `places` lies in, or that lies in
        `holder`; 0: there was none. What a container can change now is mounted after all else."""
        if not self.is_readable:
            return self.last_number + 1
        if self._shown is None:
            mounted = {
                **self.mounts,
                **{at: self.last_number + 1 for _, at in self.running.values()},
            }
            shown = aliases(mounted)  # bind mounts show the same files at other paths
            mounted.update({alias: mounted[folder] for alias, folder in shown.items()})
            self._shown = mounted
        numbers = [0]
        for folder, number in self._shown.items():
            is_within = any(is_inside(place, folder) for place in places)
            if is_within or (holder and is_inside(folder, holder)):
                numbers.append(number)
        return max(numbers)

    def mount(self, folder: str) -> None:
        """Code in a container can change the folder, or could until now."""
        self.mounts[folder] = self.last_number + 1

    def end_lost(self) -> None:
        """Containers end with the process that holds them, also when it was killed."""
        from codeexec.environments.processes import identify

        for container, (process, folder) in list(self.running.items()):
            pid, _, identity = process.partition(":")
            if identify(int(pid)) != identity:
                del self.running[container]
                self.mount(folder)


def is_inside(path: str, folder: str) -> bool:
    """Whether the path is the folder or lies in it, by spelling."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def read_book(path: str) -> Book:
    """`decision NUMBER trusted|restricted whole|own OWNER DEVICE INODE FOLDER`,
    `settings NUMBER DIGEST FILE` of the decision of that number, `mount NUMBER FOLDER`,
    `seen DIGEST FILE`, `running CONTAINER PROCESS FOLDER`."""
    book = Book()
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            owner = os.fstat(file.fileno()).st_uid
            lines = file.read().decode("ascii").splitlines()
    except FileNotFoundError:
        return book
    except (OSError, UnicodeDecodeError):
        book.is_readable = False
        return book
    book.is_readable = owner in (os.geteuid(), 0)
    numbered: dict[int, Decision] = {}
    try:
        for line in lines if book.is_readable else ():
            kind, number, *fields = line.split(" ")
            if kind == MOUNT:
                book.mounts[unescape(fields[0])] = int(number)
            elif kind == "seen":
                book.seen[unescape(fields[0])] = number
            elif kind == "running":
                process, folder = fields
                int(process.partition(":")[0])
                book.running[number] = (process, unescape(folder))
            elif kind == "settings":
                numbered[int(number)].settings[unescape(fields[1])] = fields[0]
            elif kind == "decision":
                verdict, scope, user, device, inode, folder = fields
                decision = numbered[int(number)] = Decision(
                    unescape(folder),
                    int(number),
                    is_trusted=verdict == "trusted",
                    whole=scope == "whole",
                    owner=int(user),
                    device=int(device),
                    inode=int(inode),
                )
                book.decisions[decision.folder] = decision
    except (ValueError, IndexError, KeyError):
        book.is_readable = False
    return book


def write_book(path: str, book: Book) -> None:
    lines = [f"{MOUNT} {number} {escape(folder)}" for folder, number in book.mounts.items()]
    lines += [f"seen {digest} {escape(file)}" for file, digest in book.seen.items()]
    lines += [
        f"running {container} {process} {escape(folder)}"
        for container, (process, folder) in book.running.items()
    ]
    for decision in book.decisions.values():
        verdict = "trusted" if decision.is_trusted else "restricted"
        scope = "whole" if decision.whole else "own"
        identity = f"{decision.owner} {decision.device} {decision.inode}"
        lines.append(
            f"decision {decision.number} {verdict} {scope} {identity} {escape(decision.folder)}"
        )
        lines += [
            f"settings {decision.number} {digest} {escape(file)}"
            for file, digest in decision.settings.items()
        ]
    fresh = f"{path}.{os.getpid()}.new"
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(handle)
        os.replace(fresh, path)
    except BaseException:
        try:
            os.unlink(fresh)
        except OSError:
            pass  # it was never made
        raise
