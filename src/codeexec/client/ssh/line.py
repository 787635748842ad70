"""A line to the session server of another machine: the stdio of the system's `ssh`.

`ssh` reads the user's own configuration, asks their agent, and goes over their jump hosts; it
starts `codeexec-tui --relay` there. No port is opened on either side.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from signal import SIGKILL, SIGTERM
from typing import IO

import msgspec

from codeexec import __version__
from codeexec.client.ssh.failures import SshFailure, failure_of, missing_there, other_version, slow
from codeexec.client.ssh.master import master_socket
from codeexec.client.ssh.relay import MARK
from codeexec.client.wire import Address, WebSocketConnection
from codeexec.domain.env_vars.secret import without_secrets
from codeexec.domain.text.printable import printable
from codeexec.domain.wire.schema import SCHEMA
from codeexec.hostfiles.programs import safe_environ, which

COMMAND = "CODEEXEC_SSH"
"""Variable with the command to run in place of `ssh`, such as `ssh -F FILE`."""

OPTIONS = (
    *("-T", "-o", "BatchMode=yes", "-o", "RemoteCommand=none"),
    # The line is ours alone: it binds no port, and nobody else's session ends with it.
    *("-o", "ClearAllForwardings=yes", "-o", "ControlMaster=no"),
    *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"),
)

INSTALLED = "$HOME/.local/share/codeexec-tui/venv"
"""Where `codeexec-tui install` puts it there; comes before all others."""

_RELAY = (
    f'for program in "{INSTALLED}/bin/codeexec-tui" codeexec-tui "$HOME/.local/bin/codeexec-tui"; '
    'do command -v "$program" >/dev/null 2>&1 && exec "$program" --relay; done; '
    'echo; echo "codeexec-tui-relay {\\"is_missing\\":true}"; exit 127'
)

_MAX_BEFORE = 1 << 20
"""Bytes that a login shell may print before the relay answers."""
_LAST_WORDS = 4000
_END_WAIT = 2.0


class RelayHello(msgspec.Struct, frozen=True):
    """What the relay says first: its version, or why it has no server."""

    version: str = ""
    schema: int = 0
    is_missing: bool = False
    problem: str = ""
    next_step: str = ""


def ssh_command() -> list[str]:
    """The words that run `ssh`. SshFailure where there is none."""
    command = shlex.split(os.environ.get(COMMAND, "")) or ["ssh"]
    program = which(command[0])
    if program is None:
        raise SshFailure(
            "ssh", f"There is no program {command[0]} on PATH.", "Install OpenSSH's client."
        )
    return [program, *command[1:]]


def line_command(address: Address) -> list[str]:
    """The command whose stdio is the line."""
    master = master_socket(address)
    own = ["-S", str(master)] if master.exists() else []
    port = ["-p", str(address.port)] if address.port else []
    remote_command = f"exec /bin/sh -c {shlex.quote(_RELAY)}"
    return [*ssh_command(), *own, *OPTIONS, *port, "--", address.ssh, remote_command]


class SshLine:
    """A process of `ssh`; `socket` is our end of its stdio."""

    def __init__(self, address: Address) -> None:
        """Starts it. SshFailure."""
        command = line_command(address)
        self._name = address.place
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the line)
        self.socket, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._errors,
                env=without_secrets(safe_environ()),
                start_new_session=True,  # no terminal to ask on, and no Ctrl+C of ours reaches it
            )
        except OSError as error:
            self.socket.close()
            self._errors.close()
            raise SshFailure("ssh", f"{command[0]} cannot be run: {error.strerror}.") from error
        finally:
            theirs.close()
        self.socket.setblocking(False)

    async def greet(self) -> None:
        """Wait until the relay has answered. SshFailure where it does not."""
        loop = asyncio.get_running_loop()
        errors = bytearray(b"\n")
        while True:
            start = errors.find(b"\n" + MARK)
            end = errors.find(b"\n", start + 1) if start >= 0 else -1
            if end > 0:
                _check(self._name, bytes(errors[start + 1 + len(MARK) : end]))
                return
            if len(errors) > _MAX_BEFORE:
                raise missing_there(self._name, "It prints without end at the login.")
            try:
                chunk = await loop.sock_recv(self.socket, 1 << 16)
            except OSError:
                chunk = b""
            if not chunk:
                raise await asyncio.to_thread(self._failure)
            errors += chunk

    def _failure(self) -> SshFailure:
        """Why it has ended."""
        try:
            status = self._process.wait(_END_WAIT)
        except subprocess.TimeoutExpired:
            status = None
        self._errors.seek(0)
        text = self._errors.read()[-_LAST_WORDS:].decode("utf-8", "replace")
        return failure_of(self._name, status, printable(text, lines=True))

    def close(self) -> None:
        """End the process, in a thread: one whose network is gone does not end by itself."""
        self.socket.close()
        threading.Thread(target=self._end, name="end-ssh", daemon=True).start()

    def _end(self) -> None:
        for signum in (None, SIGTERM, SIGKILL):
            if signum is not None:
                self._process.send_signal(signum)
            try:
                self._process.wait(_END_WAIT)
                break
            except subprocess.TimeoutExpired:
                continue
        self._errors.close()


def _check(name: str, answer: bytes) -> None:
    try:
        hello = msgspec.json.decode(answer, type=RelayHello)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise other_version(name, "an unknown version", __version__) from error
    if hello.is_missing:
        raise missing_there(name)
    if hello.problem:
        problem, step = printable(hello.problem), printable(hello.next_step)
        raise SshFailure("server", f"{name}: {problem}", step)
    if hello.schema != SCHEMA:
        raise other_version(name, f"version {printable(hello.version)}", __version__)


async def connect_over_ssh(
    address: Address,
    on_text: Callable[[bytes], None],
    on_lost: Callable[[str], None],
    timeout: float,
) -> WebSocketConnection:
    """An open connection within `timeout` seconds, on a line that ends with it. SshFailure,
    ServerUnavailable."""
    connection = WebSocketConnection(on_text, on_lost)
    line = SshLine(address)
    try:
        async with asyncio.timeout(timeout):
            await line.greet()
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: connection, sock=line.socket)
            connection.when_lost = line.close
            await connection.open(address)
    except TimeoutError as error:
        connection.abort("timed out")
        raise slow(address.place) from error
    except BaseException:
        connection.abort("given up")
        raise
    finally:
        if connection.when_lost is None:
            line.close()
    return connection
