"""Folders of the operating system and of all users, which are no place for a session's code.

A folder is known by where it is on its file system, so neither a link nor a bind mount of `/etc`
gets around it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from codeexec.domain.errors import UsageError
from codeexec.hostfiles.mounts import TABLE, read_mounts
from codeexec.hostfiles.place import locate

KERNEL_TREES = ("/proc", "/sys", "/dev")
"""No files at all: views of processes and devices."""
SYSTEM_TREES = (
    *KERNEL_TREES,
    *("/run", "/boot", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/var/backups", "/var/cache", "/var/db", "/var/lib", "/var/lock", "/var/log", "/var/mail"),
    *("/var/run", "/var/spool", "/lost+found", "/System", "/Library", "/private/etc", "/nix"),
)
"""Refused with all that is below them."""
SYSTEM_FOLDERS = (
    *("/", "/home", "/media", "/mnt", "/opt", "/root", "/run/media", "/srv", "/tmp", "/var"),
    *("/var/tmp", "/var/home", "/var/www", "/Users", "/Volumes", "/Applications", "/private"),
    *("/private/tmp", "/private/var", "/snap"),
)
"""Refused themselves: what is below them may well be somebody's project."""
PRIVATE_FOLDERS = (".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store")
"""Folders of a home that are refused with all that is below them."""
KERNEL_TYPES = (
    *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts"),
    *("devtmpfs", "efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore"),
    *("securityfs", "selinuxfs", "sysfs", "tracefs"),
)
"""File systems without files of anybody."""


class MountPoint(Struct, frozen=True):
    """A mount: `root` is the folder of the file system that is seen at `point`."""

    device: str
    root: Path
    point: Path
    kind: str


def mounts(table: Path = Path(TABLE)) -> tuple[MountPoint, ...]:
    """The mounts that this process sees; none on systems without the table."""
    return tuple(
        MountPoint(each.device, Path(each.root), Path(each.point), each.kind)
        for each in read_mounts(str(table))
    )


def refuse_for_session(folder: Path) -> None:
    """UsageError for a folder in which no code can work: views of the kernel, not files."""
    spelled = Path(os.path.abspath(folder))  # noqa: PTH100  # by spelling alone
    place = locate(folder)
    for each in (spelled, place.real, *place.crossed):
        if _tree_of(each, KERNEL_TREES):
            raise _refused(folder, place.real, "it is no folder for files", "session")
    mount = _mount_of(place.real, mounts())
    if mount is not None and mount.kind in KERNEL_TYPES:
        raise _refused(folder, place.real, f"it is a {mount.kind} file system", "session")


def mountable(folder: Path, engine: Iterable[str] = ()) -> Path:
    """The folder without links; UsageError for one that is not given to a container: of the
    system, of all users, a whole home, keys, or one that holds or is in one of the paths of the
    `engine`. What is ours `trust.record_mount` refuses."""
    refuse_for_session(folder)
    place = locate(folder)
    real, table = place.real, mounts()
    where = _on_disk(real, table)

    def is_below(tree: Path) -> bool:
        return real.is_relative_to(tree) or _within(where, _on_disk(tree, table))

    def is_same(other: Path) -> bool:
        return real == other or (where is not None and where == _on_disk(other, table))

    def holds(other: Path) -> bool:
        return other.is_relative_to(real) or _within(_on_disk(other, table), where)

    for home in _homes(real):
        if holds(home):
            raise _refused(folder, real, "it is, or holds, the home of a user, with all keys in it")
        for name in PRIVATE_FOLDERS:
            if is_below(home / name):
                raise _refused(folder, real, "it holds keys and passwords")
    for name in SYSTEM_FOLDERS:
        if is_same(Path(name)):
            raise _refused(folder, real, "it is shared by all users of this machine")
    for name in engine:
        if is_below(Path(name)) or holds(Path(name)):
            raise _refused(folder, real, f"the container engine has {name} there")
    own = Path.home().resolve()
    in_home = real.is_relative_to(own) and _is_real_home(own)
    for name in SYSTEM_TREES:
        if is_below(Path(name)) and not (in_home and name == "/var/lib"):
            if name == "/run" and _is_removable(real):
                continue
            raise _refused(folder, real, f"it belongs to the system ({name})")
    return real


def _refused(folder: Path, real: Path, why: str, to: str = "container") -> UsageError:
    via = f" ({folder})" if folder != real else ""
    return UsageError(
        f"The folder {real}{via} is not given to a {to}: {why}.",
        "Work in a folder of your project.",
    )


def _homes(folder: Path) -> Iterable[Path]:
    """Ours, and that of the folder's owner."""
    yield Path.home().resolve()
    owners = {os.geteuid()}
    with contextlib.suppress(FileNotFoundError):  # it is still to be made
        owners.add(folder.stat().st_uid)
    for uid in owners:
        try:
            home = Path(pwd.getpwuid(uid).pw_dir)
        except KeyError:
            continue  # a user without an entry has no home
        # Users of services have homes such as / and /bin, which SYSTEM_TREES tells about.
        if _is_real_home(home):
            yield home


def _is_real_home(home: Path) -> bool:
    return len(home.parts) > 1 and (
        home == Path("/root") or home.is_relative_to("/var/lib") or not _tree_of(home, SYSTEM_TREES)
    )


def _is_removable(folder: Path) -> bool:
    """/run/media/USER/DISK and below: where desktops show disks that were plugged in."""
    return folder.parts[:3] == ("/", "run", "media") and len(folder.parts) >= 5


def _tree_of(folder: Path, trees: Iterable[str]) -> str:
    return next((tree for tree in trees if folder.is_relative_to(tree)), "")


_OnDisk = tuple[str, Path]
"""A device, and a path on its file system."""


def _on_disk(folder: Path, table: tuple[MountPoint, ...]) -> _OnDisk | None:
    mount = _mount_of(folder, table)
    if mount is None or not folder.exists():
        return None
    return mount.device, mount.root / folder.relative_to(mount.point)


def _within(inner: _OnDisk | None, outer: _OnDisk | None) -> bool:
    return (
        inner is not None
        and outer is not None
        and inner[0] == outer[0]
        and inner[1].is_relative_to(outer[1])
    )


def _mount_of(folder: Path, table: tuple[MountPoint, ...]) -> MountPoint | None:
    """The mount that shows the folder: the longest point, the last of those at the same one."""
    best: MountPoint | None = None
    for mount in table:
        if folder.is_relative_to(mount.point) and (
            best is None or len(mount.point.parts) >= len(best.point.parts)
        ):
            best = mount
    return best
