"""Starts a kernel process before anything heavy is imported: standard library alone, ~10 ms.

A server spawns the kernel first and imports the rest while it boots. The kernel gets a session
and process group of its own (a hang-up of the server does not reach it, and all that it starts
can be signalled together), a connection file that only this user can read, and unix sockets in a
folder that only this user can enter. Kernels that cannot do without TCP get ports of the loopback
interface, where the key in the connection file keeps others from running code.
"""

# pathlib would double the time that importing this takes.
# ruff: noqa: PTH106, PTH108, PTH110, PTH112, PTH116, PTH117, PTH118, PTH119, PTH120, PTH208

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from codeexec.domain.env_vars.inherited import USER_PATH, user_path
from codeexec.domain.env_vars.secret import without_secrets
from codeexec.environments.marks import MARK, SESSION
from codeexec.environments.short_folders import PREFIX, make_folder

CHANNELS = {"shell": 1, "iopub": 2, "stdin": 3, "control": 4, "hb": 5}
"""The `port` of each channel: with ipc, the number at the end of its socket's path."""

GUEST = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "guest")
LAUNCHER = os.path.join(GUEST, "launch.py")
CONNECTION_FILE = "kernel.json"
LOG_FILE = "log"
STAY_FILE = "stay"
EXIT_FILE = "exit"
"""Written by the holder when the kernel ends while no server is there."""
SPOOL = "outbox-"
"""How the files begin in which the kernel keeps its output."""
PARENT = "CODEEXEC_PARENT"
"""The pid with which a kernel ends that is not kept yet."""
LOOPBACK = "127.0.0.1"
MOST_GIVEN = 200
_GIVEN: list[int] = []
"""The last ports that kernels were given."""

# What would tie the kernel to us, make a foreign Python load our files, or keep ipykernel from
# reading what is written to the file descriptors (it does not while it takes itself for a test).
DROPPED_ENV = (
    USER_PATH,
    "JPY_PARENT_PID",
    "JPY_INTERRUPT_EVENT",
    "PYTHONEXECUTABLE",
    "PYTHONHOME",
    "PYTEST_CURRENT_TEST",
    MARK,
    SESSION,
)


class Spawned:
    """A kernel process that was started and has no connection yet.

    `connection` is the content of its connection file; `folder` holds that file, the sockets and
    the log of what the process writes itself (its last words). `argv`, `cwd` and `env` are what
    `spawn` was given, to do it again.
    """

    __slots__ = (
        "argv", "connection", "cwd", "env", "folder", "is_held", "pid", "session", "transport"
    )  # fmt: skip

    def __init__(
        self,
        pid: int,
        folder: str,
        connection: dict[str, str | int],
        argv: Sequence[str],
        cwd: str,
        env: Mapping[str, str],
        session: str = "",
        transport: str = "ipc",
    ) -> None:
        self.transport = transport
        self.pid = pid
        self.is_held = False
        """The holder has started it, and says how it ends; else it is our child."""
        self.folder = folder
        self.connection = connection
        self.argv = list(argv)
        self.cwd = cwd
        self.env = dict(env)
        self.session = session


class Prepared:
    """All of a kernel but its process: `spawned` has its folder and connection, and no pid yet.
    With `watches_parent` our launcher ends with the process that it is told."""

    __slots__ = ("command", "environ", "log", "place", "spawned", "watches_parent")

    def __init__(
        self,
        command: Sequence[str],
        place: str,
        environ: Mapping[str, str],
        spawned: Spawned,
        *,
        watches_parent: bool,
    ) -> None:
        self.command = list(command)
        self.place = place
        self.environ = dict(environ)
        self.spawned = spawned
        self.log = os.path.join(spawned.folder, LOG_FILE)
        self.watches_parent = watches_parent

    def started(self, pid: int, *, is_held: bool = False) -> Spawned:
        self.spawned.pid, self.spawned.is_held = pid, is_held
        return self.spawned

    def discard(self) -> None:
        """It was not started."""
        remove_folder(self.spawned.folder)


def python_argv(interpreter: str) -> list[str]:
    """The command of our launcher, for any environment that has ipykernel."""
    return [interpreter, LAUNCHER, "-f", "{connection_file}"]


def python_env(interpreter: str) -> dict[str, str]:
    """What activating the interpreter's environment would set, so that `!pip` is its own."""
    folder = os.path.dirname(interpreter)
    prefix = os.path.dirname(folder)
    env: dict[str, str] = {}
    if os.path.exists(os.path.join(prefix, "pyvenv.cfg")):
        env["VIRTUAL_ENV"] = prefix
    elif os.path.isdir(os.path.join(prefix, "conda-meta")):
        env["CONDA_PREFIX"] = prefix
    else:
        return env
    path = user_path(os.environ)
    if path.split(os.pathsep)[0] != folder:
        env["PATH"] = folder + os.pathsep + path
    return env


def write_connection_file(
    folder: str, kernel_name: str = "", transport: str = "ipc"
) -> dict[str, str | int]:
    """Make the key and the paths or ports, and write them as the kernel reads them (0600)."""
    connection: dict[str, str | int] = {
        "transport": transport,
        "ip": os.path.join(folder, "k") if transport == "ipc" else LOOPBACK,
        "key": os.urandom(32).hex(),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "".join(c for c in kernel_name if c.isalnum() or c in "-_."),
    }
    ports = CHANNELS if transport == "ipc" else _free_ports()
    connection |= {f"{channel}_port": number for channel, number in ports.items()}
    # All values are plain ASCII without quotes, so no JSON writer is needed.
    items = (
        f'"{k}": {v}' if isinstance(v, int) else f'"{k}": "{v}"' for k, v in connection.items()
    )
    fd = os.open(os.path.join(folder, CONNECTION_FILE), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(fd, ("{" + ", ".join(items) + "}").encode())
    finally:
        os.close(fd)
    return connection


def _free_ports() -> dict[str, int]:
    """A port of the loopback interface for each channel, none of which is in use, or was given to
    another kernel that may be about to use it."""
    import socket

    with contextlib.ExitStack() as stack:
        ports: dict[str, int] = {}
        for channel in CHANNELS:
            while ports.get(channel, 0) in (0, *_GIVEN):
                listener = stack.enter_context(socket.socket())
                listener.bind((LOOPBACK, 0))
                ports[channel] = listener.getsockname()[1]
        _GIVEN[:] = [*_GIVEN, *ports.values()][-MOST_GIVEN:]
        return ports


def kernel_env(env: Mapping[str, str]) -> dict[str, str]:
    """The server's environment with `env` on top, without variables that tie the kernel to the
    server, and without its secrets."""
    merged = {k: v for k, v in os.environ.items() if k not in DROPPED_ENV}
    merged["PATH"] = user_path(os.environ)
    merged.update(env)
    return without_secrets(merged)


def prepare(
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    kernel_name: str = "",
    session: str = "",
    transport: str = "ipc",
) -> Prepared:
    """Make the folder of a kernel and what is in it; `{connection_file}` in `argv` is filled in,
    `env` comes on top of the server's environment. Its environment is marked, see
    `environments.marks`; `session` is the session's id; `transport` is `ipc` or `tcp`.

    OSError when the working folder is not there; nothing is left behind then.
    """
    folder = make_folder()
    try:
        connection = write_connection_file(folder, kernel_name, transport)
        path = os.path.join(folder, CONNECTION_FILE)
        command = [arg.replace("{connection_file}", path) for arg in argv]
        own = {MARK: folder}
        if session:
            own[SESSION] = session
        place = cwd
        is_ours = LAUNCHER in argv
        if is_ours:
            own |= stand_apart(cwd, env)
            place = folder
        spawned = Spawned(0, folder, connection, argv, cwd, env, session, transport)
        return Prepared(command, place, kernel_env(env) | own, spawned, watches_parent=is_ours)
    except BaseException:
        remove_folder(folder)
        raise


def start_directly(prepared: Prepared) -> Spawned:
    """Start it as a child process. OSError when the program is not there."""
    try:
        process = open_process(prepared)
        if not prepared.watches_parent:
            guard(process.pid, prepared)
    except BaseException:
        prepared.discard()
        raise
    # It is followed and reaped by its pid; a Popen that is dropped must not wait for it too.
    process.returncode = 0
    return prepared.started(process.pid)


def open_process(
    prepared: Prepared, stdin: int = subprocess.DEVNULL, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """The process alone. What it writes goes to its log, stdout where no other is given."""
    parent = {PARENT: str(os.getpid())} if prepared.watches_parent else {}
    log = os.open(prepared.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            prepared.command,
            cwd=prepared.place,
            env=prepared.environ | parent,
            stdin=stdin,
            stdout=log if stdout is None else stdout,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)


def spawn(
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    kernel_name: str = "",
    session: str = "",
    transport: str = "ipc",
) -> Spawned:
    """`prepare` it and start it as a child process. OSError; nothing is left behind then."""
    return start_directly(prepare(argv, cwd, env, kernel_name, session, transport))


def guard(kernel: int, prepared: Prepared) -> None:
    """Kernels of other launchers do not watch this process: a guard process ends such a kernel if
    this process is killed before another server can find the kernel. The guard has the kernel's
    marks, and ends with it."""
    folder = prepared.spawned.folder
    marks = {k: v for k, v in prepared.environ.items() if k in (MARK, SESSION)}
    try:
        guard = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                LAUNCHER,
                "--guard",
                str(os.getpid()),
                folder,
                str(kernel),
            ],
            cwd="/",
            env=marks,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return  # the kernel runs all the same; a session's mark ends it at the next start
    threading.Thread(target=guard.wait, name="guard-of-kernel", daemon=True).start()


def stand_apart(cwd: str, env: Mapping[str, str]) -> dict[str, str]:
    """Variables for our launcher, which is started elsewhere and enters `cwd` when nothing more
    is imported: a kernel boots when a folder is opened, and must not import from it.

    OSError when the folder cannot be entered.
    """
    os.stat(os.path.join(cwd, "."))
    if not os.access(cwd, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), cwd)
    variables = {"CODEEXEC_CWD": cwd}
    path = env.get("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    if path:
        safe = [entry for entry in path.split(os.pathsep) if _is_outside(entry, cwd)]
        variables |= {"PYTHONPATH": os.pathsep.join(safe), "CODEEXEC_PYTHONPATH": path}
    return variables


def _is_outside(place: str, cwd: str) -> bool:
    """Whether an entry of PYTHONPATH is no folder in `cwd`; relative ones depend on it."""
    real, folder = os.path.realpath(place), os.path.realpath(cwd)
    return os.path.isabs(place) and not f"{real}/".startswith(folder.rstrip("/") + "/")


def prepare_python(
    interpreter: str, cwd: str, env: Mapping[str, str], session: str = ""
) -> Prepared:
    """An ipykernel of that interpreter; see `prepare`."""
    env = python_env(interpreter) | dict(env)
    return prepare(python_argv(interpreter), cwd, env, session=session)


def spawn_python(interpreter: str, cwd: str, env: Mapping[str, str], session: str = "") -> Spawned:
    """Start an ipykernel of that interpreter; see `spawn`."""
    return start_directly(prepare_python(interpreter, cwd, env, session))


def spawn_here(cwd: str) -> Spawned:
    """Start an ipykernel of this very interpreter."""
    return spawn_python(sys.executable, cwd, {})


def let_outlive(folder: str) -> None:
    """From now on the kernel of this folder outlives us: another can find it. Before, it ends when
    we do, whatever way that goes."""
    if not folder:
        return
    try:
        os.close(os.open(os.path.join(folder, STAY_FILE), os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError:
        pass  # its process is just ending, and has removed the folder


def remove_folder(folder: str) -> None:
    """Delete what `spawn` made; what is not there, or not of our making, is left."""
    if not os.path.basename(folder).startswith(PREFIX):
        return
    sockets = (f"k-{number}" for number in CHANNELS.values())
    try:
        spool = [name for name in os.listdir(folder) if name.startswith(SPOOL)]
    except OSError:
        spool = []  # the folder is gone
    for name in (CONNECTION_FILE, LOG_FILE, STAY_FILE, EXIT_FILE, *sockets, *spool):
        try:
            os.unlink(os.path.join(folder, name))
        except OSError:
            pass  # never made, or removed by the kernel at its end
    try:
        os.rmdir(folder)
    except OSError:
        pass  # gone, or somebody keeps a file there
