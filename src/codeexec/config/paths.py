"""Where things are kept on this machine: the state folder, the socket, the server's log.

Only the standard library, for a client asks for these before anything else. XDG variables count
on every system; relative values in them do not, as their specification says.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from codeexec.domain.content.digests import blake2s
from codeexec.domain.errors import Denied, StorageError
from codeexec.hostfiles.state import APP, runtime_folder, state_folder

MAX_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
"""Bytes that a socket's address has room for."""


# No dataclasses here: importing what makes them would delay the first kernel.
class Paths(NamedTuple):
    """All of one user and one state folder. `lock` is held by the one server, and says in JSON
    which process it is and where its socket is (`pid`, `socket`)."""

    state: Path
    socket: Path

    @property
    def lock(self) -> Path:
        return self.state / "server.lock"

    @property
    def log(self) -> Path:
        return self.state / "server.log"

    @property
    def holder(self) -> Path:
        """Names the process that holds kernels and terminals when no server is there."""
        return self.state / "holder"

    @property
    def console(self) -> Path:
        """What the server said on its standard output and error since it was started."""
        return self.state / "server.out"


def built_in_themes() -> Path:
    """Where the themes that we ship are: inside the wheel, or at the top of a source checkout."""
    package = Path(__file__).parents[1]
    shipped = package / "themes"
    return shipped if shipped.is_dir() else package.parents[1] / "themes"


def built_in_lessons() -> Path:
    """Folder of the lessons that we ship, as `built_in_themes`."""
    package = Path(__file__).parents[1]
    shipped = package / "lessons"
    return shipped if shipped.is_dir() else package.parents[1] / "examples" / "lessons"


def find_paths(environ: Mapping[str, str] | None = None) -> Paths:
    """Pure: nothing is made. The name of the socket tells state folders apart."""
    environ = os.environ if environ is None else environ
    state = Path(state_folder(environ))
    name = blake2s(os.fsencode(state), digest_size=4).hexdigest() + ".sock"
    folder = Path(runtime_folder(environ))
    if len(os.fsencode(folder / name)) > MAX_SOCKET_PATH:
        folder = Path("/tmp") / f"{APP}-{os.getuid()}"
    return Paths(state, folder / name)


def make_private(folder: Path) -> Path:
    """The folder, made when it is not there, with mode 0700 and ours.

    Denied when another user owns it, StorageError when it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = folder.stat()
        # A link in a shared folder may point at a folder of ours and still be a trap.
        owner = next((i.st_uid for i in (folder.lstat(), info) if i.st_uid != os.getuid()), None)
        if owner is not None:
            raise Denied(
                f"{folder} belongs to another user (uid {owner}).",
                "Remove it, or set XDG_STATE_HOME and XDG_RUNTIME_DIR to folders of your own.",
            )
        if stat.S_IMODE(info.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise StorageError(
            f"The folder {folder} cannot be used: {error.strerror or error}.",
            "Make it writable for you, or set XDG_STATE_HOME to another folder.",
        ) from error
    return folder


class LockHolder(NamedTuple):
    """The process that holds the lock, and the socket that it listens on, or will."""

    pid: int
    socket: str


def read_lock(paths: Paths) -> LockHolder | None:
    """The process that the lock file names; None if it names none. The server may have been
    started with another XDG_RUNTIME_DIR than ours, so prefer its socket to `paths.socket`."""
    try:
        content = json.loads(paths.lock.read_bytes() or b"{}")
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict):
        return None
    pid, path = content.get("pid"), content.get("socket")
    return LockHolder(pid, path) if isinstance(pid, int) and isinstance(path, str) else None


def accepts(path: str) -> bool:
    """Whether a process accepts connections on this socket, tested within one second."""
    if not Path(path).is_socket():
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True
