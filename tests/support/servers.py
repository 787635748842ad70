"""Session servers for tests: in this process, or as the process that users have."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

from codeexec.client.socket import SocketHost
from codeexec.client.spawn import Starting
from codeexec.client.wire import Address
from codeexec.config.paths import Paths, accepts, find_paths, make_private, read_lock
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.options import NO_OPTIONS, ExecuteOptions
from codeexec.domain.requests import ClientInfo, Execute, OpenTerminal, ReadRows
from codeexec.kernels.base import KernelFactory
from codeexec.kernels.factory import Kernels
from codeexec.server.access.user_limits import UserLimits
from codeexec.server.access.verifier import TokenVerifier
from codeexec.server.gate import Authenticator
from codeexec.server.limits import ConnectionLimits, Connections
from codeexec.server.service import Service
from codeexec.session.host import Host
from codeexec.session.settings import HostSettings

DEADLINE = 90.0

V = TypeVar("V")


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    folder = tempfile.mkdtemp(prefix="cx-", dir="/tmp")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Here:
    """A server in this process, on a private socket and (with a token) on TCP."""

    host: Host
    service: Service
    socket: str
    token: str = "secret-token-of-the-test"
    port: int = 0
    private: Connections = field(default_factory=lambda: Connections(ConnectionLimits()))
    public: Connections = field(default_factory=lambda: Connections(ConnectionLimits()))

    @property
    def address(self) -> Address:
        return Address(socket=self.socket)

    @property
    def network(self) -> Address:
        return Address("", "127.0.0.1", self.port, self.token)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, name: str = "test", *, watch_only: bool = False) -> SocketHost:
        return SocketHost(self.address, ClientInfo(name, watch_only))


@asynccontextmanager
async def serve_here(
    folder: Path,
    kernels: KernelFactory | None = None,
    settings: HostSettings | None = None,
    limits: ConnectionLimits | None = None,
    verifier: TokenVerifier | None = None,
    user_limits: UserLimits | None = None,
) -> AsyncIterator[Here]:
    """Ends its kernels when the block ends. `verifier` knows the tokens of users."""
    path = make_private(folder / "run") / "s.sock"
    private = socket.socket(socket.AF_UNIX)
    private.bind(str(path))
    private.setblocking(False)
    public = socket.create_server(("127.0.0.1", 0), backlog=128)
    public.setblocking(False)
    host = Host(folder / "state", kernels or Kernels(), settings=settings, socket=str(path))
    await host.start()
    service = Service(host, limits, user_limits=user_limits)
    here = Here(host, service, str(path), port=public.getsockname()[1])
    await service.listen(private, Authenticator())
    await service.listen(public, Authenticator(here.token, verifier=verifier))
    here.private, here.public = service.connections(private), service.connections(public)
    try:
        yield here
    finally:
        await service.close()
        await host.close(leave_kernels=False)


async def output_of(
    host: SocketHost, session_id: str, code: str, options: ExecuteOptions = NO_OPTIONS
) -> list[str]:
    """Run code in a session of this server; returns the lines of its output."""
    session = host.session(session_id)
    accepted = await session.call(Execute(code, options=options))
    async for batch in session.events():
        ends = [record.event for record in batch if isinstance(record.event, ExecutionFinished)]
        if any(end.execution_id == accepted.execution_id for end in ends):
            break
    rows = await session.call(ReadRows(accepted.execution_id))
    return "\n".join(row.text for row in rows.runs).split("\n")


async def terminal_output_of(host: SocketHost, session_id: str, command: str) -> list[str]:
    """Run a shell command in a terminal of a session whose kernel is Python; returns the lines of
    its output. Kernel and terminal share the session's folder."""
    await output_of(host, session_id, "import os; os.mkfifo('seen')")
    terminal = OpenTerminal(argv=("sh", "-c", f"({command}) > seen"))
    await host.session(session_id).call(terminal)
    return await output_of(host, session_id, "print(open('seen').read())")


@dataclass
class Apart:
    """The server process of a user whose folders are all below `folder`."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "run").mkdir(mode=0o700, exist_ok=True)
        (self.folder / "work").mkdir(exist_ok=True)
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CODEEXEC_")},
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            **self.environ,
        }

    @property
    def paths(self) -> Paths:
        return find_paths(self.environ)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A server in the foreground of this test."""
        return subprocess.Popen(
            [sys.executable, "-m", "codeexec.server", *arguments],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_up(self) -> None:
        wait_for(lambda: accepts(str(self.paths.socket)), "the server to accept connections")

    def client(self, name: str = "test") -> SocketHost:
        """Restarts the server as a client does."""
        return SocketHost(
            starting=Starting(self.paths, environ=self.environ), client=ClientInfo(name)
        )

    @property
    def pid(self) -> int | None:
        holder = read_lock(self.paths)
        return holder.pid if holder else None

    def processes(self) -> list[psutil.Process]:
        """All that run with our folders in their environment: the server and its kernels."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                mine = process.environ().get("XDG_STATE_HOME") == self.environ["XDG_STATE_HOME"]
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def clean_up(self) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)


@contextmanager
def user(**environ: str) -> Iterator[Apart]:
    """A user of their own, all of whose processes are gone after the block."""
    with short_folder() as folder:
        apart = Apart(folder, environ)
        try:
            yield apart
        finally:
            apart.clean_up()


def has_ended(pid: int) -> bool:
    """Whether a process has ended, also where nobody has taken note of its end yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(holds: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    """Poll for what another process does; an error says what never came."""
    end = time.monotonic() + deadline
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:g} s for {what}")
        time.sleep(0.01)


async def wait_until(holds: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    """The same beside a running loop."""
    end = time.monotonic() + deadline
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:g} s for {what}")
        await asyncio.sleep(0.01)


async def poll(
    look: Callable[[], Awaitable[V]],
    holds: Callable[[V], object],
    what: str,
    deadline: float = DEADLINE,
) -> V:
    """Ask again until the answer is as wanted, and return it: for clients that get no events."""
    end = time.monotonic() + deadline
    while not holds(answer := await look()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:g} s for {what}; the last answer: {answer}")
        await asyncio.sleep(0.02)
    return answer
