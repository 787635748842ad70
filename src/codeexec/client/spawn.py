"""Find the user's session server, or start one that outlives us.

Only the standard library, and no event loop: a client calls `begin` before it imports anything
else, so that the server (and its first kernel) start while the client still does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from codeexec.config.paths import Paths, accepts, find_paths, make_private, read_lock
from codeexec.domain.env_vars.secret import without_secrets
from codeexec.domain.errors import ServerUnavailable
from codeexec.environments.marks import MARK, SERVER, without_marks

_LAST_WORDS = 2000
_CONSOLE_BYTES = 2**16
_LEAST_SPACE = 2**14


class Starting:
    """A server on its way up. Ours is `process`; None when one was there already, or none was
    begun yet."""

    def __init__(
        self,
        paths: Paths,
        process: subprocess.Popen[bytes] | None = None,
        said_before: int = 0,
        environ: Mapping[str, str] | None = None,
        *,
        idle: float | None = None,
    ) -> None:
        self.paths = paths
        self.process = process
        self.said_before = said_before
        self.environ = environ
        self.has_served = False
        self.idle = idle

    def again(self) -> Starting:
        """Find or start one once more."""
        return begin(self.paths, environ=self.environ, idle=self.idle)

    def socket(self) -> str:
        """Where it listens, as far as can be known by now."""
        holder = read_lock(self.paths)
        return holder.socket if holder else str(self.paths.socket)

    def is_loading(self) -> bool:
        """Whether our process runs and has not served yet: reading it from a slow disk for the
        first time can take a minute."""
        return self.process is not None and not self.has_served and self.process.poll() is None

    def problem(self) -> ServerUnavailable | None:
        """Why it will not come: it has ended with an error before it served. None while it may."""
        if self.process is None or self.process.poll() in (None, 0) or self.has_served:
            return None
        if self.process.returncode < 0:
            return None  # somebody has killed it: it is started again
        if _is_full(self.paths.state):
            # Its last words could not be written either.
            return ServerUnavailable(
                f"The session server cannot start: no space is left where {self.paths.state} is.",
                "Free some space there, or set XDG_STATE_HOME to another folder.",
            )
        return ServerUnavailable(
            f"The session server ended at its start (exit code {self.process.returncode}). "
            f"Its last words:\n{last_words(self.paths, self.said_before)}",
            f"The whole log is in {self.paths.log}.",
        )


def begin(
    paths: Paths | None = None,
    first_session: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    idle: float | None = None,
) -> Starting:
    """The server that runs, or a new one, begun and not waited for.

    `first_session` (fields of `OpenSession`) lets a new server start that session's kernel
    before it imports the rest of itself. `idle` is after how many seconds without client and
    session a new server ends; None: as the settings say. StorageError when there is no place for
    its files, ServerUnavailable when the process cannot be started.
    """
    paths = paths or find_paths(environ)
    socket = find(paths)
    if socket:
        return Starting(paths, environ=environ, idle=idle)
    return start(paths, first_session, environ, idle)


def find(paths: Paths) -> str | None:
    """The socket of the running server, if it accepts connections."""
    holder = read_lock(paths)
    recorded = (holder.socket,) if holder else ()
    return next(filter(accepts, dict.fromkeys((*recorded, str(paths.socket)))), None)


def start(
    paths: Paths,
    first_session: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    idle: float | None = None,
) -> Starting:
    """Begin a server in a session of its own: a hang-up of our terminal does not reach it.

    When another is quicker, ours ends quietly and the other one serves.
    """
    make_private(paths.state)
    command = [sys.executable, "-P", "-m", "codeexec.server"]
    if first_session is not None:
        command += ["--first-session", json.dumps(dict(first_session))]
    if idle is not None:
        command += ["--idle", json.dumps(idle)]
    try:
        console = os.open(paths.console, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if (said_before := os.fstat(console).st_size) > _CONSOLE_BYTES:
                os.ftruncate(console, said_before := 0)
            process = subprocess.Popen(
                command,
                cwd="/",
                env=_environment(os.environ if environ is None else environ),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        finally:
            os.close(console)
    except OSError as error:
        raise ServerUnavailable(
            f"The session server cannot be started: {error.strerror or error}.",
            f"It is started as: {' '.join(command[:4])}",
        ) from error
    return Starting(paths, process, said_before, environ, idle=idle)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return without_secrets(without_marks(environ)) | {MARK: SERVER}


def _is_full(folder: Path) -> bool:
    try:
        usage = os.statvfs(folder)
    except OSError:
        return False
    return usage.f_bavail * usage.f_frsize < _LEAST_SPACE


def last_words(paths: Paths, said_before: int = 0) -> str:
    """The end of what a server that failed has said, past the first `said_before` bytes."""
    try:
        output = paths.console.read_bytes()[said_before:][-_LAST_WORDS:]
    except OSError as error:
        return f"(none: {error.strerror or error})"
    return output.decode("utf-8", "replace").strip() or "(none)"
